//! Invoices as they travel.

use super::order::{Form, Kind, Order};
use super::store::Stored;
use super::{approval, view};
use crate::billing::irns::types::Einvoice;
use crate::control::approvals::Action;
use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::master_data::customers::types::Metadata;
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{ApprovalId, CustomerId, EntryId, InvoiceId, InvoiceLineId, ItemId, RegistrationId, SeriesId, TermsId, UserId};
use crate::platform::money::{Amount, ExchangeRate, Quantity, Rate, Share, UnitPrice};
use crate::platform::unit_of_work::{Context, ExternalId};
use crate::tax::gst::explain::Explanation;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// Where the document stands.
    pub enum InvoiceStatus { Draft = "draft", PendingApproval = "pending_approval", Issued = "issued", Cancelled = "cancelled" }
}
words! {
    /// How far it is settled; follows from its allocations.
    pub enum PaymentStatus { Unpaid = "unpaid", PartiallyPaid = "partially_paid", Paid = "paid", WrittenOff = "written_off" }
}
words! {
    /// How GST sees a supply: registered or not, SEZ, export, deemed export; with or without payment of tax.
    pub enum SupplyKind { B2b = "B2B", B2c = "B2C", Sezwp = "SEZWP", Sezwop = "SEZWOP", Expwp = "EXPWP", Expwop = "EXPWOP", Dexp = "DEXP" }
}
pub use crate::tax::tools::types::{ChargeTime, EcommerceOperator, OperatorSection, SupplyPlace, TaxTreatment};

/// What invoices and notes show alike.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Document {
    /// Absent in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<InvoiceId>,
    #[schema(pattern = "^(invoice|credit_note|debit_note)$", max_length = 20, example = "invoice")]
    pub object: &'static str,
    /// Given on issue; a draft has none.
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub number: Option<String>,
    #[schema(max_length = 100, example = "so-88121")]
    pub external_id: Option<String>,
    pub status: InvoiceStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Base units for one unit of the currency, fixed when the document is made.
    pub exchange_rate: ExchangeRate,
    /// Later than the document's own date where that lay in a closed period; reports go by it.
    pub posting_date: NaiveDate,
    /// GST State code; 96 is outside India.
    #[schema(max_length = 2, example = "27")]
    pub place_of_supply: String,
    /// The section of the Act that decided it, `stated` when the caller did, `original` on a note.
    #[schema(max_length = 60, example = "IGST s.10(1)(a)")]
    pub place_of_supply_basis: String,
    pub supply_type: SupplyKind,
    pub reverse_charge: bool,
    /// The e-commerce operator it is made through; by section 9(5) the operator pays the tax, which is shown but not owed.
    pub operator: Option<EcommerceOperator>,
    /// That the seller is a composition dealer (CGST Act s.10), who shows no tax.
    pub seller_composition: bool,
    pub gst_registration_id: RegistrationId,
    #[schema(max_length = 15, example = "27AAACD1234E1Z9")]
    pub seller_gstin: String,
    #[schema(max_length = 15, example = "27AABCA9876F1ZD")]
    pub buyer_gstin: Option<String>,
    #[schema(max_length = 100, example = "PO-7781")]
    pub po_reference: Option<String>,
    /// Tax is rounded half-up once per document, rate and component and spread to the lines.
    #[schema(example = "document_rate_half_up")]
    pub rounding: &'static str,
    pub totals: InvoiceTotals,
    /// Off all lines together; what of it a line bears stands with the line.
    pub document_discount: Amount,
    #[schema(max_items = 20)]
    pub charges: Vec<Charge>,
    /// Per cent of the normal tax that is levied.
    pub differential_percent: Rate,
    /// When it was supplied, where that is another day than the document's.
    pub supply_date: Option<NaiveDate>,
    /// When it was paid, where that decides about the rate (CGST Act s.14).
    pub payment_date: Option<NaiveDate>,
    /// The grand total in base currency.
    pub base_total: Amount,
    /// Every total in base currency at the exchange rate, as it is posted.
    pub base_totals: InvoiceTotals,
    /// How it stands with the Invoice Registration Portal; null while it is not issued.
    pub einvoice: Option<Einvoice>,
    pub gl_journal_id: Option<EntryId>,
    /// Month the document is posted in.
    #[schema(max_length = 7, example = "2025-10")]
    pub period: String,
    #[schema(max_items = 1000)]
    pub lines: Vec<InvoiceLine>,
    pub cancelled_on: Option<NaiveDate>,
    #[schema(max_length = 500, example = "Ordered twice")]
    pub cancel_reason: Option<String>,
    /// The request that waits for a decision about it.
    pub approval_id: Option<ApprovalId>,
    /// What the caller may do with it now, or ask for.
    #[schema(max_items = 10, example = json!(["cancel"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(example = json!({"sales_owner": "west-2"}))]
    pub metadata: Metadata,
    /// Why it bears the tax it bears, one entry a decision; in a preview, and where it is asked for (`expand=explanation`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    pub explanation: Option<Vec<Explanation>>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    pub updated_at: Instant,
}

/// How what a document bills falls due and is paid.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Payable {
    pub payment_status: PaymentStatus,
    /// Whether anything open is past its due date today, in the company's zone.
    pub is_overdue: bool,
    #[schema(minimum = 0, example = 18)]
    pub days_overdue: i64,
    /// Due date of the last instalment.
    pub due_date: NaiveDate,
    pub payment_terms_id: Option<TermsId>,
    /// Amounts fixed at issue; they add up to the grand total.
    #[schema(max_items = 36)]
    pub instalments: Vec<InvoiceInstalment>,
    pub settlement_terms: SettlementTermsView,
    pub amounts: InvoiceAmounts,
}

/// What was agreed about paying early or not exactly; fixed at issue.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = SettlementTerms)]
pub struct SettlementTermsView {
    /// Off when paid by `discount_until`.
    pub discount: Amount,
    pub discount_until: Option<NaiveDate>,
    /// Last day on which a late discount may still be granted.
    pub grace_until: Option<NaiveDate>,
    /// Largest difference that still closes an instalment.
    pub tolerance: Amount,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Invoice {
    #[serde(flatten)]
    pub document: Document,
    pub invoice_date: NaiveDate,
    /// `tax_invoice`, `bill_of_supply` or `invoice_cum_bill_of_supply` (CGST Rules r.46, r.49, r.46A).
    #[schema(max_length = 40, example = "tax_invoice")]
    pub paper: &'static str,
    /// Of an export, once customs gave it.
    pub shipping_bill: Option<ShippingBill>,
    #[serde(flatten)]
    pub payable: Payable,
}
impl Resource for Invoice {
    fn id(&self) -> Option<String> {
        self.document.id()
    }
    fn version(&self) -> Option<i64> {
        self.document.version()
    }
    fn awaits(&self) -> bool {
        self.document.awaits()
    }
}
impl Resource for Document {
    fn id(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }
    fn version(&self) -> Option<i64> {
        self.id.map(|_| self.version)
    }
    /// Its cancellation was asked for; where issuing was, the document itself says so.
    fn awaits(&self) -> bool {
        self.approval_id.is_some() && self.status == InvoiceStatus::Issued
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InvoiceTotals {
    pub taxable_value: Amount,
    pub cgst: Amount,
    /// SGST or UTGST.
    pub sgst: Amount,
    pub igst: Amount,
    pub cess: Amount,
    /// Charges after tax, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_charges: Option<Amount>,
    /// Between -0.50 and 0.50 where totals are rounded to the unit; never part of the taxable value.
    pub round_off: Amount,
    /// What the customer owes; excludes tax under reverse charge.
    pub grand_total: Amount,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InvoiceAmounts {
    pub allocated_cash: Amount,
    pub allocated_tds: Amount,
    /// By credit notes and other credits.
    pub allocated_credit: Amount,
    /// By discount, bank charges, retention and rounding.
    pub allocated_other: Amount,
    pub written_off: Amount,
    pub balance_due: Amount,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InvoiceInstalment {
    #[schema(minimum = 1, maximum = 36, example = 1)]
    pub instalment_no: i32,
    pub due_date: NaiveDate,
    pub amount: Amount,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InvoiceLine {
    pub id: InvoiceLineId,
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    pub line_no: i32,
    pub item_id: Option<ItemId>,
    #[schema(max_length = 500, example = "Annual support plan")]
    pub description: String,
    #[schema(max_length = 8, example = "998313")]
    pub hsn_code: String,
    pub is_service: bool,
    pub quantity: Quantity,
    #[schema(max_length = 3, example = "NOS")]
    pub unit: String,
    pub unit_price: UnitPrice,
    pub discount: Amount,
    /// What it bears of the document's discount.
    pub document_discount: Amount,
    pub tax_inclusive: bool,
    /// Whether it is a charge before tax.
    pub is_charge: bool,
    pub treatment: TaxTreatment,
    pub taxable_value: Amount,
    pub tax_rate: Rate,
    pub cess_rate: Rate,
    pub cess_per_unit: UnitPrice,
    pub cgst: Amount,
    pub sgst: Amount,
    pub igst: Amount,
    pub cess: Amount,
    pub line_total: Amount,
}

/// What is charged beside the lines.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Charge {
    #[schema(max_length = 500, example = "Freight")]
    pub label: String,
    pub when: ChargeTime,
    /// Without tax.
    pub amount: Amount,
    /// The line it is in, where it is taxed.
    #[schema(minimum = 1, maximum = 1020, example = 2)]
    pub line_no: Option<i32>,
}

/// An invoice in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceSummary {
    pub id: InvoiceId,
    #[schema(example = "invoice")]
    pub object: &'static str,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub number: Option<String>,
    #[schema(max_length = 100, example = "so-88121")]
    pub external_id: Option<String>,
    pub status: InvoiceStatus,
    pub payment_status: PaymentStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub invoice_date: NaiveDate,
    pub due_date: NaiveDate,
    pub grand_total: Amount,
    pub balance_due: Amount,
    pub is_overdue: bool,
    #[schema(minimum = 0, example = 18)]
    pub days_overdue: i64,
    #[schema(minimum = 1)]
    pub version: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_id": "so-88121", "customer_id": "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42", "invoice_date": "2025-10-01", "currency": "INR", "issue": true,
    "lines": [{"description": "Annual support plan", "hsn_code": "998313", "is_service": true, "quantity": "2", "unit": "NOS", "unit_price": "50000.00", "tax_rate": "18"}]}))]
pub struct NewInvoice {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "so-88121")]
    pub external_id: Option<String>,
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    /// The registration that sells; the default one when left out.
    pub gst_registration_id: Option<RegistrationId>,
    /// A series of one's own; the default one when left out.
    pub number_series_id: Option<SeriesId>,
    #[schema(example = "2025-10-01")]
    pub invoice_date: NaiveDate,
    /// From the terms when left out; with it the whole falls due on that day.
    #[schema(example = "2025-10-31")]
    pub due_date: Option<NaiveDate>,
    /// Other terms than the customer's.
    pub payment_terms_id: Option<TermsId>,
    /// GST State code, 96 for outside India; from the addresses when left out.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
    pub place_of_supply: Option<String>,
    /// What the place depends on, where that is neither delivery to the customer nor, of services, where the customer is. With a
    /// stated place both must agree.
    pub supply_place: Option<SupplyPlace>,
    /// From the customer when left out. `B2C` to a customer with a GSTIN is a sale to a consumer, which does not name it.
    pub supply_type: Option<SupplyKind>,
    /// The recipient pays the tax (CGST Act s.9(3), (4)): it is shown but not collected.
    #[serde(default)]
    #[schema(example = false)]
    pub reverse_charge: bool,
    /// The e-commerce operator it is made through (CGST Act s.52), who by section 9(5) pays the tax.
    pub operator: Option<EcommerceOperator>,
    /// Of an export; may be added after issue.
    pub shipping_bill: Option<ShippingBill>,
    /// The company's base currency when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
    /// Base units for one unit of the currency; the newest known rate of the invoice date when left out.
    #[schema(example = "1")]
    pub exchange_rate: Option<ExchangeRate>,
    /// Post on the first open day where the invoice date lies in a closed period; the date stays as it is.
    #[serde(default)]
    #[schema(example = false)]
    pub post_late: bool,
    #[schema(max_length = 100, example = "PO-7781")]
    pub po_reference: Option<String>,
    /// The order as its credit check named it: when the invoice is issued, what stands of the order is billed.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/#-]+$", example = "SO-2025-1187")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Issue at once instead of keeping a draft.
    #[serde(default)]
    #[schema(example = true)]
    pub issue: bool,
    /// Refuse if the grand total comes out differently.
    pub expected_total: Option<Amount>,
    #[schema(min_items = 1, max_items = 1000)]
    pub lines: Vec<NewInvoiceLine>,
    /// Off all lines together, on the basis of their prices; spread over them in proportion (CGST Act s.15(3)(a)).
    pub document_discount: Option<Amount>,
    /// The same as a percentage of the lines; with an amount, both are taken off.
    pub document_discount_percent: Option<Share>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub charges: Vec<NewCharge>,
    /// Per cent of the normal tax that is levied: 65 on leased motor vehicles (notification 37/2017-CT(Rate)), 100 when left out.
    #[schema(example = "100")]
    pub differential_percent: Option<Rate>,
    /// When it was supplied, if not on the invoice date: around a change of rates, two of supply, invoice and payment
    /// decide which one holds (CGST Act s.14).
    #[schema(example = "2025-10-01")]
    pub supply_date: Option<NaiveDate>,
    /// When it was paid, for the same rule; not yet when left out.
    #[schema(example = "2025-10-01")]
    pub payment_date: Option<NaiveDate>,
    #[serde(default)]
    #[schema(example = json!({"sales_owner": "west-2"}))]
    pub metadata: Metadata,
}
impl NamesCustomer for NewInvoice {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}
impl Form for NewInvoice {
    const KIND: Kind = Kind::Invoice;
    const ISSUE: Option<&'static Action> = None;
    const CANCEL: &'static Action = &approval::CANCEL_INVOICE;
    type Answer = Invoice;
    fn order(&self) -> Order {
        Order { kind: Kind::Invoice, content: self.clone(), note: None, by_right: false }
    }
    fn answer(stored: &Stored, cx: &Context) -> Invoice {
        Invoice {
            document: view::document(stored, cx),
            invoice_date: stored.date,
            paper: stored.paper().as_str(),
            shipping_bill: stored.shipping.clone(),
            payable: view::payable(stored, cx),
        }
    }
    fn document(answer: &mut Invoice) -> &mut Document {
        &mut answer.document
    }
}
impl ExternalId for NewInvoice {
    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

/// With `item_id` whatever is left out comes from the item; without it, description, HSN, price and rate are needed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvoiceLine {
    pub item_id: Option<ItemId>,
    #[schema(min_length = 1, max_length = 500, example = "Annual support plan")]
    pub description: Option<String>,
    /// HSN (goods) or SAC (services): 4, 6 or 8 digits, at least as many as the turnover of the year before asks for
    /// (notification 78/2020-CT).
    #[schema(pattern = "^[0-9]{1,8}$", max_length = 8, example = "998313")]
    pub hsn_code: Option<String>,
    #[schema(example = true)]
    pub is_service: Option<bool>,
    pub quantity: Quantity,
    /// Unit quantity code of the GST portal.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "NOS")]
    pub unit: Option<String>,
    pub unit_price: Option<UnitPrice>,
    /// Amount off the line, before tax unless prices include tax.
    pub discount: Option<Amount>,
    /// GST in per cent, both halves together.
    pub tax_rate: Option<Rate>,
    /// Compensation cess in per cent of the taxable value.
    pub cess_rate: Option<Rate>,
    /// Compensation cess for each unit of quantity.
    pub cess_per_unit: Option<UnitPrice>,
    /// Whether price and discount include the tax; the price the customer pays then never changes.
    #[serde(default)]
    #[schema(example = false)]
    pub tax_inclusive: bool,
    pub treatment: Option<TaxTreatment>,
}

/// Freight, packing, insurance and the like.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCharge {
    #[schema(min_length = 1, max_length = 500, example = "Freight")]
    pub label: String,
    /// Without tax.
    pub amount: Amount,
    /// Before tax when left out: it joins the taxable value as a line of its own (CGST Act s.15(2)(c)).
    pub when: Option<ChargeTime>,
    /// Of a charge before tax; that of the lines when left out, if they agree.
    pub tax_rate: Option<Rate>,
    /// Of a charge before tax; that of the largest line when left out.
    #[schema(pattern = "^[0-9]{1,8}$", max_length = 8, example = "996511")]
    pub hsn_code: Option<String>,
}

/// What customs gave an export of goods (GSTR-1 table 6A).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"number": "7896542", "date": "2025-10-07", "port_code": "INNSA1"}))]
pub struct ShippingBill {
    #[schema(pattern = "^[0-9]{3,7}$", max_length = 7, example = "7896542")]
    pub number: String,
    /// Not before the invoice.
    #[schema(example = "2025-10-07")]
    pub date: NaiveDate,
    /// Of customs; kept in capitals.
    #[schema(pattern = "^[A-Za-z0-9]{6}$", max_length = 6, example = "INNSA1")]
    pub port_code: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelInvoice {
    #[schema(min_length = 3, max_length = 500, example = "Ordered twice")]
    pub reason: String,
    /// The accounting date of the cancellation; today when left out.
    #[schema(example = "2025-10-02")]
    pub cancelled_on: Option<NaiveDate>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueInvoice {
    /// Refuse if the grand total comes out differently.
    pub expected_total: Option<Amount>,
}

/// What a reply is to hold besides; of these only `explanation` is told by the document itself.
#[derive(Debug, Deserialize)]
pub struct DocumentQuery {
    pub expand: Option<String>,
}
impl DocumentQuery {
    #[must_use]
    pub fn explains(&self) -> bool {
        self.expand.as_ref().is_some_and(|words| words.split(',').any(|word| word == "explanation"))
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InvoiceFilter {
    /// Document states, comma-separated.
    #[param(max_length = 100, example = "issued")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The customer by the client's own id.
    #[param(max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    /// The customer's salesperson.
    pub salesperson_id: Option<UserId>,
    /// Our registration.
    #[param(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: Option<String>,
    /// The customer's registration.
    #[param(max_length = 15, example = "27AABCA9876F1ZD")]
    pub buyer_gstin: Option<String>,
    /// Kinds of supply, comma-separated.
    #[param(max_length = 100, example = "B2B,SEZWP")]
    pub supply_type: Option<String>,
    /// The month posted in; of a draft that of its date.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2025-10")]
    pub period: Option<String>,
    /// The client's own id.
    #[param(max_length = 100, example = "so-88121")]
    pub external_id: Option<String>,
    /// The number as printed.
    #[param(max_length = 16, example = "MH/25-26/000123")]
    pub number: Option<String>,
    /// How the number begins.
    #[param(max_length = 16, example = "MH/25-26/")]
    pub number_prefix: Option<String>,
    /// The buyer's order.
    #[param(max_length = 100, example = "PO-7781")]
    pub po_reference: Option<String>,
    /// Smallest grand total.
    pub grand_total_gte: Option<Amount>,
    /// Largest grand total.
    pub grand_total_lte: Option<Amount>,
    /// Smallest open amount.
    pub balance_due_gte: Option<Amount>,
    /// Largest open amount.
    pub balance_due_lte: Option<Amount>,
    /// Days past due at least.
    #[param(minimum = 1, maximum = 36500, example = 30)]
    pub days_overdue_gte: Option<i64>,
    /// First invoice date.
    #[param(example = "2025-10-01")]
    pub invoice_date_gte: Option<NaiveDate>,
    /// Last invoice date.
    #[param(example = "2025-10-31")]
    pub invoice_date_lte: Option<NaiveDate>,
    /// First due date.
    #[param(example = "2025-10-01")]
    pub due_date_gte: Option<NaiveDate>,
    /// Last due date.
    #[param(example = "2025-10-31")]
    pub due_date_lte: Option<NaiveDate>,
    /// Only invoices with something past due, or only the others.
    #[param(example = true)]
    pub overdue: Option<bool>,
    /// How it stands with the Invoice Registration Portal, comma-separated.
    #[param(
        max_length = 60,
        pattern = "^(not_required|pending|registered|failed|cancelled)(,(not_required|pending|registered|failed|cancelled)){0,4}$",
        example = "pending,failed"
    )]
    pub einvoice_status: Option<String>,
    /// GST State code.
    #[param(max_length = 2, example = "27")]
    pub place_of_supply: Option<String>,
    /// The document's currency.
    #[param(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NoteFilter {
    /// Document states, comma-separated.
    #[param(max_length = 100, example = "issued")]
    pub status: Option<String>,
    /// Reasons, comma-separated.
    #[param(max_length = 200, example = "sales_return")]
    pub reason_code: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The invoice corrected.
    pub original_invoice_id: Option<InvoiceId>,
    /// The same.
    pub invoice_id: Option<InvoiceId>,
    /// Our registration.
    #[param(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: Option<String>,
    /// The month posted in; of a draft that of its date.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2025-10")]
    pub period: Option<String>,
    /// The client's own id.
    #[param(max_length = 100, example = "cn-1042")]
    pub external_id: Option<String>,
    /// The number as printed.
    #[param(max_length = 16, example = "CN/25-26/00012")]
    pub number: Option<String>,
    /// How it stands with the Invoice Registration Portal, comma-separated.
    #[param(
        max_length = 60,
        pattern = "^(not_required|pending|registered|failed|cancelled)(,(not_required|pending|registered|failed|cancelled)){0,4}$",
        example = "pending,failed"
    )]
    pub einvoice_status: Option<String>,
    /// First note date.
    #[param(example = "2025-10-01")]
    pub note_date_gte: Option<NaiveDate>,
    /// Last note date.
    #[param(example = "2025-10-31")]
    pub note_date_lte: Option<NaiveDate>,
    /// Issued notes of which more than this is open.
    pub unapplied_gt: Option<Amount>,
}

/// What may be changed of a draft; as in creating one, every member optional.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the patch; it is merged as JSON")]
pub struct InvoicePatch {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "so-88121")]
    external_id: Option<String>,
    customer_id: Option<CustomerId>,
    gst_registration_id: Option<RegistrationId>,
    number_series_id: Option<SeriesId>,
    #[schema(example = "2025-10-02")]
    invoice_date: Option<NaiveDate>,
    #[schema(example = "2025-11-01")]
    due_date: Option<NaiveDate>,
    payment_terms_id: Option<TermsId>,
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
    place_of_supply: Option<String>,
    supply_place: Option<SupplyPlace>,
    supply_type: Option<SupplyKind>,
    #[schema(example = false)]
    reverse_charge: Option<bool>,
    operator: Option<EcommerceOperator>,
    shipping_bill: Option<ShippingBill>,
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    currency: Option<String>,
    #[schema(example = "1")]
    exchange_rate: Option<ExchangeRate>,
    #[schema(example = false)]
    post_late: Option<bool>,
    #[schema(max_length = 100, example = "PO-7781")]
    po_reference: Option<String>,
    expected_total: Option<Amount>,
    #[schema(min_items = 1, max_items = 1000)]
    lines: Option<Vec<NewInvoiceLine>>,
    document_discount: Option<Amount>,
    document_discount_percent: Option<Share>,
    #[schema(max_items = 20)]
    charges: Option<Vec<NewCharge>>,
    #[schema(example = "100")]
    differential_percent: Option<Rate>,
    #[schema(example = "2025-10-01")]
    supply_date: Option<NaiveDate>,
    #[schema(example = "2025-10-01")]
    payment_date: Option<NaiveDate>,
    #[schema(example = json!({"sales_owner": "west-2"}))]
    metadata: Option<Metadata>,
}
