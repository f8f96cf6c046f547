//! The verbs of returns.

use super::problems::{PERIOD_RUNNING, RETURN_LOCKED};
use super::store::{self, Filing, Kept, Locked, Moved, Own, Registration, Reported, Scope};
use super::types::{GstReturn, LockReturn, ReturnFilter, ReturnState, ReturnTotals};
use crate::control::approvals::problems::APPROVAL_STALE;
use crate::control::approvals::rules::Band;
use crate::control::approvals::{self, Action, Approved, Gate, Request, gate, of_request};
use crate::filing::gstr1::builder::{B2csAmendment, Declared, OperatorAmendment};
use crate::filing::gstr1::section::{Section, is_inter};
use crate::filing::gstr1::{Advance, AdvanceKind, Builder, Built, Document, DocumentKind, Former, Operator, OperatorSection, Tax, section};
use crate::filing::period::ReturnPeriod;
use crate::platform::dates::Instant;
use crate::platform::http::{FieldError, Problem, faults};
use crate::platform::ids::{InvoiceId, ReturnId};
use crate::platform::page::{Page, Paging};
use crate::platform::text::hex;
use crate::platform::unit_of_work::{Audited, Change, Context, Rx, Tx};
use crate::tax::gst::advances::{self, AdvanceRow, Movement, MovementKind};
use crate::tax::gst::compute::Treatment;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

/// A return built from the company's documents.
pub struct OwnReturn {
    pub built: Built,
    pub reported: Vec<Reported>,
}

/// Finds the registration a path names.
pub fn registration(rx: &mut Rx<'_>, gstin: &str) -> Result<Registration, Problem> {
    store::registration(rx, &gstin.trim().to_ascii_uppercase())
}

/// The months before a period that are filed, without a gap, newest last: what changes in them is told in its return.
fn filed_before(locked: &[Locked], period: ReturnPeriod) -> Vec<(ReturnPeriod, ReturnId)> {
    let mut run = Vec::new();
    let mut month = period.before();
    while let Some(found) = locked.iter().find(|one| one.period == month.first) {
        run.push((month, found.id));
        month = month.before();
    }
    run.reverse();
    run
}

/// Builds the return of a period from the documents as they stand: those dated in it; of filed months before it the
/// ones that came late, and amendments of the ones cancelled since.
pub fn build(rx: &mut Rx<'_>, registration: &Registration, period: ReturnPeriod) -> Result<OwnReturn, Problem> {
    let locked = store::locked(rx, registration.id)?;
    let run = filed_before(&locked, period);
    let mut builder = Builder::new(&registration.gstin, period).of_sez(registration.sez);
    builder.amends_totals_by_rows();
    let mut reported = Vec::new();
    if let Some((first, _)) = run.first().copied() {
        let until = period.before().last;
        store::each(rx, registration.id, first.first, until, Scope::Late, |own| {
            take(&mut builder, &own, &own.document, &mut reported);
            Ok(())
        })?;
        let mut changed = HashSet::new();
        store::each(rx, registration.id, first.first, until, Scope::Cancelled, |own| {
            take(&mut builder, &own, &taken_back(&own.document), &mut reported);
            changed.insert(own.id);
            Ok(())
        })?;
        store::each(rx, registration.id, first.first, until, Scope::Shipped, |own| {
            take(&mut builder, &own, &told_anew(&own.document), &mut reported);
            Ok(())
        })?;
        amend_totals(rx, &mut builder, registration, &run, &changed)?;
        amend_advances(rx, &mut builder, registration, &run, &mut reported)?;
    }
    store::each(rx, registration.id, period.first, period.last, Scope::Dated, |own| {
        take(&mut builder, &own, &own.document, &mut reported);
        Ok(())
    })?;
    let moved = store::movements(rx, registration.id, period.first, period.last)?;
    for one in &moved {
        voucher(&mut builder, one);
        reported.push(of_movement(one, false));
    }
    for (row, kind) in rows_of(moved.iter()) {
        builder.advance(&advance(&row, kind, None, Tax::default()));
    }
    Ok(OwnReturn { built: builder.finish(), reported })
}

/// Takes a document in, and notes what of it the ledger should have.
fn take(builder: &mut Builder, own: &Own, document: &Document, reported: &mut Vec<Reported>) {
    let Declared { section, tax } = builder.push(document);
    let of_others = document.reverse_charge || document.operator.as_ref().is_some_and(|operator| operator.section == OperatorSection::S9);
    reported.push(Reported {
        id: own.id.uuid(),
        posted_under: own.id.uuid(),
        section,
        amends: document.former.is_some(),
        tax: if of_others { tax.value_only() } else { tax },
        shipping: store::shipping_told(&document.shipping).filter(|_| !document.cancelled),
    });
}

/// A document that was reported takes its own place, as it is now.
fn told_anew(document: &Document) -> Document {
    let former = Former { number: document.number.clone(), date: document.date, value: document.value, lines: document.lines.clone() };
    Document { former: Some(former), ..document.clone() }
}

/// A document that was reported and is cancelled: it takes its own place with nothing.
fn taken_back(document: &Document) -> Document {
    Document { cancelled: true, ..told_anew(document) }
}

fn taxable(line: &crate::filing::gstr1::Line) -> bool {
    line.treatment == Treatment::Taxable && !line.rate.is_zero()
}

/// What stands of a row that is a total, and whether something of it was cancelled now.
#[derive(Default)]
struct Standing {
    tax: Tax,
    changed: bool,
}
impl Standing {
    fn add(&mut self, document: &Document, tax: Tax, changed: bool) {
        self.changed |= changed;
        if !document.cancelled {
            self.tax += if document.kind == DocumentKind::CreditNote { -tax } else { tax };
        }
    }
}

/// Tables 10 and 14A: of each row of a filed table 7 or 14 in which a document was cancelled, what it comes to without
/// it. A document that came late stands in the totals of the return that reported it.
fn amend_totals(
    rx: &mut Rx<'_>,
    builder: &mut Builder,
    registration: &Registration,
    run: &[(ReturnPeriod, ReturnId)],
    changed: &HashSet<InvoiceId>,
) -> Result<(), Problem> {
    type Place = (bool, String, String, bool);
    let seat = registration.seat();
    let touched = if changed.is_empty() { Vec::new() } else { store::returns_of(rx, changed.iter().copied().collect())? };
    for (month, id) in run.iter().filter(|(_, id)| touched.contains(id)) {
        let mut rows: BTreeMap<(Place, Decimal), Standing> = BTreeMap::new();
        let mut operators: BTreeMap<(String, bool), Standing> = BTreeMap::new();
        store::each(rx, registration.id, run[0].0.first, month.last, Scope::InTotal(*id), |own| {
            let (document, changed) = (&own.document, changed.contains(&own.id));
            if section::section(document, seat) == Section::B2cs {
                let operator = document.operator.as_ref().map(|operator| operator.gstin.clone()).unwrap_or_default();
                let place = (is_inter(document, seat), document.place.clone(), operator, document.differential);
                for line in document.lines.iter().filter(|line| taxable(line)) {
                    rows.entry((place.clone(), line.rate.normalize())).or_default().add(document, line.tax, changed);
                }
            }
            if let Some(Operator { gstin, section }) = &document.operator {
                let sum = document.lines.iter().fold(Tax::default(), |sum, line| sum + line.tax);
                operators.entry((gstin.clone(), *section == OperatorSection::S9)).or_default().add(document, sum, changed);
            }
            Ok(())
        })?;
        let mut amended: BTreeMap<Place, Vec<(Decimal, Tax)>> = BTreeMap::new();
        for ((place, rate), standing) in rows.into_iter().filter(|(_, standing)| standing.changed) {
            amended.entry(place).or_default().push((rate, standing.tax));
        }
        for ((inter, place, operator, differential), items) in amended {
            builder.amend_b2cs(B2csAmendment { omon: month.fp(), inter, place, operator, differential, items });
        }
        for ((gstin, pays), standing) in operators.into_iter().filter(|(_, standing)| standing.changed) {
            let operator = Operator { gstin, section: if pays { OperatorSection::S9 } else { OperatorSection::S52 } };
            builder.amend_operator(OperatorAmendment { omon: month.fp(), operator, tax: standing.tax });
        }
    }
    Ok(())
}

// ------------------------------------------------------------------------------------- advances

fn of_movement(moved: &Moved, amends: bool) -> Reported {
    let section = if moved.movement.kind == MovementKind::Received { "at" } else { "txpd" };
    Reported { id: moved.id, posted_under: moved.receipt, section, amends, tax: moved.tax(), shipping: None }
}

/// Counts the number of a receipt or refund voucher in table 13.
fn voucher(builder: &mut Builder, moved: &Moved) {
    let kind = if moved.movement.kind == MovementKind::Received { DocumentKind::ReceiptVoucher } else { DocumentKind::RefundVoucher };
    if let Some(number) = &moved.number {
        builder.count(kind, number, false);
    }
}

/// Rows of tables 11A and 11B of movements.
fn rows_of<'m>(moved: impl Iterator<Item = &'m Moved>) -> Vec<(AdvanceRow, AdvanceKind)> {
    let movements: Vec<Movement> = moved.map(|one| one.movement.clone()).collect();
    let tables = advances::tables(&movements);
    let received = tables.received.into_iter().map(|row| (row, AdvanceKind::Received));
    received.chain(tables.adjusted.into_iter().map(|row| (row, AdvanceKind::Adjusted))).collect()
}

fn advance(row: &AdvanceRow, kind: AdvanceKind, amends: Option<String>, former: Tax) -> Advance {
    Advance {
        kind,
        received_in_period: kind == AdvanceKind::Received,
        place: row.place_of_supply.clone(),
        inter: row.inter,
        differential: false,
        rate: row.rate,
        tax: of_advance(row),
        amends,
        former,
    }
}

fn of_advance(row: &AdvanceRow) -> Tax {
    Tax { txval: row.taxable, iamt: row.igst, camt: row.cgst, samt: row.sgst, csamt: row.cess }
}

/// Tables 11A and 11B, amended: rows of filed months that movements recorded since have changed.
fn amend_advances(
    rx: &mut Rx<'_>,
    builder: &mut Builder,
    registration: &Registration,
    run: &[(ReturnPeriod, ReturnId)],
    reported: &mut Vec<Reported>,
) -> Result<(), Problem> {
    type Key = (bool, String, bool, Decimal);
    let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { return Ok(()) };
    let since = store::months_moved_since(rx, registration.id, first.first, last.last)?;
    for (month, _) in run.iter().filter(|(month, _)| since.contains(&month.first)) {
        let moved = store::movements(rx, registration.id, month.first, month.last)?;
        for late in moved.iter().filter(|one| !one.reported) {
            voucher(builder, late);
            reported.push(of_movement(late, true));
        }
        let key = |row: &AdvanceRow, kind| -> Key { (kind == AdvanceKind::Received, row.place_of_supply.clone(), row.inter, row.rate) };
        let mut rows: BTreeMap<Key, (Option<AdvanceRow>, Tax)> = BTreeMap::new();
        for (row, kind) in rows_of(moved.iter().filter(|one| one.reported)) {
            rows.entry(key(&row, kind)).or_default().1 = of_advance(&row);
        }
        for (row, kind) in rows_of(moved.iter()) {
            let key = key(&row, kind);
            rows.entry(key).or_default().0 = Some(row);
        }
        for ((own, place, inter, rate), (now, former)) in rows {
            let zero = Decimal::ZERO;
            let now = now.unwrap_or(AdvanceRow { place_of_supply: place, inter, rate, taxable: zero, igst: zero, cgst: zero, sgst: zero, cess: zero });
            if of_advance(&now) != former {
                builder.advance(&advance(&now, if own { AdvanceKind::Received } else { AdvanceKind::Adjusted }, Some(month.fp()), former));
            }
        }
    }
    Ok(())
}

// ------------------------------------------------------------------------------- what is handed out

/// The return of a period: as filed, or as it stands.
pub fn content(rx: &mut Rx<'_>, gstin: &str, period: ReturnPeriod) -> Result<Kept, Problem> {
    let registration = registration(rx, gstin)?;
    let locked = store::locked(rx, registration.id)?;
    match locked.iter().find(|one| one.period == period.first) {
        Some(filed) => store::kept(rx, filed.id),
        None => written(&build(rx, &registration, period)?.built),
    }
}

fn written(built: &Built) -> Result<Kept, Problem> {
    Ok(Kept {
        gstr1: built.json(),
        totals: built.totals_json(),
        gstr3b: built.gstr3b_json(),
        warnings: serde_json::to_string(built.warnings()).map_err(|error| Problem::internal(&error))?,
    })
}

fn view(row: store::ListRow, cx: &Context) -> GstReturn {
    let period = ReturnPeriod::of(row.period);
    let state = row.state();
    let may = cx.may_ask("gst:lock");
    let lockable = state == ReturnState::Open && row.approval_id.is_none() && period.last < cx.today && may;
    GstReturn {
        id: row.id,
        object: "gst_return",
        gstin: row.gstin,
        gst_registration_id: row.registration_id,
        period: period.label(),
        fp: period.fp(),
        state,
        documents: row.documents,
        totals: ReturnTotals::of(Tax { txval: row.txval, iamt: row.iamt, camt: row.camt, samt: row.samt, csamt: row.csamt }, cx.currency()),
        arn: row.arn,
        filed_on: row.filed_on,
        locked_at: row.recorded_at.map(Instant),
        locked_by: row.locked_by,
        sha256: row.sha256,
        approval_id: row.approval_id,
        allowed_actions: lockable.then_some("lock").into_iter().collect(),
    }
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ReturnFilter) -> Result<Page<GstReturn>, Problem> {
    let page = store::list(rx, paging, filter)?;
    let cx = rx.cx();
    Ok(page.map(|row| view(row, cx)))
}

/// One return as the list shows it, also where it has no documents.
fn shown(rx: &mut Rx<'_>, registration: &Registration, period: ReturnPeriod) -> Result<GstReturn, Problem> {
    let zero = Decimal::ZERO;
    let row = if let Some(row) = store::summary(rx, registration, period)? {
        row
    } else {
        let id = store::subject(rx, registration.id, period)?;
        store::ListRow {
            id,
            registration_id: registration.id,
            gstin: registration.gstin.clone(),
            period: period.first,
            documents: 0,
            txval: zero,
            iamt: zero,
            camt: zero,
            samt: zero,
            csamt: zero,
            arn: None,
            filed_on: None,
            sha256: None,
            locked_by: None,
            recorded_at: None,
            approval_id: approvals::pending(rx, id)?,
        }
    };
    Ok(view(row, rx.cx()))
}

// -------------------------------------------------------------------------------------- locking

/// Locking a return is for two persons unless the company decided otherwise.
pub static LOCK: Action = Action {
    name: "gst_return.lock",
    kind: "gst_returns",
    permission: "gst:approve",
    direct: "gst:lock",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::above(1)],
    parties: of_request,
    version: |rx, asked| {
        let (registration, period) = asked_for(rx, asked)?;
        Ok(i64::from(store::locked(rx, registration.id)?.iter().any(|one| one.period == period.first)))
    },
    execute: lock_approved,
    reject: |_, _| Ok(()),
};

fn asked_for(rx: &mut Rx<'_>, asked: &Approved) -> Result<(Registration, ReturnPeriod), Problem> {
    let text = |name: &str| asked.payload[name].as_str().unwrap_or_default().to_owned();
    let period = ReturnPeriod::parse(&text("period")).ok_or_else(|| Problem::internal(&"a request to lock no period"))?;
    Ok((store::registration(rx, &text("gstin"))?, period))
}

/// Marks the return of a period as filed: the JSON, its hash and what it holds are kept for good.
pub fn lock(tx: &mut Tx<'_>, gstin: &str, period: ReturnPeriod, wanted: &LockReturn) -> Result<Audited<GstReturn>, Problem> {
    tx.reads_widely()?;
    let registration = registration(tx, gstin)?;
    refuse_locked(tx, &registration, period)?;
    let today = tx.cx().today;
    if period.last >= today {
        let detail = format!("The period ends on {}; its return is filed after that.", period.last);
        return Err(Problem::new(PERIOD_RUNNING, detail));
    }
    let filed_on = wanted.filed_on.unwrap_or(today);
    let mut errors: Vec<FieldError> = faults::in_future("/filed_on", filed_on, today).into_iter().collect();
    if filed_on <= period.last {
        let detail = "A return is filed after its period.";
        errors.push(FieldError::at("/filed_on", "before_period_end", detail).expected(format!("after {}", period.last)).received(filed_on));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let own = build(tx, &registration, period)?;
    let text = written(&own.built)?;
    let sha256 = digest(&text.gstr1);
    if let Some(expected) = wanted.expected_sha256.as_deref().filter(|expected| *expected != sha256) {
        let detail = "The return comes out differently than the one that was filed.";
        return Err(Problem::invalid(vec![FieldError::at("/expected_sha256", "return_differs", detail).expected(&sha256).received(expected)]));
    }
    let before = shown(tx, &registration, period)?;
    let request = Request {
        action: &LOCK,
        subject: before.id,
        version: 0,
        customer: None,
        amount: Decimal::ZERO,
        makers: Vec::new(),
        reason: wanted.reason.as_deref(),
        before: json!(before),
        after: json!({"state": ReturnState::Filed, "arn": wanted.arn, "filed_on": filed_on, "sha256": sha256}),
        payload: json!({"gstin": registration.gstin, "period": period.label(), "arn": wanted.arn, "filed_on": filed_on, "sha256": sha256}),
    };
    if let Gate::Open = gate(tx, &request)? {
        return keep(tx, &registration, period, &wanted.arn, filed_on, &own, &text, wanted.reason.as_deref());
    }
    let answer = shown(tx, &registration, period)?;
    let change = Change::new("gst_return.lock_asked", before.id).before(&before).after(&answer);
    Ok(tx.record(if let Some(reason) = &wanted.reason { change.reason(reason) } else { change }, answer))
}

fn refuse_locked(tx: &mut Tx<'_>, registration: &Registration, period: ReturnPeriod) -> Result<(), Problem> {
    match store::locked(tx, registration.id)?.iter().find(|one| one.period == period.first) {
        None => Ok(()),
        Some(filed) => Err(Problem::new(RETURN_LOCKED, format!("The return of {} was filed on {} as {}.", period.label(), filed.filed_on, filed.arn))
            .member("current", json!({"status": ReturnState::Filed, "arn": filed.arn, "filed_on": filed.filed_on, "sha256": filed.sha256}))),
    }
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[allow(clippy::too_many_arguments, reason = "what is kept of a return")]
fn keep(
    tx: &mut Tx<'_>,
    registration: &Registration,
    period: ReturnPeriod,
    arn: &str,
    filed_on: NaiveDate,
    own: &OwnReturn,
    text: &Kept,
    reason: Option<&str>,
) -> Result<Audited<GstReturn>, Problem> {
    let before = shown(tx, registration, period)?;
    let (sha256, locked_by) = (digest(&text.gstr1), tx.cx().actor.to_string());
    let filing = Filing { id: ReturnId::new(), registration, period, arn, filed_on, text, sha256: &sha256, locked_by: &locked_by };
    store::insert(tx, &filing, &own.reported)?;
    let after = shown(tx, registration, period)?;
    let change = Change::new("gst_return.locked", filing.id.uuid()).before(&before).after(&after);
    Ok(tx.record(if let Some(reason) = reason { change.reason(reason) } else { change }, after))
}

fn lock_approved(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    tx.reads_widely()?;
    let (registration, period) = asked_for(tx, asked)?;
    refuse_locked(tx, &registration, period)?;
    let own = build(tx, &registration, period)?;
    let text = written(&own.built)?;
    // The approver decides on the return they saw.
    if asked.payload["sha256"] != json!(digest(&text.gstr1)) {
        let detail = "The return comes out differently since the approval was asked for; it must be asked for again.";
        return Err(Problem::new(APPROVAL_STALE, detail).member("current", json!({"sha256": digest(&text.gstr1)})));
    }
    let filed_on = serde_json::from_value(asked.payload["filed_on"].clone()).map_err(|error| Problem::internal(&error))?;
    let arn = asked.payload["arn"].as_str().unwrap_or_default().to_owned();
    let _ = keep(tx, &registration, period, &arn, filed_on, &own, &text, asked.reason.as_deref())?;
    Ok(())
}
