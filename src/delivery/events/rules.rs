//! From an entry of the log to the events it is told as. Pure: the same entry always gives the same events.
//!
//! The entry's own event shows the thing after it, what of it was different before, and the documents whose balance
//! moved with it. What happened to those (paid, allocated, applied) is told by an event of each. Whoever keeps the last
//! `open_amount` seen of every document, as object or among the related, knows what everybody owes.

use super::catalogue::{Kind, kind, told_as};
use crate::cash::receipts::rules::status;
use crate::cash::receipts::types::State;
use crate::platform::money::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Documents named beside the object of an event, at most.
const RELATED: usize = 100;
/// An event of a document that was settled names fewer.
const COUNTERPARTS: usize = 20;
/// Longer texts (signed documents, long descriptions) are read at the thing itself.
const LONGEST: usize = 500;
/// An object in an event has at most so many bytes; nested members are left out of a larger one.
const LARGEST: usize = 12 * 1024;

/// People and their accounts are not sent around.
const WITHHELD: [&str; 9] = ["email", "phone", "account_number", "ifsc", "beneficiary", "billing_address", "shipping_address", "address", "signed_invoice"];

/// An entry of the log.
pub struct Entry {
    pub body: Value,
    pub allocations: Vec<Placed>,
    /// The calendar date it was made on.
    pub day: NaiveDate,
}

/// An allocation the entry made, as it was made.
#[derive(Debug, Clone)]
pub struct Placed {
    pub id: Uuid,
    pub reverses: Option<Uuid>,
    pub shown: Value,
}

/// An event without its number.
#[derive(Debug)]
pub struct Draft {
    pub kind: &'static Kind,
    pub object_id: Uuid,
    pub data: Value,
}

/// What became of a document that is owed (migration 24).
#[derive(Debug, Clone, Deserialize)]
pub struct Moved {
    object: String,
    id: Uuid,
    number: Option<String>,
    external_id: Option<String>,
    customer_id: Uuid,
    side: String,
    currency: String,
    amount: Decimal,
    open_amount: Decimal,
    /// Settled by the entry; less than nothing where that was taken back.
    by: Decimal,
    opened: bool,
    kinds: Vec<String>,
    state: Option<String>,
    on_account: Option<bool>,
    received: Option<Decimal>,
    due_date: Option<NaiveDate>,
    version: Option<i64>,
}

impl Moved {
    fn object(&self) -> &str {
        if self.object == "opening" { "opening_item" } else { &self.object }
    }
    fn money(&self, value: Decimal) -> String {
        Currency::parse(&self.currency).map_or_else(|| value.normalize().to_string(), |currency| currency.amount(value).0.to_string())
    }
    /// What was open before.
    fn before(&self) -> Decimal {
        if self.opened { self.amount } else { self.open_amount + self.by }
    }
    /// Status and payment status with `open` left.
    fn states(&self, open: Decimal) -> Map<String, Value> {
        let mut states = Map::new();
        match (self.object.as_str(), self.state.as_deref()) {
            ("receipt", Some(state)) => {
                if let Some(state) = State::parse(state) {
                    states.insert("status".into(), json!(status(state, self.amount, open, self.on_account.unwrap_or_default())));
                }
            }
            ("invoice" | "debit_note", state) => {
                let payment = match (open.is_zero(), open == self.amount) {
                    (true, _) if self.is_written_off() => "written_off",
                    (true, _) => "paid",
                    (_, true) => "unpaid",
                    _ => "partially_paid",
                };
                states.extend(state.map(|state| ("status".to_owned(), json!(state))));
                states.insert("payment_status".into(), json!(payment));
            }
            (_, state) => states.extend(state.map(|state| ("status".to_owned(), json!(state)))),
        }
        states
    }
    fn is_written_off(&self) -> bool {
        self.kinds.iter().any(|kind| kind == "write_off")
    }
    /// What is left of it under the name the thing itself uses.
    fn left(&self) -> Option<&'static str> {
        match self.object.as_str() {
            "invoice" | "debit_note" => Some("balance_due"),
            "receipt" => Some("unapplied"),
            "credit_note" => Some("left_open"),
            _ => None,
        }
    }
    /// The document as events show it.
    fn shown(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("object".into(), json!(self.object()));
        shown.insert("id".into(), json!(self.id));
        shown.extend(self.version.map(|version| ("version".to_owned(), json!(version))));
        shown.extend(self.states(self.open_amount));
        shown.extend(self.number.iter().filter(|number| !number.is_empty()).map(|number| ("number".to_owned(), json!(number))));
        shown.extend(self.external_id.iter().map(|id| ("external_id".to_owned(), json!(id))));
        shown.extend([
            ("customer_id".to_owned(), json!(self.customer_id)),
            ("side".to_owned(), json!(self.side)),
            ("currency".to_owned(), json!(self.currency)),
        ]);
        let total = match self.object.as_str() {
            "invoice" | "debit_note" | "credit_note" => "grand_total",
            "receipt" => "gross_settled",
            _ => "amount",
        };
        shown.extend(self.received.map(|amount| ("amount_received".to_owned(), json!(self.money(amount)))));
        shown.insert(total.into(), json!(self.money(self.amount)));
        self.leave(&mut shown, self.open_amount);
        shown.extend(self.due_date.filter(|_| self.side == "debit").map(|due| ("due_date".to_owned(), json!(due))));
        Value::Object(shown)
    }
    fn leave(&self, shown: &mut Map<String, Value>, open: Decimal) {
        shown.extend(self.left().map(|name| (name.to_owned(), json!(self.money(open)))));
        shown.insert("open_amount".into(), json!(self.money(open)));
    }
    /// What of it was different before.
    fn previous(&self) -> Value {
        let (before, after) = (self.states(self.before()), self.states(self.open_amount));
        let mut previous: Map<String, Value> = before.into_iter().filter(|(name, value)| after.get(name) != Some(value)).collect();
        self.leave(&mut previous, self.before());
        Value::Object(previous)
    }
    /// What its settlement is told as.
    fn told_as(&self) -> Option<&'static Kind> {
        let (settled, whole) = (self.by > Decimal::ZERO, self.open_amount.is_zero());
        // A document and what takes it back are told by the event of that.
        if self.by.is_zero() || self.kinds.iter().all(|kind| kind == "reversal") || self.state.as_deref() == Some("cancelled") {
            return None;
        }
        kind(match self.object.as_str() {
            "invoice" if whole && self.is_written_off() => "invoice.written_off",
            "invoice" if whole => "invoice.paid",
            "invoice" if self.open_amount < self.amount => "invoice.partially_paid",
            "invoice" => "invoice.updated",
            "debit_note" if whole => "note.paid",
            "debit_note" if self.open_amount < self.amount => "note.partially_paid",
            "credit_note" if settled => "note.applied",
            "debit_note" | "credit_note" => "note.updated",
            "receipt" if settled => "receipt.allocated",
            "receipt" => "receipt.updated",
            _ => return None,
        })
    }
}

/// The events of an entry, in the order they are told.
#[must_use]
pub fn drafts(entry: &Entry) -> Vec<Draft> {
    let body = &entry.body;
    let action = body["action"].as_str().unwrap_or_default();
    let Some(id) = body["object_id"].as_str().and_then(|id| id.parse::<Uuid>().ok()) else { return Vec::new() };
    let moved: Vec<Moved> = body["moved"].as_array().into_iter().flatten().filter_map(|moved| Moved::deserialize(moved).ok()).collect();
    let main = told_as(action);
    let own = moved.iter().find(|document| main.is_some() && document.id == id && document.object() == body["object"]);
    // Its end is told, not what that does to it.
    let ended = ["cancelled", "reversed", "bounced"].iter().any(|end| action.ends_with(end));
    let settled: Vec<(&Moved, &'static Kind)> =
        moved.iter().filter(|document| !(ended && document.id == id)).filter_map(|document| document.told_as().map(|kind| (document, kind))).collect();
    let is = |one: &Moved, other: &Moved| one.id == other.id && one.object == other.object && one.side == other.side;
    // Those no other event shows come first, as nothing else tells of them.
    let (silent, told): (Vec<&Moved>, Vec<&Moved>) =
        moved.iter().filter(|document| own.is_none_or(|own| !is(own, document))).partition(|document| !settled.iter().any(|(other, _)| is(other, document)));
    let mut chunks = silent.chunks(RELATED);
    let mut drafts = Vec::new();
    if let Some(kind) = main {
        let first = chunks.next().unwrap_or_default();
        let related = first.iter().chain(&told).take(RELATED).map(|document| document.shown()).collect();
        drafts.push(Draft { kind, object_id: id, data: data(object(body, id, own), previous(body), related) });
    }
    drafts.extend(entry.allocations.iter().filter_map(allocation));
    for (document, kind) in &settled {
        let others = moved.iter().filter(|other| other.side != document.side);
        let most = if document.object == "receipt" { RELATED } else { COUNTERPARTS };
        drafts.push(Draft { kind, object_id: document.id, data: data(document.shown(), document.previous(), others.take(most).map(Moved::shown).collect()) });
    }
    if let Some(kind) = kind("open_items.changed") {
        drafts.extend(chunks.map(|chunk| Draft {
            kind,
            object_id: id,
            data: data(object(body, id, own), json!({}), chunk.iter().map(|document| document.shown()).collect()),
        }));
    }
    drafts.extend(overdue(entry, action, id, own));
    drafts.extend(unregistered(body, action, id));
    drafts
}

fn data(object: Value, previous: Value, related: Vec<Value>) -> Value {
    json!({"object": object, "previous": previous, "related": related})
}

fn allocation(placed: &Placed) -> Option<Draft> {
    let mut shown = placed.shown.clone();
    let (kind, object_id) = match placed.reverses {
        Some(original) => {
            shown["id"] = json!(original);
            shown["status"] = json!("reversed");
            shown["reversed_by"] = json!(placed.id);
            (kind("allocation.reversed")?, original)
        }
        None => (kind("allocation.created")?, placed.id),
    };
    let previous = if placed.reverses.is_some() { json!({"status": "active"}) } else { json!({}) };
    Some(Draft { kind, object_id, data: data(shown, previous, Vec::new()) })
}

/// An invoice may be overdue the moment it is issued; of the others the calendar tells.
fn overdue(entry: &Entry, action: &str, id: Uuid, own: Option<&Moved>) -> Option<Draft> {
    let own = own.filter(|own| action == "invoice.issued" && !own.open_amount.is_zero() && own.due_date.is_some_and(|due| due < entry.day))?;
    Some(Draft { kind: kind("invoice.overdue")?, object_id: id, data: data(own.shown(), json!({}), Vec::new()) })
}

/// What has to be registered with the portal (CGST Rules r.48(4)) waits for it from the moment it is issued.
fn unregistered(body: &Value, action: &str, id: Uuid) -> Option<Draft> {
    let (document_type, after) = (action.strip_suffix(".issued")?, &body["after"]);
    if after["einvoice"]["status"] != "pending" {
        return None;
    }
    let date = if document_type == "invoice" { "invoice_date" } else { "note_date" };
    let mut shown =
        json!({"object": "einvoice", "id": id, "status": "pending", "document_id": id, "document_type": document_type, "document_date": after[date]});
    for name in ["number", "customer_id", "currency"] {
        shown[name] = after[name].clone();
    }
    shown["grand_total"] = after["totals"]["grand_total"].clone();
    Some(Draft { kind: kind("einvoice.pending")?, object_id: id, data: data(shown, json!({}), Vec::new()) })
}

/// The thing after the change: what is plain about it.
fn object(body: &Value, id: Uuid, own: Option<&Moved>) -> Value {
    let after = if body["after"].is_object() { &body["after"] } else { &body["before"] };
    let mut shown = Map::new();
    shown.insert("object".into(), body["object"].clone());
    shown.insert("id".into(), json!(id));
    shown.extend(body["version"].as_i64().map(|version| ("version".to_owned(), json!(version))));
    let mut plain = plain(after);
    if serde_json::to_string(&plain).map_or(0, |text| text.len()) > LARGEST {
        plain.retain(|_, value| !value.is_object());
    }
    shown.extend(plain.into_iter().filter(|(name, _)| !matches!(name.as_str(), "object" | "id" | "version")));
    if let Some(Value::Object(document)) = own.map(Moved::shown) {
        shown.extend(document.into_iter().filter(|(name, _)| name != "version"));
    }
    Value::Object(shown)
}

/// What of the thing was different before.
fn previous(body: &Value) -> Value {
    if !body["before"].is_object() || !body["after"].is_object() {
        return json!({});
    }
    let after = plain(&body["after"]);
    Value::Object(changed(plain(&body["before"]), &after).into_iter().filter(|(name, _)| !matches!(name.as_str(), "version" | "updated_at")).collect())
}

fn changed(before: Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    // What was not there before.
    let mut changed: Map<String, Value> = after.keys().filter(|name| !before.contains_key(*name)).map(|name| (name.clone(), Value::Null)).collect();
    for (name, value) in before {
        match (value, after.get(&name)) {
            (value, Some(now)) if value == *now => {}
            (Value::Object(members), Some(Value::Object(now))) => {
                changed.insert(name, Value::Object(members.into_iter().filter(|(member, value)| now.get(member) != Some(value)).collect()));
            }
            (value, _) => {
                changed.insert(name, value);
            }
        }
    }
    changed
}

/// Plain members, and objects of plain members; lists, long texts and what is withheld are left out.
fn plain(value: &Value) -> Map<String, Value> {
    let is_plain = |name: &str, value: &Value| match value {
        Value::Null | Value::Array(_) | Value::Object(_) => false,
        Value::String(text) => text.len() <= LONGEST && !WITHHELD.contains(&name),
        _ => !WITHHELD.contains(&name),
    };
    let members = value.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| match value {
            Value::Object(_) if WITHHELD.contains(&name.as_str()) => None,
            Value::Object(inner) => {
                let inner: Map<String, Value> = inner.iter().filter(|(name, value)| is_plain(name, value)).map(|(n, v)| (n.clone(), v.clone())).collect();
                (!inner.is_empty()).then(|| (name.clone(), Value::Object(inner)))
            }
            value => is_plain(name, value).then(|| (name.clone(), value.clone())),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSTOMER: &str = "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42";

    fn id(n: u128) -> String {
        Uuid::from_u128(n).to_string()
    }

    fn moved(object: &str, n: u128, side: &str, amounts: (&str, &str, &str), kinds: &[&str]) -> Value {
        let (amount, open, by) = amounts;
        json!({"object": object, "id": id(n), "number": format!("N/{n}"), "external_id": null, "customer_id": CUSTOMER, "side": side, "currency": "INR", "amount": amount, "open_amount": open,
            "by": by, "opened": false, "kinds": kinds, "state": null, "on_account": null, "received": null, "due_date": null, "version": 2})
    }

    fn entry(action: &str, n: u128, moved: Vec<Value>) -> Entry {
        let object = action.split('.').next().unwrap_or_default();
        let body = json!({"action": action, "object": object, "object_id": id(n), "version": 1, "before": null, "after": {"object": object, "id": id(n), "status": "posted"}, "moved": moved});
        Entry { body, allocations: Vec::new(), day: NaiveDate::default() }
    }

    fn names(drafts: &[Draft]) -> Vec<&str> {
        drafts.iter().map(|draft| draft.kind.name).collect()
    }

    #[test]
    fn what_became_of_an_invoice_depends_on_what_settled_it_and_how_far() {
        let after = |amounts, kinds: &[&str], action| names(&drafts(&entry(action, 1, vec![moved("invoice", 2, "debit", amounts, kinds)]))).join(" ");
        assert_eq!(after(("100.0000", "0.0000", "40.0000"), &["cash", "tds"], "receipt.recorded"), "receipt.recorded invoice.paid");
        assert_eq!(after(("100", "60", "40"), &["cash"], "receipt.recorded"), "receipt.recorded invoice.partially_paid");
        assert_eq!(after(("100", "0", "40"), &["write_off"], "write_off.posted"), "write_off.posted invoice.written_off");
        assert_eq!(after(("100", "100", "-40"), &["cash"], "receipt.bounced"), "receipt.bounced invoice.updated");
        assert_eq!(after(("100", "0", "100"), &["reversal"], "receipt.reversed"), "receipt.reversed");
        // Its own end is told once.
        let cancelled = moved("invoice", 1, "debit", ("100", "0", "100"), &["reversal"]);
        assert_eq!(names(&drafts(&entry("invoice.cancelled", 1, vec![cancelled]))), ["invoice.cancelled"]);
    }

    #[test]
    fn before_and_after_agree_with_what_was_settled() {
        let told = drafts(&entry("receipt.recorded", 1, vec![moved("invoice", 2, "debit", ("100.0000", "60.0000", "40.0000"), &["cash"])]));
        let data = &told[1].data;
        assert_eq!(data["previous"], json!({"payment_status": "unpaid", "balance_due": "100.00", "open_amount": "100.00"}));
        assert_eq!(
            (&data["object"]["balance_due"], &data["object"]["grand_total"], &data["object"]["payment_status"]),
            (&json!("60.00"), &json!("100.00"), &json!("partially_paid"))
        );
        assert_eq!(told[0].data["related"][0], data["object"]);
    }

    #[test]
    fn every_document_is_told_of_however_many_there_are() {
        // Documents of a kind that has no event of its own, and invoices, which have.
        let all: Vec<Value> = (10..360u128).map(|n| moved(if n % 2 == 0 { "opening" } else { "invoice" }, n, "debit", ("9", "0", "9"), &["cash"])).collect();
        let told = drafts(&entry("receipt.recorded", 1, all));
        let mut seen: Vec<String> = told
            .iter()
            .flat_map(|draft| std::iter::once(draft.data["object"].clone()).chain(draft.data["related"].as_array().cloned().unwrap_or_default()))
            .filter(|document| document["open_amount"].is_string())
            .filter_map(|document| document["id"].as_str().map(str::to_owned))
            .collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 350);
        assert_eq!(names(&told).iter().filter(|name| **name == "open_items.changed").count(), 1);
        assert!(
            told.iter()
                .all(|draft| draft.data.to_string().len() < 60 * 1024 && draft.data["related"].as_array().is_some_and(|related| related.len() <= RELATED))
        );
        // What no event is about is told as such.
        let silent = drafts(&entry("discount.granted", 1, vec![moved("discount", 1, "credit", ("9", "0", "9"), &["discount"])]));
        assert_eq!((names(&silent), &silent[0].data["related"][0]["id"]), (vec!["open_items.changed"], &json!(id(1))));
    }

    #[test]
    fn what_changed_is_shown_as_it_was_and_people_are_not_shown() {
        let before = json!({"name": "Old", "email": "a@b.c", "limit": "5", "totals": {"tax": "1", "sum": "3"}, "lines": [1], "version": 1, "gone": true});
        let after = json!({"name": "New", "email": "x@b.c", "limit": "5", "totals": {"tax": "2", "sum": "3"}, "lines": [2], "version": 2, "fresh": 7, "long": "x".repeat(600), "billing_address": {"city": "Pune"}});
        let body = json!({"action": "customer.updated", "object": "customer", "object_id": id(1), "version": 2, "before": before, "after": after});
        let told = drafts(&Entry { body, allocations: Vec::new(), day: NaiveDate::default() });
        assert_eq!(told[0].data["previous"], json!({"fresh": null, "name": "Old", "totals": {"tax": "1"}, "gone": true}));
        assert_eq!(
            told[0].data["object"],
            json!({"object": "customer", "id": id(1), "version": 2, "name": "New", "limit": "5", "totals": {"tax": "2", "sum": "3"}, "fresh": 7})
        );
    }

    #[test]
    fn an_allocation_taken_back_is_told_of_the_one_it_was() {
        let placed = |n, reverses: Option<u128>| Placed {
            id: Uuid::from_u128(n),
            reverses: reverses.map(Uuid::from_u128),
            shown: json!({"object": "allocation", "id": id(n), "status": "active"}),
        };
        let entry = Entry { allocations: vec![placed(7, None), placed(8, Some(7))], ..entry("allocation.reversed", 7, Vec::new()) };
        let told = drafts(&entry);
        assert_eq!(
            (names(&told), told[0].object_id, told[1].object_id),
            (vec!["allocation.created", "allocation.reversed"], Uuid::from_u128(7), Uuid::from_u128(7))
        );
        assert_eq!(told[1].data["object"], json!({"object": "allocation", "id": id(7), "status": "reversed", "reversed_by": id(8)}));
    }
}
