//! What-if as it travels.

use crate::credit::policy::types::{Content, NewCreditPolicy, Outcome, RuleKind, RuleResult};
use crate::platform::http::reply::Resource;
use crate::platform::ids::CustomerId;
use crate::platform::money::Amount;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// What became of an order. `paid_late`: some of it came later than tolerated. `overdue`: some of it is open, later than
    /// tolerated. `open`: the rest is not due. `written_off`: some of it was given up. What credits alone settled counts
    /// as paid in time.
    pub enum Fate { PaidInTime = "paid_in_time", PaidLate = "paid_late", Overdue = "overdue", WrittenOff = "written_off", Open = "open" }
}
impl Fate {
    /// Whether one would rather not have sold it on account.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::PaidLate | Self::Overdue | Self::WrittenOff)
    }
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "2024-11-01", "to": "2025-10-31", "policy": {"rules": [{"rule": "limit", "outcome": "hold"}, {"rule": "days_overdue", "outcome": "hold", "over": "30"}]}, "assumed_limit": "500000.00"}))]
pub struct WhatIfRequest {
    /// The policy to try; what is left out is as in the one in force today.
    pub policy: Option<NewCreditPolicy>,
    /// A version of the company's policy to try instead; 0 is the house's own.
    #[schema(minimum = 0, example = 1)]
    pub version: Option<i64>,
    /// First day; 365 days before the last one when left out.
    pub from: Option<NaiveDate>,
    /// Last day; today when left out.
    pub to: Option<NaiveDate>,
    /// Only these customers; all when left out.
    #[schema(max_items = 1000)]
    pub customer_ids: Option<Vec<CustomerId>>,
    /// The own limit of customers that had none on the day, in base currency; no check when left out.
    pub assumed_limit: Option<Amount>,
    /// Days after the due date that still count as in time; 0 when left out.
    #[schema(minimum = 0, maximum = 365, example = 0)]
    pub late_after_days: Option<i64>,
    /// So many of the orders that would have been held are listed, the largest first; 50 when left out.
    #[schema(minimum = 0, maximum = 1000, example = 50)]
    pub list: Option<i64>,
}

/// So many orders of so much, in base currency.
#[derive(Debug, Clone, Serialize, PartialEq, ToSchema)]
pub struct Tally {
    #[schema(minimum = 0, example = 12)]
    pub orders: i64,
    pub amount: Amount,
}

/// What holding orders would have saved.
#[derive(Debug, Clone, Serialize, PartialEq, ToSchema)]
pub struct Saved {
    /// All three together.
    pub total: Tally,
    pub paid_late: Tally,
    pub overdue: Tally,
    pub written_off: Tally,
    /// What of the last was given up; the rest of those orders was paid.
    pub written_off_amount: Amount,
}

/// What one rule did.
#[derive(Debug, Clone, Serialize, PartialEq, ToSchema)]
pub struct RuleTally {
    pub rule: RuleKind,
    /// Orders it alone or with others would have held.
    pub held: Tally,
    /// Of these paid late, overdue or written off.
    pub bad: Tally,
    /// Of these paid in time.
    pub in_time: Tally,
}

/// An order that would have been held.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeldOrder {
    pub invoice_id: Uuid,
    #[schema(max_length = 50, example = "INV/25-26/00042")]
    pub number: String,
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    pub date: NaiveDate,
    /// In base currency.
    pub amount: Amount,
    pub exposure_before: Amount,
    /// Rules that fired.
    #[schema(max_items = 100)]
    pub rules: Vec<RuleResult>,
    pub fate: Fate,
    /// Of the part that came or is open latest; negative is early.
    #[schema(minimum = -100_000, example = 17)]
    pub days_late: Option<i64>,
    pub written_off: Amount,
}

/// What a policy would have done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhatIf {
    #[schema(example = "credit_what_if")]
    pub object: &'static str,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// What became of orders is told of this day.
    pub as_of: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub policy: Content,
    /// Invoices that were judged.
    pub orders: Tally,
    pub passed: Tally,
    pub warned: Tally,
    pub held: Tally,
    /// Held and later paid late, overdue or written off.
    pub saved: Saved,
    /// Held although paid in time: what the policy would have cost.
    pub cost: Tally,
    /// Held and not due yet.
    pub undecided: Tally,
    /// Not held, and paid late, overdue or written off all the same.
    pub missed: Tally,
    #[schema(max_items = 20)]
    pub by_rule: Vec<RuleTally>,
    #[schema(max_items = 1000)]
    pub held_orders: Vec<HeldOrder>,
    /// What the replay takes for granted.
    #[schema(max_items = 20, max_length = 300)]
    pub assumptions: Vec<&'static str>,
}
impl Resource for WhatIf {}

/// One order, judged; of the replay.
#[derive(Debug, Clone)]
pub struct Judged {
    pub outcome: Outcome,
    pub order: HeldOrder,
}
