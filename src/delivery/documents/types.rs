//! Templates, logo and settings of documents as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{DocumentLogoId, DocumentSettingsId, DocumentTemplateId, RegistrationId};
use crate::words;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// What a template is for.
    pub enum TemplateKind {
        TaxInvoice = "tax_invoice", BillOfSupply = "bill_of_supply", CreditNote = "credit_note", DebitNote = "debit_note",
        ReceiptVoucher = "receipt_voucher", RefundVoucher = "refund_voucher", Statement = "statement",
    }
}

/// The template documents of a kind are made with from now on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentTemplate {
    /// Absent where it is the one that comes with the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<DocumentTemplateId>,
    #[schema(example = "document_template")]
    pub object: &'static str,
    pub kind: TemplateKind,
    /// Whether it comes with the service.
    pub built_in: bool,
    #[schema(max_length = 65_536, example = "<document><text size=\"14\">{{ title }}</text></document>")]
    pub source: String,
    /// 0 while the company had none of its own.
    #[schema(minimum = 0)]
    pub version: i64,
    pub created_at: Option<Instant>,
}
impl Resource for DocumentTemplate {
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentTemplates {
    #[schema(max_items = 7)]
    pub data: Vec<DocumentTemplate>,
}
impl Resource for DocumentTemplates {}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocumentTemplate {
    /// At most 64 KiB; the one that comes with the service when left out.
    #[schema(min_length = 1, max_length = 65_536, example = "<document><text size=\"14\">{{ title }}</text></document>")]
    pub source: Option<String>,
}

words! {
    pub enum ImageType { Png = "image/png", Jpeg = "image/jpeg" }
}

/// The company's logo on documents.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentLogo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<DocumentLogoId>,
    #[schema(example = "document_logo")]
    pub object: &'static str,
    /// Null where there is none.
    pub media_type: Option<ImageType>,
    /// In pixels.
    #[schema(minimum = 1, maximum = 4000, example = 400)]
    pub width: Option<i32>,
    #[schema(minimum = 1, maximum = 4000, example = 120)]
    pub height: Option<i32>,
    /// The image in base64.
    #[schema(max_length = 400_000, example = "iVBORw0KGgo=")]
    pub content: Option<String>,
    #[schema(minimum = 0)]
    pub version: i64,
}
impl Resource for DocumentLogo {
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocumentLogo {
    /// A PNG or JPEG in base64: at most 256 KiB and 2,000 pixels in each direction. No logo when left out.
    #[schema(
        min_length = 1,
        max_length = 400_000,
        example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )]
    pub content: Option<String>,
}

/// What documents of one registration say of the company beside its name and GSTIN.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<DocumentSettingsId>,
    #[schema(example = "document_settings")]
    pub object: &'static str,
    pub gst_registration_id: RegistrationId,
    pub content: SettingsContent,
    #[schema(minimum = 0)]
    pub version: i64,
}
impl Resource for DocumentSettings {
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

/// All of it is replaced together; what is left out is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsContent {
    #[serde(default)]
    #[schema(min_length = 3, max_length = 200, example = "www.demo.test")]
    pub website: Option<String>,
    /// Corporate identity number.
    #[serde(default)]
    #[schema(min_length = 21, max_length = 21, pattern = "^[LUF][0-9]{5}[A-Z]{2}[0-9]{4}[A-Z]{3}[0-9]{6}$", example = "U51909MH2017PTC123456")]
    pub cin: Option<String>,
    /// Reference number of the letter of undertaking (form RFD-11), for exports and SEZ supplies without payment of tax.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40, example = "AD270425000123A")]
    pub lut: Option<String>,
    #[serde(default)]
    pub bank: Option<SellerBank>,
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["Goods once sold are not taken back."]))]
    pub terms: Vec<Line>,
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 600,
        example = "We declare that this invoice shows the actual price of the goods described and that all particulars are true and correct."
    )]
    pub declaration: Option<String>,
    /// Who signs.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100, example = "A. Shah, Director")]
    pub signatory: Option<String>,
    /// Color of headings and lines.
    #[serde(default)]
    #[schema(max_length = 7, pattern = "^#[0-9a-fA-F]{6}$", example = "#1f3a5f")]
    pub accent: Option<String>,
}

/// One line of terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 400, example = "Goods once sold are not taken back.")]
pub struct Line(pub String);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SellerBank {
    #[schema(min_length = 1, max_length = 100, example = "Demo Bank, Fort branch")]
    pub bank_name: String,
    #[schema(min_length = 1, max_length = 40, example = "50200012345678")]
    pub account_number: String,
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, example = "Demo Traders Pvt Ltd")]
    pub account_name: Option<String>,
    #[serde(default)]
    #[schema(pattern = "^[A-Z]{4}0[A-Z0-9]{6}$", max_length = 11, example = "DEMO0000001")]
    pub ifsc: Option<String>,
    #[serde(default)]
    #[schema(min_length = 8, max_length = 11, example = "DEMOINBB")]
    pub swift: Option<String>,
}

words! {
    /// Rule 48: of goods three copies, of services two.
    pub enum Copy { Original = "original", Duplicate = "duplicate", Triplicate = "triplicate" }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Copies {
    /// Copies, comma-separated: `original` (for the recipient), `duplicate` (for the transporter; of services for the supplier),
    /// `triplicate` (for the supplier, of goods only), or `all`. The original when left out.
    #[param(pattern = "^(all|(original|duplicate|triplicate)(,(original|duplicate|triplicate)){0,2})$", max_length = 40, example = "original,duplicate")]
    pub copies: Option<String>,
    /// The same as `copies`.
    #[param(pattern = "^(all|(original|duplicate|triplicate)(,(original|duplicate|triplicate)){0,2})$", max_length = 40, example = "original")]
    pub copy: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfRegistration {
    /// The default registration when left out.
    pub gst_registration_id: Option<RegistrationId>,
}
