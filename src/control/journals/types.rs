//! Journals as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::{AccountId, ApprovalId, CustomerId};
use crate::platform::money::Amount;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

crate::words! {
    /// What documents post stands at once; a manual journal waits for its approval.
    pub enum JournalStatus { PendingApproval = "pending_approval", Posted = "posted", Rejected = "rejected" }
}

/// A journal in the list. Amounts in base currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JournalSummary {
    pub id: Uuid,
    #[schema(example = "journal")]
    pub object: &'static str,
    pub status: JournalStatus,
    /// The document's number; null until a manual journal is posted.
    #[schema(max_length = 16, example = "JV/25-26/00001")]
    pub number: Option<String>,
    #[schema(max_length = 20, example = "invoice")]
    pub source_type: String,
    pub source_id: Uuid,
    /// Written by hand.
    pub manual: bool,
    pub journal_date: NaiveDate,
    /// The accounting day.
    pub posted_on: NaiveDate,
    #[schema(max_length = 7, example = "2025-10")]
    pub period: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Base units for one unit of the currency.
    #[schema(max_length = 24, example = "1")]
    pub exchange_rate: String,
    #[schema(max_length = 500, example = "Rent of October")]
    pub narration: String,
    /// Σ debits in base currency.
    pub base_total: Amount,
    /// The journal this one takes back.
    pub reverses_id: Option<Uuid>,
    /// The journal that took this one back.
    pub reversed_by_id: Option<Uuid>,
    #[schema(max_length = 50, example = "user:0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42")]
    pub created_by: String,
    pub created_at: Instant,
}

/// A journal with its lines.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Journal {
    #[serde(flatten)]
    pub summary: JournalSummary,
    #[schema(max_items = 10000)]
    pub lines: Vec<JournalLine>,
    /// The pending request to post or reverse it.
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 5, example = json!(["reverse"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
}
impl crate::platform::http::reply::Resource for Journal {
    fn id(&self) -> Option<String> {
        Some(self.summary.id.to_string())
    }
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JournalLine {
    #[schema(minimum = 1)]
    pub line_no: i32,
    pub account_id: AccountId,
    #[schema(max_length = 20, example = "1100")]
    pub account_code: String,
    #[schema(max_length = 200, example = "Accounts receivable")]
    pub account_name: String,
    pub customer_id: Option<CustomerId>,
    /// In the journal's currency.
    pub debit: Amount,
    pub credit: Amount,
    pub base_debit: Amount,
    pub base_credit: Amount,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJournal {
    /// The client's own id, once for ever.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "jv-2025-10-07")]
    pub external_id: Option<String>,
    #[schema(example = "2025-10-31")]
    pub journal_date: NaiveDate,
    #[schema(min_length = 1, max_length = 500, example = "Rent of October")]
    pub narration: String,
    /// In base currency; debits equal credits.
    #[schema(min_items = 2, max_items = 1000, example = json!([{"account_code": "5100", "debit": "120.50"}, {"account_code": "1000", "credit": "120.50"}]))]
    pub lines: Vec<NewJournalLine>,
    /// Let lines go to a control account; each names the customer whose item it opens.
    #[serde(default)]
    #[schema(example = false)]
    pub control_account: bool,
    /// Post on the first open day when the month of the date takes no postings.
    #[serde(default)]
    #[schema(example = false)]
    pub post_late: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJournalLine {
    /// Or `account_code`.
    pub account_id: Option<AccountId>,
    #[schema(min_length = 1, max_length = 20, example = "5100")]
    pub account_code: Option<String>,
    /// On control accounts only.
    pub customer_id: Option<CustomerId>,
    /// Or `credit`.
    pub debit: Option<Amount>,
    pub credit: Option<Amount>,
    /// When the item of a control account's line is due; the journal's date when left out.
    #[schema(example = "2025-11-30")]
    pub due_date: Option<NaiveDate>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseJournal {
    /// The accounting date of the mirror; today when left out.
    #[schema(example = "2025-11-01")]
    pub reversed_on: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 500, example = "Posted to the wrong account")]
    pub reason: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JournalFilter {
    /// Journals with a line on this account.
    pub account_id: Option<AccountId>,
    /// States, comma-separated.
    #[param(max_length = 60, example = "posted")]
    pub status: Option<String>,
    /// Kinds of documents, comma-separated.
    #[param(max_length = 200, example = "invoice,receipt")]
    pub source_type: Option<String>,
    /// The document.
    pub source_id: Option<Uuid>,
    /// The month posted in.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2025-10")]
    pub period: Option<String>,
    /// First accounting day.
    #[param(example = "2025-10-01")]
    pub posted_on_gte: Option<NaiveDate>,
    /// Last accounting day.
    #[param(example = "2025-10-31")]
    pub posted_on_lte: Option<NaiveDate>,
    /// Only journals by hand, or only the others.
    #[param(example = true)]
    pub manual: Option<bool>,
    /// Only journals that were taken back, or only the others.
    #[param(example = false)]
    pub reversed: Option<bool>,
}
