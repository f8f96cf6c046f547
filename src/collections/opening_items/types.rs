//! Opening items as they travel.

use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{ApprovalId, CustomerId, EntryId, OpeningItemId};
use crate::platform::money::{Amount, ExchangeRate};
use crate::platform::unit_of_work::ExternalId;
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// Owed by the customer, or to the customer.
    pub enum OpeningType { Invoice = "invoice", Credit = "credit" }
}
words! {
    pub enum OpeningStatus { PendingApproval = "pending_approval", Rejected = "rejected", Open = "open", PartSettled = "part_settled", Settled = "settled", Reversed = "reversed" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OpeningItem {
    pub id: OpeningItemId,
    #[schema(example = "opening_item")]
    pub object: &'static str,
    #[schema(max_length = 100, example = "old-4711")]
    pub external_id: Option<String>,
    pub status: OpeningStatus,
    pub customer_id: CustomerId,
    pub document_type: OpeningType,
    /// The old system's.
    #[schema(max_length = 50, example = "INV/23-24/4711")]
    pub number: String,
    pub document_date: NaiveDate,
    pub due_date: NaiveDate,
    /// Day of the cut-over.
    pub posting_date: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Base units for one unit of the currency.
    pub exchange_rate: ExchangeRate,
    pub original_amount: Amount,
    /// Paid before the cut-over.
    pub paid_before: Amount,
    /// What was taken over.
    pub amount: Amount,
    /// What is open of it now.
    pub open_amount: Amount,
    /// Null until posted.
    pub gl_journal_id: Option<EntryId>,
    /// The request that waits for a second person.
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 10, example = json!(["reverse"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(OpeningItem: version);

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_id": "old-4711", "customer_external_id": "CUST-0042", "number": "INV/23-24/4711", "document_type": "invoice", "document_date": "2024-02-10", "due_date": "2024-03-11",
    "original_amount": "118000.00", "paid_before": "18000.00", "posting_date": "2024-04-01"}))]
pub struct NewOpeningItem {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "old-4711")]
    pub external_id: Option<String>,
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    #[schema(min_length = 1, max_length = 50, example = "INV/23-24/4711")]
    pub number: String,
    pub document_type: OpeningType,
    #[schema(example = "2024-02-10")]
    pub document_date: NaiveDate,
    /// The document's date when left out.
    #[schema(example = "2024-03-11")]
    pub due_date: Option<NaiveDate>,
    pub original_amount: Amount,
    /// What was paid or used of it before the cut-over; nothing when left out.
    pub paid_before: Option<Amount>,
    /// Day of the cut-over: from here on it is in these books.
    #[schema(example = "2024-04-01")]
    pub posting_date: NaiveDate,
    /// The company's base currency when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
    /// Base units for one unit of another currency.
    pub exchange_rate: Option<ExchangeRate>,
}
impl NamesCustomer for NewOpeningItem {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}
impl ExternalId for NewOpeningItem {
    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseOpeningItem {
    /// Accounting date; today when left out.
    #[schema(example = "2024-04-15")]
    pub reversed_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Was paid in the old system")]
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOpeningCertificate {
    /// Day of the cut-over: counts what was posted up to it.
    #[schema(example = "2024-04-01")]
    pub cut_over_on: NaiveDate,
    /// What the other system says is owed in total, in base currency: debits less credits.
    pub control_total: Amount,
}

/// What was taken over, counted against the other system's total.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OpeningCertificate {
    pub id: Uuid,
    pub cut_over_on: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    #[schema(minimum = 0, example = 120)]
    pub count: i64,
    /// In base currency, as all its figures.
    pub debit: Amount,
    pub credit: Amount,
    /// Debits less credits.
    pub total: Amount,
    pub control_total: Amount,
    /// Total less control total.
    pub difference: Amount,
    /// Whether the difference is nothing.
    pub agrees: bool,
    #[schema(max_items = 100_000)]
    pub customers: Vec<CertifiedCustomer>,
    /// SHA-256 of this document as JSON without this member.
    #[serde(default)]
    #[schema(max_length = 64, example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: String,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    /// RFC 3339.
    #[schema(max_length = 40, example = "2024-04-02T09:00:00.000Z")]
    pub certified: String,
}
impl Resource for OpeningCertificate {}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CertifiedCustomer {
    pub customer_id: CustomerId,
    #[schema(minimum = 1, example = 12)]
    pub count: i64,
    pub debit: Amount,
    pub credit: Amount,
    pub total: Amount,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OpeningFilter {
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The old number.
    #[param(max_length = 50, example = "INV/23-24/4711")]
    pub number: Option<String>,
    /// The client's own id.
    #[param(max_length = 100, example = "old-4711")]
    pub external_id: Option<String>,
    /// Owed by or to the customer.
    #[param(inline)]
    pub document_type: Option<OpeningType>,
    /// First day of the cut-over.
    #[param(example = "2024-04-01")]
    pub posting_date_gte: Option<NaiveDate>,
    /// Last day.
    #[param(example = "2024-04-01")]
    pub posting_date_lte: Option<NaiveDate>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CertificateQuery {
    /// Day of the cut-over; the newest certificate of any day when left out.
    #[param(example = "2024-04-01")]
    pub cut_over_on: Option<NaiveDate>,
}
