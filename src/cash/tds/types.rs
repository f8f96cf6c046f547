//! Tax deducted by customers, as it travels.

use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::platform::dates::Instant;
use crate::platform::ids::{CertificateId, CustomerId, ReceiptId};
use crate::platform::money::{Amount, Rate};
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// `claimed`: deducted from a receipt. `certificate_received`: certified. `matched`: the tax office shows it, but
    /// figures differ in our favour or deductions are missing. `accepted`: certificate and tax office agree with
    /// what was deducted. `short`: they show less, and the rest is owed again. `reversed`: the receipt was taken back.
    pub enum DeductionStatus {
        Claimed = "claimed", CertificateReceived = "certificate_received", Matched = "matched", Accepted = "accepted", Short = "short", Reversed = "reversed",
    }
}
words! {
    /// As of deductions; `unmatched`: none is known to it yet.
    pub enum CertificateStatus { Unmatched = "unmatched", CertificateReceived = "certificate_received", Matched = "matched", Accepted = "accepted", Short = "short" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TdsDeduction {
    #[schema(example = "tds_deduction")]
    pub object: &'static str,
    pub receipt_id: ReceiptId,
    #[schema(max_length = 16, example = "RCT/25-26/00731")]
    pub receipt_number: String,
    #[schema(minimum = 1, example = 1)]
    pub line_no: i32,
    pub customer_id: Option<CustomerId>,
    /// The receipt's date.
    pub deducted_on: NaiveDate,
    #[schema(max_length = 20, example = "194C")]
    pub section: Option<String>,
    pub rate: Option<Rate>,
    #[schema(max_length = 7, example = "2025-26")]
    pub fiscal_year: String,
    /// April to June is the first.
    #[schema(minimum = 1, maximum = 4, example = 3)]
    pub quarter: i32,
    pub amount: Amount,
    pub status: DeductionStatus,
    pub certificate_id: Option<CertificateId>,
    #[schema(max_length = 30, example = "ABCDEF")]
    pub certificate_number: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TdsCertificate {
    pub id: CertificateId,
    #[schema(example = "tds_certificate")]
    pub object: &'static str,
    pub status: CertificateStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 30, example = "ABCDEF")]
    pub certificate_number: String,
    pub certificate_date: NaiveDate,
    #[schema(max_length = 20, example = "194C")]
    pub section: String,
    #[schema(max_length = 7, example = "2025-26")]
    pub fiscal_year: String,
    #[schema(minimum = 1, maximum = 4, example = 3)]
    pub quarter: i32,
    /// What is certified.
    pub amount: Amount,
    /// What was deducted by the deductions it is about.
    pub deducted: Amount,
    /// Certified less deducted.
    pub difference: Amount,
    /// What is owed again.
    pub shortfall: Amount,
    /// When the tax office's record was looked at last, and what it shows.
    pub seen_on: Option<NaiveDate>,
    pub seen_amount: Option<Amount>,
    #[schema(max_items = 1000)]
    pub deductions: Vec<CertifiedDeduction>,
    /// What this caller may do with it.
    #[schema(max_items = 2, example = json!(["match", "26as"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(TdsCertificate: version);

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CertifiedDeduction {
    pub receipt_id: ReceiptId,
    #[schema(max_length = 16, example = "RCT/25-26/00731")]
    pub receipt_number: String,
    #[schema(minimum = 1, example = 1)]
    pub line_no: i32,
    pub amount: Amount,
}

/// A deduction by its receipt and line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeductionRef {
    pub receipt_id: ReceiptId,
    #[schema(minimum = 1, maximum = 100, example = 1)]
    pub line_no: i32,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_external_id": "CUST-0042", "certificate_number": "ABCDEF", "certificate_date": "2026-01-20", "section": "194C", "fiscal_year": "2025-26", "quarter": 3, "amount": "2000.00"}))]
pub struct NewCertificate {
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ABCDEF")]
    pub certificate_number: String,
    #[schema(example = "2026-01-20")]
    pub certificate_date: NaiveDate,
    /// Section or payment code.
    #[schema(min_length = 1, max_length = 20, example = "194C")]
    pub section: String,
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$", max_length = 7, example = "2025-26")]
    pub fiscal_year: String,
    #[schema(minimum = 1, maximum = 4, example = 3)]
    pub quarter: i32,
    pub amount: Amount,
    /// What it is about; the customer's oldest deductions of the section and quarter when left out.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub deductions: Vec<DeductionRef>,
}
impl NamesCustomer for NewCertificate {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchCertificate {
    #[schema(min_items = 1, max_items = 1000)]
    pub deductions: Vec<DeductionRef>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSighting {
    /// When the record was looked at; today when left out.
    #[schema(example = "2026-02-10")]
    pub seen_on: Option<NaiveDate>,
    /// What it shows of this certificate.
    pub amount: Amount,
}

/// A line of the tax office's record by what it says itself: whose tax, of which section and quarter. It knows no certificates.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_external_id": "CUST-0042", "section": "194C", "fiscal_year": "2025-26", "quarter": 3, "amount": "2000.00"}))]
pub struct NewTaxOfficeLine {
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    /// Section or payment code.
    #[schema(min_length = 1, max_length = 20, example = "194C")]
    pub section: String,
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$", max_length = 7, example = "2025-26")]
    pub fiscal_year: String,
    #[schema(minimum = 1, maximum = 4, example = 3)]
    pub quarter: i32,
    /// Which certificate it is, where the customer gave several for the section and quarter.
    #[schema(min_length = 1, max_length = 30, example = "ABCDEF")]
    pub certificate_number: Option<String>,
    /// All that was deposited for the section and quarter, or for the certificate.
    pub amount: Amount,
    /// When the record was looked at; today when left out.
    #[schema(example = "2026-02-10")]
    pub seen_on: Option<NaiveDate>,
}
impl NamesCustomer for NewTaxOfficeLine {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeductionFilter {
    /// States, comma-separated.
    #[param(max_length = 100, example = "claimed,short")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// Section or payment code.
    #[param(max_length = 20, example = "194C")]
    pub section: Option<String>,
    /// Fiscal year.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}$", max_length = 7, example = "2025-26")]
    pub fiscal_year: Option<String>,
    /// The same as `fiscal_year`.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}$", max_length = 7, example = "2025-26")]
    pub fy: Option<String>,
    /// Quarter of the fiscal year.
    #[param(minimum = 1, maximum = 4, example = 3)]
    pub quarter: Option<i32>,
    /// With a certificate, or without.
    #[param(example = false)]
    pub certified: Option<bool>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CertificateFilter {
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// Section or payment code.
    #[param(max_length = 20, example = "194C")]
    pub section: Option<String>,
    /// Fiscal year.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}$", max_length = 7, example = "2025-26")]
    pub fiscal_year: Option<String>,
    /// The same as `fiscal_year`.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}$", max_length = 7, example = "2025-26")]
    pub fy: Option<String>,
    /// Quarter of the fiscal year.
    #[param(minimum = 1, maximum = 4, example = 3)]
    pub quarter: Option<i32>,
    /// States, comma-separated.
    #[param(max_length = 100, example = "short")]
    pub status: Option<String>,
    /// What was deducted differs by more than this, in base currency, from the certificate or from what the tax office shows.
    pub difference_gt: Option<Amount>,
}
