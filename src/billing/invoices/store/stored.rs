//! A document as it is stored, and what follows from that alone.

use super::super::order::{Kind, Order, ReasonCode, TaxEffect};
use super::super::rules::{Ground, Priced, PricedLine, Pricing};
use super::super::types::{EcommerceOperator, InvoiceInstalment, InvoiceStatus, OperatorSection, ShippingBill, SupplyKind};
use crate::billing::irns::types::Record;
use crate::ledger::{AllocationKind, SettlementTerms};
use crate::master_data::customers::types::Metadata;
use crate::platform::http::body::canonical_hash;
use crate::platform::ids::{AllocationId, ApprovalId, CustomerId, EntryId, InvoiceId, InvoiceLineId, RegistrationId, TermsId};
use crate::platform::money::{Currency, round};
use crate::platform::text::hex;
use crate::platform::unit_of_work::Context;
use crate::row;
use crate::tax::gst::papers::{Paper, paper};
use crate::tax::gst::supply::{OperatorDuty, Seat};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// A document as stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: InvoiceId,
    pub kind: Kind,
    pub external_id: Option<String>,
    pub status: InvoiceStatus,
    pub number: Option<String>,
    pub registration: RegistrationId,
    pub seller_gstin: String,
    pub customer: CustomerId,
    pub customer_name: String,
    pub buyer_gstin: Option<String>,
    pub currency: Currency,
    /// Base units for one unit of the currency.
    pub rate: Decimal,
    pub date: NaiveDate,
    pub posting_date: NaiveDate,
    pub due_date: NaiveDate,
    pub terms: Option<TermsId>,
    pub instalments: Vec<InvoiceInstalment>,
    pub settlement: SettlementTerms,
    pub place: String,
    pub place_basis: String,
    pub supply: SupplyKind,
    pub reverse_charge: bool,
    pub operator: Option<EcommerceOperator>,
    pub shipping: Option<ShippingBill>,
    pub seller_composition: bool,
    /// Whether it is supplied by an SEZ: what its registration is for good.
    pub seller_sez: bool,
    pub buyer_composition: bool,
    pub po_reference: Option<String>,
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
    pub round_off: Decimal,
    pub total: Decimal,
    pub pricing: Pricing,
    pub entry: Option<EntryId>,
    /// Set on notes.
    pub note: Option<StoredNote>,
    pub metadata: Metadata,
    pub cancelled_on: Option<NaiveDate>,
    pub cancel_reason: Option<String>,
    pub version: i64,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub lines: Vec<(InvoiceLineId, PricedLine)>,
    pub settled: Settled,
    /// What a credit note settles now.
    pub applications: Vec<Application>,
    /// The request that waits for a decision about it.
    pub approval: Option<ApprovalId>,
    /// The notes against an invoice that are issued or wait for approval.
    pub notes: Vec<StandingNote>,
    /// What the portal answered to it.
    pub einvoice: Option<Record>,
}

/// A note against an invoice, as a refusal names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StandingNote {
    pub object: Kind,
    pub id: InvoiceId,
    pub number: Option<String>,
    pub status: InvoiceStatus,
}

/// What a note says beyond an invoice.
#[derive(Debug, Clone)]
pub struct StoredNote {
    pub reason_code: ReasonCode,
    pub tax_effect: TaxEffect,
    pub original: Option<StoredOriginal>,
}

/// The invoice a note corrects, as the law wants it named.
#[derive(Debug, Clone)]
pub struct StoredOriginal {
    pub id: InvoiceId,
    pub number: Option<String>,
    pub date: NaiveDate,
    /// Base units for one unit of its currency.
    pub rate: Decimal,
}

row! {
    /// An allocation of a credit note that is in force.
    pub struct Application {
        pub id: AllocationId, pub target_type: String, pub target_id: Uuid, pub target_number: String, pub kind: AllocationKind, pub amount: Decimal, pub allocated_on: NaiveDate, pub rule: String,
    }
}

/// How a document's items stand now.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    pub cash: Decimal,
    pub tds: Decimal,
    pub credit: Decimal,
    pub other: Decimal,
    pub written_off: Decimal,
    pub refunded: Decimal,
    pub open: Decimal,
    pub oldest_due: Option<NaiveDate>,
    /// Allocations and answers of the portal since the document was made, which move its version.
    pub moves: i64,
}

pub(super) fn settlement_json(terms: &SettlementTerms) -> Value {
    json!({"discount": terms.discount, "discount_until": terms.discount_until, "grace_until": terms.grace_until, "tolerance": terms.tolerance})
}

pub(super) fn settlement_of(value: Option<Value>) -> SettlementTerms {
    let value = value.unwrap_or_default();
    let amount = |name: &str| value[name].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    let date = |name: &str| value[name].as_str().and_then(|text| text.parse().ok());
    SettlementTerms { discount: amount("discount"), discount_until: date("discount_until"), grace_until: date("grace_until"), tolerance: amount("tolerance") }
}

impl OperatorSection {
    /// As the database has it.
    pub(super) const fn kept(self) -> &'static str {
        match self {
            Self::S9 => "9_5",
            Self::S52 => "52",
        }
    }

    pub(super) fn of_kept(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|section| section.kept() == word)
    }
}

impl Stored {
    /// Where it was supplied from.
    #[must_use]
    pub fn seat(&self) -> Seat<'_> {
        Seat { state: self.seller_gstin.get(..2).unwrap_or_default(), sez: self.seller_sez }
    }

    /// A document about to be stored.
    #[must_use]
    pub fn of(id: InvoiceId, order: &Order, ground: &Ground, priced: &Priced, cx: &Context) -> Self {
        let new = &order.content;
        let instalments: Vec<_> = (1..)
            .zip(&priced.instalments)
            .map(|(instalment_no, (i, _))| InvoiceInstalment { instalment_no, due_date: i.due_date, amount: crate::platform::money::Amount(i.amount) })
            .collect();
        let settlement = SettlementTerms {
            discount: priced.instalments.iter().map(|(_, terms)| terms.discount).sum(),
            ..priced.instalments.iter().max_by_key(|(_, terms)| terms.tolerance).map(|(_, terms)| *terms).unwrap_or_default()
        };
        let original = ground.original.as_ref().map(|original| &*original.invoice);
        Self {
            id,
            kind: order.kind,
            external_id: new.external_id.clone(),
            status: InvoiceStatus::Draft,
            number: None,
            registration: ground.registration,
            seller_gstin: original.map_or(&ground.seller_gstin, |invoice| &invoice.seller_gstin).clone(),
            customer: ground.customer,
            customer_name: original.map_or(&ground.customer_name, |invoice| &invoice.customer_name).clone(),
            buyer_gstin: original.map_or(&priced.buyer_gstin, |invoice| &invoice.buyer_gstin).clone(),
            currency: priced.currency,
            rate: priced.rate,
            date: new.invoice_date,
            posting_date: new.invoice_date,
            due_date: priced.instalments.iter().map(|(i, _)| i.due_date).max().unwrap_or(new.invoice_date),
            terms: priced.terms,
            instalments,
            settlement,
            place: priced.place.code.clone(),
            place_basis: priced.place.basis.to_owned(),
            supply: priced.supply,
            reverse_charge: priced.reverse_charge,
            operator: priced.operator.clone(),
            shipping: priced.shipping.clone(),
            seller_composition: priced.seller_composition,
            seller_sez: ground.sez,
            buyer_composition: priced.buyer_composition,
            po_reference: new.po_reference.clone(),
            taxable: priced.tax.taxable,
            cgst: priced.tax.cgst,
            sgst: priced.tax.sgst,
            igst: priced.tax.igst,
            cess: priced.tax.cess,
            round_off: priced.tax.round_off,
            total: priced.tax.payable,
            pricing: priced.pricing.clone(),
            entry: None,
            note: order.note.as_ref().map(|note| StoredNote {
                reason_code: note.reason_code,
                tax_effect: priced.tax_effect,
                original: original.map(|invoice| StoredOriginal { id: invoice.id, number: invoice.number.clone(), date: invoice.date, rate: invoice.rate }),
            }),
            metadata: new.metadata.clone(),
            cancelled_on: None,
            cancel_reason: None,
            version: 1,
            created_by: cx.actor.to_string(),
            created_at: cx.now,
            updated_at: cx.now,
            lines: priced.lines.iter().map(|line| (InvoiceLineId::new(), line.clone())).collect(),
            settled: Settled { open: priced.tax.payable, oldest_due: priced.instalments.iter().map(|(i, _)| i.due_date).min(), ..Settled::default() },
            applications: Vec::new(),
            approval: None,
            notes: Vec::new(),
            einvoice: None,
        }
    }

    /// Everything that was decided in pricing it, as one hash. Prices, rates, and what is known of the customer
    /// are looked up again when it is issued; it is another document if they lead elsewhere.
    #[must_use]
    pub fn digest(&self, base: Currency) -> String {
        // The same figure is the same text, whatever zeros it came with.
        let figures = |values: &[Decimal]| values.iter().map(|value| value.normalize().to_string()).collect::<Vec<_>>();
        let line = |(_, line): &(InvoiceLineId, PricedLine)| {
            let tax = &line.tax;
            let amounts = [tax.taxable, tax.cgst, tax.sgst, tax.igst, tax.cess, tax.total];
            let given = [line.quantity, line.unit_price, line.discount, line.tax_rate, line.cess_rate];
            json!([
                line.item_id,
                line.description,
                line.hsn_code,
                line.is_service,
                line.unit,
                line.tax_inclusive,
                line.treatment,
                figures(&given),
                figures(&amounts)
            ])
        };
        let note = self.note.as_ref();
        let mut whole = json!([
            [self.registration, self.seller_gstin, self.customer, self.buyer_gstin, self.place, self.supply, self.reverse_charge],
            [note.map(|note| note.tax_effect), note.and_then(|note| note.original.as_ref()).map(|original| original.id)],
            [self.currency.code(), figures(&[self.rate, self.round_off, self.total, self.base_total(base)])],
            [self.date, self.instalments.iter().map(|due| json!([due.due_date, figures(&[due.amount.0])])).collect::<Vec<_>>()],
            [self.settlement.discount_until, self.settlement.grace_until, figures(&[self.settlement.discount, self.settlement.tolerance])],
            self.lines.iter().map(line).collect::<Vec<_>>(),
        ]);
        if let (Some(parts), false) = (whole.as_array_mut(), self.pricing == Pricing::default()) {
            parts.push(json!(self.pricing));
        }
        let circumstances = json!([self.operator, self.shipping, self.seller_composition, self.buyer_composition]);
        if let (Some(parts), false) = (whole.as_array_mut(), circumstances == json!([null, null, false, false])) {
            parts.push(circumstances);
        }
        hex(&canonical_hash(&whole))
    }

    /// What the e-commerce operator does about its tax, where there is one.
    #[must_use]
    pub fn operator_duty(&self) -> Option<OperatorDuty> {
        self.operator.as_ref().map(|operator| operator.section.of_law())
    }

    /// Whether the tax it shows is owed by the customer: not where the recipient or an operator pays it.
    #[must_use]
    pub fn collects_tax(&self) -> bool {
        !self.reverse_charge && self.operator_duty() != Some(OperatorDuty::Pays)
    }

    /// The paper its supplies need.
    #[must_use]
    pub fn paper(&self) -> Paper {
        paper(self.seller_composition, self.buyer_gstin.is_some(), self.lines.iter().map(|(_, line)| line.treatment.of_law()))
    }

    /// What it comes to in base currency.
    #[must_use]
    pub fn base_total(&self, base: Currency) -> Decimal {
        round(self.total * self.rate, base.exponent())
    }
}
