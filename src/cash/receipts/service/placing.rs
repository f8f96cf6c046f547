//! What the money of a receipt settles, and the tax on what it leaves as an advance.

use super::super::advance::{self, Decided};
use super::super::posting::Worth;
use super::super::rules;
use super::super::store::PlacedRow;
use super::super::types::{AutoApply, DeductionKind, NewAdvance, NewReceipt};
use crate::cash::allocations::settlement::{Plan, Resolved, Terms, place, resolve};
use crate::ledger::advances::{self, Advance};
use crate::ledger::open_items::rules::{Placer, Purse};
use crate::ledger::open_items::store::lock_open_debits;
use crate::ledger::{AllocationKind, DocumentKind, NewAllocation, OpenItem, SettlementTerms, Side};
use crate::master_data::customers::types::AddressKind;
use crate::master_data::gst_registrations::types::RegistrationType;
use crate::master_data::{customers, gst_registrations};
use crate::platform::http::Problem;
use crate::platform::ids::{CustomerId, EntryId, OpenItemId, ReceiptId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::tax::gst::supply::OTHER_COUNTRIES;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

/// How an advance is taxed, by the law of the day the money came.
pub(super) fn advance_terms(rx: &mut Rx<'_>, wanted: &NewAdvance, customer: CustomerId, date: NaiveDate) -> Result<Decided, Problem> {
    let unknown = || Problem::reference("gst_registration", "/gst_advance/gst_registration_id");
    let registration = gst_registrations::store::find(rx, wanted.gst_registration_id)?.ok_or_else(unknown)?;
    let customer = customers::store::get(rx, customer, false)?;
    let billing = customer.addresses.iter().find(|address| address.kind == AddressKind::Billing && address.is_default);
    let ground = advance::Ground {
        registration: registration.id,
        seller_state: registration.state_code,
        composition: registration.r#type == RegistrationType::Composition,
        sez: registration.r#type == RegistrationType::Sez,
        kind: customer.kind,
        gstin: customer.gstin.clone(),
        billing_state: billing.and_then(|address| if address.country == "IN" { address.state_code.clone() } else { Some(OTHER_COUNTRIES.to_owned()) }),
    };
    advance::decide(wanted, &ground, date).map_err(Problem::invalid)
}

/// Opens the advance for what a plan leaves of a credit; gives the terms to be kept with the receipt.
pub(super) fn open_advance(tx: &mut Tx<'_>, terms: Option<Decided>, credit: &OpenItem, plan: &Plan, on: NaiveDate) -> Result<Option<Value>, Problem> {
    let Some(terms) = terms else { return Ok(None) };
    if terms.taxed {
        let placed: Decimal = plan.allocations.iter().filter(|a| a.credit_item == credit.id).map(|a| a.credit_base).sum();
        let advance = Advance {
            registration: terms.registration,
            customer: credit.customer,
            receipt: ReceiptId::of(credit.document_id),
            receipt_number: credit.document_number.clone(),
            item: credit.id,
            place_of_supply: terms.place_of_supply.clone(),
            inter: terms.inter,
            rate: terms.rate.0,
            cess_rate: terms.cess_rate.0,
        };
        advances::receive(tx, &advance, credit.base - placed, on)?;
    }
    serde_json::to_value(terms).map(Some).map_err(|e| Problem::internal(&e))
}

/// The item a receipt opens.
pub(super) fn credit(id: ReceiptId, customer: CustomerId, new: &NewReceipt, worth: &Worth, base: Currency, on: NaiveDate) -> OpenItem {
    credit_item(id.uuid(), customer, worth.currency, rules::gross(new), rules::gross_base(new, worth, base), on)
}

pub(super) fn credit_item(document_id: Uuid, customer: CustomerId, currency: Currency, amount: Decimal, base: Decimal, on: NaiveDate) -> OpenItem {
    OpenItem {
        id: OpenItemId::new(),
        entry: EntryId::new(),
        customer,
        document_kind: DocumentKind::Receipt.as_str().into(),
        document_id,
        document_number: String::new(),
        side: Side::Credit,
        currency,
        amount,
        open: amount,
        base,
        open_base: base,
        settles_from: on,
        due_date: on,
        terms: SettlementTerms::default(),
        granted: Decimal::ZERO,
    }
}

/// What the money was sent for.
pub(super) struct Instructions<'a> {
    pub(super) prefix: &'a str,
    pub(super) targets: &'a [crate::cash::allocations::types::Target],
    pub(super) auto_apply: Option<AutoApply>,
    pub(super) terms: Terms,
}

impl<'a> Instructions<'a> {
    pub(super) fn of(new: &'a NewReceipt) -> Self {
        // Where the payer says what was deducted as discount, nothing more is granted.
        let apply = new.deductions.iter().all(|d| d.kind != DeductionKind::Discount);
        let terms = Terms { value_date: new.value_date.unwrap_or(new.receipt_date), apply };
        Self { prefix: "/allocations", targets: &new.allocations, auto_apply: new.auto_apply, terms }
    }
}

/// Places the money by instruction, then what was deducted with it, then the rest oldest due first where that
/// is asked for: money placed by age earns no discount and no tolerance.
pub(super) fn plan(tx: &mut Tx<'_>, credit: &OpenItem, purses: Vec<Purse>, wanted: Instructions<'_>, on: NaiveDate) -> Result<(Plan, Vec<OpenItem>), Problem> {
    let base = tx.cx().currency();
    let Resolved { documents, items } = resolve(tx, wanted.prefix, wanted.targets, credit.customer, credit.currency, on)?;
    let debits = match wanted.auto_apply {
        Some(AutoApply::OldestFirst) => {
            let own = lock_open_debits(tx, credit.customer)?;
            let others = items.into_iter().filter(|item| own.iter().all(|o| o.id != item.id)).collect::<Vec<_>>();
            [own, others].concat()
        }
        None => items,
    };
    let mut placer = Placer::new(credit, base, on, purses, &debits);
    let granted = place(tx, &mut placer, wanted.prefix, wanted.targets, &documents, wanted.terms)?;
    follow_the_money(&mut placer, &documents);
    if wanted.auto_apply.is_some() {
        let left = placer.left(None);
        let evidence = json!({"open_items": debits.len(), "left": left.to_string()});
        placer.place(left, AllocationKind::Cash, "oldest_first", &evidence, |item| item.customer == credit.customer);
    }
    let plan = Plan::of(placer, granted, "");
    Ok((plan, debits))
}

/// When all the money is placed by instruction, what was deducted settles the same documents.
fn follow_the_money(placer: &mut Placer<'_>, documents: &[Uuid]) {
    if documents.is_empty() || !placer.left(Some(AllocationKind::Cash)).is_zero() {
        return;
    }
    for document in documents {
        let left = placer.left(None);
        placer.place(left, AllocationKind::Cash, "follows_cash", &json!({}), |item| item.document_id == *document);
    }
}

pub(super) fn placed_of(plan: &Plan, credit: &OpenItem) -> Decimal {
    plan.allocations.iter().filter(|a| a.credit_item == credit.id).map(|a| a.amount).sum()
}

pub(super) fn placed_rows(placed: &[NewAllocation], credit: &OpenItem, debits: &[OpenItem]) -> Vec<PlacedRow> {
    let row = |allocation: &NewAllocation| {
        let item = debits.iter().find(|item| item.id == allocation.debit_item);
        PlacedRow {
            id: allocation.id,
            target_type: item.map_or_else(|| DocumentKind::Tolerance.as_str().to_owned(), |item| item.document_kind.clone()),
            target_id: item.map_or(allocation.source.0, |item| item.document_id),
            target_number: item.map_or_else(|| allocation.source.1.clone(), |item| item.document_number.clone()),
            kind: allocation.kind,
            amount: allocation.amount,
            allocated_on: allocation.effective_on,
            rule: allocation.rule.to_owned(),
            evidence: allocation.evidence.clone(),
        }
    };
    let mut rows: Vec<PlacedRow> = placed.iter().filter(|allocation| allocation.credit_item == credit.id).map(row).collect();
    rows.sort_by_key(|row| row.id);
    rows
}
