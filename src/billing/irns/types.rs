//! Registrations as they travel.

use crate::platform::dates::Instant;
use crate::words;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

words! {
    /// How a document stands with the Invoice Registration Portal.
    pub enum EinvoiceStatus { NotRequired = "not_required", Pending = "pending", Registered = "registered", Failed = "failed", Cancelled = "cancelled" }
}

/// How a document stands with the Invoice Registration Portal (CGST Rules r.48(4)).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Einvoice {
    pub status: EinvoiceStatus,
    /// Invoice Reference Number.
    #[schema(max_length = 64, example = "3f5c0c2a9b6d4e1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f")]
    pub irn: Option<String>,
    #[schema(max_length = 20, example = "152510012345678")]
    pub ack_no: Option<String>,
    pub ack_at: Option<Instant>,
}

/// What the portal answered to a document, last of all.
#[derive(Debug, Clone)]
pub struct Record {
    pub status: EinvoiceStatus,
    pub irn: Option<String>,
    pub ack_no: Option<String>,
    pub ack_at: Option<DateTime<Utc>>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub version: i64,
}
