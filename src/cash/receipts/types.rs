//! Receipts as they travel.

use crate::cash::allocations::types::Target;
use crate::ledger::AllocationKind;
use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::master_data::customers::types::Metadata;
use crate::platform::dates::Instant;
use crate::platform::ids::{AllocationId, BankAccountId, CustomerId, EntryId, ReceiptId};
use crate::platform::money::{Amount, Rate};
use crate::platform::unit_of_work::ExternalId;
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// How far the money is placed.
    pub enum ReceiptStatus { Unapplied = "unapplied", PartiallyApplied = "partially_applied", Applied = "applied" }
}
words! {
    pub enum Method { Neft = "neft", Rtgs = "rtgs", Imps = "imps", Upi = "upi", Cheque = "cheque", Cash = "cash", Card = "card", Nach = "nach", Wire = "wire", Other = "other" }
}
words! {
    /// Why less money arrived than was settled.
    pub enum DeductionKind { Tds = "tds", Charges = "charges", Discount = "discount", Retention = "retention" }
}
words! {
    /// How money without instructions is placed.
    pub enum AutoApply { OldestFirst = "oldest_first" }
}

impl DeductionKind {
    #[must_use]
    pub fn ledger(self) -> AllocationKind {
        match self {
            Self::Tds => AllocationKind::Tds,
            Self::Charges => AllocationKind::Charge,
            Self::Discount => AllocationKind::Discount,
            Self::Retention => AllocationKind::Retention,
        }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Receipt {
    pub id: ReceiptId,
    #[schema(example = "receipt")]
    pub object: &'static str,
    #[schema(max_length = 16, example = "RCT/25-26/00731")]
    pub number: String,
    #[schema(max_length = 100, example = "hdfc-vam-2025-11-18-000731")]
    pub external_id: Option<String>,
    pub status: ReceiptStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Accounting date.
    pub receipt_date: NaiveDate,
    /// Day the money was at the bank.
    pub value_date: NaiveDate,
    pub method: Method,
    pub bank_account_id: Option<BankAccountId>,
    #[schema(max_length = 50, example = "HDFCN52025111800000731")]
    pub utr: Option<String>,
    #[schema(max_length = 200, example = "ACME RETAIL PVT LTD")]
    pub payer_name: Option<String>,
    pub amount_received: Amount,
    #[schema(max_items = 20)]
    pub deductions: Vec<Deduction>,
    pub totals: ReceiptTotals,
    /// Allocations in force.
    #[schema(max_items = 5000)]
    pub allocations: Vec<ReceiptAllocation>,
    pub gl_journal_id: EntryId,
    #[schema(max_length = 7, example = "2025-11")]
    pub period: String,
    #[schema(max_items = 10, example = json!(["allocate"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(example = json!({"batch": "0711"}))]
    pub metadata: Metadata,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "client:0196f2a0-8888-7000-8000-00000000000b")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(Receipt: version);

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptTotals {
    /// Money and deductions together: what the receipt can settle.
    pub gross_settled: Amount,
    pub allocated_cash: Amount,
    pub allocated_tds: Amount,
    /// Charges, discount and retention.
    pub allocated_other: Amount,
    pub unapplied: Amount,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Deduction {
    pub kind: DeductionKind,
    #[schema(max_length = 20, example = "194J")]
    pub section: Option<String>,
    pub rate: Option<Rate>,
    pub amount: Amount,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptAllocation {
    pub id: AllocationId,
    #[schema(max_length = 20, example = "invoice")]
    pub target_type: String,
    pub target_id: Uuid,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub target_number: String,
    pub kind: AllocationKind,
    pub amount: Amount,
    pub allocated_on: NaiveDate,
    #[schema(max_length = 40, example = "instructed")]
    pub rule: String,
}

/// A receipt in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptSummary {
    pub id: ReceiptId,
    #[schema(example = "receipt")]
    pub object: &'static str,
    #[schema(max_length = 16, example = "RCT/25-26/00731")]
    pub number: String,
    #[schema(max_length = 100, example = "hdfc-vam-2025-11-18-000731")]
    pub external_id: Option<String>,
    pub status: ReceiptStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub receipt_date: NaiveDate,
    pub method: Method,
    #[schema(max_length = 50, example = "HDFCN52025111800000731")]
    pub utr: Option<String>,
    pub amount_received: Amount,
    pub gross_settled: Amount,
    pub unapplied: Amount,
    #[schema(minimum = 1)]
    pub version: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_id": "hdfc-vam-2025-11-18-000731", "customer_external_id": "CUST-0042", "receipt_date": "2025-11-18", "method": "neft", "currency": "INR",
    "utr": "HDFCN52025111800000731", "amount_received": "116000.00", "deductions": [{"kind": "tds", "section": "194C", "amount": "2000.00"}], "auto_apply": "oldest_first"}))]
pub struct NewReceipt {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "hdfc-vam-2025-11-18-000731")]
    pub external_id: Option<String>,
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    #[schema(example = "2025-11-18")]
    pub receipt_date: NaiveDate,
    /// The receipt date when left out.
    #[schema(example = "2025-11-18")]
    pub value_date: Option<NaiveDate>,
    pub method: Option<Method>,
    /// The company's base currency when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
    /// Posts to the account's ledger account; the default bank account when left out.
    pub bank_account_id: Option<BankAccountId>,
    /// The bank's reference, recorded once for each bank account.
    #[schema(min_length = 1, max_length = 50, example = "HDFCN52025111800000731")]
    pub utr: Option<String>,
    #[schema(max_length = 200, example = "ACME RETAIL PVT LTD")]
    pub payer_name: Option<String>,
    /// What arrived, without deductions.
    pub amount_received: Amount,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub deductions: Vec<NewDeduction>,
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub allocations: Vec<Target>,
    /// Places what the instructions leave; without either, the money waits.
    pub auto_apply: Option<AutoApply>,
    /// Record although the bank reference is known; needs `reason`.
    #[serde(default)]
    #[schema(example = false)]
    pub allow_duplicate: bool,
    #[schema(min_length = 3, max_length = 500, example = "The bank repeats references across branches")]
    pub reason: Option<String>,
    #[serde(default)]
    #[schema(example = json!({"batch": "0711"}))]
    pub metadata: Metadata,
}
impl NamesCustomer for NewReceipt {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}
impl ExternalId for NewReceipt {
    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "tds", "section": "194C", "amount": "2000.00"}))]
pub struct NewDeduction {
    pub kind: DeductionKind,
    /// Section or payment code of the tax deducted.
    #[schema(min_length = 1, max_length = 20, example = "194C")]
    pub section: Option<String>,
    pub rate: Option<Rate>,
    pub amount: Amount,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReceiptFilter {
    /// States, comma-separated.
    #[param(max_length = 100, example = "unapplied,partially_applied")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The client's own id.
    #[param(max_length = 100, example = "hdfc-vam-2025-11-18-000731")]
    pub external_id: Option<String>,
    /// The bank's reference.
    #[param(max_length = 50, example = "HDFCN52025111800000731")]
    pub utr: Option<String>,
    /// Ways of payment, comma-separated.
    #[param(max_length = 100, example = "neft,rtgs")]
    pub method: Option<String>,
    /// Smallest amount received.
    pub amount_gte: Option<Amount>,
    /// Largest amount received.
    pub amount_lte: Option<Amount>,
    /// More than this is not applied yet.
    pub unapplied_gt: Option<Amount>,
    /// First receipt date.
    #[param(example = "2025-11-01")]
    pub receipt_date_gte: Option<NaiveDate>,
    /// Last receipt date.
    #[param(example = "2025-11-30")]
    pub receipt_date_lte: Option<NaiveDate>,
}
