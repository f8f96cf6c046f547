//! A year of a customer, beside a plain account: what is at risk is what simple sums say, now and on every day of the past.

use crate::credit::{credit, part, set_limit};
use crate::orders::{act, confirm, hold, order, until_expiries_are_noted};
use crate::rig::{Company, Db, dec, decide, fresh, id_of, invoice_body, line, receipt_body, to_invoice, today, with};
use chrono::{Days, NaiveDate};
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};

/// A plain account of a customer, kept beside the service.
#[derive(Default, Clone, Copy)]
struct Book {
    open: Decimal,
    notes: Decimal,
    cash: Decimal,
    cheques: Decimal,
    reserved: Decimal,
    ordered: Decimal,
    delivered: Decimal,
}

impl Book {
    fn exposure(&self) -> Decimal {
        self.open - self.notes - self.cash + self.cheques + self.reserved + self.ordered + self.delivered
    }
    fn money(&self) -> [Decimal; 4] {
        [self.open, -self.notes, -self.cash, self.cheques]
    }
    fn orders(&self) -> [Decimal; 3] {
        [self.reserved, self.ordered, self.delivered]
    }
}

/// Numbers that look random and are the same every time.
struct Dice(u64);
impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
    fn amount(&mut self) -> Decimal {
        Decimal::new(i64::try_from(self.roll(90_000) + 100).unwrap(), 2)
    }
}

/// An order that stands: its check, and what is reserved, ordered and delivered of it.
struct Order {
    check: Value,
    stands: [Decimal; 3],
}

struct Year {
    company: Company,
    customer: String,
    dice: Dice,
    book: Book,
    orders: Vec<Order>,
    invoices: Vec<(Value, Decimal)>,
    cheques: Vec<(Value, Decimal)>,
    /// Receipts of which nothing was ever placed.
    idle: Vec<(Value, Decimal)>,
    /// What was placed of receipts, and on which invoice.
    placed: Vec<(String, usize, Decimal)>,
    /// How often each thing happened.
    done: std::collections::BTreeMap<&'static str, usize>,
}

impl Year {
    fn did(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }
    fn owed(&self) -> Option<usize> {
        self.invoices.iter().position(|(_, open)| *open > dec!(0))
    }
    fn take_off(&mut self, stands: [Decimal; 3]) {
        self.book.reserved -= stands[0];
        self.book.ordered -= stands[1];
        self.book.delivered -= stands[2];
    }

    /// It passes exactly when it fits; one that does not is closed or released by another person at once, so that nothing
    /// lets it go behind the account's back.
    fn orders(&mut self, amount: Decimal, limit: Decimal) {
        let check = order(&self.company.as_role("integration"), &self.customer, &amount.to_string());
        let fits = self.book.exposure() + amount <= limit;
        assert_eq!(check["result"] != "hold", fits, "{} and {amount}: {check}", self.book.exposure());
        if fits {
            self.did("passed");
        } else if self.dice.roll(3) > 0 {
            self.did("refused");
            confirm(&self.company.as_role("integration"), &check, json!({"outcome": "cancelled"})).expect(200);
            return;
        } else {
            self.did("released");
            act(&self.company.controller(), &hold(&self.company, &check), "release", json!({})).expect(200);
        }
        self.book.reserved += amount;
        self.orders.push(Order { check, stands: [amount, dec!(0), dec!(0)] });
    }

    fn goes_on(&mut self) {
        let at = self.dice.roll(self.orders.len());
        let (client, kind, part) = (self.company.as_role("integration"), self.dice.roll(4), self.dice.roll(2) == 0);
        let stands = self.orders[at].stands;
        let check = self.orders[at].check.clone();
        let half = |amount: Decimal| if part { (amount / dec!(2)).round_dp(2) } else { amount };
        match kind {
            0 if stands[0] > dec!(1) => {
                let amount = half(stands[0]);
                confirm(&client, &check, json!({"outcome": "ordered", "amount": amount.to_string()})).expect(200);
                self.did("ordered");
                self.book.ordered += amount;
                self.book.reserved -= amount;
                self.orders[at].stands = [stands[0] - amount, stands[1] + amount, stands[2]];
            }
            // What is ordered is delivered before what is only reserved.
            1 | 2 if stands[0] + stands[1] > dec!(1) => {
                let amount = half(stands[0] + stands[1]);
                confirm(&client, &check, json!({"outcome": "delivered", "amount": amount.to_string()})).expect(200);
                self.did("delivered");
                let of_ordered = amount.min(stands[1]);
                self.book.delivered += amount;
                self.book.ordered -= of_ordered;
                self.book.reserved -= amount - of_ordered;
                self.orders[at].stands = [stands[0] - (amount - of_ordered), stands[1] - of_ordered, stands[2] + amount];
            }
            _ => {
                confirm(&client, &check, json!({"outcome": "cancelled"})).expect(200);
                self.did("closed");
                self.take_off(stands);
                self.orders.swap_remove(at);
            }
        }
    }

    /// What nobody confirmed in time is free, before and after somebody noted it.
    fn expires(&mut self) {
        let Some(at) = self.orders.iter().position(|order| order.stands[0] > dec!(0)) else { return };
        let set = format!("UPDATE credit_check SET expires_at = now() - interval '1 second' WHERE id = '{}'", id_of(&self.orders[at].check));
        Db::app().commit_in(&self.company.id, &set).expect("done");
        self.did("expired");
        self.book.reserved -= self.orders[at].stands[0];
        self.orders[at].stands[0] = dec!(0);
        if self.orders[at].stands == [dec!(0); 3] {
            self.orders.swap_remove(at);
        }
    }

    fn sells(&mut self, day: &str, amount: Decimal) {
        let of_order = if !self.orders.is_empty() && self.dice.roll(2) == 0 { Some(self.orders.swap_remove(0)) } else { None };
        let (extra, total) = match &of_order {
            Some(order) => (json!({"order_id": order.check["order_id"]}), order.stands.iter().sum()),
            None => (json!({}), amount),
        };
        if let Some(order) = &of_order {
            self.did("billed");
            self.take_off(order.stands);
        }
        let body = with(with(invoice_body(&self.customer, day, &total.to_string()), json!({"due_date": today()})), extra);
        let invoice = self.company.executive().post("/v1/invoices", &body).expect(201);
        self.book.open += total;
        self.invoices.push((invoice, total));
    }

    /// On account, or against an invoice; now and then a cheque.
    fn is_paid(&mut self, day: &str, amount: Decimal) {
        let mut body = receipt_body(&self.customer, day, &amount.to_string());
        let cheque = self.dice.roll(3) == 0;
        let at = self.owed().filter(|_| !cheque && self.dice.roll(3) > 0);
        if cheque {
            body = with(body, json!({"method": "cheque", "cheque_number": fresh()[..6].to_owned(), "cheque_date": day}));
            self.book.cheques += amount;
        }
        let placed = at.map_or(dec!(0), |at| self.invoices[at].1.min(amount));
        if let Some(at) = at {
            body = with(body, json!({"allocations": [to_invoice(&self.invoices[at].0, &placed.to_string())]}));
        }
        let receipt = self.company.executive().post("/v1/receipts", &body).expect(201);
        self.book.cash += amount - placed;
        if let Some(at) = at {
            self.book.open -= placed;
            self.invoices[at].1 -= placed;
            let rows = self.company.get(&format!("/v1/allocations?source_id={}", id_of(&receipt)));
            self.placed.push((id_of(&rows["data"][0]), at, placed));
            self.did("placed");
        } else if cheque {
            self.cheques.push((receipt, amount));
        } else {
            self.idle.push((receipt, amount));
        }
    }

    fn cheque_ends(&mut self, day: &str) {
        let (receipt, amount) = self.cheques.swap_remove(0);
        let path = |verb: &str| format!("/v1/receipts/{}/{verb}", id_of(&receipt));
        self.book.cheques -= amount;
        if self.dice.roll(2) == 0 {
            self.company.executive().post(&path("bounce"), &json!({"bounced_on": day, "reason": "Funds"})).expect(200);
            self.did("bounced");
            self.book.cash -= amount;
        } else {
            self.company.executive().post(&path("clear"), &json!({"cleared_on": day})).expect(200);
            self.did("cleared");
        }
    }

    /// Applied to its invoice, or left open, always where the invoice is paid.
    fn is_credited(&mut self, day: &str) {
        let at = self.dice.roll(self.invoices.len());
        let (invoice, open) = self.invoices[at].clone();
        let amount = dec(&invoice["totals"]["grand_total"]).min(dec!(10));
        let apply = open >= amount && self.dice.roll(2) == 0;
        let body = json!({"external_id": fresh(), "original_invoice_id": invoice["id"], "note_date": day, "reason_code": "sales_return", "issue": true, "apply_to_original": apply,
            "lines": [line(&amount.to_string(), "0")]});
        let reply = self.company.controller().post("/v1/credit-notes", &body);
        if reply.status != 201 {
            // Credited in full already.
            reply.refusal();
        } else if apply {
            self.did("note applied");
            self.book.open -= amount;
            self.invoices[at].1 -= amount;
        } else {
            self.did("note open");
            self.book.notes += amount;
        }
    }

    fn is_given_up(&mut self, day: &str) {
        let Some(at) = self.owed() else { return };
        let (invoice, open) = self.invoices[at].clone();
        let body = json!({"customer_id": self.customer, "written_off_on": day, "reason": "Will not pay", "reason_code": "insolvency",
            "items": [{"target_type": "invoice", "target_id": invoice["id"]}]});
        let asked = self.company.executive().post("/v1/write-offs", &body).expect(201);
        decide(&self.company.controller(), &asked, "approve").expect(200);
        self.did("written off");
        self.book.open -= open;
        self.invoices[at].1 = dec!(0);
    }

    /// A placement taken back, or a receipt.
    fn takes_back(&mut self, day: &str, second: &crate::rig::Client) {
        if self.dice.roll(2) == 0 && !self.placed.is_empty() {
            let (allocation, at, amount) = self.placed.swap_remove(0);
            second.post(&format!("/v1/allocations/{allocation}/reverse"), &json!({"reversed_on": day, "reason": "Wrong invoice"})).expect(201);
            self.did("allocation reversed");
            self.book.open += amount;
            self.book.cash += amount;
            self.invoices[at].1 += amount;
        } else if !self.idle.is_empty() {
            let (receipt, amount) = self.idle.swap_remove(0);
            second.post(&format!("/v1/receipts/{}/reverse", id_of(&receipt)), &json!({"reversed_on": day, "reason": "Sent back"})).expect(200);
            self.did("receipt reversed");
            self.book.cash -= amount;
        }
    }
}

#[test]
fn after_a_year_of_everything_exposure_is_what_a_plain_account_says_now_and_on_each_day() {
    let company = Company::new();
    let customer = company.customer();
    // Who handled a customer's money decides on no write-off of theirs (SOD-02).
    let second = company.another("controller");
    let limit = dec!(6000);
    set_limit(&company, &customer, json!({"amount": "6000.00"}));
    let mut year = Year {
        company,
        customer,
        dice: Dice(27),
        book: Book::default(),
        orders: Vec::new(),
        invoices: Vec::new(),
        cheques: Vec::new(),
        idle: Vec::new(),
        placed: Vec::new(),
        done: std::collections::BTreeMap::new(),
    };
    let mut days: Vec<(NaiveDate, Book)> = Vec::new();
    for step in 0..180_u64 {
        let on = today() - Days::new(365 - step * 2);
        let (day, amount) = (on.to_string(), year.dice.amount());
        match year.dice.roll(14) {
            0..=3 => year.orders(amount, limit),
            4 | 5 if !year.orders.is_empty() => year.goes_on(),
            6 => year.expires(),
            7 | 8 => year.sells(&day, amount),
            9 | 10 => year.is_paid(&day, amount),
            11 if !year.cheques.is_empty() => year.cheque_ends(&day),
            12 if !year.invoices.is_empty() => year.is_credited(&day),
            13 if step % 2 == 0 => year.is_given_up(&day),
            _ => year.takes_back(&day, &second),
        }
        let now = credit(&year.company, &year.customer);
        assert_eq!(dec(&now["exposure"]["total"]), year.book.exposure(), "after step {step}: {now}");
        assert_eq!(["open_items", "credit_notes", "unapplied_cash", "uncleared_cash"].map(|name| part(&now, name)), year.book.money(), "after step {step}");
        assert_eq!(["reservations", "orders", "deliveries"].map(|name| part(&now, name)), year.book.orders(), "after step {step}");
        days.push((on, year.book));
    }
    for what in [
        "passed",
        "refused",
        "released",
        "ordered",
        "delivered",
        "closed",
        "expired",
        "billed",
        "placed",
        "bounced",
        "cleared",
        "note applied",
        "note open",
        "written off",
        "allocation reversed",
        "receipt reversed",
    ] {
        assert!(year.done.contains_key(what), "no {what}: {:?}", year.done);
    }
    // From the rows of all that happened it is the same, and on every day of the year the money stood as it was counted then.
    let (company, path) = (&year.company, format!("/v1/customers/{}/credit", year.customer));
    assert_eq!(company.get(&format!("{path}?as_of={}", today()))["exposure"], credit(company, &year.customer)["exposure"]);
    for (on, book) in days.iter().step_by(9) {
        let then = company.get(&format!("{path}?as_of={on}"));
        assert_eq!(["open_items", "credit_notes", "unapplied_cash", "uncleared_cash"].map(|name| part(&then, name)), book.money(), "on {on}");
        assert_eq!(["reservations", "orders", "deliveries"].map(|name| part(&then, name)), [dec!(0); 3], "orders are of today");
    }
    // The clock of a reservation is put forward behind the back of the audit log, which finds that until the expiry is noted.
    until_expiries_are_noted(company);
    company.assert_laws();
}
