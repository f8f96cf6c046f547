//! Customers whose credit is at risk: over or near their limit, long overdue, with returned payments, falling scores or a bad class.

use super::At;
use crate::credit::exposure::service::{Stand, allowed, standings};
use crate::credit::policy;
use crate::credit::policy::types::Content;
use crate::credit::profiles::store::{Flags, flags};
use crate::credit::risk::scorecard::Values;
use crate::credit::risk::store::{known, last};
use crate::credit::risk::types::{RiskClass, RiskInput};
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::Resource;
use crate::platform::http::{Fetched, Query, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::money::{Amount, Figure, pad, round};
use crate::platform::page::{PageInfo, ReportPaging, slice};
use crate::platform::unit_of_work::permissions::ReportsRead;
use crate::platform::unit_of_work::{Caller, Rx};
use crate::words;
use actix_web::get;
use chrono::{Days, NaiveDate};
use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

words! {
    /// Why somebody is in the report. `near_limit`: the share of the limit is in use from which on the policy watches.
    /// `score_drop`: the score fell within 90 days. `high_risk`: class D or E.
    pub enum RiskReason {
        OverLimit = "over_limit", NearLimit = "near_limit", Overdue = "overdue", Bounce = "bounce", BrokenPromise = "broken_promise", ScoreDrop = "score_drop", HighRisk = "high_risk", Watch = "watch",
    }
}

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CreditRiskParams {
    /// Accounting day (its end); today when left out.
    #[param(example = "2025-11-18")]
    pub as_of: Option<NaiveDate>,
    /// Only who is there for one of these, comma-separated.
    #[param(max_length = 120, example = "over_limit,near_limit")]
    pub reason: Option<String>,
    /// Only these classes, comma-separated.
    #[param(max_length = 20, pattern = "^[A-E](,[A-E]){0,4}$", example = "D,E")]
    pub risk_class: Option<String>,
    /// Days an item is overdue for more than which a customer is there; 30 when left out.
    #[param(minimum = 0, maximum = 3650, example = 30)]
    pub days_overdue_above: Option<i64>,
    /// Points a score fell by at least within 90 days; 10 when left out.
    #[param(minimum = 1, maximum = 100, example = 10)]
    pub score_drop_gte: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CreditRisk {
    pub as_of: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Most reasons first, then what is overdue most.
    #[schema(max_items = 1000)]
    pub data: Vec<CreditRiskRow>,
    pub totals: CreditRiskTotals,
    pub page: PageInfo,
}
impl Resource for CreditRisk {}

#[derive(Debug, Serialize, ToSchema)]
pub struct CreditRiskRow {
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    #[schema(max_items = 8)]
    pub reasons: Vec<RiskReason>,
    pub risk_class: Option<RiskClass>,
    /// As it was kept last; null until scored.
    pub score: Option<Figure>,
    /// 90 days before.
    pub score_before: Option<Figure>,
    /// In base currency; null: no check.
    pub limit: Option<Amount>,
    /// As the policy counts it.
    pub exposure: Amount,
    pub used_percent: Option<Figure>,
    /// What exposure is beyond the customer's own limit.
    pub over_limit_by: Amount,
    pub overdue: Amount,
    #[schema(minimum = 0, example = 42)]
    pub days_overdue: i64,
    #[schema(minimum = 0, example = 1)]
    pub bounces_12m: i64,
    /// Null: promises are not kept yet.
    #[schema(minimum = 0, example = 0)]
    pub broken_promises_12m: Option<i64>,
    pub review_on: Option<NaiveDate>,
    #[schema(example = false)]
    pub hold_all: bool,
}

/// Of the whole report.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreditRiskTotals {
    #[schema(minimum = 0, example = 12)]
    pub customers: i64,
    #[schema(minimum = 0, example = 3)]
    pub over_limit: i64,
    #[schema(minimum = 0, example = 5)]
    pub near_limit: i64,
    pub exposure: Amount,
    pub overdue: Amount,
    pub over_limit_by: Amount,
}

/// Report credit risk.
///
/// Who is over the limit or near it, long overdue, had payments returned, fell in the score, has a bad class or is watched, with
/// the reasons, as of a day. Who belongs to a group that is over its limit is over the limit, too. Amounts in base currency.
#[utoipa::path(tag = "Reports", params(CreditRiskParams, ReportPaging), responses((status = 200, body = CreditRisk, description = "The report.")), extensions(("x-permission" = json!("reports:read"))))]
#[get("/v1/reports/credit-risk")]
pub async fn get_credit_risk(caller: Caller<ReportsRead>, params: Query<CreditRiskParams>, paging: Query<ReportPaging>) -> Reply<Fetched<CreditRisk>> {
    caller.fetch(move |rx| credit_risk(rx, &params, &paging)).await
}

fn wanted(text: Option<&str>) -> Result<Option<Vec<RiskReason>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let words: Option<Vec<RiskReason>> = text.split(',').map(RiskReason::parse).collect();
    words.map(Some).ok_or_else(|| {
        let known: Vec<&str> = RiskReason::ALL.iter().map(|reason| reason.as_str()).collect();
        Problem::new(problem::INVALID_PARAMETER, "reason holds a word that is none.")
            .errors(vec![FieldError::parameter("reason", "invalid_value", "Reasons, comma-separated.").expected(known.join(", ")).received(text)])
    })
}

fn credit_risk(rx: &mut Rx<'_>, params: &CreditRiskParams, paging: &ReportPaging) -> Result<CreditRisk, Problem> {
    let reasons = wanted(params.reason.as_deref())?;
    let (today, base) = (rx.cx().today, rx.cx().currency());
    let day = params.as_of.unwrap_or(today);
    let known = known(rx, day, None)?;
    let scores = last(rx, day, None)?;
    let before = last(rx, day.checked_sub_days(Days::new(90)).unwrap_or(day), None)?;
    let flags = flags(rx)?;
    let then = if day == today { None } else { Some(At::read(rx, Some(&day.to_string()), None)?) };
    let content = policy::in_force(rx, then.unwrap_or(At::recorded(day)))?.content;
    // Whoever has no limit is at most overdue: what the books of the day say is enough.
    let stands: HashMap<CustomerId, Stand> = standings(rx, then)?.into_iter().collect();
    let classes: Option<Vec<&str>> = params.risk_class.as_deref().map(|text| text.split(',').collect());
    let mut rows = Vec::new();
    for row in known {
        let values = row.values();
        let value = |input| values.get(&input).copied().unwrap_or_default();
        let set = flags.get(&row.customer_id);
        let stand = stands.get(&row.customer_id);
        let exposure = stand.map_or(row.receivable, |stand| stand.own.parts.total(&content.exposure));
        let limit = stand.and_then(|stand| allowed(stand.own.limit.as_ref(), content.expired_limit));
        let now = scores.get(&row.customer_id);
        let (score, earlier) = (now.and_then(|kept| kept.score), before.get(&row.customer_id).and_then(|kept| kept.score));
        let class = now.and_then(|kept| kept.class).or_else(|| set.and_then(|set| set.risk_class).filter(|_| day == today));
        let over = stand.is_some_and(|stand| stand.over(&content));
        let found = Found { values: &values, exposure, limit, over, score, earlier, class, set };
        let why = why(&found, params, &content);
        let asked = reasons.as_ref().is_none_or(|wanted| why.iter().any(|reason| wanted.contains(reason)))
            && classes.as_ref().is_none_or(|classes| class.is_some_and(|class| classes.contains(&class.as_str())));
        if why.is_empty() || !asked {
            continue;
        }
        rows.push(CreditRiskRow {
            customer_id: row.customer_id,
            customer_name: row.customer_name.clone(),
            reasons: why,
            risk_class: class,
            score: score.map(|score| Figure(pad(score, 2))),
            score_before: earlier.map(|score| Figure(pad(score, 2))),
            limit: limit.map(|limit| base.amount(limit)),
            exposure: base.amount(exposure),
            used_percent: limit.and_then(|limit| (exposure * dec!(100)).checked_div(limit)).map(|used| Figure(pad(round(used, 2), 2))),
            over_limit_by: base.amount(limit.map_or(Decimal::ZERO, |limit| (exposure - limit).max(Decimal::ZERO))),
            overdue: base.amount(row.overdue),
            days_overdue: whole(value(RiskInput::OldestOverdueDays)),
            bounces_12m: whole(value(RiskInput::Bounces12m)),
            broken_promises_12m: values.get(&RiskInput::BrokenPromises12m).map(|promises| whole(*promises)),
            review_on: set.and_then(|set| set.review_on),
            hold_all: set.is_some_and(|set| set.hold_all),
        });
    }
    rows.sort_by(|a, b| {
        b.reasons
            .len()
            .cmp(&a.reasons.len())
            .then(b.overdue.cmp(&a.overdue))
            .then(a.customer_name.cmp(&b.customer_name))
            .then(a.customer_id.cmp(&b.customer_id))
    });
    let with = |reason| i64::try_from(rows.iter().filter(|row| row.reasons.contains(&reason)).count()).unwrap_or(i64::MAX);
    let sum = |of: fn(&CreditRiskRow) -> Amount| base.amount(rows.iter().map(|row| of(row).0).sum());
    let totals = CreditRiskTotals {
        customers: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        over_limit: with(RiskReason::OverLimit),
        near_limit: with(RiskReason::NearLimit),
        exposure: sum(|row| row.exposure),
        overdue: sum(|row| row.overdue),
        over_limit_by: sum(|row| row.over_limit_by),
    };
    let (data, page) = slice(rows, paging, &format!("credit-risk {day} {params:?}"), |row| row.customer_id.to_string())?;
    Ok(CreditRisk { as_of: day, currency: base.code().to_owned(), data, totals, page })
}

fn whole(value: Decimal) -> i64 {
    i64::try_from(value.trunc()).unwrap_or(i64::MAX)
}

struct Found<'f> {
    values: &'f Values,
    exposure: Decimal,
    limit: Option<Decimal>,
    over: bool,
    score: Option<Decimal>,
    earlier: Option<Decimal>,
    class: Option<RiskClass>,
    set: Option<&'f Flags>,
}

fn why(found: &Found<'_>, params: &CreditRiskParams, content: &Content) -> Vec<RiskReason> {
    let value = |input| found.values.get(&input).copied().unwrap_or_default();
    let near = found.limit.is_some_and(|limit| found.exposure > Decimal::ZERO && found.exposure * dec!(100) >= limit * content.watch_percent.0);
    let drop = found.earlier.zip(found.score).is_some_and(|(before, now)| before - now >= Decimal::from(params.score_drop_gte.unwrap_or(10)));
    let fired = [
        (found.over, RiskReason::OverLimit),
        (near && !found.over, RiskReason::NearLimit),
        (value(RiskInput::OldestOverdueDays) > Decimal::from(params.days_overdue_above.unwrap_or(30)), RiskReason::Overdue),
        (value(RiskInput::Bounces12m) > Decimal::ZERO, RiskReason::Bounce),
        (value(RiskInput::BrokenPromises12m) > Decimal::ZERO, RiskReason::BrokenPromise),
        (drop, RiskReason::ScoreDrop),
        (found.class.is_some_and(|class| class >= RiskClass::D), RiskReason::HighRisk),
        (found.set.is_some_and(|set| set.watch), RiskReason::Watch),
    ];
    fired.into_iter().filter(|(fires, _)| *fires).map(|(_, reason)| reason).collect()
}
