//! What the tool is asked, and what it answers.

use crate::platform::http::reply::Resource;
use crate::platform::money::{Amount, Quantity, Rate, UnitPrice};
use crate::tax::gst::explain::Explanation;
use crate::tax::tools::types::{ChargeTime, RecipientKind, TaxTreatment};
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

words! {
    /// The kind of document, in our words or the portal's.
    pub enum EinvoiceType { Invoice = "invoice", CreditNote = "credit_note", DebitNote = "debit_note", Inv = "INV", Crn = "CRN", Dbn = "DBN" }
}
words! {
    /// How GST sees the supply, in our words or the portal's.
    pub enum EinvoiceSupply {
        Regular = "regular", SezWithPayment = "sez_with_payment", SezWithoutPayment = "sez_without_payment", ExportWithPayment = "export_with_payment",
        ExportWithoutPayment = "export_without_payment", DeemedExport = "deemed_export", B2b = "B2B", B2c = "B2C", Sezwp = "SEZWP", Sezwop = "SEZWOP", Expwp = "EXPWP",
        Expwop = "EXPWOP", Dexp = "DEXP",
    }
}
words! {
    pub enum EinvoiceDocumentStatus { Issued = "issued", Cancelled = "cancelled" }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "document": {"type": "invoice", "number": "MH/25-26/000123", "date": "2025-11-15"},
    "supplier": {"gstin": "27AAACD1234E1Z9", "legal_name": "Demo Traders Pvt Ltd", "address": {"line1": "1 Marine Drive", "city": "Mumbai", "postal_code": "400002"}},
    "buyer": {"gstin": "27AABCA9876F1ZD", "legal_name": "Acme Retail Pvt Ltd", "address": {"line1": "12 MG Road", "city": "Mumbai", "postal_code": "400001"}},
    "lines": [{"description": "Annual support plan", "hsn": "998313", "service": true, "qty": "2", "uqc": "NOS", "unit_price": "50000.00", "gst_rate": "18"}]
}))]
pub struct EinvoiceRequest {
    pub document: EinvoiceDocument,
    pub supplier: EinvoiceParty,
    pub buyer: EinvoiceParty,
    /// At least one; the portal takes 1,000 taxable ones.
    #[serde(default)]
    #[schema(max_items = 5000)]
    pub lines: Vec<EinvoiceLine>,
    /// Where the goods leave from, if not from the supplier's address.
    pub dispatch_from: Option<EinvoiceParty>,
    /// Where they go, if not to the buyer's address.
    pub ship_to: Option<EinvoiceParty>,
    pub payment: Option<EinvoicePayment>,
    pub export: Option<EinvoiceExport>,
    pub transport: Option<EinvoiceTransport>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceDocument {
    pub r#type: Option<EinvoiceType>,
    /// At most 16 letters, digits, `-` and `/` (CGST Rules r.46(b)).
    #[schema(max_length = 100, example = "MH/25-26/000123")]
    pub number: String,
    #[schema(example = "2025-11-15")]
    pub date: NaiveDate,
    #[schema(max_length = 100, example = "MH/25-26/")]
    pub series: Option<String>,
    pub status: Option<EinvoiceDocumentStatus>,
    /// The buyer again, as documents of returns name it; `buyer` comes first.
    pub recipient: Option<EinvoiceRecipient>,
    /// GST State code, 96 outside India; from the buyer when left out.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
    pub place_of_supply: Option<String>,
    pub supply_type: Option<EinvoiceSupply>,
    /// The recipient pays the tax: shown, but in no total.
    #[schema(example = false)]
    pub reverse_charge: Option<bool>,
    /// Whether prices and discounts of lines include the tax.
    #[schema(example = false)]
    pub prices_include_tax: Option<bool>,
    #[schema(example = false)]
    pub round_to_rupee: Option<bool>,
    /// Off all lines together, before tax.
    pub document_discount: Option<Amount>,
    /// Off the document after tax.
    pub discount_after_tax: Option<Amount>,
    #[schema(max_items = 100)]
    #[serde(default)]
    pub charges: Vec<EinvoiceCharge>,
    /// Between the sum of the parts and the invoice value.
    pub rounding: Option<Amount>,
    /// The invoice value; what it differs from the sum by is its rounding, at most half a rupee.
    pub value: Option<Amount>,
    /// The invoice a note corrects.
    pub original: Option<EinvoiceOriginal>,
    /// Several of them.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub originals: Vec<EinvoiceOriginal>,
    /// The e-commerce operator it is sold through.
    #[schema(max_length = 20, example = "29AABCA9876F1Z9")]
    pub operator_gstin: Option<String>,
    /// ISO 4217, where it is billed in another currency; every amount here is in rupees.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "USD")]
    pub currency: Option<String>,
    /// The total in that currency.
    pub total_in_currency: Option<Amount>,
    /// The lines, where they stand in the document as in those of returns; the same as `lines` beside it.
    #[serde(default)]
    #[schema(max_items = 5000)]
    pub lines: Vec<EinvoiceLine>,
}

impl EinvoiceRequest {
    /// The lines and where they stand.
    #[must_use]
    pub fn lines(&self) -> (&[EinvoiceLine], &'static str) {
        if self.lines.is_empty() && !self.document.lines.is_empty() { (&self.document.lines, "/document/lines") } else { (&self.lines, "/lines") }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceRecipient {
    pub kind: Option<RecipientKind>,
    #[schema(max_length = 20, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    #[schema(max_length = 2, example = "27")]
    pub state: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceOriginal {
    #[schema(max_length = 100, example = "MH/25-26/000101")]
    pub number: String,
    #[schema(example = "2025-10-01")]
    pub date: NaiveDate,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceCharge {
    #[schema(max_length = 300, example = "Freight")]
    pub label: Option<String>,
    pub amount: Amount,
    pub when: ChargeTime,
    /// Of a charge before tax; the rates of the lines when left out.
    pub gst_rate: Option<Rate>,
    #[schema(max_length = 20, example = "996511")]
    pub hsn: Option<String>,
}

/// A supplier, a buyer, or a place goods go from or to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceParty {
    /// A buyer outside India has none.
    #[schema(max_length = 20, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    /// Of a buyer; from the GSTIN when left out. Of a supplier `sez` is a unit or the developer of one, whose supplies are all inter-State.
    pub kind: Option<RecipientKind>,
    #[schema(max_length = 500, example = "Acme Retail Pvt Ltd")]
    pub legal_name: Option<String>,
    /// The same as `legal_name`.
    #[schema(max_length = 500, example = "Acme Retail Pvt Ltd")]
    pub name: Option<String>,
    #[schema(max_length = 500, example = "Acme")]
    pub trade_name: Option<String>,
    pub address: Option<EinvoiceAddress>,
    /// The same as `address`.
    pub billing_address: Option<EinvoiceAddress>,
    /// GST State code; from the GSTIN when left out.
    #[schema(max_length = 2, example = "27")]
    pub state: Option<String>,
    /// The same as `state`.
    #[schema(max_length = 2, example = "27")]
    pub state_code: Option<String>,
    #[schema(max_length = 30, example = "2240000000")]
    pub phone: Option<String>,
    #[schema(max_length = 254, example = "accounts@example.com")]
    pub email: Option<String>,
    /// Of a supplier: the highest aggregate turnover of a year from 2017-18 to the one before the document's, in rupees.
    /// Taken to be above the limit when left out.
    pub turnover: Option<Amount>,
    /// Of a supplier: a kind that is excluded from e-invoicing, such as `bank` or `sez_unit`.
    #[schema(max_length = 40, example = "sez_unit")]
    pub excluded_as: Option<String>,
}

#[derive(Debug, Default, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceAddress {
    #[schema(max_length = 500, example = "12 MG Road")]
    pub line1: Option<String>,
    #[schema(max_length = 500, example = "Fort")]
    pub line2: Option<String>,
    #[schema(max_length = 200, example = "Mumbai")]
    pub city: Option<String>,
    #[schema(max_length = 2, example = "27")]
    pub state_code: Option<String>,
    /// Six digits in India.
    #[schema(max_length = 20, example = "400001")]
    pub postal_code: Option<String>,
    /// ISO 3166-1.
    #[schema(pattern = "^[A-Z]{2}$", max_length = 2, example = "IN")]
    pub country: Option<String>,
}

/// Quantity and price, from which everything else follows, or `taxable` with final amounts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceLine {
    #[schema(max_length = 500, example = "Annual support plan")]
    pub description: Option<String>,
    /// HSN or SAC.
    #[schema(max_length = 20, example = "998313")]
    pub hsn: Option<String>,
    /// Whether it is a service; by the code, which of services begins with 99, when left out.
    #[schema(example = true)]
    pub service: Option<bool>,
    pub qty: Option<Quantity>,
    pub free_qty: Option<Quantity>,
    /// Unit quantity code; `OTH` for goods when left out.
    #[schema(max_length = 20, example = "NOS")]
    pub uqc: Option<String>,
    pub unit_price: Option<UnitPrice>,
    pub gst_rate: Option<Rate>,
    pub discount_percent: Option<Rate>,
    pub discount_amount: Option<Amount>,
    pub cess_percent: Option<Rate>,
    pub cess_per_unit: Option<UnitPrice>,
    pub treatment: Option<TaxTreatment>,
    /// The final taxable value.
    pub taxable: Option<Amount>,
    /// Final, where `taxable` is; by the rate when no tax is given.
    pub igst: Option<Amount>,
    pub cgst: Option<Amount>,
    pub sgst: Option<Amount>,
    pub cess: Option<Amount>,
    pub state_cess_percent: Option<Rate>,
    pub state_cess: Option<Amount>,
    pub other_charges: Option<Amount>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoicePayment {
    #[schema(max_length = 500, example = "Demo Traders Pvt Ltd")]
    pub payee: Option<String>,
    #[schema(max_length = 100, example = "50100012345678")]
    pub account: Option<String>,
    #[schema(max_length = 100, example = "Credit")]
    pub mode: Option<String>,
    #[schema(max_length = 100, example = "HDFC0000001")]
    pub ifsc: Option<String>,
    #[schema(max_length = 500, example = "Net 30")]
    pub terms: Option<String>,
    #[schema(minimum = 0, maximum = 9999, example = 30)]
    pub credit_days: Option<i64>,
    pub paid: Option<Amount>,
    pub due: Option<Amount>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceExport {
    #[schema(max_length = 100, example = "1234567")]
    pub shipping_bill: Option<String>,
    #[schema(example = "2025-11-16")]
    pub shipping_bill_date: Option<NaiveDate>,
    #[schema(max_length = 100, example = "INNSA1")]
    pub port: Option<String>,
    #[schema(example = false)]
    pub refund_claimed: Option<bool>,
    #[schema(max_length = 100, example = "USD")]
    pub currency: Option<String>,
    /// ISO 3166-1; that of the buyer's address when left out.
    #[schema(max_length = 100, example = "US")]
    pub country: Option<String>,
    pub duty: Option<Amount>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceTransport {
    #[schema(max_length = 100, example = "27AABCA9876F1ZD")]
    pub transporter: Option<String>,
    #[schema(max_length = 500, example = "Fast Roads")]
    pub transporter_name: Option<String>,
    /// 1 road, 2 rail, 3 air, 4 ship.
    #[schema(max_length = 100, example = "1")]
    pub mode: Option<String>,
    /// In km; 0 lets the portal find it.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 4000, example = 0)]
    pub distance: u32,
    #[schema(max_length = 100, example = "LR-100")]
    pub document: Option<String>,
    #[schema(example = "2025-11-16")]
    pub document_date: Option<NaiveDate>,
    #[schema(max_length = 100, example = "MH12AB1234")]
    pub vehicle: Option<String>,
    /// R regular, O over-dimensional.
    #[schema(max_length = 100, example = "R")]
    pub vehicle_type: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EinvoiceAnswer {
    /// Whether the document has to be registered.
    pub applicable: bool,
    /// Why, or why not.
    #[schema(max_length = 500, example = "A B2B document of a seller whose turnover is above 50000000 rupees is registered.")]
    pub reason: String,
    #[schema(max_length = 40, example = "required")]
    pub reason_code: &'static str,
    /// INV-01 1.1; null for what the portal does not take at all.
    #[schema(value_type = Option<Object>, example = json!({"Version": "1.1"}))]
    pub payload: Option<Value>,
    #[schema(max_length = 64, example = "3f5c0c2a9b6d4e1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f")]
    pub irn: Option<String>,
    /// The last day the portal takes it; null where there is none.
    pub report_by: Option<NaiveDate>,
    /// What the portal wants besides.
    #[schema(max_items = 1000)]
    pub missing: Vec<EinvoiceMissing>,
    #[schema(max_items = 100)]
    pub warnings: Vec<String>,
    /// One entry a decision.
    #[schema(max_items = 20)]
    pub explanation: Vec<Explanation>,
}
impl Resource for EinvoiceAnswer {}

#[derive(Debug, Serialize, ToSchema)]
pub struct EinvoiceMissing {
    /// JSON Pointer into the request.
    #[schema(max_length = 200, example = "#/buyer/address/city")]
    pub pointer: String,
    #[schema(max_length = 40, example = "required")]
    pub code: &'static str,
    #[schema(max_length = 500, example = "The portal needs this.")]
    pub detail: String,
}
