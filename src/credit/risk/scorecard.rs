//! The scorecard: what is weighed, how much, and what comes of it. Pure.

use super::types::{ClassFrom, Explained, PointsBand, RiskClass, RiskInput, Scorecard, WeighedInput};
use crate::platform::http::FieldError;
use crate::platform::money::{Figure, Rate, pad, round};
use rust_decimal::{Decimal, dec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What is known of somebody; an input that is missing has no data.
pub type Values = BTreeMap<RiskInput, Decimal>;

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static OURS: LazyLock<Scorecard> = LazyLock::new(|| serde_json::from_str(include_str!("data/scorecard.json")).expect("embedded scorecard.json"));

/// The scorecard that holds until the company has its own.
#[must_use]
pub fn ours() -> &'static Scorecard {
    &OURS
}

/// What came of weighing.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// 0 (worst) to 100 (best), two decimals; none where too little is known.
    pub score: Option<Decimal>,
    pub class: Option<RiskClass>,
    /// What is known of the whole weight, in per cent.
    pub known: Decimal,
    /// Every input, what cost most first.
    pub explanation: Vec<Explained>,
}

/// Weighs what is known: each input earns the points of the band it lies in, and the weight of what is not known is
/// spread over the rest in proportion. The score is Σ weight × points / Σ weight of what is known, rounded half away from 0.
#[must_use]
pub fn weigh(inputs: &[WeighedInput], least: Rate, classes: &[ClassFrom], values: &Values) -> Scored {
    let whole: Decimal = inputs.iter().map(|input| input.weight.0).sum();
    let known: Decimal = inputs.iter().filter(|input| values.contains_key(&input.input)).map(|input| input.weight.0).sum();
    let share = |part: Decimal, of: Decimal| (part * dec!(100)).checked_div(of).unwrap_or_default();
    let mut earned = Decimal::ZERO;
    let mut rows: Vec<(Decimal, Explained)> = inputs
        .iter()
        .map(|input| {
            let value = values.get(&input.input).copied();
            let points = value.map(|value| points(input, value));
            let counted = if points.is_some() { share(input.weight.0, known) } else { Decimal::ZERO };
            let adds = counted * points.unwrap_or_default() / dec!(100);
            earned += input.weight.0 * points.unwrap_or_default();
            let row = Explained {
                input: input.input,
                value: value.map(|value| Figure(pad(round(value, 2), 0))),
                weight: input.weight,
                counted_weight: Rate(pad(round(counted, 3), 0)),
                points: points.map(Rate),
                adds: Figure(pad(round(adds, 2), 2)),
                costs: Figure(pad(round(counted - adds, 2), 2)),
                about: about(input.input).to_owned(),
            };
            (counted - adds, row)
        })
        .collect();
    rows.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.input.cmp(&y.input)));
    let enough = share(known, whole) >= least.0 && known > Decimal::ZERO;
    let score = enough.then(|| round(earned.checked_div(known).unwrap_or_default(), 2));
    Scored {
        score,
        class: score.and_then(|score| class_of(classes, score)),
        known: round(share(known, whole), 2),
        explanation: rows.into_iter().map(|(_, row)| row).collect(),
    }
}

/// The points of the first band that reaches the value.
fn points(input: &WeighedInput, value: Decimal) -> Decimal {
    let reaches = |band: &&PointsBand| band.up_to.is_none_or(|most| value <= most.0);
    input.bands.iter().find(reaches).map_or(Decimal::ZERO, |band| band.points.0)
}

/// The best class whose threshold the score reaches.
#[must_use]
pub fn class_of(classes: &[ClassFrom], score: Decimal) -> Option<RiskClass> {
    classes.iter().filter(|class| score >= class.from.0).map(|class| class.class).min()
}

/// A class as it stands, and how long a better one has been scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub class: RiskClass,
    /// Cycles in a row that scored better than the class.
    pub streak: i32,
    /// The worst class scored in them.
    pub towards: Option<RiskClass>,
}

/// What becomes of a class when another cycle has scored. Worse counts at once; better counts when so many cycles
/// in a row were better, and then only as far as all of them were, so that a class does not flap.
#[must_use]
pub fn step(before: Option<Standing>, scored: RiskClass, cycles: i32) -> Standing {
    let settled = |class| Standing { class, streak: 0, towards: None };
    let Some(before) = before else { return settled(scored) };
    // `A` comes first: a smaller class is a better one.
    if scored >= before.class {
        return settled(scored);
    }
    let towards = before.towards.map_or(scored, |towards| towards.max(scored));
    let streak = before.streak + 1;
    if streak >= cycles { settled(towards) } else { Standing { class: before.class, streak, towards: Some(towards) } }
}

/// What an input is, for people.
#[must_use]
pub fn about(input: RiskInput) -> &'static str {
    match input {
        RiskInput::DaysLate365 => "Days paid late, weighted by amount, of the money of the last 365 days; early money counts as 0.",
        RiskInput::LateShare365 => "Part of the money of the last 365 days that came late, in per cent.",
        RiskInput::DaysLate90 => "Days paid late, weighted by amount, of the money of the last 90 days.",
        RiskInput::LateTrend => "Days paid late in the last 90 days less those of 365: positive is getting worse.",
        RiskInput::OldestOverdueDays => "Days the oldest open item is overdue.",
        RiskInput::OverdueShare => "Part of the open receivable that is overdue, in per cent.",
        RiskInput::LimitUse => "What is open, less open credits, by the credit limit of the day, in per cent.",
        RiskInput::Bounces12m => "Payments the bank returned in the last 365 days.",
        RiskInput::BrokenPromises12m => "Promises to pay that were broken in the last 365 days.",
        RiskInput::DisputesLostShare => "Disputes of the last 365 days that turned out to be without ground, in per cent.",
        RiskInput::DunningLevel => "The highest dunning level of an open item.",
        RiskInput::LimitBreaches12m => "Orders held by a credit check in the last 365 days.",
        RiskInput::TenureDays => "Days since the first document.",
        RiskInput::OrderGrowth => "Sales of the last 365 days against those of the 365 before, in per cent: a sudden jump is a warning.",
        RiskInput::ExternalGrade => "Points of a credit bureau between the lowest and the highest it gives, 0 to 100; of the newest approved appraisal.",
        RiskInput::TdsDefaults12m => "Certificates of tax deducted that fell short in the last 365 days.",
        RiskInput::PaymentBehaviour => "The score of what the customer paid so far, 0 to 100.",
        RiskInput::CurrentRatio => "Current assets by current liabilities of the newest year.",
        RiskInput::DebtToEquity => "Total debt by net worth of the newest year.",
        RiskInput::NetMargin => "Net profit by revenue of the newest year, in per cent.",
        RiskInput::RevenueGrowth => "Revenue of the newest year against the year before, in per cent.",
        RiskInput::References => "What others say: good 100, satisfactory 60, poor 0, less 2 for each day they are paid late; the mean.",
        RiskInput::YearsInBusiness => "Full years since the business began.",
        RiskInput::SecurityShare => "Security by the limit asked for, in per cent.",
        RiskInput::DocumentsComplete => "Documents received of those a complete file holds, in per cent.",
    }
}

/// What payments tell is weighed every day; the rest is known of an appraisal only.
#[must_use]
pub fn told_by_books(input: RiskInput) -> bool {
    input <= RiskInput::TdsDefaults12m
}

/// Everything that is wrong with a scorecard.
#[must_use]
pub fn faults(card: &Scorecard) -> Vec<FieldError> {
    let mut errors = weighing_faults("", &card.inputs, card.least_weight, told_by_books);
    if let Some(model) = &card.appraisal {
        errors.extend(weighing_faults("/appraisal", &model.inputs, model.least_weight, |input| !told_by_books(input) || input == RiskInput::ExternalGrade));
        for class in RiskClass::ALL {
            let months = model.review_months.of(*class);
            if months < Decimal::ONE || months > dec!(12) || !months.fract().is_zero() {
                errors.push(
                    FieldError::at(
                        format!("/appraisal/review_months/{}", class.as_str().to_ascii_lowercase()),
                        "review_months",
                        "Credit is looked at again within 12 months.",
                    )
                    .expected("1 to 12")
                    .received(months),
                );
            }
        }
    }
    for (at, pair) in card.classes.windows(2).enumerate() {
        if pair[0].class >= pair[1].class || pair[0].from.0 <= pair[1].from.0 {
            let detail = "Classes run from the best to the worst, each from fewer points than the one before.";
            errors.push(FieldError::at(format!("/classes/{}", at + 1), "not_descending", detail));
        }
    }
    if card.classes.first().is_some_and(|class| class.from.0 > dec!(100)) {
        errors.push(FieldError::at("/classes/0/from", "too_large", "Points are 0 to 100."));
    }
    if card.classes.last().is_none_or(|class| !class.from.0.is_zero()) {
        errors.push(FieldError::at("/classes", "incomplete", "The last class begins at 0 points."));
    }
    errors
}

fn weighing_faults(root: &str, inputs: &[WeighedInput], least: Rate, fits: fn(RiskInput) -> bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (at, input) in inputs.iter().enumerate() {
        if !fits(input.input) {
            errors.push(
                FieldError::at(format!("{root}/inputs/{at}/input"), "input_unknown_here", "This is not known where it would be weighed.").received(input.input),
            );
        }
        if !seen.insert(input.input) {
            errors.push(FieldError::at(format!("{root}/inputs/{at}/input"), "duplicate", "Each input is weighed once.").received(input.input));
        }
        for (n, band) in input.bands.iter().enumerate() {
            let place = format!("{root}/inputs/{at}/bands/{n}");
            if band.up_to.is_none() != (n + 1 == input.bands.len()) {
                errors.push(FieldError::at(format!("{place}/up_to"), "band_limit", "The last band, and only it, has no limit."));
            }
            let before = n.checked_sub(1).and_then(|before| input.bands.get(before)).and_then(|band| band.up_to);
            if band.up_to.zip(before).is_some_and(|(here, before)| here.0 <= before.0) {
                errors.push(FieldError::at(format!("{place}/up_to"), "not_ascending", "Limits ascend."));
            }
            if band.points.0 > dec!(100) {
                errors.push(FieldError::at(format!("{place}/points"), "too_large", "Points are 0 to 100.").received(band.points.0));
            }
        }
    }
    let whole: Decimal = inputs.iter().map(|input| input.weight.0).sum();
    if whole != dec!(100) {
        errors.push(FieldError::at(format!("{root}/inputs"), "weights", "The weights add up to 100.").expected("100").received(whole));
    }
    if least.0 > dec!(100) {
        errors.push(FieldError::at(format!("{root}/least_weight"), "too_large", "It is 0 to 100.").received(least.0));
    }
    errors
}

impl Scorecard {
    /// Weighs what the books tell.
    #[must_use]
    pub fn judge(&self, values: &Values) -> Scored {
        weigh(&self.inputs, self.least_weight, &self.classes, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Scorecard {
        serde_json::from_value(serde_json::json!({
            "inputs": [
                {"input": "days_late_365", "weight": "60", "bands": [{"up_to": "0", "points": "100"}, {"up_to": "10", "points": "50"}, {"points": "0"}]},
                {"input": "bounces_12m", "weight": "30", "bands": [{"up_to": "0", "points": "100"}, {"points": "0"}]},
                {"input": "dunning_level", "weight": "10", "bands": [{"points": "100"}]}],
            "classes": [{"class": "A", "from": "80"}, {"class": "C", "from": "50"}, {"class": "E", "from": "0"}],
            "least_weight": "50", "upgrade_cycles": 2, "cycle_days": 1, "source": "a test"
        }))
        .expect("a scorecard")
    }

    #[test]
    fn ours_is_sound() {
        assert!(faults(ours()).is_empty(), "{:?}", faults(ours()));
        let told = RiskInput::ALL.iter().filter(|input| told_by_books(**input)).count();
        assert_eq!(ours().inputs.len(), told, "every input is weighed");
    }

    #[test]
    fn the_weight_of_what_is_unknown_is_spread() {
        // (60 × 50 + 30 × 100) / 90 = 66.67
        let scored = card().judge(&Values::from([(RiskInput::DaysLate365, dec!(10)), (RiskInput::Bounces12m, dec!(0))]));
        assert_eq!((scored.score, scored.class, scored.known), (Some(dec!(66.67)), Some(RiskClass::C), dec!(90)));
        let first = &scored.explanation[0];
        assert_eq!((first.input, first.costs.0, first.adds.0, first.counted_weight.0), (RiskInput::DaysLate365, dec!(33.33), dec!(33.33), dec!(66.667)));
        assert!(scored.explanation.iter().any(|row| row.input == RiskInput::DunningLevel && row.value.is_none() && row.points.is_none()));
    }

    #[test]
    fn a_band_holds_its_upper_end() {
        let score = |days| card().judge(&Values::from([(RiskInput::DaysLate365, days)])).score;
        assert_eq!((score(dec!(0)), score(dec!(0.01)), score(dec!(10)), score(dec!(10.01))), (Some(dec!(100)), Some(dec!(50)), Some(dec!(50)), Some(dec!(0))));
    }

    #[test]
    fn too_little_is_no_score() {
        let scored = card().judge(&Values::from([(RiskInput::Bounces12m, dec!(0))]));
        assert_eq!((scored.score, scored.class, scored.known), (None, None, dec!(30)));
    }

    #[test]
    fn worse_counts_at_once_and_better_after_two_cycles() {
        use RiskClass::{A, B, C, D};
        let mut standing = None;
        let mut go = |scored| {
            let next = step(standing, scored, 2);
            standing = Some(next);
            next.class
        };
        assert_eq!([go(B), go(D), go(A), go(D), go(B), go(C), go(B), go(C), go(A), go(A)], [B, D, D, D, D, C, C, C, C, A]);
        // Each better than the class, but not all as good as the last: as far as both were.
        let twice = step(Some(step(Some(step(None, D, 2)), C, 2)), A, 2);
        assert_eq!(twice, Standing { class: C, streak: 0, towards: None });
    }

    #[test]
    fn faults_are_named_each() {
        let mut wrong = card();
        wrong.inputs[1].input = RiskInput::DaysLate365;
        wrong.inputs[0].bands[1].up_to = Some(Figure(dec!(-1)));
        wrong.inputs[2].bands[0].up_to = Some(Figure(dec!(1)));
        wrong.inputs[2].weight = Rate(dec!(11));
        wrong.classes.pop();
        let codes: Vec<String> = faults(&wrong).into_iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["not_ascending", "duplicate", "band_limit", "weights", "incomplete"]);
    }
}
