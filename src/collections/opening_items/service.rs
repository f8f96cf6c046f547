//! The verbs of opening items.

use super::problems::{DUPLICATE_OPENING_EXTERNAL_ID, DUPLICATE_OPENING_NUMBER, EXCHANGE_RATE_REQUIRED};
use super::store::{self, Values};
use super::types::{CertifiedCustomer, NewOpeningCertificate, NewOpeningItem, OpeningCertificate, OpeningItem, OpeningStatus, OpeningType, ReverseOpeningItem};
use crate::control::approvals::rules::Band;
use crate::control::approvals::{Action, Gate, Request, gate_unless_direct, of_request};
use crate::ledger::open_items::store::lock_customers;
use crate::ledger::problems::ALREADY_REVERSED;
use crate::ledger::{self, AccountRole, DocumentKind, Line, NewOpenItem, Posting, Side, Unwind, lock_parties, unwind};
use crate::master_data::customers;
use crate::master_data::customers::reference::NamesCustomer;
use crate::platform::dates::Instant;
use crate::platform::http::faults;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::OpeningItemId;
use crate::platform::money::{Currency, LARGEST, round};
use crate::platform::text::hex;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Takes one old document over with what is left of it.
pub fn create(tx: &mut Tx<'_>, new: &NewOpeningItem) -> Result<Audited<OpeningItem>, Problem> {
    let (base, today) = (tx.cx().currency(), tx.cx().today);
    let Some(currency) = new.currency.as_deref().map_or(Some(base), Currency::parse) else {
        return Err(Problem::invalid(vec![
            FieldError::at("/currency", "unknown_currency", "This is no currency.").received(new.currency.as_deref().unwrap_or_default()),
        ]));
    };
    let paid_before = new.paid_before.map_or(Decimal::ZERO, |amount| amount.0);
    let due_date = new.due_date.unwrap_or(new.document_date);
    let mut errors = faults::amount("/original_amount", new.original_amount.0, currency);
    if paid_before < Decimal::ZERO || paid_before >= new.original_amount.0 {
        errors.push(
            FieldError::at("/paid_before", "nothing_open", "What was paid before is at least 0 and less than the original amount.")
                .expected(format!("0 to less than {}", new.original_amount.0))
                .received(paid_before),
        );
    }
    if !currency.holds(paid_before) {
        errors.push(faults::precision("/paid_before", paid_before, currency));
    }
    errors.extend(faults::in_future("/posting_date", new.posting_date, today));
    if new.document_date > new.posting_date {
        errors.push(
            FieldError::at("/document_date", "after_cut_over", "An opening item is dated up to the cut-over.")
                .expected(format!("at most {}", new.posting_date))
                .received(new.document_date),
        );
    }
    if due_date < new.document_date {
        errors.push(
            FieldError::at("/due_date", "before_document_date", "Nothing is due before it is made out.")
                .expected(format!("at least {}", new.document_date))
                .received(due_date),
        );
    }
    let rate = match (new.exchange_rate.map(|rate| rate.0), currency == base) {
        (None, true) => Decimal::ONE,
        (Some(rate), true) if rate == Decimal::ONE => rate,
        (Some(rate), true) => {
            errors.push(FieldError::at("/exchange_rate", "currency_mismatch", "In base currency the rate is 1.").expected("1").received(rate));
            rate
        }
        (Some(rate), false) if rate > Decimal::ZERO => rate,
        (given, false) => {
            if errors.is_empty() && given.is_none() {
                let detail = format!("Give the rate of {} at which the item stood in the old books.", currency.code());
                return Err(Problem::new(EXCHANGE_RATE_REQUIRED, detail.clone()).errors(vec![FieldError::at(
                    "/exchange_rate",
                    "exchange_rate_missing",
                    detail,
                )]));
            }
            errors.push(FieldError::at("/exchange_rate", "too_small", "A rate is more than 0."));
            Decimal::ONE
        }
    };
    let amount = new.original_amount.0 - paid_before;
    if errors.is_empty() && amount * rate > LARGEST {
        errors.push(FieldError::at("/original_amount", "amount_too_large", "In base currency an amount is at most 9,999,999,999,999.").received(amount * rate));
    }
    errors.extend(new.customer().missing());
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let customer = customers::store::find(tx, &new.customer())?;
    lock_customers(tx, vec![customer])?;
    if let Some(twin) = store::twin(tx, new)? {
        let refusal = if twin.same_number { DUPLICATE_OPENING_NUMBER } else { DUPLICATE_OPENING_EXTERNAL_ID };
        return Err(Problem::new(refusal, refusal.title).member("current", json!({"id": twin.id})));
    }
    let id = OpeningItemId::new();
    store::insert(tx, new, &Values { id, customer, currency, rate, due_date, paid_before, amount })?;
    let asked = store::get(tx, id)?;
    let request = Request {
        action: &POST,
        subject: id.uuid(),
        version: asked.version,
        customer: Some(customer),
        amount: round(amount * rate, base.exponent()),
        makers: Vec::new(),
        reason: None,
        before: Value::Null,
        after: serde_json::to_value(&asked).map_err(|e| Problem::internal(&e))?,
        payload: Value::Null,
    };
    if let Gate::Open = gate_unless_direct(tx, &request)? {
        post(tx, &asked)?;
    }
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("opening_item.created", id.uuid()).version(answer.version).after(&answer), answer))
}

/// The totals of a cut-over are controlled by its certificate; who may not adjust only asks.
pub static POST: Action = Action {
    name: "opening_item.post",
    kind: "opening_items",
    permission: "adjustments:approve",
    direct: "adjustments:write",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::to(1_000_000, 1), Band::above(2)],
    parties: of_request,
    version: |rx, asked| Ok(store::get(rx, OpeningItemId::of(asked.subject))?.version),
    execute: |tx, asked| {
        let item = store::get(tx, OpeningItemId::of(asked.subject))?;
        post(tx, &item)?;
        let _ = tx.record(Change::new("opening_item.posted", asked.subject).before(&item), ());
        Ok(())
    },
    reject: |tx, asked| {
        store::set_status(tx, OpeningItemId::of(asked.subject), "rejected")?;
        let _ = tx.record(Change::new("opening_item.rejected", asked.subject), ());
        Ok(())
    },
};

fn post(tx: &mut Tx<'_>, item: &OpeningItem) -> Result<(), Problem> {
    let side = if item.document_type == OpeningType::Invoice { Side::Debit } else { Side::Credit };
    let signed = if side == Side::Debit { item.amount.0 } else { -item.amount.0 };
    let posting = Posting {
        document_kind: DocumentKind::Opening,
        document_id: item.id.uuid(),
        document_number: item.number.clone(),
        document_date: item.document_date,
        posting_date: item.posting_date,
        currency: Currency::parse(&item.currency).ok_or_else(|| Problem::internal(&"an opening item without currency"))?,
        rate: item.exchange_rate.0,
        narration: String::new(),
        lines: vec![Line::signed(AccountRole::Receivable, signed).of(item.customer_id), Line::signed(AccountRole::OpeningBalances, -signed)],
        items: vec![NewOpenItem::single(item.customer_id, side, item.amount.0, item.due_date)],
        reverses: None,
    };
    ledger::post(tx, &posting)?;
    store::set_status(tx, item.id, "posted")
}

/// Takes an opening item back that should not have been taken over.
pub fn reverse(tx: &mut Tx<'_>, id: OpeningItemId, version: Option<i64>, wanted: &ReverseOpeningItem) -> Result<Audited<OpeningItem>, Problem> {
    store::get(tx, id)?;
    lock_parties(tx, id.uuid())?;
    let before = store::get(tx, id)?;
    require_version(version, before.version)?;
    if matches!(before.status, OpeningStatus::PendingApproval | OpeningStatus::Rejected) {
        return Err(Problem::new(problem::INVALID_STATE, "The opening item is not posted.")
            .member("current", json!({"status": before.status}))
            .member("allowed_actions", json!([])));
    }
    if before.status == OpeningStatus::Reversed {
        return Err(Problem::new(ALREADY_REVERSED, "The opening item is taken back already.").member("current", json!({"status": before.status})));
    }
    let early = ("before_cut_over", "A reversal is not dated before what it takes back.");
    let on = faults::step_day("/reversed_on", wanted.reversed_on, before.posting_date, tx.cx().today, early).map_err(Problem::invalid)?;
    unwind(tx, &Unwind { document: id.uuid(), kind: DocumentKind::Reversal, on, reason: &wanted.reason })?;
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("opening_item.reversed", id.uuid()).version(answer.version).before(&before).after(&answer).reason(&wanted.reason), answer))
}

/// Counts what was taken over and keeps the result, whether it agrees or not.
pub fn certify(tx: &mut Tx<'_>, new: &NewOpeningCertificate) -> Result<Audited<OpeningCertificate>, Problem> {
    let currency = tx.cx().currency();
    if !currency.holds(new.control_total.0) {
        return Err(Problem::invalid(vec![faults::precision("/control_total", new.control_total.0, currency)]));
    }
    let totals = store::totals(tx, new.cut_over_on)?;
    let (debit, credit): (Decimal, Decimal) = (totals.iter().map(|t| t.debit).sum(), totals.iter().map(|t| t.credit).sum());
    let difference = debit - credit - new.control_total.0;
    let mut certificate = OpeningCertificate {
        id: Uuid::now_v7(),
        cut_over_on: new.cut_over_on,
        currency: currency.code().to_owned(),
        count: totals.iter().map(|t| t.count).sum(),
        debit: currency.amount(debit),
        credit: currency.amount(credit),
        total: currency.amount(debit - credit),
        control_total: currency.amount(new.control_total.0),
        difference: currency.amount(difference),
        agrees: difference.is_zero(),
        customers: totals
            .iter()
            .map(|t| CertifiedCustomer {
                customer_id: t.customer_id,
                count: t.count,
                debit: currency.amount(t.debit),
                credit: currency.amount(t.credit),
                total: currency.amount(t.debit - t.credit),
            })
            .collect(),
        sha256: String::new(),
        created_by: tx.cx().actor.to_string(),
        certified: Instant(tx.cx().now).to_string(),
    };
    let mut content = serde_json::to_value(&certificate).map_err(|e| Problem::internal(&e))?;
    if let Some(members) = content.as_object_mut() {
        members.shift_remove("sha256");
    }
    let content = content.to_string();
    certificate.sha256 = hex(&Sha256::digest(content.as_bytes()));
    store::insert_certificate(tx, &certificate, &content)?;
    let id = certificate.id;
    Ok(tx.record(Change::new("opening_certificate.given", id).after(&certificate), certificate))
}
