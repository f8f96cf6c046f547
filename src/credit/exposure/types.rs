//! Credit of a customer as it travels.

use crate::credit::policy::types::LimitFact;
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::CustomerId;
use crate::platform::money::{Amount, Figure};
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// `open_items`: invoices, debit notes and what else is owed, less what settled it. `credit_notes`: open credit notes and
    /// other credits. `unapplied_cash`: receipts not placed yet. `uncleared_cash`: cheques in the books no bank has paid.
    /// `orders`: confirmed, not delivered. `deliveries`: delivered, not billed. `reservations`: held free by passed checks.
    /// `cover`: insured, guaranteed, deposited or secured.
    pub enum Component {
        OpenItems = "open_items", CreditNotes = "credit_notes", UnappliedCash = "unapplied_cash", UnclearedCash = "uncleared_cash", Orders = "orders",
        Deliveries = "deliveries", Reservations = "reservations", Cover = "cover"
    }
}

/// One part of exposure.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExposurePart {
    pub component: Component,
    /// As it goes into the total: what reduces exposure is negative.
    pub amount: Amount,
    /// Whether the policy counts it.
    #[schema(example = true)]
    pub included: bool,
    #[schema(max_length = 200, example = "Invoices, debit notes and what else is owed, less what settled it.")]
    pub explanation: &'static str,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Exposure {
    /// Sum of the included components; negative where the customer is owed.
    pub total: Amount,
    #[schema(max_items = 8)]
    pub components: Vec<ExposurePart>,
}

/// Where a group stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupCredit {
    /// The parent, whose group limit holds.
    pub parent_id: CustomerId,
    /// With the parent.
    #[schema(minimum = 1, example = 3)]
    pub members: i64,
    pub limit: Option<LimitFact>,
    pub exposure: Exposure,
    /// Null without limit.
    pub available: Option<Amount>,
    #[schema(example = false)]
    pub over_limit: bool,
}

/// Everything credit knows of a customer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CustomerCredit {
    pub customer_id: CustomerId,
    #[schema(example = "customer_credit")]
    pub object: &'static str,
    pub as_of: NaiveDate,
    /// Asking for it again gives the same, for ever.
    pub known_at: Instant,
    /// Base currency, in which all amounts are.
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// The version of the policy that counted.
    #[schema(minimum = 0)]
    pub policy_version: i64,
    /// The customer's own; null where none was ever set.
    pub limit: Option<LimitFact>,
    pub exposure: Exposure,
    /// Limit less exposure, less what the group has left if that is less; negative when exceeded, null without any limit.
    pub available: Option<Amount>,
    /// Exposure in per cent of the own limit; null without one or where it is 0.
    pub used_percent: Option<Figure>,
    /// Exposure reached the share of the limit from which on a customer is watched, or somebody watches it.
    #[schema(example = false)]
    pub watch: bool,
    #[schema(example = false)]
    pub over_limit: bool,
    /// Null where the customer belongs to none.
    pub group: Option<GroupCredit>,
    /// Open debits past their due date.
    pub overdue: Amount,
    #[schema(minimum = 0, example = 12)]
    pub days_overdue: i64,
    /// 0 to 100; null until scored.
    #[schema(minimum = 0, maximum = 100, example = 34)]
    pub risk_score: Option<i32>,
    #[schema(max_length = 1, example = "B")]
    pub risk_class: Option<String>,
    /// All orders wait, whatever the limit says.
    #[schema(example = false)]
    pub hold_all: bool,
    #[schema(max_length = 500, example = "Cheque returned twice")]
    pub hold_reason: Option<String>,
    /// Orders on hold.
    #[schema(minimum = 0, example = 1)]
    pub open_holds: i64,
    /// The next review is due.
    pub review_on: Option<NaiveDate>,
    /// Of what is set by hand: class, flags, review.
    #[schema(minimum = 0)]
    pub version: i64,
}
impl Resource for CustomerCredit {
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CreditQuery {
    /// A day (its end) or an instant; now when left out.
    #[param(max_length = 40, example = "2025-11-18")]
    pub as_of: Option<String>,
    /// What was recorded by this instant; everything when left out.
    #[param(max_length = 40, example = "2025-11-18T06:31:09.412Z")]
    pub known_at: Option<String>,
}
