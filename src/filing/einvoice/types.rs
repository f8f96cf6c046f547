//! E-invoices of the company's documents as they travel.

use crate::billing::invoices::order::Kind;
use crate::billing::invoices::types::InvoiceStatus;
use crate::billing::irns::types::EinvoiceStatus;
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{ApprovalId, CustomerId, InvoiceId};
use crate::platform::money::Amount;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

words! {
    /// Why the portal cancelled: 1 duplicate, 2 data entry mistake, 3 order cancelled, 4 others.
    pub enum CancelCode { Duplicate = "1", Mistake = "2", OrderCancelled = "3", Other = "4" }
}

/// How a document stands with the portal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EinvoiceEntry {
    #[schema(example = "einvoice")]
    pub object: &'static str,
    pub document_id: InvoiceId,
    pub document_type: Kind,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub number: String,
    pub document_date: NaiveDate,
    pub document_status: InvoiceStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub grand_total: Amount,
    pub status: EinvoiceStatus,
    #[schema(max_length = 64, example = "3f5c0c2a9b6d4e1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f")]
    pub irn: Option<String>,
    #[schema(max_length = 20, example = "152510012345678")]
    pub ack_no: Option<String>,
    pub ack_at: Option<Instant>,
    #[schema(max_length = 20, example = "391009149369")]
    pub eway_bill_no: Option<String>,
    /// The last day the portal takes it; null where there is none.
    pub report_by: Option<NaiveDate>,
    /// Until when the portal cancels it.
    pub cancellable_until: Option<Instant>,
    pub error: Option<EinvoiceError>,
    pub cancelled_at: Option<Instant>,
    pub cancel_code: Option<CancelCode>,
    #[schema(max_length = 100, example = "Order cancelled by the buyer")]
    pub cancel_remarks: Option<String>,
    /// The request that waits for a decision about the document's cancellation.
    pub approval_id: Option<ApprovalId>,
}
impl Resource for EinvoiceEntry {
    fn awaits(&self) -> bool {
        self.approval_id.is_some()
    }
}

/// What kept a document from being registered, as the portal says it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EinvoiceError {
    #[schema(max_length = 20, example = "2150")]
    pub code: String,
    #[schema(max_length = 1000, example = "Duplicate IRN")]
    pub detail: String,
}

/// The payload, as the portal takes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, example = json!({"Version": "1.1", "DocDtls": {"Typ": "INV", "No": "MH/25-26/000123", "Dt": "15/11/2025"}}))]
pub struct EinvoicePayload(pub Value);
impl Resource for EinvoicePayload {}

/// The portal's answer: its members, or `response` with all of it as downloaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"irn": "3f5c0c2a9b6d4e1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f", "ack_no": "152510012345678", "ack_at": "2025-10-01T10:12:44.000Z", "signed_qr": "eyJhbGciOiJSUzI1NiJ9.eyJkYXRhIjoie30ifQ.c2ln"}))]
pub struct NewRegistration {
    #[schema(pattern = "^[0-9a-f]{64}$", max_length = 64, example = "3f5c0c2a9b6d4e1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f")]
    pub irn: Option<String>,
    #[schema(pattern = "^[0-9]{1,20}$", max_length = 20, example = "152510012345678")]
    pub ack_no: Option<String>,
    /// When the portal registered it; as the signed QR says when left out.
    pub ack_at: Option<Instant>,
    /// JWT of the QR code (`SignedQRCode`).
    #[schema(max_length = 10000, example = "eyJhbGciOiJSUzI1NiJ9.eyJkYXRhIjoie30ifQ.c2ln")]
    pub signed_qr: Option<String>,
    /// JWT of the whole invoice (`SignedInvoice`).
    #[schema(max_length = 1_000_000, example = "eyJhbGciOiJSUzI1NiJ9.eyJkYXRhIjoie30ifQ.c2ln")]
    pub signed_invoice: Option<String>,
    #[schema(pattern = "^[0-9]{12}$", max_length = 12, example = "391009149369")]
    pub eway_bill_no: Option<String>,
    /// The answer as downloaded from the portal or a service provider, also a refusal.
    #[schema(value_type = Option<Object>, example = json!({"Status": 1, "Data": {}}))]
    pub response: Option<Value>,
}

/// How the portal cancelled it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason_code": "3", "remarks": "Order cancelled by the buyer", "cancelled_at": "2025-10-01T18:00:00.000Z"}))]
pub struct NewCancellation {
    pub reason_code: CancelCode,
    #[schema(min_length = 3, max_length = 100, example = "Order cancelled by the buyer")]
    pub remarks: String,
    /// When the portal cancelled it; now when left out.
    pub cancelled_at: Option<Instant>,
    /// The answer as downloaded.
    #[schema(value_type = Option<Object>, example = json!({"Irn": "3f5c", "CancelDate": "2025-10-01 23:30:00"}))]
    pub response: Option<Value>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EinvoiceFilter {
    /// States, comma-separated.
    #[param(max_length = 100, example = "pending,failed")]
    pub status: Option<String>,
    /// Kinds of document, comma-separated.
    #[param(max_length = 100, example = "invoice,credit_note")]
    pub document_type: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The number as printed.
    #[param(max_length = 16, example = "MH/25-26/000123")]
    pub number: Option<String>,
    /// Invoice Reference Number.
    #[param(max_length = 64, example = "3f5c0c2a9b6d4e1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f")]
    pub irn: Option<String>,
    /// First date of the document.
    #[param(example = "2025-10-01")]
    pub document_date_gte: Option<NaiveDate>,
    /// Last date of the document.
    #[param(example = "2025-10-31")]
    pub document_date_lte: Option<NaiveDate>,
    /// To be reported by this day at the latest: what is near its deadline, or past it.
    #[param(example = "2025-10-31")]
    pub report_by_lte: Option<NaiveDate>,
}

words! {
    /// A drawing, or pixels.
    pub enum QrFormat { Svg = "svg", Png = "png" }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QrQuery {
    /// The kind of picture; as `Accept` says when left out, and a drawing where that does not mind.
    #[param(inline)]
    pub format: Option<QrFormat>,
}
