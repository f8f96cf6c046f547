//! The register of advances as it travels.

use crate::platform::dates::Instant;
use crate::platform::ids::{AdvanceId, AllocationId, CustomerId, ReceiptId, RegistrationId};
use crate::platform::money::{Amount, Currency, Rate};
use crate::tax::gst::advances::{Inclusive, MovementKind};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Money with the tax in it, in base currency: `gross` is the sum of the others.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AdvanceAmounts {
    pub gross: Amount,
    pub taxable: Amount,
    pub cgst: Amount,
    /// SGST or UTGST.
    pub sgst: Amount,
    pub igst: Amount,
    pub cess: Amount,
}

impl AdvanceAmounts {
    #[must_use]
    pub fn of(sums: &Inclusive, currency: Currency) -> Self {
        Self {
            gross: currency.amount(sums.gross),
            taxable: currency.amount(sums.taxable),
            cgst: currency.amount(sums.cgst),
            sgst: currency.amount(sums.sgst),
            igst: currency.amount(sums.igst),
            cess: currency.amount(sums.cess),
        }
    }
}

/// A movement of the register. What takes another back has negative amounts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AdvanceMovement {
    pub id: AdvanceId,
    #[schema(example = "gst_advance")]
    pub object: &'static str,
    /// `received`: money came on account. `adjusted`: applied to a document. `refunded`: paid back. `kept`: settled
    /// without either, so that its tax stays due.
    pub kind: MovementKind,
    pub moved_on: NaiveDate,
    /// Of the receipt voucher (CGST rule 50) or refund voucher (rule 51).
    #[schema(max_length = 16, example = "RV/25-26/00001")]
    pub voucher_number: Option<String>,
    pub gst_registration_id: RegistrationId,
    #[schema(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: String,
    pub customer_id: CustomerId,
    pub receipt_id: ReceiptId,
    #[schema(max_length = 16, example = "RCT/25-26/00731")]
    pub receipt_number: String,
    /// What the money was applied to or paid back with; null for its receipt.
    #[schema(max_length = 20, example = "invoice")]
    pub document_type: Option<String>,
    pub document_id: Option<Uuid>,
    #[schema(max_length = 50, example = "MH/25-26/000123")]
    pub document_number: Option<String>,
    pub allocation_id: Option<AllocationId>,
    /// The movement it takes back.
    pub reverses_id: Option<AdvanceId>,
    #[schema(max_length = 2, example = "27")]
    pub place_of_supply: String,
    pub inter_state: bool,
    pub tax_rate: Rate,
    pub cess_rate: Rate,
    /// Money, its tax included, in base currency.
    pub gross: Amount,
    pub taxable: Amount,
    pub cgst: Amount,
    /// SGST or UTGST.
    pub sgst: Amount,
    pub igst: Amount,
    pub cess: Amount,
    pub created_at: Instant,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AdvanceFilter {
    /// Of the supplying registration.
    #[param(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: Option<String>,
    /// The month of the movement.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2025-11")]
    pub period: Option<String>,
    /// Whose money it is.
    pub customer_id: Option<CustomerId>,
    /// The receipt of the money.
    pub receipt_id: Option<ReceiptId>,
    /// Kinds of movement, comma-separated.
    #[param(max_length = 50, example = "received,refunded")]
    pub kind: Option<String>,
}
