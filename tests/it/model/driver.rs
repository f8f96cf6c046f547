//! Does commands to a company over HTTP and to the model, and compares what comes of them.

use super::books::{Billing, Code, Customer, Kind, Model, Money, Placing, Policy, State, Target, money};
use super::commands::{Act, Command, Dice, Paper, Part, Plan, Terms, Twist, View};
use super::{FIRST, Label};
use crate::rig::*;
use chrono::{Days, NaiveDate};
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const CLOSED: Code = (409, "period_closed");

/// How often everything is compared, in commands.
const WHOLE: usize = 40;

/// What happened, in numbers.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// By kind of command: done, refused.
    pub acts: BTreeMap<String, (usize, usize)>,
    pub twists: BTreeMap<String, usize>,
    pub codes: BTreeMap<String, usize>,
    /// Refusals after which every table was as before.
    pub watched: usize,
    /// Reports asked again and found the same.
    pub recalled: usize,
}

impl Tally {
    pub fn operations(&self) -> usize {
        self.acts.values().map(|(done, refused)| done + refused).sum::<usize>() + self.twists.values().sum::<usize>()
    }
    pub fn add(&mut self, other: &Self) {
        for (name, (done, refused)) in &other.acts {
            let sum = self.acts.entry(name.clone()).or_default();
            *sum = (sum.0 + done, sum.1 + refused);
        }
        for (mine, theirs) in [(&mut self.twists, &other.twists), (&mut self.codes, &other.codes)] {
            for (name, count) in theirs {
                *mine.entry(name.clone()).or_default() += count;
            }
        }
        self.watched += other.watched;
        self.recalled += other.recalled;
    }
}

/// Another company, whose things are asked for in vain.
struct Neighbour {
    company: Company,
    ids: BTreeMap<&'static str, String>,
    hash: BTreeMap<String, String>,
}

static NEIGHBOUR: LazyLock<Neighbour> = LazyLock::new(|| {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let receipt = company.receipt(&customer, "2025-01-15", "400.00", Value::Null);
    let note = company.controller().post("/v1/credit-notes", &note_body(&invoice, "2025-01-20", "100.00")).expect(201);
    let ids = BTreeMap::from([("customer", customer), ("invoice", id_of(&invoice)), ("receipt", id_of(&receipt)), ("credit_note", id_of(&note))]);
    let hash = company.fingerprint();
    Neighbour { company, ids, hash }
});

impl Neighbour {
    /// Its thing of a kind, or at least one of its things.
    fn thing(&self, kind: &str) -> &str {
        self.ids.get(kind).unwrap_or(&self.ids["invoice"])
    }
}

/// A call that changes something, if it is well.
#[derive(Clone)]
struct Request {
    who: Client,
    method: &'static str,
    path: String,
    body: Value,
    /// Names the version it was decided on.
    versioned: bool,
}

/// An open item as the list of a day shows it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct OpenRow {
    document: String,
    credit: bool,
    due: String,
    /// In base currency the whole and what is open, then in its own.
    amounts: [Decimal; 4],
    currency: String,
}

pub struct Driver {
    company: Company,
    db: Db,
    executive: Client,
    controller: Client,
    /// A controller who approves, one who pays, and somebody who only reads.
    second: Client,
    third: Client,
    auditor: Client,
    pub model: Model,
    pub tally: Tally,
    halves: String,
    discounted: String,
    receivable: String,
    command: Option<Command>,
    /// What was chosen by the command's number, the same whenever it is played.
    dice: Dice,
    /// Addresses of reports with the bytes they gave.
    remembered: Vec<(String, Vec<u8>)>,
}

fn path_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoice => "invoices",
        Kind::CreditNote => "credit-notes",
        Kind::DebitNote => "debit-notes",
        Kind::WriteOff => "write-offs",
        Kind::Opening => "opening-items",
        Kind::Adjustment => "adjustments",
        Kind::Refund => "refunds",
        Kind::Receipt | Kind::Recovery | Kind::Grant(_) => "receipts",
    }
}

fn word_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoice => "invoice",
        Kind::CreditNote => "credit_note",
        Kind::DebitNote => "debit_note",
        Kind::Opening => "opening",
        Kind::Adjustment => "adjustment",
        _ => "receipt",
    }
}

impl Driver {
    pub fn new(seed: u64) -> Self {
        let company = Company::new();
        let mut dice = Dice(seed);
        let policy =
            Policy { accept_late: dice.chance(50), partial: dice.chance(50), tolerance_percent: dec!(0.5), tolerance_amount: dec!(5.00), grace_days: 5 };
        let late = if policy.accept_late { "accept" } else { "decline" };
        let settings = json!({"payment_tolerance_percent": "0.5", "payment_tolerance_amount": "5.00", "discount_grace_days": 5, "late_discount": late,
            "partial_discount": policy.partial, "soft_close_roles": []});
        company.as_role("admin").change("PATCH", "/v1/company", "*", &json!({"settings": settings})).expect(200);
        let (executive, controller) = (company.executive(), company.controller());
        let terms = |body: Value| id_of(&controller.post("/v1/payment-terms", &body).expect(201));
        let halves = terms(json!({"code": "HALVES", "name": "Two halves", "instalments": [{"share": "50", "days": 30}, {"share": "50", "days": 60}]}));
        let discounted = terms(
            json!({"code": "EARLY", "name": "2/14, two parts", "instalments": [{"share": "40", "days": 30}, {"share": "60", "days": 45}], "discount_percent": "2", "discount_days": 14}),
        );
        let customer = |made_by: Label| {
            let made = executive.post("/v1/customers", &customer_body()).expect(201);
            Customer { made_by, id: id_of(&made), name: made["legal_name"].as_str().unwrap().to_owned(), active: true, version: 1 }
        };
        let customers: Vec<Customer> = (0..FIRST).map(customer).collect();
        let link = json!({"payer_id": customers[0].id, "valid_from": "2025-01-01", "valid_to": "2025-05-15"});
        executive.post(&format!("/v1/customers/{}/payers", customers[1].id), &link).expect(201);
        let payers = vec![(0, 1, day("2025-01-01"), day("2025-05-15"))];
        let model = Model { now: 0, policy, customers, closed: BTreeSet::new(), docs: Vec::new(), items: Vec::new(), moves: Vec::new(), payers };
        let accounts = company.get("/v1/gl-accounts?limit=200");
        let receivable = accounts["data"].as_array().unwrap().iter().find(|row| row["code"] == "1100").map(id_of).expect("the control account");
        let (second, third, auditor) = (company.another("controller"), company.another("controller"), company.as_role("auditor"));
        Self {
            company,
            db: Db::owner(),
            executive,
            controller,
            second,
            third,
            auditor,
            model,
            tally: Tally::default(),
            halves,
            discounted,
            receivable,
            command: None,
            dice,
            remembered: Vec::new(),
        }
    }

    fn story(&self) -> String {
        self.command.as_ref().map_or_else(String::new, |command| format!("at {command:?}"))
    }

    // ------------------------------------------------------------------------------ names

    /// The document a command made, if it did.
    fn doc(&self, label: Label) -> Option<usize> {
        self.model.docs.iter().position(|doc| doc.made_by == label && !matches!(doc.kind, Kind::Grant(_)) && !doc.discarded())
    }
    fn a(&self, label: Label, kinds: &[Kind]) -> Option<usize> {
        self.doc(label).filter(|doc| kinds.contains(&self.model.docs[*doc].kind))
    }
    fn customer(&self, label: Label) -> Option<usize> {
        self.model.customers.iter().position(|customer| customer.made_by == label)
    }
    fn targets(&self, parts: &[Part]) -> Vec<Target> {
        let found = |part: &Part| {
            let doc = self.a(part.doc, &[Kind::Invoice, Kind::DebitNote, Kind::Opening, Kind::Adjustment])?;
            Some(Target { doc, amount: part.amount, late: part.late })
        };
        parts.iter().filter_map(found).collect()
    }
    fn sent(&self, targets: &[Target]) -> Value {
        let one = |target: &Target| {
            let doc = &self.model.docs[target.doc];
            let body = json!({"target_type": word_of(doc.kind), "target_id": doc.id, "amount": target.amount.to_string()});
            if let Some(late) = target.late { with(body, json!({"late_discount": late})) } else { body }
        };
        targets.iter().map(one).collect()
    }
    fn placing(&self, plan: &Plan, body: &mut Value) -> Placing {
        match plan {
            Plan::Nothing => Placing::Nothing,
            Plan::OldestFirst => {
                body["auto_apply"] = json!("oldest_first");
                Placing::OldestFirst
            }
            Plan::To(parts) => {
                let targets = self.targets(parts);
                body["allocations"] = self.sent(&targets);
                Placing::Instructed(targets)
            }
        }
    }

    // ------------------------------------------------------------------------------ calls

    fn call(request: &Request, key: &str, version: &str) -> Reply {
        let mut headers = vec![("idempotency-key", key)];
        if request.versioned {
            headers.push(("if-match", version));
        }
        if request.method == "DELETE" {
            return request.who.send(request.method, &request.path, &headers, None);
        }
        headers.push(("content-type", "application/json"));
        request.who.send(request.method, &request.path, &headers, Some(request.body.to_string().as_bytes()))
    }
    fn code_of(reply: &Reply) -> (u16, String) {
        (reply.status, reply.json()["code"].as_str().unwrap_or_default().to_owned())
    }
    fn is(got: &(u16, String), code: Code) -> bool {
        got.0 == code.0 && got.1 == code.1
    }
    fn refused(&mut self, reply: Reply) {
        let problem = reply.refusal();
        *self.tally.codes.entry(problem["code"].as_str().unwrap().to_owned()).or_default() += 1;
    }

    /// An act nobody else has to approve.
    fn perform_alone<T>(&mut self, request: Request, next: Model, expected: Result<T, Code>, status: u16) -> Option<(T, Value)> {
        self.ask(request, next, expected, status, false)
    }
    /// An act that may have to be approved by a second person, who does.
    fn perform<T>(&mut self, request: Request, next: Model, expected: Result<T, Code>, status: u16) -> Option<(T, Value)> {
        self.ask(request, next, expected, status, true)
    }
    /// Asks the service and compares answer and expectation. What the model agrees to becomes the model.
    fn ask<T>(&mut self, request: Request, next: Model, expected: Result<T, Code>, status: u16, approved: bool) -> Option<(T, Value)> {
        let slips = expected.is_ok() && next.dated_into_closed() != self.model.dated_into_closed();
        let expected = if slips { Err(CLOSED) } else { expected };
        let twist = self.command.as_ref().and_then(|command| command.twist);
        let wrongly = twist.filter(|twist| !matches!(twist, Twist::Again | Twist::Otherwise));
        let watch = ((expected.is_err() || wrongly.is_some()) && self.dice.chance(30)).then(|| self.company.fingerprint());
        if let Some(twist) = wrongly {
            self.ask_wrongly(twist, &request, expected.err());
            self.unchanged(watch);
            return None;
        }
        let key = fresh();
        let reply = Self::call(&request, &key, "*");
        let (first, bytes, answer) = (reply.status, reply.bytes.clone(), reply.json());
        let pending = approved && reply.status < 300 && answer["approval_id"].is_string();
        let outcome = if pending {
            let decision = decide(&self.second, &answer, "approve");
            if decision.status >= 300 {
                decide(&self.second, &answer, "reject").expect(200);
            }
            decision
        } else {
            reply
        };
        let got = Self::code_of(&outcome);
        // A change of a version needs no key.
        let again = twist.filter(|_| request.method == "POST").map(|twist| (twist, otherwise(&request, twist)));
        match expected {
            Ok(made) => {
                assert_eq!(got.0, if pending { 200 } else { status }, "{}\n{}", self.story(), outcome.text());
                self.model = next;
                if let Some((twist, asked)) = again {
                    let second = Self::call(&asked, &key, "*");
                    *self.tally.twists.entry(format!("{twist:?}")).or_default() += 1;
                    if asked.body == request.body {
                        assert_eq!((second.status, second.header("idempotent-replayed")), (first, Some("true")), "{}\n{}", self.story(), second.text());
                        assert_eq!(second.bytes, bytes, "the same bytes {}", self.story());
                    } else {
                        assert!(Self::is(&Self::code_of(&second), (422, "idempotency_key_reused")), "{}\n{}", self.story(), second.text());
                        self.refused(second);
                    }
                }
                Some((made, answer))
            }
            Err(code) => {
                // Of two reasons to refuse either will do.
                let closed = !self.model.closed.is_empty() && Self::is(&got, CLOSED);
                assert!(Self::is(&got, code) || closed, "expected {code:?}, got {got:?} {}\n{}", self.story(), outcome.text());
                self.refused(outcome);
                if !pending {
                    self.unchanged(watch);
                }
                None
            }
        }
    }
    fn unchanged(&mut self, before: Option<BTreeMap<String, String>>) {
        if let Some(before) = before {
            assert_eq!(self.company.fingerprint(), before, "a refusal leaves nothing behind {}", self.story());
            self.tally.watched += 1;
        }
    }
    /// Asks in a way that is refused whatever the books say. `honest`: how the request itself would be refused.
    fn ask_wrongly(&mut self, twist: Twist, request: &Request, honest: Option<Code>) {
        let mut wrong = request.clone();
        let mut version = "*";
        let code = match twist {
            Twist::Stale if request.versioned => {
                version = "\"v987654\"";
                (412, "version_mismatch")
            }
            Twist::Foreign if foreign(&mut wrong) => (404, "not_found"),
            Twist::Forbidden => {
                wrong.who = self.auditor.clone();
                (403, "role_read_only")
            }
            _ if request.method == "DELETE" => {
                wrong.who = self.auditor.clone();
                (403, "role_read_only")
            }
            _ => {
                wrong.body["colour"] = json!("red");
                (400, "unknown_field")
            }
        };
        let reply = Self::call(&wrong, &fresh(), version);
        let got = Self::code_of(&reply);
        let closed = !self.model.closed.is_empty() && Self::is(&got, CLOSED);
        let as_it_is = honest.is_some_and(|honest| Self::is(&got, honest));
        assert!(Self::is(&got, code) || as_it_is || closed, "expected {code:?}, got {got:?} {}\n{}", self.story(), reply.text());
        self.refused(reply);
    }

    /// The id and number of a document that was made.
    fn named(&mut self, made: Option<(usize, Value)>) -> bool {
        let Some((doc, answer)) = made else { return false };
        self.model.docs[doc].id = id_of(&answer);
        self.numbered(doc, &answer);
        true
    }
    fn numbered(&mut self, doc: usize, answer: &Value) {
        let kind = self.model.docs[doc].kind;
        let asked = kind == Kind::Adjustment && answer["number"].is_null();
        let number = if asked { self.company.get(&self.address(doc))["number"].clone() } else { answer["number"].clone() };
        number.as_str().unwrap_or_default().clone_into(&mut self.model.docs[doc].number);
    }
    fn address(&self, doc: usize) -> String {
        format!("/v1/{}/{}", path_of(self.model.docs[doc].kind), self.model.docs[doc].id)
    }
    fn request(who: &Client, path: impl Into<String>, body: Value) -> Request {
        Request { who: who.clone(), method: "POST", path: path.into(), body, versioned: false }
    }
    /// A verb on a document, of the version seen.
    fn verb(&self, who: &Client, doc: usize, verb: &str, body: Value) -> Request {
        Request { versioned: true, ..Self::request(who, format!("{}/{verb}", self.address(doc)), body) }
    }

    // ------------------------------------------------------------------------------ the commands

    /// Does one command. Gives whether there was something to do it to.
    pub fn act(&mut self, command: &Command) -> bool {
        self.command = Some(command.clone());
        self.model.now = command.label;
        self.dice = Dice(u64::try_from(command.label).unwrap() << 20);
        let (open, settled) = (self.model.docs.len(), self.model.moves.len());
        let Some(done) = self.carry_out(&command.act) else { return false };
        match command.twist {
            Some(twist) if !done && !matches!(twist, Twist::Again | Twist::Otherwise) => *self.tally.twists.entry(format!("{twist:?}")).or_default() += 1,
            _ => {
                let counted = self.tally.acts.entry(command.act.name()).or_default();
                *if done { &mut counted.0 } else { &mut counted.1 } += 1;
            }
        }
        if done && !command.act.reads() {
            self.name_settlements(settled);
            let made = self.model.docs.get(open).map(|doc| doc.owner);
            if made.is_some() {
                self.compare_document(open);
            }
            let moved = self.model.moves.get(settled).map(|m| self.model.items[m.debit].owner);
            if let Some(owner) = made.or(moved).filter(|owner| *owner < self.model.customers.len()) {
                let past = self.dice.day();
                self.compare_customer(owner, past);
            }
        }
        if command.label % WHOLE == WHOLE - 1 {
            self.compare_everything();
        }
        true
    }

    fn carry_out(&mut self, act: &Act) -> Option<bool> {
        let mut next = self.model.clone();
        match act {
            Act::Customer => {
                let body = customer_body();
                let name = body["legal_name"].as_str().unwrap().to_owned();
                let made = self.perform(Self::request(&self.executive, "/v1/customers", body), next, Ok(()), 201);
                made.map(|((), answer)| {
                    self.model.customers.push(Customer { made_by: self.model.now, id: id_of(&answer), name, active: true, version: 1 });
                    assert_eq!(answer["version"], 1, "{}", self.story());
                })
                .is_some()
            }
            Act::Change { customer, active } => {
                let at = self.customer(*customer)?;
                let of = &mut next.customers[at];
                of.name = format!("Customer {}", self.model.now);
                of.active = active.unwrap_or(of.active);
                of.version += 1;
                let body = json!({"legal_name": of.name, "active": of.active});
                let path = format!("/v1/customers/{}", of.id);
                let request = Request { method: "PATCH", versioned: true, ..Self::request(&self.executive, path, body) };
                self.perform(request, next, Ok(()), 200).map(|_| self.compare_master(at)).is_some()
            }
            Act::Close { month } | Act::Reopen { month } => self.period(*month, matches!(act, Act::Close { .. })),
            Act::Bill { .. } => self.bill(act)?,
            Act::Redraft { doc, net } => {
                let doc = self.doc(*doc)?;
                let of = self.model.docs[doc].clone();
                let expected = next.redraft(doc, *net);
                let body = json!({"lines": [line(&net.to_string(), &of.tax.to_string())]});
                let request = Request { method: "PATCH", versioned: true, ..Self::request(&self.controller, self.address(doc), body) };
                self.perform(request, next, expected, 200).is_some()
            }
            Act::Issue { doc } => {
                let doc = self.doc(*doc)?;
                let expected = next.issue(doc);
                let request = self.verb(&self.controller, doc, "issue", json!({}));
                let made = self.perform(request, next, expected, 200);
                made.map(|((), answer)| self.numbered(doc, &answer)).is_some()
            }
            Act::Discard { doc } => {
                let doc = self.doc(*doc)?;
                let expected = next.discard(doc);
                let request = Request { method: "DELETE", versioned: true, ..Self::request(&self.controller, self.address(doc), Value::Null) };
                self.perform(request, next, expected, 200).is_some()
            }
            Act::Cancel { doc, on } => {
                let doc = self.doc(*doc).filter(|doc| self.model.docs[*doc].billed())?;
                let expected = next.cancel(doc, *on);
                let request = self.verb(&self.controller, doc, "cancel", json!({"reason": "Made out wrongly", "cancelled_on": on}));
                self.perform(request, next, expected, 200).is_some()
            }
            Act::Receive { .. } => self.receive(act)?,
            Act::Identify { doc, customer, on, taxed, plan } => {
                let (doc, owner) = (self.a(*doc, &[Kind::Receipt])?, self.customer(*customer)?);
                let mut body = json!({"customer_id": self.model.customers[owner].id, "identified_on": on});
                if *taxed {
                    body["gst_advance"] = json!({"supply": "services"});
                }
                let placing = self.placing(plan, &mut body);
                let expected = next.identify(doc, owner, *on, *taxed, &placing);
                let request = self.verb(&self.executive, doc, "identify", body);
                self.perform(Request { versioned: false, ..request }, next, expected, 200).is_some()
            }
            Act::Deposit { doc, on, parts } => {
                let doc = self.a(*doc, &[Kind::Receipt])?;
                let mut body = json!({"deposited_on": on});
                let placing = self.placing(&Plan::To(parts.clone()), &mut body);
                let expected = next.deposit(doc, *on, &placing);
                let request = self.verb(&self.executive, doc, "deposit", body);
                self.perform(Request { versioned: false, ..request }, next, expected, 200).is_some()
            }
            Act::Bounce { doc, on, fee } => self.bounce(self.a(*doc, &[Kind::Receipt])?, *on, *fee),
            Act::Reverse { doc, on } => {
                let doc = self.a(*doc, &[Kind::Receipt])?;
                let expected = next.reverse_receipt(doc, *on);
                let request = self.verb(&self.controller, doc, "reverse", json!({"reversed_on": on, "reason": "Recorded wrongly"}));
                self.perform(request, next, expected, 200).is_some()
            }
            Act::Allocate { source, on, parts } => {
                let source = self.a(*source, &[Kind::Receipt, Kind::CreditNote, Kind::Opening, Kind::Adjustment])?;
                let (of, targets) = (&self.model.docs[source], self.targets(parts));
                if targets.is_empty() {
                    return None;
                }
                let body = json!({"source_type": word_of(of.kind), "source_id": of.id, "allocated_on": on, "targets": self.sent(&targets)});
                let expected = next.allocate(source, &targets, *on);
                self.perform(Self::request(&self.executive, "/v1/allocations", body), next, expected, 201).is_some()
            }
            Act::TakeBack { made_by, nth, on } => {
                let at = (0..self.model.moves.len()).filter(|at| self.model.moves[*at].made_by == *made_by).nth(*nth)?;
                let id = self.model.moves[at].id.clone();
                if id.is_empty() {
                    return None;
                }
                let expected = next.reverse_allocation(at, *on);
                let body = json!({"reversed_on": on, "reason": "Placed wrongly"});
                self.perform(Self::request(&self.controller, format!("/v1/allocations/{id}/reverse"), body), next, expected, 201).is_some()
            }
            Act::WriteOff { parts, on } => {
                let targets = self.targets(parts);
                let owner = self.model.docs[targets.first()?.doc].owner;
                let body =
                    json!({"customer_id": self.model.customers[owner].id, "written_off_on": on, "reason": "Nothing to be had", "items": self.sent(&targets)});
                let expected = next.write_off(&targets, *on);
                let made = self.perform(Self::request(&self.executive, "/v1/write-offs", body), next, expected, 201);
                self.named(made)
            }
            Act::Recover { doc, receipt, amount, on } => {
                let (doc, receipt) = (self.a(*doc, &[Kind::WriteOff])?, self.a(*receipt, &[Kind::Receipt])?);
                if self.model.items_of(receipt).is_empty() {
                    return None;
                }
                let expected = next.recover(doc, receipt, *amount, *on);
                let body = json!({"receipt_id": self.model.docs[receipt].id, "amount": amount.to_string(), "recovered_on": on});
                let request = self.verb(&self.executive, doc, "recover", body);
                self.perform(Request { versioned: false, ..request }, next, expected, 200).is_some()
            }
            Act::ReverseWriteOff { doc, on } => {
                let doc = self.a(*doc, &[Kind::WriteOff])?;
                let expected = next.reverse_write_off(doc, *on);
                let request = self.verb(&self.controller, doc, "reverse", json!({"reversed_on": on, "reason": "They pay after all"}));
                self.perform(request, next, expected, 200).is_some()
            }
            Act::Adjust { doc, amount, on } => {
                let doc = self.doc(*doc)?;
                let of = &self.model.docs[doc];
                let body = json!({"target_type": word_of(of.kind), "target_id": of.id, "amount": amount.to_string(), "adjusted_on": on,
                    "reason": "Agreed with the customer", "reason_code": "rounding"});
                let expected = next.adjust(doc, *amount, *on);
                let made = self.perform(Self::request(&self.controller, "/v1/adjustments", body), next, expected, 201);
                self.named(made)
            }
            Act::ReverseAdjustment { doc, on } => self.end(self.a(*doc, &[Kind::Adjustment])?, *on, next),
            Act::ReverseOpening { doc, on } => self.end(self.a(*doc, &[Kind::Opening])?, *on, next),
            Act::Open { customer, credit, dollars, amount, paid, on, due } => {
                let owner = self.customer(*customer)?;
                let mut body = json!({"external_id": fresh(), "customer_id": self.model.customers[owner].id, "number": format!("OLD-{}", self.model.now),
                    "document_type": if *credit { "credit" } else { "invoice" }, "document_date": due, "due_date": due, "posting_date": on,
                    "original_amount": amount.to_string(), "paid_before": paid.to_string()});
                if let Some(rate) = dollars {
                    body = with(body, json!({"currency": "USD", "exchange_rate": rate.to_string()}));
                }
                let doc = next.open(owner, *credit, *dollars, amount - paid, *on, *due);
                let made = self.perform(Self::request(&self.controller, "/v1/opening-items", body), next, Ok(doc), 201);
                self.named(made)
            }
            Act::Refund { doc, amount } => {
                let doc = self.a(*doc, &[Kind::Receipt, Kind::CreditNote])?;
                let of = &self.model.docs[doc];
                let body = json!({"source_type": word_of(of.kind), "source_id": of.id, "amount": amount.to_string(), "reason": "Paid twice",
                    "beneficiary": {"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678", "ifsc": "HDFC0000123"}});
                let expected = next.promise(doc, *amount, of.posted);
                let made = self.perform(Self::request(&self.executive, "/v1/refunds", body), next, expected, 201);
                self.named(made)
            }
            Act::Pay { doc, on } => {
                let doc = self.a(*doc, &[Kind::Refund])?;
                let expected = next.pay(doc, *on);
                let request = self.verb(&self.third, doc, "mark-paid", json!({"utr": fresh(), "paid_on": on}));
                let made = self.perform_alone(request, next, expected, 200);
                made.map(|((), answer)| self.numbered(doc, &answer)).is_some()
            }
            Act::Fail { doc, on } => {
                let doc = self.a(*doc, &[Kind::Refund])?;
                let expected = next.fail(doc, *on);
                let request = self.verb(&self.third, doc, "fail", json!({"failed_on": on, "reason": "Account closed"}));
                self.perform_alone(request, next, expected, 200).is_some()
            }
            Act::GiveUp { doc } => {
                let doc = self.a(*doc, &[Kind::Refund])?;
                let expected = next.give_up(doc);
                let request = self.verb(&self.executive, doc, "cancel", json!({"reason": "The customer buys again"}));
                self.perform_alone(request, next, expected, 200).is_some()
            }
            Act::Look { view, day } => {
                match view {
                    View::Books => self.compare_books(*day),
                    View::Aging => self.compare_aging(*day),
                    View::Customers => (0..self.model.customers.len()).for_each(|at| self.compare_master(at)),
                    View::Customer(label) => self.compare_customer(self.customer(*label)?, *day),
                    View::Document(label) => self.compare_document(self.doc(*label)?),
                }
                true
            }
            Act::Remember { day } => {
                self.remember(*day);
                true
            }
        }
        .into()
    }

    fn period(&mut self, month: NaiveDate, close: bool) -> bool {
        let closed = self.model.closed.contains(&month);
        let expected = if closed == close { Err((409, "invalid_state")) } else { Ok(()) };
        let (verb, body) = if close { ("close", json!({"level": "soft"})) } else { ("reopen", json!({"reason": "An invoice was missed"})) };
        let path = format!("/v1/periods/{}/{verb}", month.format("%Y-%m"));
        let request = Request { versioned: true, ..Self::request(&self.controller, path, body) };
        let done = self.perform(request, self.model.clone(), expected, 200).is_some();
        if done && close {
            self.model.closed.insert(month);
        } else if done {
            self.model.closed.remove(&month);
        }
        done
    }

    fn bill(&mut self, act: &Act) -> Option<bool> {
        let Act::Bill { paper, customer, original, date, net, tax, dollars, terms, apply, draft } = act else { return None };
        let (owner, date) = (self.customer(*customer)?, *date);
        let original = match original {
            Some(label) => Some(self.a(*label, &[Kind::Invoice])?),
            None => None,
        };
        let due = |days: u64| date + Days::new(days);
        let (instalments, discount) = match terms {
            Terms::Due(day) => (vec![(dec!(100), if *paper == Paper::CreditNote { date } else { *day })], None),
            Terms::Halves => (vec![(dec!(50), due(30)), (dec!(50), due(60))], None),
            Terms::Early => (vec![(dec!(40), due(30)), (dec!(60), due(45))], Some((dec!(2), 14))),
        };
        let lines = json!([line(&net.to_string(), &tax.to_string())]);
        let (kind, who, mut body) = match paper {
            Paper::Invoice => {
                let body = with(invoice_body(&self.model.customers[owner].id, &date.to_string(), "1"), json!({"lines": lines, "issue": !draft}));
                let terms = match terms {
                    Terms::Due(day) => json!({"due_date": day}),
                    Terms::Halves => json!({"payment_terms_id": self.halves}),
                    Terms::Early => json!({"payment_terms_id": self.discounted}),
                };
                (Kind::Invoice, &self.executive, with(body, terms))
            }
            Paper::CreditNote | Paper::DebitNote => {
                let mut body = match original {
                    Some(at) => json!({"external_id": fresh(), "original_invoice_id": self.model.docs[at].id}),
                    None => json!({"external_id": fresh(), "customer_id": self.model.customers[owner].id, "free": true, "place_of_supply": "27"}),
                };
                body = with(body, json!({"note_date": date, "reason_code": "other", "issue": !draft, "lines": lines}));
                if *paper == Paper::DebitNote {
                    body["due_date"] = json!(instalments[0].1);
                } else if original.is_some() {
                    body["apply_to_original"] = json!(apply);
                }
                (if *paper == Paper::CreditNote { Kind::CreditNote } else { Kind::DebitNote }, &self.controller, body)
            }
        };
        // A note is in the currency of its invoice; one at another rate moves money only.
        let of = original.map(|at| &self.model.docs[at]);
        let in_dollars = if *paper == Paper::Invoice { dollars.is_some() } else { of.is_some_and(|of| of.dollars) };
        let rate = if in_dollars { dollars.or(of.map(|of| of.rate)).expect("a rate") } else { Decimal::ONE };
        if in_dollars {
            body["exchange_rate"] = json!(rate.to_string());
            if *paper == Paper::Invoice {
                body["currency"] = json!("USD");
            } else if of.is_some_and(|of| of.rate != rate) {
                body["tax_effect"] = json!("financial");
            }
        }
        let apply = *apply && kind == Kind::CreditNote;
        let new = Billing { kind, owner, dollars: in_dollars, rate, date, net: *net, tax: *tax, original, instalments, discount, apply, by_right: false };
        let mut next = self.model.clone();
        let expected = if *draft { next.draft(&new) } else { next.bill(&new) };
        let made = self.perform(Self::request(who, format!("/v1/{}", path_of(kind)), body), next, expected, 201);
        Some(self.named(made))
    }

    fn receive(&mut self, act: &Act) -> Option<bool> {
        let Act::Receive { customer, date, cash, dollars, as_rupees, tds, charge, cheque, held, taxed, plan } = act else { return None };
        let owner = match customer {
            Some(label) => Some(self.customer(*label)?),
            None => None,
        };
        let mut body = json!({"external_id": fresh(), "receipt_date": date, "method": if *cheque { "cheque" } else { "neft" }, "utr": fresh(), "amount_received": cash.to_string()});
        let rate = dollars.unwrap_or(Decimal::ONE);
        let worth = (dollars.is_some() && *as_rupees).then(|| money(cash * rate));
        if let Some(worth) = worth {
            // Both legs are given, and the rate follows.
            body = with(body, json!({"amount_received": worth.to_string(), "settlement_currency": "USD", "settlement_amount": cash.to_string()}));
        } else if dollars.is_some() {
            body = with(body, json!({"currency": "USD", "exchange_rate": rate.to_string()}));
        }
        let mut deducted = Vec::new();
        match owner {
            None => body["unidentified"] = json!(true),
            Some(owner) => {
                body["customer_id"] = json!(self.model.customers[owner].id);
                deducted.extend(tds.map(|amount| ("tds", amount)));
                deducted.extend(charge.map(|amount| ("charge", amount)));
                let deduction = |(kind, amount): &(&str, Decimal)| match *kind {
                    "tds" => json!({"kind": "tds", "section": "194J", "amount": amount.to_string()}),
                    _ => json!({"kind": "charges", "amount": amount.to_string()}),
                };
                body["deductions"] = deducted.iter().map(deduction).collect();
            }
        }
        if let Some(held) = held {
            body = with(body, json!({"cheque_number": "000123", "cheque_date": held}));
        }
        if *taxed {
            body["gst_advance"] = json!({"supply": "services"});
        }
        let placing = self.placing(plan, &mut body);
        let mut next = self.model.clone();
        let new = Money { owner, dollars: dollars.is_some(), rate, date: *date, cash: *cash, deducted, cheque: *cheque, worth, held: *held, taxed: *taxed };
        let expected = next.receive(&new, &placing);
        let made = self.perform_alone(Self::request(&self.executive, "/v1/receipts", body), next, expected, 201);
        Some(self.named(made))
    }

    fn bounce(&mut self, doc: usize, on: NaiveDate, fee: Option<Decimal>) -> bool {
        let of = self.model.docs[doc].clone();
        let mut next = self.model.clone();
        // What is not in the books does not bounce, nor does what is no cheque; nobody unknown is charged.
        let fee = fee.filter(|_| of.state != State::Unidentified);
        let expected = if of.state == State::Held || !of.cheque { Err((409, "invalid_state")) } else { next.reverse_receipt(doc, on) };
        let charged = expected.and_then(|()| {
            let Some(fee) = fee else { return Ok(None) };
            let instalments = vec![(dec!(100), on)];
            let new = Billing {
                kind: Kind::DebitNote,
                owner: of.owner,
                dollars: false,
                rate: Decimal::ONE,
                date: on,
                net: fee,
                tax: dec!(0),
                original: None,
                instalments,
                discount: None,
                apply: false,
                by_right: true,
            };
            next.bill(&new).map(Some)
        });
        let mut body = json!({"bounced_on": on, "reason": "Funds insufficient"});
        if let Some(fee) = fee {
            body["fee"] = json!(fee.to_string());
        }
        let request = self.verb(&self.executive, doc, "bounce", body);
        let made = self.perform(Request { versioned: false, ..request }, next, charged, 200);
        if let Some((Some(note), answer)) = &made {
            answer["fee_note_id"].as_str().expect("a note of the fee").clone_into(&mut self.model.docs[*note].id);
            let shown = self.company.get(&self.address(*note));
            self.numbered(*note, &shown);
        }
        made.is_some()
    }

    /// An adjustment or an opening item is taken back.
    fn end(&mut self, doc: usize, on: NaiveDate, mut next: Model) -> bool {
        let expected = next.take_back(doc, on);
        let request = self.verb(&self.controller, doc, "reverse", json!({"reversed_on": on, "reason": "Should not have been"}));
        self.perform(request, next, expected, 200).is_some()
    }
}

/// The same request with another content, where it has any that may differ.
fn otherwise(request: &Request, twist: Twist) -> Request {
    let mut other = request.clone();
    if twist == Twist::Otherwise {
        for name in ["external_id", "reason", "utr", "legal_name"] {
            if other.body[name].is_string() {
                other.body[name] = json!(format!("Other {}", fresh()).replace(' ', "-"));
                break;
            }
        }
    }
    other
}

/// Puts a thing of another company in the place of the first one named.
fn foreign(request: &mut Request) -> bool {
    let is_id = |text: &str| text.len() == 36 && text.matches('-').count() == 4;
    let parts: Vec<&str> = request.path.split('/').collect();
    if let Some(at) = parts.iter().position(|part| is_id(part)) {
        let kind = match parts[at - 1] {
            "customers" => "customer",
            "receipts" => "receipt",
            "credit-notes" => "credit_note",
            _ => "invoice",
        };
        request.path = request.path.replace(parts[at], NEIGHBOUR.thing(kind));
        return true;
    }
    for (name, kind) in [("customer_id", "customer"), ("original_invoice_id", "invoice"), ("source_id", "source_type"), ("target_id", "target_type")] {
        if request.body[name].is_string() {
            let kind = request.body[kind].as_str().unwrap_or(kind).to_owned();
            request.body[name] = json!(NEIGHBOUR.thing(&kind));
            return true;
        }
    }
    false
}

// -------------------------------------------------------------------------------- comparing

impl Driver {
    fn get(&self, path: &str) -> Value {
        self.controller.get(path).expect(200)
    }

    /// The settlements just made, by what they join, and their ids: those of the model from one on.
    fn name_settlements(&mut self, from: usize) {
        let last = self.model.moves[..from].iter().map(|m| m.id.as_str()).max().unwrap_or_default();
        let last = if last.is_empty() { "00000000-0000-0000-0000-000000000000" } else { last };
        let rows = self.db.rows(&format!(
            "SELECT a.id, a.kind, a.amount::text, a.effective_on, a.credit_base::text, a.debit_base::text, a.reverses_id,
                c.document_id AS source, c.amount::text AS credit, c.due_date AS credit_due, d.document_id AS target, d.amount::text AS debit, d.due_date AS debit_due
             FROM allocation a JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
             WHERE a.company_id = '{}' AND a.id > '{last}' ORDER BY a.id",
            self.company.id
        ));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for row in rows {
            let fits = |at: &usize| {
                let m = &self.model.moves[*at];
                let same = |item: usize, document: &str, amount: &str, due: &str| {
                    let (of, id) = (&self.model.items[item], text(&row[document]));
                    let doc = &self.model.docs[of.doc];
                    (doc.id.is_empty() || doc.id == id) && dec(&row[amount]) == of.amount && row[due] == of.due.to_string().as_str()
                };
                m.id.is_empty()
                    && row["kind"] == m.kind
                    && [("amount", m.amount), ("credit_base", m.credit_base), ("debit_base", m.debit_base)]
                        .iter()
                        .all(|(name, amount)| dec(&row[*name]) == *amount)
                    && row["effective_on"] == m.on.to_string().as_str()
                    && text(&row["reverses_id"]) == m.reverses.map_or("", |at| self.model.moves[at].id.as_str())
                    && same(m.credit, "source", "credit", "credit_due")
                    && same(m.debit, "target", "debit", "debit_due")
            };
            let Some(at) = (from..self.model.moves.len()).find(fits) else {
                let expected: Vec<_> = self.model.moves[from..].iter().filter(|m| m.id.is_empty()).collect();
                panic!("{}\nnot expected: {row}\nexpected: {expected:?}", self.story())
            };
            self.model.moves[at].id = text(&row["id"]);
            for (item, document) in [(self.model.moves[at].credit, "source"), (self.model.moves[at].debit, "target")] {
                let doc = self.model.items[item].doc;
                self.model.docs[doc].id = text(&row[document]);
            }
        }
        let missing: Vec<_> = self.model.moves[from..].iter().filter(|m| m.id.is_empty()).collect();
        assert!(missing.is_empty(), "{}\nnot made: {missing:?}", self.story());
    }

    /// Every settlement in force as it is listed.
    fn compare_settlements(&self) {
        let mut cursor = String::new();
        let mut listed: BTreeSet<String> = BTreeSet::new();
        loop {
            let page = self.get(&format!("/v1/allocations?status=active&limit=200{cursor}"));
            listed.extend(page["data"].as_array().unwrap().iter().map(id_of));
            let Some(next) = page["page"]["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={}", encoded(next));
        }
        let expected: BTreeSet<String> = self.model.in_force().iter().map(|at| self.model.moves[*at].id.clone()).collect();
        assert_eq!(listed, expected, "settlements in force {}", self.story());
    }

    fn compare_master(&self, at: usize) {
        let of = &self.model.customers[at];
        let shown = self.get(&format!("/v1/customers/{}", of.id));
        let expected = json!({"legal_name": of.name, "active": of.active, "version": of.version});
        for name in ["legal_name", "active", "version"] {
            assert_eq!(shown[name], expected[name], "{name} of customer {at} {}", self.story());
        }
    }

    fn compare_document(&self, doc: usize) {
        let of = &self.model.docs[doc];
        if of.id.is_empty() || matches!(of.kind, Kind::Grant(_) | Kind::Recovery) {
            return;
        }
        let reply = self.controller.get(&self.address(doc));
        if of.discarded() {
            reply.refused(404, "not_found");
            return;
        }
        let answer = reply.expect(200);
        let shown = match of.kind {
            Kind::Invoice | Kind::DebitNote => &answer["amounts"]["balance_due"],
            Kind::CreditNote => &answer["amounts"]["left_open"],
            Kind::Opening => &answer["open_amount"],
            Kind::Adjustment | Kind::Refund | Kind::WriteOff => {
                assert_eq!(dec(&answer["amount"]), of.total, "amount of {doc} {}\n{answer}", self.story());
                let ended = ["reversed", "cancelled", "failed"].iter().any(|word| answer["status"] == *word);
                assert_eq!(ended, of.state == State::Ended, "whether {doc} stands {}\n{answer}", self.story());
                return;
            }
            Kind::Receipt | Kind::Recovery | Kind::Grant(_) => &answer["totals"]["unapplied"],
        };
        match of.state {
            State::Standing => assert_eq!(dec(shown), self.model.open_of(doc), "open of {doc} {}\n{answer}", self.story()),
            State::Draft => assert_eq!(answer["status"], "draft", "{doc} {}\n{answer}", self.story()),
            _ => {}
        }
    }

    /// What is open of a customer at the end of a day, item by item, and the closing balance of the ledger.
    fn compare_customer(&self, at: usize, as_of: NaiveDate) {
        let story = || format!("as of {as_of} {}", self.story());
        let customer = &self.model.customers[at].id;
        let mut expected: Vec<OpenRow> = Vec::new();
        for (index, item) in self.model.items.iter().enumerate().filter(|(_, item)| item.owner == at) {
            let (open, base) = self.model.left_on(index, as_of);
            assert!(open >= Decimal::ZERO && base >= Decimal::ZERO && open.is_zero() == base.is_zero(), "item {index}: {open} {base} {}", story());
            if !base.is_zero() {
                expected.push(OpenRow {
                    document: self.model.docs[item.doc].id.clone(),
                    credit: item.credit,
                    due: item.due.to_string(),
                    amounts: [item.base, base, item.amount, open],
                    currency: if item.dollars { "USD" } else { "INR" }.to_owned(),
                });
            }
        }
        let open = self.get(&format!("/v1/customers/{customer}/open-items?as_of={as_of}&limit=1000"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let row = |row: &Value| OpenRow {
            document: text(&row["document_id"]),
            credit: row["side"] == "credit",
            due: text(&row["due_date"]),
            amounts: ["amount", "open_amount", "document_amount", "document_open_amount"].map(|name| dec(&row[name])),
            currency: text(&row["document_currency"]),
        };
        let mut listed: Vec<_> = open["data"].as_array().unwrap().iter().map(row).collect();
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected, "open items of customer {at} {}", story());
        let owed: Decimal = expected.iter().map(|row| if row.credit { -row.amounts[1] } else { row.amounts[1] }).sum();
        assert_eq!(dec(&open["totals"]["balance"]), owed, "{}", story());
        assert_eq!(self.model.owed(at, as_of), owed, "the model itself {}", story());
        // The last month of the ledger: what stood before, what moved, what stands.
        let from = as_of - Days::new(30);
        let ledger = self.get(&format!("/v1/customers/{customer}/ledger?from={from}&to={as_of}&limit=1000"));
        let before = self.model.owed(at, from - Days::new(1));
        assert_eq!((dec(&ledger["opening_balance"]), dec(&ledger["closing_balance"])), (before, owed), "ledger of customer {at} {}", story());
        if ledger["page"]["next_cursor"].is_null() {
            let moved: Decimal = ledger["data"].as_array().unwrap().iter().map(|row| dec(&row["debit"]) - dec(&row["credit"])).sum();
            assert_eq!(before + moved, owed, "movements of customer {at} {}", story());
        }
    }

    fn compare_aging(&self, as_of: NaiveDate) {
        let story = || format!("as of {as_of} {}", self.story());
        let aging = self.get(&format!("/v1/reports/aging?as_of={as_of}"));
        assert_eq!(aging["check"]["difference"], "0.00", "{}\n{aging}", story());
        let mut buckets: BTreeMap<(usize, &str), Decimal> = BTreeMap::new();
        for (index, item) in self.model.items.iter().enumerate() {
            let base = self.model.left_on(index, as_of).1;
            if base.is_zero() {
                continue;
            }
            let age = (as_of - item.due).num_days();
            let bucket = match age {
                _ if item.credit => "unapplied",
                ..=0 => "not_due",
                1..=30 => "1-30",
                31..=60 => "31-60",
                61..=90 => "61-90",
                91..=120 => "91-120",
                _ => "over_120",
            };
            *buckets.entry((item.owner, bucket)).or_default() += base;
        }
        let figures = |row: &Value| {
            let mut shown: BTreeMap<String, Decimal> = row["buckets"].as_object().unwrap().iter().map(|(name, amount)| (name.clone(), dec(amount))).collect();
            shown.insert("unapplied".into(), dec(&row["unapplied"]));
            shown.retain(|_, amount| !amount.is_zero());
            shown
        };
        for (at, customer) in self.model.customers.iter().enumerate() {
            let row = aging["data"].as_array().unwrap().iter().find(|row| row["customer_id"] == customer.id.as_str());
            let own = buckets.iter().filter(|((owner, _), _)| *owner == at);
            let expected: BTreeMap<String, Decimal> = own.map(|((_, name), amount)| ((*name).to_owned(), *amount)).collect();
            assert_eq!(row.map(figures).unwrap_or_default(), expected, "aging of customer {at} {}", story());
        }
        let whole: Decimal = buckets.iter().map(|((_, name), amount)| if *name == "unapplied" { -amount } else { *amount }).sum();
        assert_eq!(dec(&aging["totals"]["total"]), whole, "{}", story());
    }

    /// The ledger's accounts, and that it agrees with the items.
    fn compare_books(&self, as_of: NaiveDate) {
        let story = || format!("as of {as_of} {}", self.story());
        let trial = self.get(&format!("/v1/trial-balance?as_of={as_of}"));
        let net = |row: &Value| (row["account_code"].as_str().unwrap().to_owned(), dec(&row["debit"]) - dec(&row["credit"]));
        let shown: BTreeMap<String, Decimal> = trial["data"].as_array().unwrap().iter().map(net).filter(|(_, net)| !net.is_zero()).collect();
        let expected: BTreeMap<String, Decimal> = self.model.trial(as_of).into_iter().map(|(code, amount)| (code.to_owned(), amount)).collect();
        assert_eq!(shown, expected, "trial balance {}", story());
        let whole: Decimal = (0..self.model.customers.len()).map(|at| self.model.owed(at, as_of)).sum();
        let agreed = self.get(&format!("/v1/reconciliations/ar-gl?as_of={as_of}"));
        assert_eq!((dec(&agreed["subledger"]), dec(&agreed["gl"]), &agreed["differences"]), (whole, whole, &json!([])), "{}", story());
    }

    /// All that can be read, of a day in the past and one after all.
    fn compare_everything(&mut self) {
        self.compare_settlements();
        let past = self.dice.day();
        for as_of in [past, day("2025-09-30")] {
            self.compare_books(as_of);
            self.compare_aging(as_of);
            (0..self.model.customers.len()).for_each(|at| self.compare_customer(at, as_of));
        }
        for doc in 0..self.model.docs.len() {
            if self.dice.chance(20) {
                self.compare_document(doc);
            }
        }
    }

    /// Asks every report for a day as known now, and keeps the bytes.
    fn remember(&mut self, as_of: NaiveDate) {
        let now = self.controller.get(&format!("/v1/reports/aging?as_of={as_of}"));
        let known_at = encoded(now.json()["known_at"].as_str().expect("known_at"));
        let mut paths = vec![
            format!("/v1/reports/aging?as_of={as_of}&known_at={known_at}"),
            format!("/v1/reports/aging?as_of={as_of}&known_at={known_at}&basis=document_date"),
            format!("/v1/trial-balance?as_of={as_of}&known_at={known_at}"),
            format!("/v1/reconciliations/ar-gl?as_of={as_of}&known_at={known_at}"),
            format!("/v1/gl-accounts/{}/entries?to={as_of}&known_at={known_at}&limit=200", self.receivable),
        ];
        for customer in &self.model.customers[..FIRST] {
            paths.push(format!("/v1/customers/{}/open-items?as_of={as_of}&known_at={known_at}", customer.id));
            paths.push(format!("/v1/customers/{}/ledger?to={as_of}&known_at={known_at}", customer.id));
        }
        for (at, path) in paths.into_iter().enumerate() {
            let reply = self.controller.get(&path);
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            if at == 0 {
                assert_eq!(reply.bytes, now.bytes, "as known now and as known at the instant that was told {}", self.story());
            }
            self.remembered.push((path, reply.bytes));
        }
    }
    fn recall(&mut self) {
        for (path, bytes) in &self.remembered {
            let again = self.controller.get(path);
            assert_eq!(again.text(), String::from_utf8_lossy(bytes), "{path} {}", self.story());
            self.tally.recalled += 1;
        }
    }

    /// Everything once more, the laws, and that nobody next door noticed.
    pub fn finish(&mut self) {
        self.compare_everything();
        let end = today();
        self.compare_books(end);
        self.compare_aging(end);
        (0..self.model.customers.len()).for_each(|at| self.compare_customer(at, end));
        (0..self.model.docs.len()).for_each(|doc| self.compare_document(doc));
        self.recall();
        self.company.assert_laws();
        let broken = crate::journals::broken(&self.company);
        assert!(broken.is_empty(), "{broken:?}");
        if !self.tally.twists.is_empty() {
            assert_eq!(NEIGHBOUR.company.fingerprint(), NEIGHBOUR.hash, "another company's tables");
        }
    }
}
