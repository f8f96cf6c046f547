//! GST tools as they travel.

use crate::platform::http::reply::Resource;
use crate::platform::money::{Amount, Quantity, Rate, Share, UnitPrice};
use crate::tax::gst::compute::Treatment;
use crate::tax::gst::explain::Explanation;
use crate::tax::gst::supply::OperatorDuty;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// Whether a line is taxable at all.
    pub enum TaxTreatment { Taxable = "taxable", Nil = "nil", Exempt = "exempt", NonGst = "non_gst" }
}
words! {
    /// How GST sees who buys.
    pub enum RecipientKind { Registered = "registered", Unregistered = "unregistered", Composition = "composition", Sez = "sez", Overseas = "overseas", DeemedExport = "deemed_export" }
}
words! {
    /// How a supply is taxed as a whole.
    pub enum SupplyClass {
        Regular = "regular", SezWithPayment = "sez_with_payment", SezWithoutPayment = "sez_without_payment",
        ExportWithPayment = "export_with_payment", ExportWithoutPayment = "export_without_payment", DeemedExport = "deemed_export",
    }
}
words! {
    /// Whether a charge joins the taxable value or is added after tax.
    pub enum ChargeTime { BeforeTax = "before_tax", AfterTax = "after_tax" }
}
words! {
    /// What the place of a supply depends on beside the parties (IGST Act s.10 to s.13): of goods `movement`, `bill_to_ship_to`,
    /// `no_movement`, `installed`; of either `on_board`; of services all others.
    pub enum PlaceCase {
        Movement = "movement", BillToShipTo = "bill_to_ship_to", NoMovement = "no_movement", Installed = "installed", OnBoard = "on_board",
        General = "general", ImmovableProperty = "immovable_property", PersonalService = "personal_service", Training = "training", Admission = "admission",
        Organising = "organising", GoodsTransport = "goods_transport", Courier = "courier", Passenger = "passenger", Telecom = "telecom", Banking = "banking",
        Insurance = "insurance", Intermediary = "intermediary", VehicleHire = "vehicle_hire", GovernmentAdvertisement = "government_advertisement",
    }
}
words! {
    /// The section of the CGST Act by which a supply goes through an e-commerce operator: 9(5), where the operator pays
    /// the tax, or 52, where it collects tax at source.
    pub enum OperatorSection { S9 = "9(5)", S52 = "52" }
}
words! {
    /// How strictly a registration number is read.
    pub enum GstinMode { Strict = "strict", Sandbox = "sandbox" }
}

impl OperatorSection {
    #[must_use]
    pub const fn of_law(self) -> OperatorDuty {
        match self {
            Self::S9 => OperatorDuty::Pays,
            Self::S52 => OperatorDuty::Collects,
        }
    }
}

impl TaxTreatment {
    #[must_use]
    pub const fn of_law(self) -> Treatment {
        match self {
            Self::Taxable => Treatment::Taxable,
            Self::Nil => Treatment::Nil,
            Self::Exempt => Treatment::Exempt,
            Self::NonGst => Treatment::NonGst,
        }
    }
    #[must_use]
    pub const fn from_law(treatment: Treatment) -> Self {
        match treatment {
            Treatment::Taxable => Self::Taxable,
            Treatment::Nil => Self::Nil,
            Treatment::Exempt => Self::Exempt,
            Treatment::NonGst => Self::NonGst,
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GstinQuery {
    /// `sandbox` lets pass what the portals' sandboxes give out: numbers whose check digit does not fit.
    #[param(inline)]
    pub mode: Option<GstinMode>,
}

/// What a text is as a registration number. An invalid number is an answer, not an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct GstinAnswer {
    /// As read: in capitals, without spaces and hyphens.
    #[schema(max_length = 2000, example = "27AAPFU0939F1ZV")]
    pub gstin: String,
    pub valid: bool,
    /// `regular`, `government`, `tds_deductor`, `tcs_operator`, `uin`, `nrtp` or `oidar`; composition, SEZ and ISD numbers look like regular ones.
    #[schema(max_length = 20, example = "regular")]
    pub category: Option<&'static str>,
    /// Null where the number holds none (government, UIN, NRTP, OIDAR, deductors registered by TAN).
    #[schema(max_length = 10, example = "AAPFU0939F")]
    pub pan: Option<String>,
    /// The first two digits.
    #[schema(max_length = 2, example = "27")]
    pub state: Option<String>,
    #[schema(max_length = 60, example = "Maharashtra")]
    pub state_name: Option<&'static str>,
    /// The first check that failed, in the order length, charset, structure, state, checksum; null for a valid number.
    #[schema(max_length = 20, example = "checksum")]
    pub reason: Option<&'static str>,
    /// The reason in a sentence.
    #[schema(max_length = 200, example = "The last character does not match the others; check for a typing mistake.")]
    pub detail: Option<&'static str>,
    /// What is legal but deserves a look.
    #[schema(max_items = 5, example = json!([]))]
    pub warnings: Vec<String>,
    #[schema(max_items = 10)]
    pub explanation: Vec<Explanation>,
}
impl Resource for GstinAnswer {}

/// What the place of a supply depends on beside who the parties are, where that is not how goods are delivered or to whom
/// services go.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"case": "immovable_property", "at": ["30"]}))]
pub struct SupplyPlace {
    pub case: PlaceCase,
    /// State codes, 96 outside India: where goods are, are installed or taken on board; where a property lies, a service is
    /// performed, an event held, goods are handed over, a passenger embarks. Several only of property and advertisements, and
    /// then of one State, as each State's part is a supply of its own.
    #[serde(default)]
    #[schema(max_items = 40, example = json!(["30"]))]
    pub at: Vec<String>,
    /// Where goods are transported to; counts until 30-Sep-2023.
    #[schema(min_length = 1, max_length = 50, example = "96")]
    pub destination: Option<String>,
}

/// The e-commerce operator a supply is made through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"gstin": "29AABCF8078M1C8", "section": "52"}))]
pub struct EcommerceOperator {
    /// Under section 52 the registration for collecting tax at source, with a C at its 14th place.
    #[schema(min_length = 1, max_length = 50, example = "29AABCF8078M1C8")]
    pub gstin: String,
    /// 52 when left out.
    #[serde(default = "at_source")]
    pub section: OperatorSection,
}

const fn at_source() -> OperatorSection {
    OperatorSection::S52
}

/// A document to be taxed. Members left out take the plainest meaning: dated today, to an unregistered recipient, a
/// regular supply whose place follows from the recipient, in rupees.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"date": "2025-11-15", "supplier_state": "24", "place_of_supply": "24", "recipient": {"kind": "registered", "state": "24"}, "supply_type": "regular",
    "lines": [{"qty": "1", "unit_price": "1000", "gst_rate": "5", "discount_percent": "10"}],
    "charges": [{"label": "freight", "amount": "20", "when": "before_tax", "gst_rate": "18"}]}))]
pub struct Calculation {
    /// Date of the document, by which rates are looked up; today in India when left out.
    #[schema(example = "2025-11-15")]
    pub date: Option<NaiveDate>,
    /// When it was supplied, if not on the date of the document: around a change of rates, two of supply, invoice and payment decide (CGST Act s.14).
    #[schema(example = "2025-11-15")]
    pub supply_date: Option<NaiveDate>,
    /// When it was paid, for the same rule; not yet when left out.
    #[schema(example = "2025-11-20")]
    pub payment_date: Option<NaiveDate>,
    /// State code of the supplying registration.
    #[schema(min_length = 1, max_length = 50, example = "24")]
    pub supplier_state: String,
    /// The supplier is a composition dealer (CGST Act s.10), who shows no tax.
    #[serde(default)]
    #[schema(example = false)]
    pub supplier_composition: bool,
    /// The supplier is a unit or the developer of a special economic zone: whatever it supplies is inter-State (IGST Act s.7(5)(b)).
    #[serde(default)]
    #[schema(example = false)]
    pub supplier_sez: bool,
    /// State code, 96 outside India; from the recipient when left out (IGST Act s.10 to s.13).
    #[schema(min_length = 1, max_length = 50, example = "24")]
    pub place_of_supply: Option<String>,
    /// What the place depends on, for cases beyond delivery to the recipient.
    pub supply_place: Option<SupplyPlace>,
    pub recipient: Option<CalculationRecipient>,
    /// From the recipient when left out; `regular` leaves an SEZ unit and an overseas recipient what they are.
    pub supply_type: Option<SupplyClass>,
    /// The e-commerce operator it is made through; by section 9(5) the operator pays the tax, which is shown but no part of the
    /// total.
    pub operator: Option<EcommerceOperator>,
    /// The recipient pays the tax: it is shown but no part of the total.
    #[serde(default)]
    #[schema(example = false)]
    pub reverse_charge: bool,
    /// Prices and discounts include GST and cess; what the customer pays then never changes.
    #[serde(default)]
    #[schema(example = false)]
    pub prices_include_tax: bool,
    /// Round the payable to the whole rupee, half-up.
    #[serde(default)]
    #[schema(example = false)]
    pub round_to_rupee: bool,
    /// ISO 4217; INR when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
    /// Per cent of the normal tax that is levied: 65 on leased motor vehicles until 30-Jun-2020 (notification 37/2017), 100 when left out.
    #[schema(example = "100")]
    pub differential_percent: Option<Rate>,
    /// Aggregate turnover of the year before, in rupees, by which HSN digits are judged.
    pub annual_turnover: Option<Amount>,
    #[serde(default)]
    #[schema(max_items = 10000)]
    pub lines: Vec<CalculationLine>,
    /// Off all lines together, spread over them in proportion.
    pub document_discount: Option<Amount>,
    /// The same as a percentage of the lines; with an amount, both are taken off.
    pub document_discount_percent: Option<Share>,
    #[serde(default)]
    #[schema(max_items = 100)]
    pub charges: Vec<CalculationCharge>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalculationRecipient {
    /// Registered where a GSTIN is given, else unregistered, when left out.
    pub kind: Option<RecipientKind>,
    /// State code of the registration or the address, 96 outside India; of the GSTIN when left out.
    #[schema(min_length = 1, max_length = 50, example = "24")]
    pub state: Option<String>,
    #[schema(max_length = 50, example = "24AAACC1206D1ZM")]
    pub gstin: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalculationLine {
    /// 1 when left out.
    pub qty: Option<Quantity>,
    pub unit_price: UnitPrice,
    /// CGST and SGST together, or IGST. Needed for a taxable line.
    pub gst_rate: Option<Rate>,
    /// Off quantity x price.
    pub discount_percent: Option<Share>,
    /// Off the line; with a percentage, both are taken off.
    pub discount_amount: Option<Amount>,
    /// Compensation cess in per cent of the taxable value.
    pub cess_percent: Option<Rate>,
    /// Compensation cess for each unit of quantity.
    pub cess_per_unit: Option<UnitPrice>,
    /// Taxable when left out.
    pub treatment: Option<TaxTreatment>,
    /// HSN or SAC, for rates that hold for some goods only; with the digits that turnover and recipient ask for.
    #[schema(pattern = "^[0-9]{1,8}$", max_length = 8, example = "847130")]
    pub hsn: Option<String>,
    /// From the HSN (services begin with 99) when left out.
    pub is_service: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalculationCharge {
    #[schema(max_length = 100, example = "freight")]
    pub label: Option<String>,
    /// Without tax.
    pub amount: Amount,
    /// Before tax when left out.
    pub when: Option<ChargeTime>,
    /// Of a charge before tax; when left out it is shared out over the rates of the lines.
    pub gst_rate: Option<Rate>,
}

/// What a document comes to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Calculated {
    /// In the order sent.
    #[schema(max_items = 10000)]
    pub lines: Vec<CalculatedLine>,
    /// In the order sent.
    #[schema(max_items = 100)]
    pub charges: Vec<CalculatedCharge>,
    /// Lines and charges of one rate and treatment.
    #[schema(max_items = 1000)]
    pub by_rate: Vec<CalculatedRate>,
    /// What the document discount comes to.
    pub discount: Amount,
    /// Value of lines and charges before tax.
    pub taxable: Amount,
    pub cgst: Amount,
    /// SGST or UTGST.
    pub sgst: Amount,
    pub igst: Amount,
    pub cess: Amount,
    /// Charges after tax.
    pub other_charges: Amount,
    /// Taxable value, taxes unless the recipient or an operator pays them, and other charges.
    pub total: Amount,
    /// What rounding to the rupee adds, -0.50 to 0.50.
    pub rounding: Amount,
    pub payable: Amount,
    #[schema(max_length = 2, example = "24")]
    pub place_of_supply: String,
    /// `intra_state` or `inter_state`.
    #[schema(max_length = 20, example = "intra_state")]
    pub nature: &'static str,
    /// As the e-invoice calls it: B2B, B2C, SEZWP, SEZWOP, EXPWP, EXPWOP, DEXP.
    #[schema(max_length = 10, example = "B2B")]
    pub supply_type: &'static str,
    /// `tax_invoice`, `bill_of_supply` or `invoice_cum_bill_of_supply`.
    #[schema(max_length = 40, example = "tax_invoice")]
    pub document: &'static str,
    /// One entry a decision.
    #[schema(max_items = 1000)]
    pub explanation: Vec<Explanation>,
}
impl Resource for Calculated {}

#[derive(Debug, Serialize, ToSchema)]
pub struct CalculatedLine {
    pub taxable: Amount,
    pub cgst: Amount,
    pub sgst: Amount,
    pub igst: Amount,
    pub cess: Amount,
    /// What the customer owes for it.
    pub total: Amount,
    /// What it bears of the document discount.
    pub document_discount: Amount,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CalculatedCharge {
    #[schema(max_length = 100, example = "freight")]
    pub label: Option<String>,
    pub taxable: Amount,
    pub cgst: Amount,
    pub sgst: Amount,
    pub igst: Amount,
    pub cess: Amount,
    pub total: Amount,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CalculatedRate {
    pub rate: Rate,
    pub treatment: TaxTreatment,
    pub taxable: Amount,
    pub cgst: Amount,
    pub sgst: Amount,
    pub igst: Amount,
    pub cess: Amount,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": "118000.00", "currency": "INR"}))]
pub struct AmountInWords {
    pub amount: Amount,
    /// ISO 4217; INR when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AmountWords {
    #[schema(max_length = 500, example = "Rupees One Lakh Eighteen Thousand Only")]
    pub words: String,
    /// With separators: 3, 2, 2 for rupees.
    #[schema(max_length = 60, example = "1,18,000.00")]
    pub grouped: String,
    #[schema(max_items = 5)]
    pub explanation: Vec<Explanation>,
}
impl Resource for AmountWords {}
