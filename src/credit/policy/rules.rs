//! What becomes of an order. Pure: the same policy and facts give the same answer, whenever they are asked.

use super::types::{Content, Facts, LimitFact, Outcome, Parts, RuleKind, RuleResult, RuleSetting};
use crate::platform::http::FieldError;
use crate::platform::money::{Currency, pad, round};
use rust_decimal::{Decimal, dec};

/// What a policy makes of an order: every rule's result, and the worst of them.
#[must_use]
pub fn judge(policy: &Content, facts: &Facts, base: Currency) -> (Outcome, Vec<RuleResult>) {
    let mut results: Vec<RuleResult> = policy.rules.iter().flat_map(|setting| results(policy, setting, facts, base)).collect();
    if let Some(granted) = &facts.granted {
        let tolerated = (dec!(100) + policy.growth_tolerance_percent.0) / dec!(100);
        let grown = facts.order_amount.0 > round(granted.amount.0 * tolerated, base.exponent());
        let more = |now: &Parts, then: &Parts| {
            let (now, then) = (now.total(&policy.exposure), then.total(&policy.exposure));
            now > round(then * tolerated, base.exponent()).max(then)
        };
        let shared = facts.group.as_ref().zip(granted.group_parts.as_ref()).is_some_and(|(group, then)| more(&group.parts, then));
        let worse = more(&facts.own.parts, &granted.parts) || shared || facts.days_overdue > granted.days_overdue;
        if !grown && !worse && facts.today <= granted.until {
            for result in results.iter_mut().filter(|result| result.outcome == Outcome::Hold && granted.rules.contains(&result.rule)) {
                result.outcome = Outcome::Pass;
                result.detail = format!("{} Released up to {} until {}.", result.detail, base.amount(granted.amount.0).0, granted.until);
            }
        }
    }
    let worst = results.iter().map(|result| result.outcome).max().unwrap_or(Outcome::Pass);
    (worst, results)
}

/// Whether exposure with an order is within what one watches for.
#[must_use]
pub fn watched(policy: &Content, limit: Option<&LimitFact>, exposure: Decimal) -> bool {
    limit
        .and_then(|limit| limit.allows(policy.expired_limit))
        .is_some_and(|allowed| exposure * dec!(100) >= allowed * policy.watch_percent.0 && exposure > Decimal::ZERO)
}

/// One result, or two where a rule looks at customer and group.
fn results(policy: &Content, setting: &RuleSetting, facts: &Facts, base: Currency) -> Vec<RuleResult> {
    let money = |amount: Decimal| base.amount(amount).0.to_string();
    let over = setting.over.map_or(Decimal::ZERO, |over| over.0);
    let result = |fires: bool, value: Option<String>, threshold: Option<String>, detail: String| {
        let outcome = if fires { setting.outcome.into() } else { Outcome::Pass };
        RuleResult { rule: setting.rule, outcome, value, threshold, detail }
    };
    let days = |found: i64, about: &str| {
        vec![result(
            Decimal::from(found) > over,
            Some(found.to_string()),
            Some(over.normalize().to_string()),
            format!("{about}: {found} days; more than {} fires.", over.normalize()),
        )]
    };
    let more = |found: Decimal, about: &str| {
        vec![result(found > over, Some(money(found)), Some(money(over)), format!("{about}: {}; more than {} fires.", money(found), money(over)))]
    };
    let parties = || {
        let group = facts.group.as_ref().map(|group| (group.limit.as_ref(), &group.parts, "group's "));
        std::iter::once((facts.own.limit.as_ref(), &facts.own.parts, "")).chain(group)
    };
    match setting.rule {
        RuleKind::Limit => parties()
            .map(|(limit, parts, whose): (Option<&LimitFact>, &Parts, &str)| {
                let with = parts.total(&policy.exposure) + facts.order_amount.0;
                match limit.and_then(|limit| limit.allows(policy.expired_limit)) {
                    None => result(false, Some(money(with)), None, format!("The {whose}exposure with this order is {}; no limit is set.", money(with))),
                    Some(allowed) => result(
                        with > allowed,
                        Some(money(with)),
                        Some(money(allowed)),
                        format!("The {whose}exposure with this order is {}; the {whose}limit is {}.", money(with), money(allowed)),
                    ),
                }
            })
            .collect(),
        RuleKind::LimitExpired => parties()
            .filter_map(|(limit, _, whose)| {
                let ended = limit?.valid_to?;
                let expired = limit?.expired;
                Some(result(expired, Some(ended.to_string()), None, format!("The {whose}limit {} on {ended}.", if expired { "ended" } else { "ends" })))
            })
            .collect(),
        RuleKind::Blocked => {
            vec![result(facts.blocked, None, None, if facts.blocked { "All orders of the customer wait." } else { "The customer is not blocked." }.into())]
        }
        RuleKind::DaysOverdue => days(facts.days_overdue, "Since the oldest due date"),
        RuleKind::OldestItem => days(facts.oldest_item_days, "Since the date of the oldest overdue document"),
        RuleKind::OverdueShare => {
            let open = facts.own.parts.open_items.0;
            let share = if open.is_zero() { Decimal::ZERO } else { pad(round(facts.overdue.0 * dec!(100) / open, 2), 2) };
            let detail = format!("{} of {} is overdue: {share} per cent; more than {} fires.", money(facts.overdue.0), money(open), over.normalize());
            vec![result(share > over, Some(share.to_string()), Some(over.normalize().to_string()), detail)]
        }
        RuleKind::OverdueAmount => more(facts.overdue.0, "Overdue"),
        RuleKind::OrderSize => more(facts.order_amount.0 + facts.orders_within_a_day.0, "The order with the others of 24 hours"),
        RuleKind::Terms => match (facts.order_terms_days, facts.customer_terms_days) {
            (Some(asked), Some(agreed)) => {
                let longer = i64::from(asked) - i64::from(agreed);
                vec![result(
                    Decimal::from(longer) > over,
                    Some(asked.to_string()),
                    Some(agreed.to_string()),
                    format!("The order asks for {asked} days; {agreed} are agreed."),
                )]
            }
            (asked, _) => vec![result(false, asked.map(|days| days.to_string()), None, "The order or the customer names no terms.".into())],
        },
        RuleKind::ReviewOverdue => {
            let due = facts.review_on;
            let detail = due.map_or_else(|| "No review is planned.".into(), |due| format!("The review is due on {due}."));
            vec![result(due.is_some_and(|due| due < facts.today), due.map(|due| due.to_string()), Some(facts.today.to_string()), detail)]
        }
        RuleKind::RiskClass => {
            let class = facts.risk_class.clone();
            let detail = class.as_ref().map_or_else(|| "No class is known.".into(), |class| format!("The class is {class}."));
            vec![result(class.as_ref().is_some_and(|class| setting.classes.contains(class)), class, Some(setting.classes.join(", ")), detail)]
        }
    }
}

/// What is wrong with a policy.
#[must_use]
pub fn faults(content: &Content) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (at, setting) in content.rules.iter().enumerate() {
        let measures =
            matches!(setting.rule, RuleKind::DaysOverdue | RuleKind::OldestItem | RuleKind::OverdueShare | RuleKind::OverdueAmount | RuleKind::OrderSize);
        if measures && setting.over.is_none() {
            errors.push(FieldError::at(format!("/rules/{at}/over"), "required", "The rule fires above a figure."));
        }
        if !measures && setting.rule != RuleKind::Terms && setting.over.is_some() {
            errors.push(FieldError::at(format!("/rules/{at}/over"), "not_measured", "The rule knows no figure."));
        }
        if let Some(over) = setting.over.filter(|over| over.0 < Decimal::ZERO) {
            errors.push(FieldError::at(format!("/rules/{at}/over"), "too_small", "A figure is not negative.").received(over.0));
        }
        if (setting.rule == RuleKind::RiskClass) == setting.classes.is_empty() {
            errors.push(FieldError::at(format!("/rules/{at}/classes"), "required", "The rule about classes, and only it, names some."));
        }
        for class in setting.classes.iter().filter(|class| !matches!(class.as_str(), "A" | "B" | "C" | "D" | "E")) {
            errors.push(FieldError::at(format!("/rules/{at}/classes"), "invalid_value", "Classes are A to E.").received(class));
        }
    }
    for (at, limit) in content.release_limits.iter().enumerate() {
        if limit.up_to.0 < Decimal::ZERO {
            errors.push(FieldError::at(format!("/release_limits/{at}/up_to"), "too_small", "A limit is not negative.").received(limit.up_to.0));
        }
        if content.release_limits[..at].iter().any(|other| other.role == limit.role) {
            errors.push(FieldError::at(format!("/release_limits/{at}/role"), "duplicate", "The role is named twice.").received(&limit.role));
        }
    }
    errors
}
