//! What a statement says, as its template reads it.

use super::service::Account;
use super::types::StatementStyle;
use crate::delivery::documents::facts::Facts;
use crate::delivery::documents::view::{date, frame};
use crate::ledger::Side;
use crate::ledger::balances::{STEPS, bucket_names};
use crate::platform::money::Currency;
use crate::platform::text::words::grouped;
use crate::reporting::reports::open_items::ItemRow;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// What rows of the ledger are called on paper.
fn particulars(kind: &str) -> String {
    let known = match kind {
        "invoice" => "Invoice",
        "credit_note" => "Credit note",
        "debit_note" => "Debit note",
        "receipt" => "Receipt",
        "refund" => "Refund",
        "write_off" => "Written off",
        "opening" | "opening_item" => "Opening item",
        "cancellation" => "Cancellation",
        "reversal" => "Reversal",
        other => {
            let mut words = other.replace('_', " ");
            if let Some(first) = words.get(..1).map(str::to_uppercase) {
                words.replace_range(..1, &first);
            }
            return words;
        }
    };
    known.to_owned()
}

impl Account {
    #[must_use]
    pub fn view(&self, facts: &Facts) -> Value {
        let head = &self.head;
        let Some(currency) = Currency::parse(&head.currency) else { return Value::Null };
        let money = |value: Decimal| grouped(value, currency);
        let unless_zero = |value: Decimal| if value.is_zero() { String::new() } else { money(value) };
        let (debits, credits) = self.movements.iter().fold((Decimal::ZERO, Decimal::ZERO), |(d, c), row| (d + row.debit, c + row.credit));
        let closing = self.opening + debits - credits;
        let mut view = frame(facts, "Statement of Account", currency);
        let running = head.style == StatementStyle::Running;
        let mut balance = self.opening;
        let moved = self.movements.iter().map(|row| {
            balance += row.debit - row.credit;
            json!({
                "date": date(row.date), "label": particulars(&row.document_kind), "number": row.document_number, "debit": unless_zero(row.debit), "credit": unless_zero(row.credit),
                "balance": money(balance), "sums": {"debit": row.debit, "credit": row.credit},
            })
        });
        let rows: Value = if running { moved.collect() } else { self.items_by_date().map(|item| self.item(item, currency)).collect() };
        let summary = |label: &str, amount: Decimal, bold: bool| json!({"label": label, "amount": money(amount), "bold": if bold { "yes" } else { "no" }});
        let mut facts_of = vec![summary("Opening balance", self.opening, false), summary("Debits", debits, false), summary("Credits", -credits, false)];
        facts_of.push(summary(&format!("Balance on {}", date(head.to)), closing, true));
        facts_of.push(summary("Of it overdue", head.overdue.0, false));
        let own = [
            ("style", json!(head.style)),
            ("watermark", json!("")),
            ("number", json!("")),
            ("from", json!(date(head.from))),
            ("to", json!(date(head.to))),
            ("period", if running { json!(format!("{} to {}", date(head.from), date(head.to))) } else { json!(format!("Open items on {}", date(head.to))) }),
            ("known_at", json!(head.known_at.0.format("%d-%b-%Y %H:%M:%S UTC").to_string())),
            ("opening_date", json!(date(head.from))),
            ("opening", json!(money(self.opening))),
            ("closing", json!(money(closing))),
            ("debits", json!(money(debits))),
            ("credits", json!(money(credits))),
            ("summary", json!(facts_of)),
            ("aging", self.aging(currency)),
            ("rows", rows),
        ];
        view.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(view)
    }

    /// What is open, oldest document first.
    fn items_by_date(&self) -> impl Iterator<Item = &ItemRow> {
        let mut items: Vec<&ItemRow> = self.items.iter().collect();
        items.sort_by(|a, b| (a.document_date, &a.document_number, a.instalment_no).cmp(&(b.document_date, &b.document_number, b.instalment_no)));
        items.into_iter()
    }

    fn item(&self, item: &ItemRow, base: Currency) -> Value {
        let sign = if item.side == Side::Credit { -Decimal::ONE } else { Decimal::ONE };
        let days = if item.side == Side::Debit { (self.head.to - item.due_date).num_days().max(0) } else { 0 };
        let own = Currency::parse(&item.currency).filter(|own| *own != base).map(|own| format!("({} {})", own.code(), grouped(item.own_open, own)));
        let part = if item.instalment_no > 1 { format!(", part {}", item.instalment_no) } else { String::new() };
        json!({
            "date": date(item.document_date), "label": format!("{}{part}", particulars(&item.document_kind)), "number": item.document_number,
            "due_date": if item.side == Side::Debit { date(item.due_date) } else { String::new() }, "days": if days > 0 { days.to_string() } else { String::new() }, "overdue": days > 0,
            "amount": grouped(sign * item.amount, base), "open": grouped(sign * item.open, base), "own": own, "sums": {"open": sign * item.open},
        })
    }

    /// What is open by how long it is due, as the aging report steps; credits stand for themselves.
    fn aging(&self, currency: Currency) -> Value {
        let names = bucket_names(&STEPS);
        let mut buckets = vec![Decimal::ZERO; names.len()];
        let mut credits = Decimal::ZERO;
        for item in &self.items {
            if item.side == Side::Credit {
                credits += item.open;
                continue;
            }
            let age = (self.head.to - item.due_date).num_days();
            let at = if age <= 0 { 0 } else { 1 + STEPS.iter().position(|end| age <= i64::from(*end)).unwrap_or(STEPS.len()) };
            if let Some(bucket) = buckets.get_mut(at) {
                *bucket += item.open;
            }
        }
        let total = buckets.iter().sum::<Decimal>() - credits;
        let label = |name: &str| match name {
            "not_due" => "Not due".to_owned(),
            other => other.replace("over_", "Over ").replace('-', "–") + " days",
        };
        let mut shown: Vec<Value> =
            names.iter().zip(&buckets).map(|(name, amount)| json!({"label": label(name), "amount": grouped(*amount, currency), "bold": "no"})).collect();
        shown.push(json!({"label": "Unapplied", "amount": grouped(-credits, currency), "bold": "no"}));
        shown.push(json!({"label": "Balance", "amount": grouped(total, currency), "bold": "yes"}));
        Value::Array(shown)
    }
}
