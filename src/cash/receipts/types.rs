//! Receipts as they travel.

use crate::cash::allocations::types::{DifferenceReason, Target};
use crate::ledger::AllocationKind;
use crate::ledger::advances::types::AdvanceAmounts;
use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::master_data::customers::types::Metadata;
use crate::platform::dates::Instant;
use crate::platform::ids::{AllocationId, ApprovalId, BankAccountId, CustomerId, EntryId, InvoiceId, ReceiptId, RegistrationId};
use crate::platform::money::{Amount, ExchangeRate, Rate};
use crate::platform::unit_of_work::ExternalId;
use crate::tax::gst::advances::AdvanceFor;
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// `held`: a cheque of a later date, not in the books yet. `unidentified`: nobody knows yet who paid.
    /// `on_account`: waits on purpose. The others say how far the money is placed, or that it was taken back.
    pub enum ReceiptStatus {
        Held = "held", Unidentified = "unidentified", Unapplied = "unapplied", OnAccount = "on_account", PartiallyApplied = "partially_applied", Applied = "applied",
        Reversed = "reversed", Bounced = "bounced",
    }
}
words! {
    /// As stored.
    pub enum State { Held = "held", Unidentified = "unidentified", Recorded = "recorded", Reversed = "reversed", Bounced = "bounced" }
}
words! {
    /// Where a cheque is.
    pub enum Clearing { Received = "received", Deposited = "deposited", Cleared = "cleared", Bounced = "bounced" }
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
    /// Null while unidentified.
    pub customer_id: Option<CustomerId>,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// The receipt's own date.
    pub receipt_date: NaiveDate,
    /// The accounting day; null while held.
    pub posting_date: Option<NaiveDate>,
    /// Day the money was at the bank.
    pub value_date: NaiveDate,
    /// What the money settles in and how much it is in that, where it came in another currency.
    #[schema(max_length = 3, example = "USD")]
    pub settlement_currency: Option<String>,
    pub settlement_amount: Option<Amount>,
    /// Base units for one unit of the currency it settles in.
    pub exchange_rate: ExchangeRate,
    /// Of a cheque.
    pub clearing: Option<Clearing>,
    #[schema(max_length = 20, example = "000123")]
    pub cheque_number: Option<String>,
    pub cheque_date: Option<NaiveDate>,
    /// Three months past its date and not cleared: no bank pays it any more.
    pub stale: bool,
    pub deposited_on: Option<NaiveDate>,
    pub cleared_on: Option<NaiveDate>,
    pub identified_on: Option<NaiveDate>,
    /// When it was reversed or bounced, and why.
    pub ended_on: Option<NaiveDate>,
    #[schema(max_length = 500, example = "Funds insufficient")]
    pub end_reason: Option<String>,
    /// The debit note for the bank's fee.
    pub fee_note_id: Option<InvoiceId>,
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
    /// What the money on account is an advance for; null where it is none.
    pub gst_advance: Option<ReceiptAdvance>,
    pub gl_journal_id: Option<EntryId>,
    #[schema(max_length = 7, example = "2025-11")]
    pub period: String,
    /// What was asked for and waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 10, example = json!(["allocate", "reverse"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(example = json!({"batch": "0711"}))]
    pub metadata: Metadata,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "client:0196f2a0-8888-7000-8000-00000000000b")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(Receipt: version, awaits approval_id);

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

/// Money received before the invoice, and the tax in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptAdvance {
    pub supply: AdvanceFor,
    /// Whether tax fell due on receipt: of services it does, of goods not since 15-Nov-2017.
    pub taxed: bool,
    pub tax_rate: Rate,
    pub cess_rate: Rate,
    #[schema(max_length = 2, example = "27")]
    pub place_of_supply: String,
    pub inter_state: bool,
    #[schema(max_length = 8, example = "998313")]
    pub hsn_code: Option<String>,
    pub gst_registration_id: RegistrationId,
    /// Of the receipt voucher (CGST rule 50); null where nothing was taxed, or all of the money was placed at once.
    #[schema(max_length = 16, example = "RV/25-26/00001")]
    pub voucher_number: Option<String>,
    pub voucher_date: Option<NaiveDate>,
    /// What was on account when the money came, in base currency; null where nothing was taxed.
    pub received: Option<AdvanceAmounts>,
    /// What of it is neither adjusted in a document nor paid back.
    pub remaining: Option<AdvanceAmounts>,
    /// Why it is taxed so.
    #[schema(max_items = 10)]
    pub explanation: Vec<AdvanceReason>,
}

/// A decision with its rule, the law it comes from and the day for which that law was asked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AdvanceReason {
    #[schema(max_length = 40, example = "tax_rate")]
    pub decision: String,
    #[schema(max_length = 300, example = "The rate is not known yet.")]
    pub rule: String,
    #[schema(max_length = 200, example = "CGST Rules 2017 r.50, proviso")]
    pub section: String,
    pub effective_date: NaiveDate,
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
    /// `discount_disallowed`: the payer took a discount that was no longer due.
    #[schema(max_items = 5, example = json!(["discount_disallowed"]))]
    pub flags: Vec<String>,
    /// Why the payer paid less or more than was open.
    pub difference_reason: Option<DifferenceReason>,
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
    pub customer_id: Option<CustomerId>,
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

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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
    /// Currency of the money; the company's base currency when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
    /// Base units for one unit of `currency`; from the company's rates when left out.
    pub exchange_rate: Option<ExchangeRate>,
    /// Where the invoices it pays are in another currency: that currency, and how much of it the money is.
    /// Deductions and allocations are in it then.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "USD")]
    pub settlement_currency: Option<String>,
    pub settlement_amount: Option<Amount>,
    /// Nobody knows yet who paid: the money waits among the unidentified receipts until `identify`.
    #[serde(default)]
    #[schema(example = false)]
    pub unidentified: bool,
    #[schema(min_length = 1, max_length = 20, example = "000123")]
    pub cheque_number: Option<String>,
    /// A date after the receipt date makes it a held cheque: it counts from its deposit.
    #[schema(example = "2025-12-01")]
    pub cheque_date: Option<NaiveDate>,
    /// Post on the first open day where the receipt date lies in a closed period; the date stays as it is.
    #[serde(default)]
    #[schema(example = false)]
    pub post_late: bool,
    /// Park the money on purpose.
    #[serde(default)]
    #[schema(example = false)]
    pub on_account: bool,
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
    /// What the money that is left on account is an advance for.
    pub gst_advance: Option<NewAdvance>,
    /// Record although it looks like one that is recorded; needs `reason`.
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

/// Marks money received before the invoice. Of services tax falls due on receipt (CGST Act s.13(2)): the money includes
/// it, a receipt voucher gets its number, and every later application, refund or reversal of the money moves the tax in
/// proportion. Of goods nothing falls due before the invoice (notification 66/2017).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"supply": "services", "tax_rate": "18", "place_of_supply": "27", "hsn_code": "998313"}))]
pub struct NewAdvance {
    pub supply: AdvanceFor,
    /// In force on the day the money came; 18 when left out, as the rate is not known then (rule 50).
    pub tax_rate: Option<Rate>,
    /// Compensation cess; none when left out.
    pub cess_rate: Option<Rate>,
    /// Where the recipient is by registration or billing address when left out. Where that is not known the supply
    /// counts as inter-State (rule 50), with place of supply 97.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
    pub place_of_supply: Option<String>,
    #[schema(pattern = "^[0-9]{4,8}$", max_length = 8, example = "998313")]
    pub hsn_code: Option<String>,
    /// Who supplies; the default registration when left out.
    pub gst_registration_id: Option<RegistrationId>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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

/// Who paid, and what it shall settle.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_external_id": "CUST-0042", "identified_on": "2025-11-19", "auto_apply": "oldest_first"}))]
pub struct Identify {
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    /// Accounting date; today when left out.
    #[schema(example = "2025-11-19")]
    pub identified_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub allocations: Vec<Target>,
    pub auto_apply: Option<AutoApply>,
    /// What the money that is left on account is an advance for.
    pub gst_advance: Option<NewAdvance>,
}
impl NamesCustomer for Identify {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// When it went to the bank, not before the cheque's date; today when left out.
    #[schema(example = "2025-12-01")]
    pub deposited_on: Option<NaiveDate>,
    /// Where, if another account than recorded.
    pub bank_account_id: Option<BankAccountId>,
    /// Other instructions than when it was received; an empty list places nothing.
    #[schema(max_items = 1000)]
    pub allocations: Option<Vec<Target>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Clear {
    /// When the bank credited it; today when left out.
    #[schema(example = "2025-12-03")]
    pub cleared_on: Option<NaiveDate>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseReceipt {
    /// Accounting date of the reversal; today when left out.
    #[schema(example = "2025-11-20")]
    pub reversed_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Posted to the wrong customer")]
    pub reason: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounce {
    /// The bank's date of the return; today when left out.
    #[schema(example = "2025-12-05")]
    pub bounced_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Funds insufficient")]
    pub reason: String,
    /// Charged to the customer by a debit note, in base currency.
    pub fee: Option<Amount>,
}

/// What may be changed of a receipt: nothing that moves money.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptPatch {
    #[schema(max_length = 200, example = "ACME RETAIL PVT LTD")]
    pub payer_name: Option<String>,
    /// Park unapplied money on purpose, or let it wait for its place again.
    #[schema(example = true)]
    pub on_account: Option<bool>,
    #[schema(example = json!({"batch": "0711"}))]
    pub metadata: Option<Metadata>,
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
    /// Something is not applied for so many days since the receipt date.
    #[param(minimum = 1, maximum = 36500, example = 5)]
    pub unapplied_days_gte: Option<i64>,
    /// The account the money came into.
    pub bank_account_id: Option<BankAccountId>,
    /// The API client that recorded it.
    pub client_id: Option<Uuid>,
    /// The month posted in; while held that of its date.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2025-10")]
    pub period: Option<String>,
    /// Only what the bank returned, or only the others.
    #[param(example = true)]
    pub bounced: Option<bool>,
    /// First day of value.
    #[param(example = "2025-11-01")]
    pub value_date_gte: Option<NaiveDate>,
    /// Last day of value.
    #[param(example = "2025-11-30")]
    pub value_date_lte: Option<NaiveDate>,
    /// First receipt date.
    #[param(example = "2025-11-01")]
    pub receipt_date_gte: Option<NaiveDate>,
    /// Last receipt date.
    #[param(example = "2025-11-30")]
    pub receipt_date_lte: Option<NaiveDate>,
}
