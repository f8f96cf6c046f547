//! The score of an appraisal and the caps of its limit. Pure.

use super::types::{Assessment, BureauFigure, Cap, CapKind, Content, Financials, Opinion};
use crate::credit::risk::scorecard::{Values, class_of, weigh};
use crate::credit::risk::types::{AppraisalModel, DocumentEvidence, RiskClass, RiskInput, Scorecard};
use crate::platform::dates::plus_months;
use crate::platform::money::{Amount, Currency, Figure, Rate, pad, round};
use chrono::{Datelike, NaiveDate};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy, dec};

/// What the books say of the customer.
#[derive(Debug, Clone, Default)]
pub struct OfBooks {
    /// The score of what it paid so far.
    pub behaviour: Option<Decimal>,
    /// Net sales a month, the mean of the last 12; nothing where nothing was sold.
    pub monthly_sales: Option<Decimal>,
    pub terms_days: Option<i32>,
}

/// Where a bureau's score lies between the worst and the best it gives, 0 to 100.
#[must_use]
pub fn grade(figure: &BureauFigure) -> Option<Decimal> {
    let lowest = figure.lowest.map_or(Decimal::ZERO, |f| f.0);
    let highest = figure.highest.map_or(dec!(100), |f| f.0);
    ((figure.score.0 - lowest) * dec!(100)).checked_div(highest - lowest).map(|points| round(points.clamp(Decimal::ZERO, dec!(100)), 2))
}

/// The mean of all bureaus.
#[must_use]
pub fn external_grade(content: &Content) -> Option<Decimal> {
    mean(content.bureau.iter().filter_map(grade))
}

fn mean(values: impl Iterator<Item = Decimal>) -> Option<Decimal> {
    let values: Vec<Decimal> = values.collect();
    values.iter().sum::<Decimal>().checked_div(Decimal::from(values.len()))
}

/// Years from the newest back.
fn years(content: &Content) -> Vec<&Financials> {
    let mut years: Vec<&Financials> = content.financials.iter().collect();
    years.sort_by_key(|year| std::cmp::Reverse(year.year_end));
    years
}

fn ratio(top: Option<Amount>, bottom: Option<Amount>) -> Option<Decimal> {
    top?.0.checked_div(bottom?.0)
}

fn full_years(since: NaiveDate, today: NaiveDate) -> i32 {
    let begun = (today.month(), today.day()) < (since.month(), since.day());
    (today.year() - since.year() - i32::from(begun)).max(0)
}

fn secured(content: &Content, today: NaiveDate) -> Decimal {
    content.security.iter().filter(|cover| cover.valid_to.is_none_or(|to| to >= today)).map(|cover| cover.amount.0).sum()
}

fn missing(model: &AppraisalModel, content: &Content) -> Vec<DocumentEvidence> {
    model.documents.iter().copied().filter(|kind| content.documents.iter().all(|paper| paper.kind != *kind)).collect()
}

fn values(model: &AppraisalModel, content: &Content, books: &OfBooks, today: NaiveDate) -> Values {
    let years = years(content);
    let (newest, before) = (years.first(), years.get(1));
    let percent = |value: Decimal| value * dec!(100);
    let opinion = |opinion: Opinion| match opinion {
        Opinion::Good => dec!(100),
        Opinion::Satisfactory => dec!(60),
        Opinion::Poor => Decimal::ZERO,
    };
    let reference = content.references.iter().map(|r| (opinion(r.opinion) - dec!(2) * Decimal::from(r.days_late.unwrap_or(0))).max(Decimal::ZERO));
    let asked = content.requested_limit.filter(|limit| !limit.0.is_zero());
    let complete = Decimal::from(model.documents.len() - missing(model, content).len()).checked_div(Decimal::from(model.documents.len()));
    // Debt beyond a net worth of nothing is worse than any ratio says.
    let leverage = newest.and_then(|y| if y.net_worth?.0 <= Decimal::ZERO { y.total_debt.map(|_| dec!(1000)) } else { ratio(y.total_debt, y.net_worth) });
    let current = newest
        .and_then(|y| if y.current_liabilities?.0.is_zero() { y.current_assets.map(|_| dec!(1000)) } else { ratio(y.current_assets, y.current_liabilities) });
    let growth = newest.zip(before).and_then(|(y, b)| Some(ratio(y.revenue, b.revenue)? - Decimal::ONE));
    let known = [
        (RiskInput::PaymentBehaviour, books.behaviour),
        (RiskInput::ExternalGrade, external_grade(content)),
        (RiskInput::CurrentRatio, current),
        (RiskInput::DebtToEquity, leverage),
        (RiskInput::NetMargin, newest.and_then(|y| ratio(y.net_profit, y.revenue)).map(percent)),
        (RiskInput::RevenueGrowth, growth.map(percent)),
        (RiskInput::References, mean(reference)),
        (RiskInput::YearsInBusiness, content.business_since.map(|since| Decimal::from(full_years(since, today)))),
        (RiskInput::SecurityShare, asked.and_then(|asked| percent(secured(content, today)).checked_div(asked.0))),
        (RiskInput::DocumentsComplete, complete.map(percent)),
    ];
    known.into_iter().filter_map(|(input, value)| value.map(|value| (input, value))).collect()
}

/// Judges an appraisal: score, class, the caps with their formulas and the least of them, months to the next review.
#[must_use]
pub fn assess(card: &Scorecard, version: i64, model: &AppraisalModel, content: &Content, books: &OfBooks, today: NaiveDate, base: Currency) -> Assessment {
    let scored = weigh(&model.inputs, model.least_weight, &card.classes, &values(model, content, books, today));
    // Of whom nothing is known the worst is assumed.
    let class = scored.class.or_else(|| class_of(&card.classes, Decimal::ZERO)).unwrap_or(RiskClass::E);
    let terms = content.requested_terms_days.or(books.terms_days);
    let mut caps = caps(model, content, books, class, terms, today, base);
    let least = caps.iter().filter_map(|cap| cap.amount).min();
    for cap in &mut caps {
        cap.binding = cap.amount.is_some() && cap.amount == least;
    }
    Assessment {
        scorecard_version: version,
        score: scored.score.map(|score| Figure(pad(score, 2))),
        risk_class: scored.class,
        known_weight: Rate(pad(scored.known, 0)),
        explanation: scored.explanation,
        caps,
        suggested_limit: least,
        suggested_terms_days: terms,
        review_months: model.review_months.of(class).to_i32().unwrap_or(3),
        missing_documents: missing(model, content),
    }
}

/// Each rule with its figures; amounts are rounded down to the currency's exponent and never below nothing.
fn caps(model: &AppraisalModel, content: &Content, books: &OfBooks, class: RiskClass, terms: Option<i32>, today: NaiveDate, base: Currency) -> Vec<Cap> {
    let money = |amount: Decimal| base.amount(amount).0.to_string();
    let down = |amount: Decimal| base.amount(amount.max(Decimal::ZERO).round_dp_with_strategy(base.exponent(), RoundingStrategy::ToZero));
    let shown = |value: Option<Decimal>| value.map_or_else(|| "?".to_owned(), money);
    let cap = |cap, formula: &str, figures: String, amount: Option<Decimal>| Cap {
        cap,
        formula: formula.to_owned(),
        figures,
        amount: amount.map(down),
        binding: false,
    };
    let years = years(content);
    let newest = years.first();
    let security = secured(content, today);
    let sales = content.monthly_sales.map(|a| a.0).or(books.monthly_sales);
    let delay = content.tolerated_delay_days.unwrap_or(0);
    let days = terms.map(|terms| Decimal::from(terms + delay));
    let worth = newest.and_then(|year| year.net_worth).map(|a| a.0);
    let capital = newest.and_then(|year| Some(year.current_assets?.0 - year.current_liabilities?.0));
    let (of_worth, of_capital) = (model.net_worth_percent.of(class), model.working_capital_percent.of(class));
    let part = |whole: Decimal, percent: Decimal| whole.max(Decimal::ZERO) * percent / dec!(100) + security;
    let lent = content.references.iter().filter_map(|r| r.credit_limit).map(|a| a.0).max();
    vec![
        cap(
            CapKind::Terms,
            "monthly_sales × (terms_days + tolerated_delay_days) / 30",
            format!("{} × ({} + {delay}) / 30", shown(sales), terms.map_or_else(|| "?".to_owned(), |terms| terms.to_string())),
            sales.zip(days).map(|(sales, days)| sales * days / dec!(30)),
        ),
        cap(
            CapKind::NetWorth,
            "net_worth × per cent of the class + security",
            format!("{} × {} % ({class}) + {}", shown(worth), of_worth.normalize(), money(security)),
            worth.map(|worth| part(worth, of_worth)),
        ),
        cap(
            CapKind::WorkingCapital,
            "(current_assets − current_liabilities) × per cent of the class + security",
            format!("{} × {} % ({class}) + {}", shown(capital), of_capital.normalize(), money(security)),
            capital.map(|capital| part(capital, of_capital)),
        ),
        cap(CapKind::References, "the most another supplier lends", shown(lent), lent),
        cap(CapKind::Requested, "what the customer asks for", shown(content.requested_limit.map(|a| a.0)), content.requested_limit.map(|a| a.0)),
    ]
}

/// The day of the next review.
#[must_use]
pub fn review_on(model: &AppraisalModel, class: Option<RiskClass>, today: NaiveDate) -> NaiveDate {
    // Of whom nothing is known the worst is assumed.
    let months = model.review_months.of(class.unwrap_or(RiskClass::E));
    plus_months(today, months.to_u32().unwrap_or(3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credit::risk::scorecard::ours;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn content() -> Content {
        serde_json::from_value(serde_json::json!({
            "requested_limit": "500000", "requested_terms_days": 30, "tolerated_delay_days": 10, "monthly_sales": "300000", "business_since": "2012-04-01",
            "financials": [{"year_end": "2024-03-31", "revenue": "40000000"},
                {"year_end": "2025-03-31", "audited": true, "revenue": "50000000", "net_profit": "2500000", "current_assets": "18000000", "current_liabilities": "9000000", "total_debt": "6000000", "net_worth": "12000000"}],
            "bureau": [{"agency": "Bureau", "score": "720", "lowest": "300", "highest": "900"}], "references": [{"name": "Other", "opinion": "good", "credit_limit": "800000", "days_late": 5}],
            "documents": [{"kind": "pan"}, {"kind": "financials"}]
        }))
        .expect("content")
    }

    fn judged(content: &Content) -> Assessment {
        let card = ours();
        assess(card, 0, card.appraisal.as_ref().expect("a model"), content, &OfBooks::default(), day("2025-11-20"), Currency::parse("INR").expect("INR"))
    }

    #[test]
    fn the_least_of_the_caps_is_suggested() {
        let found = judged(&content());
        let amount = |kind| found.caps.iter().find(|cap| cap.cap == kind).and_then(|cap| cap.amount).map(|a| a.0);
        // 300,000 × 40 / 30; the rest lies above.
        assert_eq!(amount(CapKind::Terms), Some(dec!(400000.00)));
        assert_eq!(amount(CapKind::References), Some(dec!(800000.00)));
        assert_eq!(found.suggested_limit.map(|a| a.0), Some(dec!(400000.00)));
        assert_eq!(found.caps.iter().filter(|cap| cap.binding).map(|cap| cap.cap).collect::<Vec<_>>(), [CapKind::Terms]);
        assert_eq!(found.caps[0].figures, "300000.00 × (30 + 10) / 30");
        assert_eq!(found.missing_documents, [DocumentEvidence::GstRegistration, DocumentEvidence::BankStatement]);
    }

    #[test]
    fn the_score_is_weighed_by_hand() {
        // Bureau (720 − 300) / 600 = 70 → 85 points × 20; current ratio 2 → 85 × 10; debt/equity 0.5 → 100 × 10; margin 5 → 70 × 8;
        // growth 25 → 100 × 5; reference 100 − 10 = 90 → 100 × 7; 13 years → 100 × 5; no security → 30 × 3; half the papers → 0 × 2.
        let points = dec!(1700) + dec!(850) + dec!(1000) + dec!(560) + dec!(500) + dec!(700) + dec!(500) + dec!(90);
        let found = judged(&content());
        assert_eq!(found.score.map(|s| s.0), Some(round(points / dec!(70), 2)));
        assert_eq!((found.risk_class, found.known_weight.0, found.review_months), (Some(RiskClass::A), dec!(70), 12));
    }

    #[test]
    fn of_whom_nothing_is_known_the_worst_is_assumed() {
        let found = judged(&Content { requested_limit: Some(Amount(dec!(100000))), ..Content::default() });
        assert_eq!((found.score, found.risk_class, found.review_months), (None, None, 3));
        assert_eq!(found.suggested_limit.map(|a| a.0), Some(dec!(100000.00)));
        let owner_less =
            Content { financials: vec![Financials { net_worth: Some(Amount(dec!(-5))), ..content().financials[1].clone() }], ..Content::default() };
        assert_eq!(judged(&owner_less).suggested_limit.map(|a| a.0), Some(dec!(0.00)), "nothing is lent on a net worth below nothing");
    }

    #[test]
    fn a_year_counts_when_it_is_full() {
        assert_eq!([full_years(day("2020-11-21"), day("2025-11-20")), full_years(day("2020-11-20"), day("2025-11-20"))], [4, 5]);
    }
}
