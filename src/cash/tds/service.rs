//! The verbs of tax deducted by customers.

use super::problems::ALREADY_CERTIFIED;
use super::store::{self, Candidate};
use super::types::{DeductionRef, MatchCertificate, NewCertificate, NewSighting, NewTaxOfficeLine, TdsCertificate};
use crate::ledger::open_items::contra::{Contra, open};
use crate::ledger::open_items::store::lock_customers;
use crate::ledger::periods::posting_date;
use crate::ledger::{AccountRole, AllocationKind, DocumentKind, NewOpenItem, Side, Unwind, lock_parties, unwind};
use crate::master_data::customers;
use crate::master_data::customers::reference::NamesCustomer;
use crate::platform::dates::FiscalYear;
use crate::platform::http::faults;
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::{CertificateId, CustomerId, ReceiptId};
use crate::platform::money::LARGEST;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

/// Records a certificate, matches what it is about and opens again what it does not cover.
pub fn record(tx: &mut Tx<'_>, new: &NewCertificate) -> Result<Audited<TdsCertificate>, Problem> {
    let (currency, today) = (tx.cx().currency(), tx.cx().today);
    let mut errors = faults::amount("/amount", new.amount.0, currency);
    errors.extend(faults::in_future("/certificate_date", new.certificate_date, today));
    errors.extend(new.customer().missing());
    let year = FiscalYear::parse(&new.fiscal_year).map(|year| year.0);
    if year.is_none() {
        errors.push(FieldError::at("/fiscal_year", "invalid_fiscal_year", "A fiscal year is written like 2025-26.").received(&new.fiscal_year));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let year = year.unwrap_or_default();
    let customer = customers::store::find(tx, &new.customer())?;
    lock_customers(tx, vec![customer])?;
    let lines = if new.deductions.is_empty() {
        let mut covered = Decimal::ZERO;
        let mut oldest = store::uncertified(tx, customer, &new.section, year, new.quarter)?;
        // As many as it takes to come to what is certified.
        oldest.retain(|candidate| {
            let wanted = covered < new.amount.0;
            covered += if wanted { candidate.amount } else { Decimal::ZERO };
            wanted
        });
        oldest
    } else {
        named(tx, customer, &new.section, &new.deductions)?
    };
    let id = CertificateId::new();
    store::insert(tx, id, customer, new, year)?;
    store::insert_lines(tx, id, &lines)?;
    square(tx, id, new.certificate_date)?;
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("tds_certificate.recorded", id.uuid()).version(answer.version).after(&answer), answer))
}

/// The deductions named; each is one of the customer, of the section, and not certified yet.
fn named(tx: &mut Tx<'_>, customer: CustomerId, section: &str, refs: &[DeductionRef]) -> Result<Vec<Candidate>, Problem> {
    let found = store::named(tx, customer, refs)?;
    let mut errors = Vec::new();
    for (at, wanted) in refs.iter().enumerate() {
        let pointer = format!("/deductions/{at}/receipt_id");
        let own = found.iter().find(|c| c.receipt_id == wanted.receipt_id && c.line_no == wanted.line_no);
        let own = own.ok_or_else(|| Problem::reference("tds_deduction", &pointer))?;
        if own.certificate_id.is_some() {
            let detail = "The deduction belongs to another certificate.";
            return Err(Problem::new(ALREADY_CERTIFIED, detail)
                .errors(vec![FieldError::at(pointer, "already_certified", detail)])
                .member("current", json!({"certificate_id": own.certificate_id})));
        }
        if refs[..at].contains(wanted) {
            errors.push(FieldError::at(&pointer, "duplicate", "A deduction is named once."));
        }
        if let Some(other) = own.section.as_deref().filter(|own| !own.eq_ignore_ascii_case(section)) {
            errors.push(FieldError::at(&pointer, "section_mismatch", "The deduction is of another section.").expected(section).received(other));
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(Problem::invalid(errors)) }
}

/// Adds deductions to what a certificate is about.
pub fn add(tx: &mut Tx<'_>, id: CertificateId, version: Option<i64>, wanted: &MatchCertificate) -> Result<Audited<TdsCertificate>, Problem> {
    let head = lock(tx, id)?;
    require_version(version, head.version)?;
    let before = store::get(tx, id)?;
    let lines = named(tx, head.customer_id, &head.section, &wanted.deductions)?;
    store::insert_lines(tx, id, &lines)?;
    square(tx, id, head.certificate_date)?;
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("tds_certificate.matched", id.uuid()).version(answer.version).before(&before).after(&answer), answer))
}

/// Records what the tax office shows.
pub fn see(tx: &mut Tx<'_>, id: CertificateId, new: &NewSighting) -> Result<Audited<TdsCertificate>, Problem> {
    let (currency, today) = (tx.cx().currency(), tx.cx().today);
    let on = new.seen_on.unwrap_or(today);
    let mut errors: Vec<FieldError> = faults::in_future("/seen_on", on, today).into_iter().collect();
    if !(Decimal::ZERO..=LARGEST).contains(&new.amount.0) {
        errors.push(FieldError::at("/amount", "out_of_range", "An amount is 0 to 9,999,999,999,999.").received(new.amount.0));
    }
    if !currency.holds(new.amount.0) {
        errors.push(faults::precision("/amount", new.amount.0, currency));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let head = lock(tx, id)?;
    let before = store::get(tx, id)?;
    store::insert_sighting(tx, id, on, new.amount.0)?;
    square(tx, id, on.max(head.certificate_date))?;
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("tds_certificate.seen", id.uuid()).version(answer.version).before(&before).after(&answer), answer))
}

/// Records a line of the tax office's record, which names no certificate: the one of its customer, section and quarter.
pub fn see_line(tx: &mut Tx<'_>, line: &NewTaxOfficeLine) -> Result<Audited<TdsCertificate>, Problem> {
    let mut errors: Vec<FieldError> = line.customer().missing().into_iter().collect();
    let year = FiscalYear::parse(&line.fiscal_year).map(|year| year.0);
    if year.is_none() {
        errors.push(FieldError::at("/fiscal_year", "invalid_fiscal_year", "A fiscal year is written like 2025-26.").received(&line.fiscal_year));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    line.customer().unambiguous()?;
    let customer = customers::store::find(tx, &line.customer())?;
    let found = store::of_quarter(tx, customer, &line.section, year.unwrap_or_default(), line.quarter, line.certificate_number.as_deref())?;
    match found[..] {
        [id] => see(tx, id, &NewSighting { seen_on: line.seen_on, amount: line.amount }),
        [] => Err(Problem::reference("tds_certificate", "/certificate_number")),
        _ => {
            let detail = "The customer gave several certificates for the section and quarter; name one.";
            Err(Problem::invalid(vec![FieldError::at("/certificate_number", "required", detail)]))
        }
    }
}

/// A certificate with its customer, and whoever settled what was short of it, locked.
fn lock(tx: &mut Tx<'_>, id: CertificateId) -> Result<store::Head, Problem> {
    let customer = store::head(tx, id)?.customer_id;
    for document in store::standing_shortfalls(tx, id)? {
        lock_parties(tx, document)?;
    }
    lock_customers(tx, vec![customer])?;
    store::head(tx, id)
}

/// A receipt was taken back, and the tax with it: what of that was short of a certificate is owed with the
/// invoice again, not once more. Its parties are locked.
pub fn receipt_taken_back(tx: &mut Tx<'_>, receipt: ReceiptId, on: NaiveDate) -> Result<(), Problem> {
    for certificate in store::about(tx, receipt)? {
        square(tx, certificate, on)?;
    }
    Ok(())
}

/// What was deducted but is not certified, or not shown by the tax office, is owed again: posts what is
/// missing of that, and takes back what was posted too much. On the date, or the first day after it that
/// takes postings; due at once.
fn square(tx: &mut Tx<'_>, id: CertificateId, on: NaiveDate) -> Result<(), Problem> {
    let head = store::head(tx, id)?;
    let confirmed = head.seen_amount.map_or(head.amount, |seen| seen.min(head.amount));
    let wanted = if head.matched == 0 { Decimal::ZERO } else { (head.deducted - confirmed).max(Decimal::ZERO) };
    if wanted == head.shortfall {
        return Ok(());
    }
    let day = posting_date(tx, on, true)?;
    let mut missing = wanted - head.shortfall;
    if missing < Decimal::ZERO {
        for document in store::standing_shortfalls(tx, id)? {
            let reason = format!("Certificate {} shows more", head.certificate_number);
            unwind(tx, &Unwind { document, kind: DocumentKind::Reversal, on: day, reason: &reason })?;
            let _ = tx.record(Change::new("tds_shortfall.reversed", document).after(&json!({"certificate_id": id, "on": day})), ());
        }
        missing = wanted;
    }
    if missing > Decimal::ZERO {
        let document = Uuid::now_v7();
        let reason = format!("Certificate {} shows less than was deducted", head.certificate_number);
        let contra = Contra {
            document_kind: DocumentKind::TdsShortfall,
            document,
            number: &head.certificate_number,
            on: day,
            role: AccountRole::TdsReceivable,
            account: None,
            kind: AllocationKind::Adjustment,
            rule: "tds_shortfall",
            reason: &reason,
        };
        let currency = tx.cx().currency();
        open(tx, &contra, currency, NewOpenItem::single(head.customer_id, Side::Debit, missing, day))?;
        store::insert_shortfall(tx, document, &head, missing, day)?;
        let _ = tx.record(
            Change::new("tds_shortfall.posted", document).after(&json!({"certificate_id": id, "amount": currency.amount(missing), "posted_on": day})),
            (),
        );
    }
    Ok(())
}
