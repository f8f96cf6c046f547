//! Credit policies as they travel, and the facts they judge.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{CreditLimitId, CreditPolicyId, CustomerId, OrderHoldId};
use crate::platform::money::{Amount, Figure, Rate};
use crate::words;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// What becomes of an order.
    pub enum Outcome { Pass = "pass", Warn = "warn", Hold = "hold" }
}
words! {
    /// What a rule does when it fires.
    pub enum Effect { Warn = "warn", Hold = "hold" }
}
words! {
    /// What an order is held against. `limit`: exposure with the order is more than the limit (equal passes), of the customer
    /// and of its group. `blocked`: every order of the customer waits. `limit_expired`: the limit's last day has passed.
    /// `days_overdue`: more days since the oldest due date of an open debit than `over`. `oldest_item`: more days since the
    /// date of that document. `overdue_share`: more per cent of the open debits are overdue. `overdue_amount`: more base
    /// currency is. `terms`: the order asks for so many days more than the customer's terms. `review_overdue`: the review
    /// was due. `risk_class`: the class is one of `classes`. `order_size`: the order, with the customer's others of the
    /// last 24 hours, is more base currency.
    pub enum RuleKind {
        Limit = "limit", Blocked = "blocked", LimitExpired = "limit_expired", DaysOverdue = "days_overdue", OldestItem = "oldest_item",
        OverdueShare = "overdue_share", OverdueAmount = "overdue_amount", Terms = "terms", ReviewOverdue = "review_overdue", RiskClass = "risk_class",
        OrderSize = "order_size"
    }
}
words! {
    /// What a limit is worth after its last day.
    pub enum ExpiredLimit { Zero = "zero", Last = "last" }
}

impl From<Effect> for Outcome {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Warn => Self::Warn,
            Effect::Hold => Self::Hold,
        }
    }
}

/// Which components count as exposure beside what is open of invoices and debit notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Counted {
    /// Open credit notes reduce it.
    #[serde(default = "yes")]
    #[schema(example = true)]
    pub credit_notes: bool,
    /// Money on account reduces it.
    #[serde(default = "yes")]
    #[schema(example = true)]
    pub unapplied_cash: bool,
    /// Cheques no bank has paid yet count as if they had not come; false takes them for money.
    #[serde(default = "yes")]
    #[schema(example = true)]
    pub uncleared_cash: bool,
    /// Orders that stand and are not delivered.
    #[serde(default = "yes")]
    #[schema(example = true)]
    pub orders: bool,
    /// What is delivered and not billed.
    #[serde(default = "yes")]
    #[schema(example = true)]
    pub deliveries: bool,
    /// What passed checks hold free until they are confirmed.
    #[serde(default = "yes")]
    #[schema(example = true)]
    pub reservations: bool,
    /// What is insured, guaranteed or deposited reduces it.
    #[serde(default = "yes")]
    #[schema(example = true)]
    pub cover: bool,
}
fn yes() -> bool {
    true
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSetting {
    pub rule: RuleKind,
    pub outcome: Effect,
    /// Fires above this: days, per cent or base currency as the rule says.
    #[schema(example = "30")]
    pub over: Option<Figure>,
    /// Classes `risk_class` fires for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 5, example = json!([]))]
    pub classes: Vec<String>,
}

/// Up to what a person in a role releases alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseLimit {
    #[schema(max_length = 40, pattern = "^(controller|ar_executive)$", example = "ar_executive")]
    pub role: String,
    /// In base currency.
    pub up_to: Amount,
}

/// What a version of the policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Content {
    pub exposure: Counted,
    #[schema(max_items = 50)]
    pub rules: Vec<RuleSetting>,
    pub expired_limit: ExpiredLimit,
    /// From this share of the limit on a customer is watched.
    #[schema(example = "90.00")]
    pub watch_percent: Rate,
    /// How long a passed check holds its amount free.
    #[schema(minimum = 1, maximum = 8760, example = 72)]
    pub reservation_hours: i32,
    /// By how much an order may grow, of what was released or passed, without being judged anew.
    #[schema(example = "10.00")]
    pub growth_tolerance_percent: Rate,
    /// Days a release holds unless it says otherwise.
    #[schema(minimum = 1, maximum = 365, example = 7)]
    pub release_days: i32,
    #[schema(max_items = 10)]
    pub release_limits: Vec<ReleaseLimit>,
    /// Whether issuing an invoice is held against the limit too.
    #[schema(example = false)]
    pub check_invoices: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditPolicy {
    /// Null for the house's own, which nobody set.
    pub id: Option<CreditPolicyId>,
    #[schema(example = "credit_policy")]
    pub object: &'static str,
    /// 0 until the company sets one.
    #[schema(minimum = 0)]
    pub version: i64,
    /// In force from this day on; null for the house's own.
    pub effective_from: Option<NaiveDate>,
    #[serde(flatten)]
    pub content: Content,
    #[schema(max_length = 500, example = "Board resolution of June")]
    pub reason: Option<String>,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: Option<String>,
    pub created_at: Option<Instant>,
}
impl Resource for CreditPolicy {
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

/// A whole policy; what is left out is as in the house's own.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rules": [{"rule": "limit", "outcome": "hold"}, {"rule": "days_overdue", "outcome": "hold", "over": "60"}], "expired_limit": "zero", "check_invoices": true,
    "reason": "Board resolution of June"}))]
pub struct NewCreditPolicy {
    /// Today when left out; never before.
    #[schema(example = "2025-12-01")]
    pub effective_from: Option<NaiveDate>,
    pub exposure: Option<Counted>,
    #[schema(max_items = 50)]
    pub rules: Option<Vec<RuleSetting>>,
    pub expired_limit: Option<ExpiredLimit>,
    #[schema(example = "90.00")]
    pub watch_percent: Option<Rate>,
    #[schema(minimum = 1, maximum = 8760, example = 72)]
    pub reservation_hours: Option<i32>,
    #[schema(example = "10.00")]
    pub growth_tolerance_percent: Option<Rate>,
    #[schema(minimum = 1, maximum = 365, example = 7)]
    pub release_days: Option<i32>,
    #[schema(max_items = 10)]
    pub release_limits: Option<Vec<ReleaseLimit>>,
    #[schema(example = true)]
    pub check_invoices: Option<bool>,
    #[schema(min_length = 3, max_length = 500, example = "Board resolution of June")]
    pub reason: Option<String>,
}

impl NewCreditPolicy {
    /// The policy it makes: what is left out is as in another.
    #[must_use]
    pub fn over(&self, other: Content) -> Content {
        Content {
            exposure: self.exposure.unwrap_or(other.exposure),
            rules: self.rules.clone().unwrap_or(other.rules),
            expired_limit: self.expired_limit.unwrap_or(other.expired_limit),
            watch_percent: self.watch_percent.unwrap_or(other.watch_percent),
            reservation_hours: self.reservation_hours.unwrap_or(other.reservation_hours),
            growth_tolerance_percent: self.growth_tolerance_percent.unwrap_or(other.growth_tolerance_percent),
            release_days: self.release_days.unwrap_or(other.release_days),
            release_limits: self.release_limits.clone().unwrap_or(other.release_limits),
            check_invoices: self.check_invoices.unwrap_or(other.check_invoices),
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PolicyQuery {
    /// The policy in force on this day; today when left out.
    #[param(example = "2025-11-18")]
    pub as_of: Option<NaiveDate>,
    /// This version, whether in force or not; 0 is the house's own.
    #[param(minimum = 0, example = 1)]
    pub version: Option<i64>,
}

/// The components of exposure, each as it is, in base currency; what reduces it is positive too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Parts {
    /// Open invoices, debit notes and whatever else the customer owes.
    pub open_items: Amount,
    pub credit_notes: Amount,
    pub unapplied_cash: Amount,
    pub uncleared_cash: Amount,
    pub orders: Amount,
    pub deliveries: Amount,
    pub reservations: Amount,
    pub cover: Amount,
}

impl Parts {
    /// Exposure under a policy.
    #[must_use]
    pub fn total(&self, counted: &Counted) -> Decimal {
        let of = |counts: bool, amount: Amount| if counts { amount.0 } else { Decimal::ZERO };
        self.open_items.0 - of(counted.credit_notes, self.credit_notes) - of(counted.unapplied_cash, self.unapplied_cash)
            + of(counted.uncleared_cash, self.uncleared_cash)
            + of(counted.orders, self.orders)
            + of(counted.deliveries, self.deliveries)
            + of(counted.reservations, self.reservations)
            - of(counted.cover, self.cover)
    }
    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            open_items: Amount(self.open_items.0 + other.open_items.0),
            credit_notes: Amount(self.credit_notes.0 + other.credit_notes.0),
            unapplied_cash: Amount(self.unapplied_cash.0 + other.unapplied_cash.0),
            uncleared_cash: Amount(self.uncleared_cash.0 + other.uncleared_cash.0),
            orders: Amount(self.orders.0 + other.orders.0),
            deliveries: Amount(self.deliveries.0 + other.deliveries.0),
            reservations: Amount(self.reservations.0 + other.reservations.0),
            cover: Amount(self.cover.0 + other.cover.0),
        }
    }
}

/// The limit in force on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitFact {
    pub id: CreditLimitId,
    /// Null: no check; 0: cash only.
    pub amount: Option<Amount>,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// The amount in base currency at the day's rate.
    pub base_amount: Option<Amount>,
    #[schema(example = false)]
    pub temporary: bool,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    /// Its last day has passed and nothing took its place.
    #[schema(example = false)]
    pub expired: bool,
}

impl LimitFact {
    /// What it allows under a policy, in base currency; nothing where there is no check.
    #[must_use]
    pub fn allows(&self, expired: ExpiredLimit) -> Option<Decimal> {
        if self.expired && expired == ExpiredLimit::Zero { Some(Decimal::ZERO) } else { self.base_amount.map(|amount| amount.0) }
    }
}

/// Where a customer or a group stands before the order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// Null where none was ever set.
    pub limit: Option<LimitFact>,
    pub parts: Parts,
}

/// All a policy needs to judge an order, in base currency. Kept with every decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facts {
    pub today: NaiveDate,
    pub order_amount: Amount,
    /// Days the order asks to pay in.
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub order_terms_days: Option<i32>,
    /// The customer's other orders of the last 24 hours.
    pub orders_within_a_day: Amount,
    /// What of an earlier check or release still stands for this order, with the tolerance for growth.
    pub granted: Option<Granted>,
    pub own: Standing,
    /// With its parent and the parent's other children.
    pub group: Option<GroupStanding>,
    pub overdue: Amount,
    /// Since the oldest due date of an open debit; 0 when nothing is overdue.
    #[schema(minimum = 0, example = 12)]
    pub days_overdue: i64,
    /// Since the date of that document.
    #[schema(minimum = 0, example = 42)]
    pub oldest_item_days: i64,
    /// The customer's own terms.
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub customer_terms_days: Option<i32>,
    #[schema(example = false)]
    pub blocked: bool,
    #[schema(max_length = 1, example = "B")]
    pub risk_class: Option<String>,
    pub review_on: Option<NaiveDate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupStanding {
    pub parent_id: CustomerId,
    #[schema(minimum = 1, example = 3)]
    pub members: i64,
    pub limit: Option<LimitFact>,
    pub parts: Parts,
}

/// A release that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Granted {
    pub hold_id: OrderHoldId,
    /// Released, in base currency.
    pub amount: Amount,
    pub until: NaiveDate,
    /// Rules that had fired when it was released; others are judged.
    #[schema(max_items = 50)]
    pub rules: Vec<RuleKind>,
    /// The customer's components before the order when it was stopped.
    pub parts: Parts,
    /// Those of its group.
    #[serde(default)]
    pub group_parts: Option<Parts>,
    /// Days overdue that were known then, on from then.
    #[schema(minimum = 0)]
    pub days_overdue: i64,
}

/// What came of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleResult {
    pub rule: RuleKind,
    pub outcome: Outcome,
    /// What was found: base currency, days, per cent or a class.
    #[schema(max_length = 40, example = "105000.00")]
    pub value: Option<String>,
    /// What it was held against.
    #[schema(max_length = 40, example = "100000.00")]
    pub threshold: Option<String>,
    #[schema(max_length = 300, example = "Exposure with this order is 105000.00; the limit is 100000.00.")]
    pub detail: String,
}
