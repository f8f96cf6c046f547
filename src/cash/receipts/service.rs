//! The verbs of receipts.

use super::advance::{self, Decided};
use super::posting::{Worth, identification, posting, unidentified};
use super::store::{DeductionRow, Head, Origin, PlacedRow, Step};
use super::types::{
    AutoApply, Bounce, Clear, Clearing, DeductionKind, Deposit, Identify, Method, NewAdvance, NewReceipt, Receipt, ReceiptPatch, ReverseReceipt, State,
};
use super::{problems, rules, store};
use crate::billing::invoices::service as billing;
use crate::billing::notes::types::NewDebitNote;
use crate::cash::allocations::rules::target_faults;
use crate::cash::allocations::settlement::{Plan, Resolved, Terms, place, resolve};
use crate::cash::allocations::store::customers_of;
use crate::cash::tds;
use crate::control::approvals::rules::Band;
use crate::control::approvals::{self, Action, Approved, Gate, Request};
use crate::ledger::advances::{self, Advance};
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::rules::{Placer, Purse};
use crate::ledger::open_items::store::{lock_customers, lock_items_of, lock_open_debits, named};
use crate::ledger::periods;
use crate::ledger::problems::AMOUNT_TOO_SMALL;
use crate::ledger::{self, AllocationKind, DocumentKind, NewAllocation, OpenItem, SettlementTerms, Side, Unwind, lock_parties};
use crate::master_data::customers::reference::NamesCustomer;
use crate::master_data::customers::types::AddressKind;
use crate::master_data::exchange_rates::service::{plausible, rate_on};
use crate::master_data::gst_registrations::types::RegistrationType;
use crate::master_data::{customers, gst_registrations};
use crate::platform::http::problem::{self, FieldError};
use crate::platform::http::reply::require_version;
use crate::platform::http::{Problem, faults};
use crate::platform::ids::{AccountId, CustomerId, EntryId, InvoiceId, OpenItemId, ReceiptId};
use crate::platform::money::{Currency, LARGEST, round};
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use crate::tax::gst::supply::OTHER_COUNTRIES;
use chrono::NaiveDate;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};
use uuid::Uuid;

/// Records money in: posts it and settles what it was sent for. Money of an unknown payer waits among the
/// unidentified receipts; a cheque of a later date waits for its deposit outside the books.
pub fn record(tx: &mut Tx<'_>, new: &NewReceipt) -> Result<Audited<Receipt>, Problem> {
    let (base, today) = (tx.cx().currency(), tx.cx().today);
    let customer = new.customer();
    let currencies = rules::currencies(new, base).map_err(Problem::invalid)?;
    let mut errors = rules::faults(new, currencies, today);
    match customer.missing() {
        Some(missing) if !new.unidentified => errors.push(missing),
        None if new.unidentified => errors.push(FieldError::at("/unidentified", "payer_known", "A customer is named; leave this out.")),
        _ => {}
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    customer.unambiguous()?;
    let ground = if new.unidentified { store::ground_of_nobody(tx, new)? } else { store::lock_ground(tx, new)?.ok_or_else(|| customer.unknown())? };
    if new.bank_account_id.is_some() && ground.bank.is_none() {
        return Err(Problem::reference("bank_account", "/bank_account_id"));
    }
    if let Some(id) = ground.duplicate_of {
        return Err(Problem::new(problems::DUPLICATE_RECEIPT_EXTERNAL_ID, "Another receipt has this external_id.").member("current", json!({"id": id})));
    }
    if let Some(id) = ground.same_utr.filter(|_| !new.allow_duplicate) {
        return Err(Problem::new(
            problems::DUPLICATE_RECEIPT,
            "This bank reference is recorded already; send allow_duplicate with a reason if it is another payment.",
        )
        .member("current", json!({"id": id})));
    }
    if let Some(id) = ground.twin.filter(|_| !new.allow_duplicate) {
        let detail = "The same customer paid the same amount in the same way within three days, and no reference tells the two apart; send allow_duplicate with a reason if it is another payment.";
        return Err(Problem::new(problems::DUPLICATE_RECEIPT, detail).member("current", json!({"id": id})));
    }
    let registration = ground.registration.ok_or_else(|| Problem::internal(&"a company without registration"))?;
    let rate = rate_on(tx, currencies.money, new.exchange_rate.map(|rate| rate.0), new.receipt_date)?;
    let worth = worth(tx, new, currencies, rate, base)?;
    let on = periods::posting_date(tx, new.receipt_date, new.post_late)?;
    let (id, year) = (ReceiptId::new(), tx.cx().fiscal_year(new.receipt_date));
    let input = if rules::held(new) { Some(serde_json::to_value(new).map_err(|e| Problem::internal(&e))?) } else { None };
    let origin = Origin { registration, fiscal_year: year.0, duplicate_allowed: new.allow_duplicate, input };
    let mut head = head(new, id, &worth, tx)?;
    head.bank_account_id = ground.bank_account;
    let mut placed = Vec::new();
    let terms = match &new.gst_advance {
        Some(wanted) => Some(advance_terms(tx, wanted, ground.customer, new.receipt_date)?),
        None => None,
    };
    if rules::held(new) {
        // What it names must be there now; whether it fits is seen on the day.
        resolve(tx, "/allocations", &new.allocations, ground.customer, worth.currency, new.cheque_date.unwrap_or(on))?;
        head.state = State::Held;
        head.customer_id = Some(ground.customer);
        head.number = numbering::take(tx, registration, NumberedKind::Receipt, year)?;
    } else if new.unidentified {
        head.state = State::Unidentified;
        head.posting_date = Some(on);
        head.number = numbering::take(tx, registration, NumberedKind::Receipt, year)?;
        head.entry_id = Some(ledger::post(tx, &unidentified(id.uuid(), &head.number, new, &worth, ground.bank, on))?);
    } else {
        concede(tx, new, id, ground.customer, &worth, base)?;
        let credit = credit(id, ground.customer, new, &worth, base, on);
        let purses = rules::purses(new);
        let (mut plan, debits) = plan(tx, &credit, purses, Instructions::of(new), on)?;
        head.number = numbering::take(tx, registration, NumberedKind::Receipt, year)?;
        plan.numbered(&head.number);
        let entry = ledger::post(tx, &posting(&credit, &head.number, new, &worth, ground.bank, on))?;
        enter(&mut head, &credit, entry, on);
        plan.write(tx)?;
        head.advance = open_advance(tx, terms, &OpenItem { document_number: head.number.clone(), ..credit.clone() }, &plan, on)?;
        head.open = credit.amount - placed_of(&plan, &credit);
        head.moves = i64::try_from(plan.allocations.iter().filter(|a| a.credit_item == credit.id).count()).unwrap_or(i64::MAX);
        placed = placed_rows(&plan.allocations, &credit, &debits);
    }
    let deductions: Vec<_> =
        new.deductions.iter().map(|d| DeductionRow { kind: d.kind, section: d.section.clone(), rate: d.rate.map(|rate| rate.0), amount: d.amount.0 }).collect();
    store::insert(tx, &head, &origin, &deductions)?;
    let standing = if head.advance.is_some() { advances::of_receipt(tx, id)? } else { None };
    let receipt = store::answer(head, deductions, &placed, standing.as_ref(), tx.cx());
    let mut change = Change::new("receipt.recorded", id.uuid()).version(receipt.version).after(&receipt);
    if let Some(reason) = &new.reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, receipt))
}

/// Who pays and whose documents are paid, in one order whatever the order of the rows.
pub fn lock_concerned(tx: &mut Tx<'_>, rows: &[&NewReceipt]) -> Result<(), Problem> {
    let targets: Vec<_> = rows.iter().flat_map(|row| &row.allocations).cloned().collect();
    let mut concerned = named(tx, rows)?;
    concerned.extend(customers_of(tx, &targets)?);
    lock_customers(tx, concerned)
}

/// How an advance is taxed, by the law of the day the money came.
fn advance_terms(rx: &mut Rx<'_>, wanted: &NewAdvance, customer: CustomerId, date: NaiveDate) -> Result<Decided, Problem> {
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
fn open_advance(tx: &mut Tx<'_>, terms: Option<Decided>, credit: &OpenItem, plan: &Plan, on: NaiveDate) -> Result<Option<Value>, Problem> {
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

/// What the money is worth, when that is believable: a stated or implied rate lies near one that is known, and the
/// base amount is one the books can hold.
fn worth(tx: &mut Tx<'_>, new: &NewReceipt, currencies: rules::Currencies, rate: Decimal, base: Currency) -> Result<Worth, Problem> {
    let worth = rules::worth(new, currencies, rate, base);
    let in_base = rules::gross_base(new, &worth, base);
    if currencies.money != base && new.exchange_rate.is_some() {
        plausible(tx, "/exchange_rate", currencies.money, rate, new.receipt_date)?;
    }
    if new.settlement_amount.is_some() {
        if currencies.settles == base && worth.base != Some(worth.amount) {
            let detail = "Settling in base currency, the amount is the money at its rate.";
            let error = FieldError::at("/settlement_amount", "settlement_mismatch", detail).received(worth.amount);
            return Err(Problem::invalid(vec![error.expected(worth.base.unwrap_or_default())]));
        }
        if currencies.settles != base {
            plausible(tx, "/settlement_amount", currencies.settles, worth.rate, new.receipt_date)?;
        }
    }
    let pointer = if new.settlement_amount.is_some() { "/settlement_amount" } else { "/amount_received" };
    if worth.rate < dec!(0.00000001) || worth.rate > dec!(99999999) || in_base <= Decimal::ZERO {
        let detail = format!("The amount comes to nothing in {}.", base.code());
        return Err(Problem::new(AMOUNT_TOO_SMALL, detail.clone()).errors(vec![FieldError::at(pointer, "amount_too_small", detail).received(worth.amount)]));
    }
    if in_base > LARGEST {
        let detail = format!("In {} an amount is at most 9,999,999,999,999.", base.code());
        return Err(Problem::invalid(vec![FieldError::at(pointer, "amount_too_large", detail).received(in_base)]));
    }
    Ok(worth)
}

/// What the payer kept as discount or charges is conceded by whoever records it, within their band.
pub static CONCEDE: Action = Action {
    name: "receipt.concede",
    kind: "deductions",
    permission: "receipts:approve",
    direct: "receipts:write",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::to(500_000, 0), Band::above(1)],
    parties: approvals::of_request,
    version: |_, _| Ok(1),
    execute: |_, _| Ok(()),
    reject: |_, _| Ok(()),
};

fn concede(tx: &mut Tx<'_>, new: &NewReceipt, id: ReceiptId, customer: CustomerId, worth: &Worth, base: Currency) -> Result<(), Problem> {
    let kept = |kind| matches!(kind, DeductionKind::Discount | DeductionKind::Charges);
    let conceded: Decimal = new.deductions.iter().filter(|d| kept(d.kind)).map(|d| d.amount.0).sum();
    if conceded.is_zero() {
        return Ok(());
    }
    let request = Request {
        action: &CONCEDE,
        subject: id.uuid(),
        version: 1,
        customer: Some(customer),
        amount: round(conceded * worth.rate, base.exponent()),
        makers: Vec::new(),
        reason: new.reason.as_deref(),
        before: Value::Null,
        after: json!({"deductions": new.deductions}),
        payload: Value::Null,
    };
    approvals::concede(tx, &request)
}

fn head(new: &NewReceipt, id: ReceiptId, worth: &Worth, tx: &Tx<'_>) -> Result<Head, Problem> {
    let cx = tx.cx();
    let gross = rules::gross(new);
    Ok(Head {
        id,
        number: String::new(),
        external_id: new.external_id.clone(),
        state: State::Recorded,
        customer_id: None,
        currency: new.currency.clone().unwrap_or_else(|| cx.currency().code().to_owned()),
        receipt_date: new.receipt_date,
        posting_date: None,
        value_date: new.value_date.unwrap_or(new.receipt_date),
        method: new.method.unwrap_or(Method::Other),
        settlement_currency: new.settlement_currency.clone(),
        settlement_amount: new.settlement_amount.map(|amount| amount.0),
        exchange_rate: worth.rate,
        clearing: (new.method == Some(Method::Cheque)).then_some(Clearing::Received),
        cheque_number: new.cheque_number.clone(),
        cheque_date: new.cheque_date,
        deposited_on: None,
        cleared_on: None,
        identified_on: None,
        ended_on: None,
        end_reason: None,
        fee_note_id: None,
        on_account: new.on_account,
        version: 1,
        bank_account_id: new.bank_account_id,
        utr: new.utr.clone(),
        payer_name: new.payer_name.clone(),
        amount_received: new.amount_received.0,
        gross_settled: gross,
        item_id: None,
        entry_id: None,
        advance: None,
        metadata: serde_json::to_value(&new.metadata).map_err(|e| Problem::internal(&e))?,
        created_by: cx.actor.to_string(),
        created_at: cx.now,
        open: gross,
        moves: 0,
    })
}

fn enter(head: &mut Head, credit: &OpenItem, entry: EntryId, on: NaiveDate) {
    head.customer_id = Some(credit.customer);
    head.item_id = Some(credit.id);
    head.entry_id = Some(entry);
    head.posting_date = Some(on);
}

/// The item a receipt opens.
fn credit(id: ReceiptId, customer: CustomerId, new: &NewReceipt, worth: &Worth, base: Currency, on: NaiveDate) -> OpenItem {
    credit_item(id.uuid(), customer, worth.currency, rules::gross(new), rules::gross_base(new, worth, base), on)
}

fn credit_item(document_id: Uuid, customer: CustomerId, currency: Currency, amount: Decimal, base: Decimal, on: NaiveDate) -> OpenItem {
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
struct Instructions<'a> {
    prefix: &'a str,
    targets: &'a [crate::cash::allocations::types::Target],
    auto_apply: Option<AutoApply>,
    terms: Terms,
}

impl<'a> Instructions<'a> {
    fn of(new: &'a NewReceipt) -> Self {
        // Where the payer says what was deducted as discount, nothing more is granted.
        let apply = new.deductions.iter().all(|d| d.kind != DeductionKind::Discount);
        let terms = Terms { value_date: new.value_date.unwrap_or(new.receipt_date), apply };
        Self { prefix: "/allocations", targets: &new.allocations, auto_apply: new.auto_apply, terms }
    }
}

/// Places the money by instruction, then what was deducted with it, then the rest oldest due first where that
/// is asked for: money placed by age earns no discount and no tolerance.
fn plan(tx: &mut Tx<'_>, credit: &OpenItem, purses: Vec<Purse>, wanted: Instructions<'_>, on: NaiveDate) -> Result<(Plan, Vec<OpenItem>), Problem> {
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

fn placed_of(plan: &Plan, credit: &OpenItem) -> Decimal {
    plan.allocations.iter().filter(|a| a.credit_item == credit.id).map(|a| a.amount).sum()
}

fn placed_rows(placed: &[NewAllocation], credit: &OpenItem, debits: &[OpenItem]) -> Vec<PlacedRow> {
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

/// Why a receipt has nothing to allocate: it is not in the books as money of somebody.
pub fn not_allocatable(rx: &mut Rx<'_>, id: Uuid) -> Result<Option<Problem>, Problem> {
    match store::head(rx, ReceiptId::of(id), false) {
        Ok(head) => Ok(Some(invalid_state(&head, "Only money of a known payer can be allocated."))),
        Err(problem) if problem.is(problem::NOT_FOUND) => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn invalid_state(head: &Head, detail: &str) -> Problem {
    let status = rules::status(head.state, head.gross_settled, head.open, head.on_account);
    let allowed: Vec<_> = rules::actions(head.state, head.clearing, head.method, head.open).into_iter().map(|(action, _)| action).collect();
    Problem::new(problem::INVALID_STATE, format!("The receipt is {}. {detail}", status.as_str().replace('_', " ")))
        .member("current", json!({"status": status, "clearing": head.clearing}))
        .member("allowed_actions", allowed)
}

/// A receipt for a step, locked after every customer it concerns and those named besides.
fn lock(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, also: Vec<CustomerId>) -> Result<(Head, Receipt), Problem> {
    let owner = store::head(tx, id, false)?.customer_id;
    if also.is_empty() {
        if let Some(owner) = owner {
            lock_customers(tx, vec![owner])?;
        }
    } else {
        lock_customers(tx, also.into_iter().chain(owner).collect())?;
    }
    lock_row(tx, id, version)
}

fn lock_row(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>) -> Result<(Head, Receipt), Problem> {
    let head = store::head(tx, id, true)?;
    require_version(version, head.version + head.moves)?;
    let before = store::get(tx, id)?;
    Ok((head, before))
}

fn changed(tx: &mut Tx<'_>, id: ReceiptId, before: &Receipt, event: &'static str, reason: Option<&str>) -> Result<Audited<Receipt>, Problem> {
    approvals::subject_changed(tx, id.uuid())?;
    let after = store::get(tx, id)?;
    let mut change = Change::new(event, id.uuid()).version(after.version).before(before).after(&after);
    if let Some(reason) = reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, after))
}

/// A day for a step that is not before another and not in the future.
fn step_day(wanted: Option<NaiveDate>, pointer: &str, not_before: NaiveDate, today: NaiveDate) -> Result<NaiveDate, Vec<FieldError>> {
    let day = wanted.unwrap_or(today.max(not_before));
    let mut errors: Vec<_> = faults::in_future(pointer, day, today.max(not_before)).into_iter().collect();
    if day < not_before {
        errors.push(
            FieldError::at(pointer, "before_document", "This is not dated before what it is about.").expected(format!("at least {not_before}")).received(day),
        );
    }
    if errors.is_empty() { Ok(day) } else { Err(errors) }
}

/// Unidentified → identified: from the unidentified receipts to the customer's account, then placed.
pub fn identify(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Identify) -> Result<Audited<Receipt>, Problem> {
    let (base, today) = (tx.cx().currency(), tx.cx().today);
    let name = wanted.customer();
    let unlocked = store::head(tx, id, false)?;
    let settles = settles(&unlocked, base);
    let mut errors = target_faults("/allocations", &wanted.allocations, settles);
    errors.extend(name.missing());
    let on = step_day(wanted.identified_on, "/identified_on", unlocked.posting_date.unwrap_or(unlocked.receipt_date), today).unwrap_or_else(|faults| {
        errors.extend(faults);
        today
    });
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    name.unambiguous()?;
    let texts = |text: Option<&str>| text.map(str::to_owned).into_iter().collect();
    let found = customers::store::ids(tx, name.id.into_iter().collect(), texts(name.external_id), texts(name.code))?;
    let customer = *found.first().ok_or_else(|| name.unknown())?;
    let mut concerned = customers_of(tx, &wanted.allocations)?;
    concerned.push(customer);
    let (head, before) = lock(tx, id, version, concerned)?;
    if head.state != State::Unidentified {
        return Err(invalid_state(&head, "Only an unidentified one can be identified."));
    }
    let (Some(entry), Some(posted)) = (head.entry_id, head.posting_date) else { return Err(Problem::internal(&"an unidentified receipt out of the books")) };
    let worth = ledger::journal::standing(tx, id.uuid())?.into_iter().find(|e| e.id == entry);
    let in_base =
        worth.and_then(|e| e.lines.first().and_then(|line| line.base)).ok_or_else(|| Problem::internal(&"an unidentified receipt without its entry"))?;
    let credit = OpenItem { document_number: head.number.clone(), ..credit_item(id.uuid(), customer, settles, head.gross_settled, in_base, on) };
    let terms = match &wanted.gst_advance {
        Some(wanted) => Some(advance_terms(tx, wanted, customer, head.receipt_date)?),
        None => None,
    };
    let instructions = Instructions {
        prefix: "/allocations",
        targets: &wanted.allocations,
        auto_apply: wanted.auto_apply,
        terms: Terms { value_date: head.value_date, apply: true },
    };
    let (mut plan, _) = plan(tx, &credit, vec![Purse { kind: AllocationKind::Cash, left: credit.amount }], instructions, on)?;
    plan.numbered(&head.number);
    ledger::post(tx, &identification(&credit, &head.number, head.exchange_rate, posted, on))?;
    plan.write(tx)?;
    let advance = open_advance(tx, terms, &credit, &plan, on)?;
    let step = Step { state: Some(State::Recorded), customer: Some(customer), item: Some(credit.id), identified_on: Some(on), advance, ..Step::default() };
    store::advance(tx, id, &step)?;
    changed(tx, id, &before, "receipt.identified", None)
}

fn settles(head: &Head, base: Currency) -> Currency {
    head.settlement_currency.as_deref().or(Some(&head.currency)).and_then(Currency::parse).unwrap_or(base)
}

/// A held cheque goes to the bank: from now on it is in the books, and settles what it was sent for.
pub fn deposit(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Deposit) -> Result<Audited<Receipt>, Problem> {
    let (base, today) = (tx.cx().currency(), tx.cx().today);
    let unlocked = store::head(tx, id, false)?;
    if unlocked.state != State::Held {
        return deposit_recorded(tx, id, version, wanted);
    }
    let sent = store::input(tx, id)?;
    let allocations = wanted.allocations.clone().unwrap_or_else(|| sent.allocations.clone());
    let auto_apply = sent.auto_apply.filter(|_| wanted.allocations.is_none());
    let new = rules::with_allocations(&sent, allocations, auto_apply);
    let currencies = rules::currencies(&new, base).map_err(Problem::invalid)?;
    let mut errors = target_faults("/allocations", &new.allocations, currencies.settles);
    let on = step_day(wanted.deposited_on, "/deposited_on", unlocked.cheque_date.unwrap_or(unlocked.receipt_date), today).unwrap_or_else(|faults| {
        errors.extend(faults);
        today
    });
    errors.extend(rules::stale_on("/deposited_on", unlocked.cheque_date, on));
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let concerned = customers_of(tx, &new.allocations)?;
    let (head, before) = lock(tx, id, version, concerned)?;
    let (State::Held, Some(customer)) = (head.state, head.customer_id) else { return Err(invalid_state(&head, "It is deposited already.")) };
    let bank = bank(tx, wanted.bank_account_id.or(head.bank_account_id))?;
    let rate = rate_on(tx, currencies.money, new.exchange_rate.map(|rate| rate.0), on)?;
    let worth = worth(tx, &new, currencies, rate, base)?;
    let credit = OpenItem { document_number: head.number.clone(), ..credit(id, customer, &new, &worth, base, on) };
    concede(tx, &new, id, customer, &worth, base)?;
    let terms = match &new.gst_advance {
        Some(wanted) => Some(advance_terms(tx, wanted, customer, on)?),
        None => None,
    };
    // The value of a cheque counts from its deposit.
    let instructions = Instructions { terms: Terms { value_date: on, ..Instructions::of(&new).terms }, ..Instructions::of(&new) };
    let (mut plan, _) = plan(tx, &credit, rules::purses(&new), instructions, on)?;
    plan.numbered(&head.number);
    let entry = ledger::post(tx, &posting(&credit, &head.number, &new, &worth, bank, on))?;
    plan.write(tx)?;
    let advance = open_advance(tx, terms, &credit, &plan, on)?;
    let step = Step {
        advance,
        state: Some(State::Recorded),
        clearing: Some(Clearing::Deposited),
        item: Some(credit.id),
        entry: Some(entry),
        bank_account: wanted.bank_account_id,
        posting_date: Some(on),
        deposited_on: Some(on),
        exchange_rate: Some(worth.rate),
        ..Step::default()
    };
    store::advance(tx, id, &step)?;
    changed(tx, id, &before, "receipt.deposited", None)
}

fn bank(tx: &mut Tx<'_>, account: Option<crate::platform::ids::BankAccountId>) -> Result<Option<AccountId>, Problem> {
    match account {
        None => Ok(None),
        Some(account) => store::bank(tx, account)?.map(Some).ok_or_else(|| Problem::reference("bank_account", "/bank_account_id")),
    }
}

/// A cheque that is in the books already goes to the bank: nothing moves.
fn deposit_recorded(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Deposit) -> Result<Audited<Receipt>, Problem> {
    let (head, before) = lock(tx, id, version, Vec::new())?;
    if head.clearing != Some(Clearing::Received) || !matches!(head.state, State::Recorded | State::Unidentified) {
        return Err(invalid_state(&head, "Only a cheque that was received can be deposited."));
    }
    if wanted.allocations.is_some() || wanted.bank_account_id.is_some() {
        let detail = "The cheque is in the books already; use allocations of its own.";
        return Err(Problem::invalid(vec![FieldError::at("/allocations", "already_posted", detail)]));
    }
    let on = step_day(wanted.deposited_on, "/deposited_on", head.receipt_date, tx.cx().today).map_err(Problem::invalid)?;
    store::advance(tx, id, &Step { clearing: Some(Clearing::Deposited), deposited_on: Some(on), ..Step::default() })?;
    changed(tx, id, &before, "receipt.deposited", None)
}

/// The bank credited the cheque for good.
pub fn clear(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Clear) -> Result<Audited<Receipt>, Problem> {
    let (head, before) = lock(tx, id, version, Vec::new())?;
    if !matches!(head.clearing, Some(Clearing::Received | Clearing::Deposited)) || !matches!(head.state, State::Recorded | State::Unidentified) {
        return Err(invalid_state(&head, "Only a cheque at the bank can clear."));
    }
    let on = step_day(wanted.cleared_on, "/cleared_on", head.deposited_on.unwrap_or(head.receipt_date), tx.cx().today).map_err(Problem::invalid)?;
    store::advance(tx, id, &Step { clearing: Some(Clearing::Cleared), cleared_on: Some(on), ..Step::default() })?;
    changed(tx, id, &before, "receipt.cleared", None)
}

/// Nothing that moves money changes.
pub fn update(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, patch: &ReceiptPatch) -> Result<Audited<Receipt>, Problem> {
    if let Some(metadata) = &patch.metadata {
        let errors = customers::rules::metadata_faults(metadata);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
    }
    let (head, before) = lock(tx, id, version, Vec::new())?;
    if matches!(head.state, State::Reversed | State::Bounced) {
        return Err(invalid_state(&head, "It is taken back and stays as it is."));
    }
    let metadata = patch.metadata.as_ref().map(serde_json::to_value).transpose().map_err(|e| Problem::internal(&e))?;
    store::advance(tx, id, &Step { on_account: patch.on_account, payer_name: patch.payer_name.clone(), metadata, ..Step::default() })?;
    changed(tx, id, &before, "receipt.updated", None)
}

/// Reversing a receipt, for those who may only ask.
pub static REVERSE: Action = Action {
    name: "receipt.reverse",
    kind: "receipts",
    permission: "receipts:approve",
    direct: "receipts:reverse",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::above(0)],
    parties: approvals::of_document,
    version: |rx, asked| {
        let head = store::head(rx, ReceiptId::of(asked.subject), false)?;
        Ok(head.version + head.moves)
    },
    execute: |tx, asked| {
        let wanted: ReverseReceipt = serde_json::from_value(asked.payload.clone()).map_err(|e| Problem::internal(&e))?;
        reverse_now(tx, ReceiptId::of(asked.subject), None, &wanted).map(|_| ())
    },
    reject: |_: &mut Tx<'_>, _: &Approved| Ok(()),
};

/// A posting error: mirror entries of the given date, every allocation taken back with what it earned.
pub fn reverse(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &ReverseReceipt) -> Result<Audited<Receipt>, Problem> {
    lock_parties(tx, id.uuid())?;
    let (head, before) = lock(tx, id, version, Vec::new())?;
    require_standing(&head)?;
    let in_base =
        ledger::journal::standing(tx, id.uuid())?.iter().flat_map(|e| &e.lines).filter_map(|line| line.base.filter(|_| line.customer.is_some())).sum();
    let request = Request {
        action: &REVERSE,
        subject: id.uuid(),
        version: before.version,
        customer: head.customer_id,
        amount: in_base,
        makers: vec![head.created_by.clone()],
        reason: Some(&wanted.reason),
        before: serde_json::to_value(&before).unwrap_or_default(),
        after: Value::Null,
        payload: serde_json::to_value(wanted).map_err(|e| Problem::internal(&e))?,
    };
    if let Gate::Pending(approval) = approvals::gate_unless_direct(tx, &request)? {
        let asked = Receipt { approval_id: Some(approval), ..before };
        return Ok(tx.record(Change::new("receipt.reversal_requested", id.uuid()).version(asked.version).after(&asked).reason(&wanted.reason), asked));
    }
    reverse_now(tx, id, version, wanted)
}

fn reverse_now(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &ReverseReceipt) -> Result<Audited<Receipt>, Problem> {
    lock_parties(tx, id.uuid())?;
    let (head, before) = lock(tx, id, version, Vec::new())?;
    require_standing(&head)?;
    let on = step_day(wanted.reversed_on, "/reversed_on", head.posting_date.unwrap_or(head.receipt_date), tx.cx().today).map_err(Problem::invalid)?;
    take_back(tx, &head, on, &wanted.reason)?;
    let step = Step { state: Some(State::Reversed), ended_on: Some(on), end_reason: Some(wanted.reason.clone()), ..Step::default() };
    store::advance(tx, id, &step)?;
    changed(tx, id, &before, "receipt.reversed", Some(&wanted.reason))
}

fn require_standing(head: &Head) -> Result<(), Problem> {
    match head.state {
        State::Reversed | State::Bounced => Err(invalid_state(head, "It is taken back already.")),
        State::Held | State::Unidentified | State::Recorded => Ok(()),
    }
}

/// Out of the books, if it is in them.
fn take_back(tx: &mut Tx<'_>, head: &Head, on: NaiveDate, reason: &str) -> Result<(), Problem> {
    if head.state == State::Held {
        return Ok(());
    }
    refuse_refunded(tx, head)?;
    ledger::unwind(tx, &Unwind { document: head.id.uuid(), kind: DocumentKind::Reversal, on, reason })?;
    tds::service::receipt_taken_back(tx, head.id, on)
}

/// Money that was paid back or booked as recovered is not taken back under its feet.
fn refuse_refunded(tx: &mut Tx<'_>, head: &Head) -> Result<(), Problem> {
    let items: Vec<OpenItemId> = lock_items_of(tx, vec![head.id.uuid()])?.into_iter().map(|item| item.id).collect();
    let paid_back = ledger::open_items::store::in_force_on(tx, &items)?.into_iter().any(|a| a.target_kind == DocumentKind::Refund);
    if paid_back { Err(invalid_state(head, "Part of it was refunded; fail the refund first.")) } else { Ok(()) }
}

/// The bank returns a cheque or mandate: everything it settled opens again at its original due date, discounts
/// come back, and the fee is charged by a debit note.
pub fn bounce(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Bounce) -> Result<Audited<Receipt>, Problem> {
    let base = tx.cx().currency();
    let mut errors = rules::fee_faults(wanted.fee, base);
    lock_parties(tx, id.uuid())?;
    let (head, before) = lock(tx, id, version, Vec::new())?;
    if !matches!(head.method, Method::Cheque | Method::Nach) {
        return Err(invalid_state(&head, "Only a cheque or NACH mandate bounces; reverse other receipts."));
    }
    if !matches!(head.state, State::Recorded | State::Unidentified) || head.clearing == Some(Clearing::Cleared) {
        return Err(invalid_state(&head, "Only money in the books that did not clear yet bounces."));
    }
    let presented = head.posting_date.unwrap_or(head.receipt_date).max(head.deposited_on.unwrap_or(head.receipt_date));
    let on = step_day(wanted.bounced_on, "/bounced_on", presented, tx.cx().today).unwrap_or_else(|faults| {
        errors.extend(faults);
        head.receipt_date
    });
    let fee = wanted.fee.map(|fee| fee.0).filter(|fee| *fee > Decimal::ZERO);
    if fee.is_some() && head.customer_id.is_none() {
        errors.push(FieldError::at("/fee", "payer_unknown", "Nobody knows yet whom to charge; identify the receipt first."));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    take_back(tx, &head, on, &wanted.reason)?;
    let fee_note = match (fee, head.customer_id) {
        (Some(fee), Some(customer)) => Some(charge(tx, &head, customer, fee, on)?),
        _ => None,
    };
    let step = Step {
        state: Some(State::Bounced),
        clearing: head.clearing.map(|_| Clearing::Bounced),
        ended_on: Some(on),
        end_reason: Some(wanted.reason.clone()),
        fee_note,
        ..Step::default()
    };
    store::advance(tx, id, &step)?;
    changed(tx, id, &before, "receipt.bounced", Some(&wanted.reason))
}

/// A debit note for the bank's fee. A charge for dishonour is a penalty and no consideration for a supply
/// (CBIC circular 178/10/2022, para 7.1), so it carries no tax.
fn charge(tx: &mut Tx<'_>, head: &Head, customer: CustomerId, fee: Decimal, on: NaiveDate) -> Result<InvoiceId, Problem> {
    let note: NewDebitNote = serde_json::from_value(json!({
        "customer_id": customer, "free": true, "reason_code": "other", "note_date": on, "due_date": on, "issue": true, "currency": tx.cx().currency().code(),
        "lines": [{"description": format!("Dishonour charges on {}", head.number), "hsn_code": "999799", "is_service": true, "quantity": "1", "unit": "OTH", "unit_price": fee.to_string(), "tax_rate": "0", "treatment": "non_gst"}],
    }))
    .map_err(|e| Problem::internal(&e))?;
    let made = billing::create_by_right(tx, &note)?;
    made.get().document.id.ok_or_else(|| Problem::internal(&"a debit note without id"))
}
