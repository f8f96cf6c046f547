//! Returns as they travel.

use crate::filing::gstr1::Tax;
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{ApprovalId, RegistrationId};
use crate::platform::money::{Amount, Currency};
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// `open`: built anew whenever it is asked for; `filed`: locked with what was filed.
    pub enum ReturnState { Open = "open", Filed = "filed" }
}
words! {
    /// How a return is handed out: with totals, GSTR-3B and warnings; as the portal's file alone; as tables.
    pub enum ReturnFormat { Json = "json", Portal = "portal", Csv = "csv", Xlsx = "xlsx" }
}

/// Value and taxes in base currency, credit notes taken off.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReturnTotals {
    pub taxable_value: Amount,
    pub igst: Amount,
    pub cgst: Amount,
    /// SGST or UTGST.
    pub sgst: Amount,
    pub cess: Amount,
}
impl ReturnTotals {
    #[must_use]
    pub fn of(tax: Tax, currency: Currency) -> Self {
        let money = |value| currency.amount(value);
        Self { taxable_value: money(tax.txval), igst: money(tax.iamt), cgst: money(tax.camt), sgst: money(tax.samt), cess: money(tax.csamt) }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GstReturn {
    pub id: Uuid,
    #[schema(example = "gst_return")]
    pub object: &'static str,
    #[schema(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: String,
    pub gst_registration_id: RegistrationId,
    #[schema(max_length = 7, example = "2025-10")]
    pub period: String,
    /// The period as the portal writes it.
    #[schema(max_length = 6, example = "102025")]
    pub fp: String,
    pub state: ReturnState,
    /// Documents dated in the month, cancelled ones too.
    #[schema(minimum = 0, example = 1204)]
    pub documents: i64,
    /// Of the documents dated in the month that stand.
    pub totals: ReturnTotals,
    /// The portal's acknowledgement; null while open.
    #[schema(max_length = 20, example = "AA271025123456X")]
    pub arn: Option<String>,
    pub filed_on: Option<NaiveDate>,
    pub locked_at: Option<Instant>,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub locked_by: Option<String>,
    /// SHA-256 of the JSON that was filed.
    #[schema(max_length = 64, example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: Option<String>,
    /// The pending request to lock it.
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 1, example = json!(["lock"]))]
    pub allowed_actions: Vec<&'static str>,
}
impl Resource for GstReturn {
    fn awaits(&self) -> bool {
        self.state == ReturnState::Open && self.approval_id.is_some()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"arn": "AA271025123456X", "filed_on": "2025-11-11"}))]
pub struct LockReturn {
    /// Acknowledgement reference number of the portal.
    #[schema(min_length = 5, max_length = 20, pattern = "^[A-Za-z0-9-]+$", example = "AA271025123456X")]
    pub arn: String,
    /// Today when left out; not before the period is over.
    #[schema(example = "2025-11-11")]
    pub filed_on: Option<NaiveDate>,
    /// SHA-256 of the portal file that was filed: refused if the return comes out differently now.
    #[schema(pattern = "^[0-9a-f]{64}$", max_length = 64, example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub expected_sha256: Option<String>,
    #[schema(min_length = 1, max_length = 500, example = "Filed on the portal")]
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReturnFilter {
    /// Of this registration.
    #[param(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: Option<String>,
    /// `open` or `filed`.
    #[param(inline)]
    pub state: Option<ReturnState>,
    /// From this month on.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2025-04")]
    pub period_gte: Option<String>,
    /// Up to this month.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2026-03")]
    pub period_lte: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReturnView {
    /// `json` when left out. `portal` is the file to upload; `csv` and `xlsx` are its tables.
    #[param(inline)]
    pub format: Option<ReturnFormat>,
    /// With `csv`: one table alone, as the JSON calls it (`b2b`, `hsn_b2b`, `doc_issue`, …).
    #[param(max_length = 20, pattern = "^[a-z0-9_]+$", example = "b2b")]
    pub table: Option<String>,
}

/// Tables 3.1, 3.1.1 and 3.2 in the portal's form; figures are JSON numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"gstin": "27AAACD1234E1Z9", "ret_period": "102025", "sup_details": {"osup_det": {"txval": 100_000, "iamt": 0, "camt": 9000, "samt": 9000, "csamt": 0}, "osup_zero": {"txval": 0, "iamt": 0, "csamt": 0},
    "osup_nil_exmp": {"txval": 0}, "isup_rev": {"txval": 0, "iamt": 0, "camt": 0, "samt": 0, "csamt": 0}, "osup_nongst": {"txval": 0}},
    "eco_dtls": {"eco_sup": {"txval": 0, "iamt": 0, "camt": 0, "samt": 0, "csamt": 0}, "eco_reg_sup": {"txval": 0}}, "inter_sup": {"unreg_details": [], "comp_details": [], "uin_details": []}}))]
pub struct Gstr3bAnswer {
    #[schema(max_length = 15)]
    pub gstin: String,
    #[schema(max_length = 6)]
    pub ret_period: String,
    #[schema(value_type = Object)]
    pub sup_details: serde_json::Value,
    #[schema(value_type = Object)]
    pub eco_dtls: serde_json::Value,
    #[schema(value_type = Object)]
    pub inter_sup: serde_json::Value,
}

/// Return, books and e-invoices side by side.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReturnReconciliation {
    #[schema(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: String,
    #[schema(max_length = 7, example = "2025-10")]
    pub period: String,
    pub state: ReturnState,
    /// What the return says is owed on outward supplies.
    #[serde(rename = "return")]
    pub of_return: ReconciledTaxes,
    /// What was posted to the output tax accounts in the month.
    pub books: ReconciledTaxes,
    /// Return less books.
    pub difference: ReconciledTaxes,
    /// Where they part, document by document: the first 500 between return and books, and the first 500 that the portal
    /// knows otherwise.
    #[schema(max_items = 1000)]
    pub differences: Vec<ReturnDifference>,
    #[schema(minimum = 0, example = 0)]
    pub difference_count: usize,
}
impl Resource for ReturnReconciliation {}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReconciledTaxes {
    pub igst: Amount,
    pub cgst: Amount,
    pub sgst: Amount,
    pub cess: Amount,
}
impl ReconciledTaxes {
    #[must_use]
    pub fn of(tax: Tax, currency: Currency) -> Self {
        let money = |value| currency.amount(value);
        Self { igst: money(tax.iamt), cgst: money(tax.camt), sgst: money(tax.samt), cess: money(tax.csamt) }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReturnDifference {
    /// `in_return_only`, `in_books_only`, `amounts_differ`; `einvoice_missing`, `einvoice_stands` of a cancelled document,
    /// `einvoice_cancelled` of one that stands.
    #[schema(max_length = 40, example = "in_books_only")]
    pub code: &'static str,
    #[schema(max_length = 40, example = "invoice")]
    pub document_type: String,
    pub document_id: Uuid,
    #[schema(max_length = 30, example = "MH/25-26/000123")]
    pub document_number: String,
    /// What the return has of it less what the books have.
    pub difference: ReconciledTaxes,
    #[schema(max_length = 300, example = "Cancelled on 2025-11-03: the books take it back then, the return never had it.")]
    pub detail: String,
}
