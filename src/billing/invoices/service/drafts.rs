//! Documents come into being, and change as long as they are drafts.

use super::super::explanation;
use super::super::order::{Form, Kind, Order, Verb};
use super::super::store::{self, Stored};
use super::super::types::{InvoiceStatus, NewInvoice};
use super::issuing::{issue_or_ask, post_all};
use super::readying::{Making, Ready, alone, duplicate, lock_concerned, ready_all, within_credit};
use super::{invalid_state, load, record};
use crate::credit::orders::billing as credit;
use crate::platform::http::Problem;
use crate::platform::http::problem::FieldError;
use crate::platform::http::reply::require_version;
use crate::platform::ids::{CustomerId, InvoiceId};
use crate::platform::unit_of_work::{Audited, Change, Outcomes, Tx};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Creates a draft, or issues at once.
pub fn create<F: Form>(tx: &mut Tx<'_>, new: &F) -> Result<Audited<F::Answer>, Problem> {
    alone(create_all(tx, &[new])?)
}

/// Creates documents, as if one after the other: a statement does for all of them what it would do for one. What
/// is refused leaves nothing. An error means that nothing can be said of any: one of them would have
/// failed in the database. Notes share what is left of their originals and are created one by one.
pub fn create_all<F: Form>(tx: &mut Tx<'_>, new: &[&F]) -> Outcomes<F::Answer> {
    make(tx, new, new.iter().map(|new| new.order()).collect())
}

/// Issues what follows from another act, by right of that act: the fee of a bounced cheque. It is not
/// rounded, and charged also to a customer who is not billed any more.
pub fn create_by_right<F: Form>(tx: &mut Tx<'_>, new: &F) -> Result<Audited<F::Answer>, Problem> {
    alone(make(tx, &[new], vec![Order { by_right: true, ..new.order() }])?)
}

fn make<F: Form>(tx: &mut Tx<'_>, new: &[&F], orders: Vec<Order>) -> Outcomes<F::Answer> {
    let mut added = credit::Added::new();
    let mut made: Vec<Result<Making, Problem>> = Vec::with_capacity(new.len());
    let mut names: HashMap<String, InvoiceId> = HashMap::new();
    for ready in ready_all(tx, orders, None)? {
        made.push(ready.and_then(|ready| {
            let name = ready.order.content.external_id.clone();
            if let Some(other) = name.as_ref().and_then(|name| names.get(name)) {
                return Err(duplicate(ready.order.kind, *other));
            }
            let mut making = Making { stored: Stored::of(InvoiceId::new(), &ready.order, &ready.ground, &ready.priced, tx.cx()), ready, verb: Verb::Created };
            if making.ready.order.content.issue {
                making.verb = if making.ready.order.by_right { Verb::Issued } else { issue_or_ask(tx, &mut making.stored, F::ISSUE, F::answer)? };
                if making.verb == Verb::Issued {
                    within_credit(tx, &making.stored, &making.ready.order, &mut added)?;
                }
            }
            names.extend(name.map(|name| (name, making.stored.id)));
            Ok(making)
        }));
    }
    post_all(tx, made.iter_mut().flatten())?;
    store::insert_all(tx, &made.iter().zip(new).filter_map(|(making, input)| Some((&making.as_ref().ok()?.stored, *input))).collect::<Vec<_>>())?;
    Ok(made
        .into_iter()
        .map(|making| {
            let Making { stored, verb, .. } = making?;
            let answer = F::answer(&stored, tx.cx());
            Ok(tx.record(Change::new(F::KIND.event(verb), stored.id.uuid()).after(&answer), answer))
        })
        .collect())
}

/// Prices without keeping anything: no id, no number.
pub fn preview(tx: &mut Tx<'_>, new: &NewInvoice) -> Result<<NewInvoice as Form>::Answer, Problem> {
    let ready = alone(ready_all(tx, vec![new.order()], None)?)?;
    let stored = Stored::of(InvoiceId::new(), &ready.order, &ready.ground, &ready.priced, tx.cx());
    let mut answer = NewInvoice::answer(&stored, tx.cx());
    answer.document.explanation = Some(explanation::of(&stored));
    answer.document.id = None;
    answer.document.allowed_actions = Vec::new();
    Ok(answer)
}

/// A draft that can be worked on, with the customer (and those it may move to) locked before the document.
pub(super) fn open_draft(tx: &mut Tx<'_>, kind: Kind, id: InvoiceId, version: Option<i64>, also: &[CustomerId]) -> Result<Stored, Problem> {
    let customer = load(tx, kind, id, false)?.customer;
    lock_concerned(tx, [&[customer], also].concat())?;
    let stored = load(tx, kind, id, true)?;
    // Only drafts change; what is issued is corrected by notes.
    if stored.status != InvoiceStatus::Draft {
        let detail = format!("Only a draft can do this; the {} is {}. Correct an issued document by a note.", kind.name(), stored.status);
        return Err(invalid_state(&stored, tx.cx(), detail));
    }
    require_version(version, stored.version + stored.settled.moves)?;
    Ok(stored)
}

/// Prices a draft again from new content, keeping its id and origin, and takes the old one out.
pub(super) fn replaced<F: Form>(tx: &mut Tx<'_>, before: &Stored, new: &F) -> Result<(Ready, Stored), Problem> {
    let ready = alone(ready_all(tx, vec![new.order()], Some(before.id))?)?;
    let mut stored = Stored::of(before.id, &ready.order, &ready.ground, &ready.priced, tx.cx());
    stored.created_by.clone_from(&before.created_by);
    stored.created_at = before.created_at;
    stored.version = before.version + 1;
    store::delete_draft(tx, before.id)?;
    Ok((ready, stored))
}

/// Ways to name the same thing: a patch that names it anew replaces all of them.
const NAMES: [&[&str]; 2] = [&["customer_id", "customer_external_id", "customer_code"], &["original_invoice_id", "original_invoice_external_id"]];

/// Merge patch of a draft's content (RFC 7396): members given replace those of the draft, null clears.
pub fn update<F: Form>(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, patch: &serde_json::Map<String, Value>) -> Result<Audited<F::Answer>, Problem> {
    let original = patch.get("original_invoice_id").and_then(|value| serde_json::from_value(value.clone()).ok());
    let original_name = patch.get("original_invoice_external_id").and_then(Value::as_str);
    let of_original = if original.is_some() || original_name.is_some() { store::customer_of(tx, original, original_name)? } else { None };
    let named: Option<CustomerId> = patch.get("customer_id").and_then(|value| serde_json::from_value(value.clone()).ok());
    let moves_to: Vec<CustomerId> = named.into_iter().chain(of_original).collect();
    let before = open_draft(tx, F::KIND, id, version, &moves_to)?;
    let mut content = store::draft_input(tx, id)?;
    for names in NAMES.iter().filter(|names| names.iter().any(|name| patch.get(*name).is_some_and(|value| !value.is_null()))) {
        for name in *names {
            content[*name] = Value::Null;
        }
    }
    for (name, value) in patch {
        content[name] = value.clone();
    }
    content["issue"] = json!(false);
    let new: F = read(content)?;
    let (_, after) = replaced(tx, &before, &new)?;
    store::insert(tx, &after, &new)?;
    Ok(record::<F>(tx, Verb::Updated, &before, &after, None))
}

/// What a caller sent, without the members that were cleared.
pub(super) fn read<F: Form>(content: Value) -> Result<F, Problem> {
    let content = match content {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    };
    serde_json::from_value(content).map_err(|error| Problem::invalid(vec![FieldError::at("", "invalid", error.to_string())]))
}

pub fn delete<F: Form>(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>) -> Result<Audited<F::Answer>, Problem> {
    let stored = open_draft(tx, F::KIND, id, version, &[])?;
    store::delete_draft(tx, id)?;
    let was = F::answer(&stored, tx.cx());
    Ok(tx.record(Change::new(F::KIND.event(Verb::Deleted), id.uuid()).version(stored.version).before(&was), was))
}
