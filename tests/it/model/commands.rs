//! What is done to a company, as data: a list of commands can be kept, cut down and played again. Things are
//! named by the command that made them; a command about a thing that is not there does nothing.

#![allow(clippy::unnecessary_wraps, reason = "most kinds of command may find nothing to be about, and all are rolled alike")]

use super::Label;
use super::books::{Doc, Kind, Model, State, money};
use chrono::{Days, NaiveDate};
use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    pub label: Label,
    pub act: Act,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub twist: Option<Twist>,
}

/// A wrong way to ask, or to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Twist {
    /// By somebody who may only read.
    Forbidden,
    /// With a member nobody knows.
    Unknown,
    /// About a thing of another company.
    Foreign,
    /// About a version that is gone.
    Stale,
    /// Once more with the same key.
    Again,
    /// Once more with the same key and another content.
    Otherwise,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Paper {
    Invoice,
    CreditNote,
    DebitNote,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Terms {
    /// One amount on one day.
    Due(NaiveDate),
    /// Half after 30 days, half after 60.
    Halves,
    /// Two parts, and 2 % off within 14 days.
    Early,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    pub doc: Label,
    pub amount: Decimal,
    pub late: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Plan {
    Nothing,
    OldestFirst,
    To(Vec<Part>),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum View {
    Books,
    Aging,
    Customers,
    Customer(Label),
    Document(Label),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Act {
    Customer,
    /// Another name and, when said, on or off.
    Change {
        customer: Label,
        active: Option<bool>,
    },
    Close {
        month: NaiveDate,
    },
    Reopen {
        month: NaiveDate,
    },
    Bill {
        paper: Paper,
        customer: Label,
        original: Option<Label>,
        date: NaiveDate,
        net: Decimal,
        tax: Decimal,
        dollars: Option<Decimal>,
        terms: Terms,
        apply: bool,
        draft: bool,
    },
    Redraft {
        doc: Label,
        net: Decimal,
    },
    Issue {
        doc: Label,
    },
    Discard {
        doc: Label,
    },
    Cancel {
        doc: Label,
        on: NaiveDate,
    },
    /// From nobody when the customer is left out. `dollars`: the rate; `as_rupees`: paid in rupees for dollars.
    Receive {
        customer: Option<Label>,
        date: NaiveDate,
        cash: Decimal,
        dollars: Option<Decimal>,
        as_rupees: bool,
        tds: Option<Decimal>,
        charge: Option<Decimal>,
        cheque: bool,
        held: Option<NaiveDate>,
        /// An advance for services.
        #[serde(default)]
        taxed: bool,
        plan: Plan,
    },
    Identify {
        doc: Label,
        customer: Label,
        on: NaiveDate,
        #[serde(default)]
        taxed: bool,
        plan: Plan,
    },
    Deposit {
        doc: Label,
        on: NaiveDate,
        parts: Vec<Part>,
    },
    Bounce {
        doc: Label,
        on: NaiveDate,
        fee: Option<Decimal>,
    },
    Reverse {
        doc: Label,
        on: NaiveDate,
    },
    Allocate {
        source: Label,
        on: NaiveDate,
        parts: Vec<Part>,
    },
    /// Takes back the `nth` settlement a command made.
    TakeBack {
        made_by: Label,
        nth: usize,
        on: NaiveDate,
    },
    WriteOff {
        parts: Vec<Part>,
        on: NaiveDate,
    },
    Recover {
        doc: Label,
        receipt: Label,
        amount: Decimal,
        on: NaiveDate,
    },
    ReverseWriteOff {
        doc: Label,
        on: NaiveDate,
    },
    Adjust {
        doc: Label,
        amount: Decimal,
        on: NaiveDate,
    },
    ReverseAdjustment {
        doc: Label,
        on: NaiveDate,
    },
    Open {
        customer: Label,
        credit: bool,
        dollars: Option<Decimal>,
        amount: Decimal,
        paid: Decimal,
        on: NaiveDate,
        due: NaiveDate,
    },
    ReverseOpening {
        doc: Label,
        on: NaiveDate,
    },
    Refund {
        doc: Label,
        amount: Decimal,
    },
    Pay {
        doc: Label,
        on: NaiveDate,
    },
    Fail {
        doc: Label,
        on: NaiveDate,
    },
    GiveUp {
        doc: Label,
    },
    Look {
        view: View,
        day: NaiveDate,
    },
    /// Keeps what reports say of a day, to be asked again later.
    Remember {
        day: NaiveDate,
    },
}

impl Act {
    /// What it is called in counts.
    pub fn name(&self) -> String {
        let text = format!("{self:?}");
        let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        match self {
            Self::Bill { paper, draft, .. } => format!("{name} {paper:?}{}", if *draft { " draft" } else { "" }),
            Self::Look { view, .. } => format!("{name} {}", format!("{view:?}").split('(').next().unwrap_or_default()),
            _ => name.to_owned(),
        }
    }
    pub fn reads(&self) -> bool {
        matches!(self, Self::Look { .. } | Self::Remember { .. })
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// A small generator (splitmix64), so that a seed means the same script for ever.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }
    pub fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
    pub fn of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        if all.is_empty() { None } else { Some(all[self.roll(all.len())].clone()) }
    }
    fn between(&mut self, low: i64, high: i64) -> Decimal {
        Decimal::new(low + i64::try_from(self.roll(usize::try_from(high - low).unwrap() + 1)).unwrap(), 2)
    }
    pub fn day(&mut self) -> NaiveDate {
        day("2025-01-01") + Days::new(u64::try_from(self.roll(181)).unwrap())
    }
    /// Mostly on or after a day, within the half year.
    fn since(&mut self, from: NaiveDate) -> NaiveDate {
        if self.chance(8) { self.day() } else { (from + Days::new(u64::try_from(self.roll(40)).unwrap())).min(day("2025-06-30")) }
    }
    fn rate(&mut self) -> Decimal {
        Decimal::new(820_000 + i64::try_from(self.roll(40_000)).unwrap(), 4)
    }
    fn dollars(&mut self) -> Option<Decimal> {
        self.chance(30).then(|| self.rate())
    }
}

/// Rolls the next command for books as they stand: mostly what fits, now and then what does not.
pub fn next(dice: &mut Dice, model: &Model, label: Label) -> Command {
    let act = loop {
        if let Some(act) = (Chooser { dice, model }).act() {
            break act;
        }
    };
    let twists = [Twist::Forbidden, Twist::Unknown, Twist::Foreign, Twist::Stale, Twist::Again, Twist::Again, Twist::Otherwise];
    let twist = if act.reads() || !dice.chance(12) { None } else { dice.of(&twists) };
    Command { label, act, twist }
}

struct Chooser<'a> {
    dice: &'a mut Dice,
    model: &'a Model,
}

impl Chooser<'_> {
    /// Weights of reliability.md 18.1.
    fn act(&mut self) -> Option<Act> {
        match self.dice.roll(104) {
            0 => (self.model.customers.len() < 7).then_some(Act::Customer),
            1..=3 => self.change(),
            4..=17 => self.bill(Paper::Invoice, false),
            18..=21 => {
                let paper = self.dice.of(&[Paper::Invoice, Paper::Invoice, Paper::CreditNote, Paper::DebitNote])?;
                self.bill(paper, true)
            }
            22..=23 => {
                let net = self.dice.between(1_000, 90_000);
                Some(Act::Redraft { doc: self.draft()?, net })
            }
            24..=26 => Some(Act::Issue { doc: self.draft()? }),
            27 => Some(Act::Discard { doc: self.draft()? }),
            28..=31 => self.cancel(),
            32..=38 => self.bill(Paper::CreditNote, false),
            39..=41 => self.bill(Paper::DebitNote, false),
            42..=57 => self.receive(),
            58..=59 => self.identify(),
            60..=61 => self.deposit(),
            62..=64 => self.end_receipt(true),
            65..=67 => self.end_receipt(false),
            68..=75 => self.allocate(),
            76..=82 => self.take_back(),
            83..=85 => self.write_off(),
            86 => self.recover(),
            87 => {
                let (doc, on) = self.ended(Kind::WriteOff)?;
                Some(Act::ReverseWriteOff { doc, on })
            }
            88..=89 => self.adjust(),
            90 => {
                let (doc, on) = self.ended(Kind::Adjustment)?;
                Some(Act::ReverseAdjustment { doc, on })
            }
            91..=92 => self.open(),
            93 => {
                let (doc, on) = self.ended(Kind::Opening)?;
                Some(Act::ReverseOpening { doc, on })
            }
            94..=96 => self.refund(),
            97 => self.period(),
            98 => Some(Act::Remember { day: self.dice.day() }),
            _ => self.look(),
        }
    }

    fn docs(&self, wanted: impl Fn(&Doc) -> bool) -> Vec<usize> {
        (0..self.model.docs.len())
            .filter(|at| !matches!(self.model.docs[*at].kind, Kind::Grant(_)) && !self.model.docs[*at].discarded() && wanted(&self.model.docs[*at]))
            .collect()
    }
    fn label(&self, doc: usize) -> Label {
        self.model.docs[doc].made_by
    }
    fn customer(&mut self) -> usize {
        self.dice.roll(self.model.customers.len())
    }
    fn of_customer(&self, owner: usize) -> Label {
        self.model.customers[owner].made_by
    }

    fn change(&mut self) -> Option<Act> {
        let (at, switch) = (self.customer(), self.dice.chance(50));
        // Off for a while; the first three mostly trade.
        let active = switch.then(|| !self.model.customers[at].active || at < 3 && self.dice.chance(50));
        Some(Act::Change { customer: self.of_customer(at), active })
    }
    fn period(&mut self) -> Option<Act> {
        let closed: Vec<NaiveDate> = self.model.closed.iter().copied().collect();
        let any = self.dice.of(&["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01", "2025-05-01"].map(day))?;
        if self.dice.chance(15) {
            return Some(if self.dice.chance(50) { Act::Close { month: any } } else { Act::Reopen { month: any } });
        }
        match self.dice.of(&closed) {
            Some(month) => Some(Act::Reopen { month }),
            None => Some(Act::Close { month: any }),
        }
    }
    fn draft(&mut self) -> Option<Label> {
        let drafts = self.docs(|doc| doc.state == State::Draft);
        let any = self.docs(Doc::billed);
        let from = if self.dice.chance(6) { &any } else { &drafts };
        let doc = self.dice.of(from)?;
        Some(self.label(doc))
    }

    fn bill(&mut self, paper: Paper, draft: bool) -> Option<Act> {
        let apply = self.dice.chance(70);
        if paper == Paper::Invoice {
            let (owner, dollars, date) = (self.customer(), self.dice.dollars(), self.dice.day());
            let net = if dollars.is_some() { self.dice.between(100, 4_000) } else { self.dice.between(5_000, 200_000) };
            let tax = self.dice.of(&[dec!(0), dec!(18), dec!(5)])?;
            let terms = self.dice.of(&[Terms::Due(date + Days::new(20)), Terms::Halves, Terms::Early])?;
            return Some(Act::Bill { paper, customer: self.of_customer(owner), original: None, date, net, tax, dollars, terms, apply, draft });
        }
        let invoices = self.docs(|doc| doc.kind == Kind::Invoice);
        let original = if self.dice.chance(75) { self.dice.of(&invoices) } else { None };
        let of = original.map(|at| &self.model.docs[at]);
        let owner = of.map_or_else(|| self.customer(), |doc| doc.owner);
        let date = match of {
            Some(doc) => self.dice.since(doc.date),
            None => self.dice.day(),
        };
        let tax = of.map_or(dec!(0), |doc| doc.tax);
        let net = match of {
            Some(doc) => money(doc.total * self.dice.between(1, 70) + dec!(0.01)),
            None => self.dice.between(1_000, 90_000),
        };
        // A note that changes tax is at the rate of its invoice; one that moves money only may be at another.
        let dollars = match of.filter(|doc| doc.dollars) {
            Some(doc) if tax.is_zero() && self.dice.chance(50) => Some(self.dice.rate()).filter(|rate| *rate != doc.rate),
            Some(doc) => Some(doc.rate),
            None => None,
        };
        let terms = Terms::Due(date + Days::new(15));
        Some(Act::Bill { paper, customer: self.of_customer(owner), original: original.map(|at| self.label(at)), date, net, tax, dollars, terms, apply, draft })
    }
    fn cancel(&mut self) -> Option<Act> {
        let all = self.docs(Doc::billed);
        let notes: Vec<usize> =
            all.iter().copied().filter(|doc| self.model.docs[*doc].kind != Kind::Invoice && self.model.docs[*doc].state == State::Standing).collect();
        let from = if self.dice.chance(30) { &all } else { &notes };
        let doc = self.dice.of(from)?;
        Some(Act::Cancel { doc: self.label(doc), on: self.dice.since(self.model.docs[doc].date) })
    }

    fn is_target(doc: &Doc) -> bool {
        matches!(doc.kind, Kind::Invoice | Kind::DebitNote | Kind::Opening | Kind::Adjustment)
    }
    /// Documents that could be settled with money of a customer, mostly those that fit.
    fn parts(&mut self, owner: usize, dollars: bool, have: Decimal) -> Vec<Part> {
        let debit = |doc: usize| self.model.items_of(doc).iter().any(|item| !self.model.items[*item].credit);
        let fits = self.docs(|doc| Self::is_target(doc) && doc.dollars == dollars && (doc.owner == owner || (owner == 0 && doc.owner == 1)));
        let open: Vec<usize> = fits.iter().copied().filter(|doc| debit(*doc) && self.model.open_of(*doc) > Decimal::ZERO).collect();
        let any = self.docs(|doc| matches!(doc.kind, Kind::Invoice | Kind::DebitNote));
        let (mut parts, mut left): (Vec<Part>, _) = (Vec::new(), have);
        for _ in 0..=self.dice.roll(3) {
            let from = if self.dice.chance(4) { &any } else { &open };
            let Some(doc) = self.dice.of(from) else { continue };
            let label = self.label(doc);
            if parts.iter().any(|part| part.doc == label) && self.dice.chance(70) || left <= Decimal::ZERO {
                continue;
            }
            let due = self.model.open_of(doc);
            let amount = match self.dice.roll(8) {
                0..=2 => due,
                3 => due * dec!(0.98),
                4 => due + dec!(3),
                5 => due - dec!(2.50),
                _ => due / dec!(3),
            };
            let amount = money(if self.dice.chance(92) { amount.min(left) } else { amount }).max(dec!(0.01));
            left -= amount;
            parts.push(Part { doc: label, amount, late: self.dice.of(&[None, None, Some(true), Some(false)]).flatten() });
        }
        parts
    }
    fn plan(&mut self, owner: usize, dollars: bool, have: Decimal) -> Plan {
        match self.dice.roll(3) {
            0 => Plan::Nothing,
            1 => Plan::OldestFirst,
            _ => Plan::To(self.parts(owner, dollars, have)),
        }
    }

    fn receive(&mut self) -> Option<Act> {
        // The first one pays for the second and is here most often.
        let owner = if self.dice.chance(40) { 0 } else { self.customer() };
        let (dollars, date, cheque) = (self.dice.dollars(), self.dice.day(), self.dice.chance(50));
        let cash = if dollars.is_some() { self.dice.between(100, 6_000) } else { self.dice.between(1_000, 250_000) };
        let mode = self.dice.roll(8);
        let known = mode != 0;
        let deducts = dollars.is_none() && known && self.dice.chance(35);
        let tds = deducts.then(|| money(cash * dec!(0.1)));
        let charge = (deducts && self.dice.chance(30)).then(|| dec!(12.50));
        let plan = match mode {
            0 | 1 => Plan::Nothing,
            2..=4 => Plan::OldestFirst,
            _ => Plan::To(self.parts(owner, dollars.is_some(), cash)),
        };
        // All of the money is placed by instruction now and then, so that the deduction follows.
        let cash = match &plan {
            Plan::To(parts) if !parts.is_empty() && self.dice.chance(50) => parts.iter().map(|part| part.amount).sum(),
            _ => cash,
        };
        let as_rupees = dollars.is_some() && known && self.dice.chance(30);
        let held = (cheque && known && self.dice.chance(25)).then(|| date + Days::new(10));
        let customer = known.then(|| self.of_customer(owner));
        let taxed = known && self.dice.chance(35);
        Some(Act::Receive { customer, date, cash, dollars, as_rupees, tds, charge, cheque, held, taxed, plan })
    }
    fn identify(&mut self) -> Option<Act> {
        let receipts = self.docs(|doc| doc.state == State::Unidentified);
        let doc = self.dice.of(&receipts)?;
        let of = &self.model.docs[doc];
        let (owner, on) = (self.customer(), self.dice.since(of.date));
        let taxed = self.dice.chance(35);
        Some(Act::Identify { doc: self.label(doc), customer: self.of_customer(owner), on, taxed, plan: self.plan(owner, of.dollars, of.total) })
    }
    fn deposit(&mut self) -> Option<Act> {
        let held = self.docs(|doc| doc.state == State::Held);
        let doc = self.dice.of(&held)?;
        let of = &self.model.docs[doc];
        let on = self.dice.since(of.waiting.as_ref().expect("what waits").on);
        Some(Act::Deposit { doc: self.label(doc), on, parts: self.parts(of.owner, of.dollars, of.total) })
    }
    fn end_receipt(&mut self, bounce: bool) -> Option<Act> {
        let receipts = self.docs(|doc| doc.kind == Kind::Receipt && (!bounce || doc.cheque));
        let standing: Vec<usize> = receipts.iter().copied().filter(|doc| self.model.docs[*doc].state != State::Ended).collect();
        let from = if self.dice.chance(6) { &receipts } else { &standing };
        let at = self.dice.of(from)?;
        let of = &self.model.docs[at];
        let (doc, on) = (self.label(at), self.dice.since(of.date));
        if !bounce {
            return Some(Act::Reverse { doc, on });
        }
        let fee = (of.state == State::Standing && self.dice.chance(60)).then(|| dec!(250.00));
        Some(Act::Bounce { doc, on, fee })
    }
    fn allocate(&mut self) -> Option<Act> {
        let credits = self.docs(|doc| matches!(doc.kind, Kind::Receipt | Kind::CreditNote));
        let useful: Vec<usize> = self.credits(&[Kind::Receipt, Kind::CreditNote, Kind::Opening, Kind::Adjustment]);
        let from = if self.dice.chance(6) { &credits } else { &useful };
        let source = self.dice.of(from)?;
        let of = &self.model.docs[source];
        let parts = self.parts(of.owner, of.dollars, self.model.open_of(source).max(dec!(1)));
        (!parts.is_empty()).then(|| Act::Allocate { source: self.label(source), on: self.dice.day(), parts })
    }
    /// Documents of these kinds with open credit.
    fn credits(&self, kinds: &[Kind]) -> Vec<usize> {
        let credit = |doc: usize| self.model.items_of(doc).iter().any(|item| self.model.items[*item].credit);
        let all = self.docs(|doc| kinds.contains(&doc.kind));
        all.into_iter().filter(|doc| credit(*doc) && self.model.open_of(*doc) > Decimal::ZERO).collect()
    }
    fn take_back(&mut self) -> Option<Act> {
        let all: Vec<usize> = (0..self.model.moves.len()).filter(|at| !self.model.moves[*at].id.is_empty()).collect();
        let standing: Vec<usize> = self.model.in_force().into_iter().filter(|at| self.model.moves[*at].kind != "reversal").collect();
        let from = if self.dice.chance(8) { &all } else { &standing };
        let at = self.dice.of(from)?;
        let m = &self.model.moves[at];
        let nth = self.model.moves[..at].iter().filter(|other| other.made_by == m.made_by).count();
        Some(Act::TakeBack { made_by: m.made_by, nth, on: self.dice.since(m.on) })
    }

    fn write_off(&mut self) -> Option<Act> {
        let debit = |doc: usize| self.model.items_of(doc).iter().any(|item| !self.model.items[*item].credit);
        let all = self.docs(|doc| matches!(doc.kind, Kind::Invoice | Kind::DebitNote | Kind::Opening));
        let open: Vec<usize> = all.into_iter().filter(|doc| debit(*doc) && self.model.open_of(*doc) > Decimal::ZERO).collect();
        let first = self.dice.of(&open)?;
        let of = &self.model.docs[first];
        let same: Vec<usize> = open
            .into_iter()
            .filter(|doc| *doc != first && self.model.docs[*doc].owner == of.owner && (self.model.docs[*doc].dollars == of.dollars || *doc % 7 == 0))
            .collect();
        let mut parts = Vec::new();
        for doc in [Some(first), self.dice.of(&same).filter(|_| self.dice.chance(50))].into_iter().flatten() {
            let open = self.model.open_of(doc);
            let amount = match self.dice.roll(12) {
                0..=6 => open,
                7 => open + dec!(1),
                _ => money(open / dec!(2)).max(dec!(0.01)),
            };
            parts.push(Part { doc: self.label(doc), amount, late: None });
        }
        Some(Act::WriteOff { parts, on: self.dice.since(of.date) })
    }
    fn recover(&mut self) -> Option<Act> {
        let given_up = self.docs(|doc| doc.kind == Kind::WriteOff && doc.state == State::Standing);
        let doc = self.dice.of(&given_up)?;
        let of = &self.model.docs[doc];
        let money = self.docs(|other| other.kind == Kind::Receipt && other.state == State::Standing && other.owner == of.owner && other.dollars == of.dollars);
        let receipt = self.dice.of(&money)?;
        let left = self.model.given_up(doc);
        let amount = match self.dice.roll(8) {
            0 => left + dec!(0.01),
            1..=3 => left,
            _ => left.min(self.model.open_of(receipt)),
        };
        Some(Act::Recover { doc: self.label(doc), receipt: self.label(receipt), amount: amount.max(dec!(0.01)), on: self.dice.since(of.date) })
    }
    /// One of a kind that mostly still stands, and a day to end it.
    fn ended(&mut self, kind: Kind) -> Option<(Label, NaiveDate)> {
        let all = self.docs(|doc| doc.kind == kind);
        let standing: Vec<usize> = all.iter().copied().filter(|doc| self.model.docs[*doc].state == State::Standing).collect();
        let from = if self.dice.chance(15) { &all } else { &standing };
        let doc = self.dice.of(from)?;
        Some((self.label(doc), self.dice.since(self.model.docs[doc].date)))
    }

    fn adjust(&mut self) -> Option<Act> {
        let all = self.docs(|doc| matches!(doc.kind, Kind::Invoice | Kind::DebitNote | Kind::CreditNote | Kind::Receipt | Kind::Opening | Kind::Adjustment));
        let open: Vec<usize> = all.iter().copied().filter(|doc| self.model.open_of(*doc) > Decimal::ZERO).collect();
        let from = if self.dice.chance(10) { &all } else { &open };
        let doc = self.dice.of(from)?;
        let of = &self.model.docs[doc];
        let size = match self.dice.roll(6) {
            0 => self.model.open_of(doc),
            1 => self.model.open_of(doc) + dec!(0.01),
            _ => self.dice.between(1, 3_000),
        };
        let amount = if self.dice.chance(50) { size } else { -size };
        (!amount.is_zero()).then(|| Act::Adjust { doc: self.label(doc), amount, on: self.dice.since(of.posted) })
    }
    fn open(&mut self) -> Option<Act> {
        let (owner, on) = (self.customer(), self.dice.day());
        let dollars = self.dice.chance(20).then(|| self.dice.rate());
        let (amount, due) = (self.dice.between(200, 60_000), on - Days::new(u64::try_from(self.dice.roll(200)).unwrap()));
        let paid = if self.dice.chance(30) { money(amount / dec!(3)) } else { Decimal::ZERO };
        Some(Act::Open { customer: self.of_customer(owner), credit: self.dice.chance(30), dollars, amount, paid, on, due })
    }
    fn refund(&mut self) -> Option<Act> {
        let promised = self.docs(|doc| doc.kind == Kind::Refund && doc.state == State::Promised);
        let refunds = self.docs(|doc| doc.kind == Kind::Refund);
        match self.dice.roll(7) {
            0..=2 => {
                let credits = self.credits(&[Kind::Receipt, Kind::CreditNote]);
                let doc = self.dice.of(&credits)?;
                let open = self.model.open_of(doc);
                let amount = self.dice.of(&[open, money(open / dec!(2)), open + dec!(0.01)])?.max(dec!(0.01));
                Some(Act::Refund { doc: self.label(doc), amount })
            }
            3..=4 => {
                let doc = self.dice.of(&promised)?;
                let source = self.model.docs[doc].original.expect("a source");
                let on = self.dice.since(self.model.docs[source].posted);
                Some(Act::Pay { doc: self.label(doc), on })
            }
            5 => {
                let (doc, on) = self.ended(Kind::Refund)?;
                Some(Act::Fail { doc, on })
            }
            _ => {
                let from = if self.dice.chance(15) { &refunds } else { &promised };
                let doc = self.dice.of(from)?;
                Some(Act::GiveUp { doc: self.label(doc) })
            }
        }
    }
    fn look(&mut self) -> Option<Act> {
        let day = if self.dice.chance(70) { self.dice.day() } else { day("2025-06-30") + Days::new(u64::try_from(self.dice.roll(120)).unwrap()) };
        let all = self.docs(|_| true);
        let view = match self.dice.roll(6) {
            0 => View::Books,
            1 => View::Aging,
            2 => View::Customers,
            3 => {
                let owner = self.customer();
                View::Customer(self.of_customer(owner))
            }
            _ => {
                let doc = self.dice.of(&all)?;
                View::Document(self.label(doc))
            }
        };
        Some(Act::Look { view, day })
    }
}
