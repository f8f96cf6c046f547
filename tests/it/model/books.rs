//! A naive model of receivables: documents, their items and settlements kept as plain lists, every balance summed
//! from the beginning each time. Written from the design, without caches, without SQL and without a clock.

use super::Label;
use chrono::{Datelike, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy, dec};
use std::collections::{BTreeMap, BTreeSet};

pub type Code = (u16, &'static str);

/// Half-up to the paisa or cent.
pub fn money(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Agreed {
    pub discount: Decimal,
    pub until: Option<NaiveDate>,
    pub grace: Option<NaiveDate>,
    pub tolerance: Decimal,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub doc: usize,
    pub owner: usize,
    pub credit: bool,
    pub dollars: bool,
    pub amount: Decimal,
    pub base: Decimal,
    pub posted: NaiveDate,
    pub due: NaiveDate,
    pub agreed: Agreed,
}

#[derive(Debug, Clone)]
pub struct Move {
    pub made_by: Label,
    /// As the service names it, once it is known.
    pub id: String,
    pub credit: usize,
    pub debit: usize,
    pub kind: &'static str,
    pub amount: Decimal,
    pub credit_base: Decimal,
    pub debit_base: Decimal,
    pub on: NaiveDate,
    pub reverses: Option<usize>,
    pub because_of: Option<usize>,
}

/// What is posted for a document: rows of account, base amount (debit positive), and the items it opens.
#[derive(Debug, Clone)]
pub struct Entry {
    pub on: NaiveDate,
    pub rows: Vec<(&'static str, Decimal)>,
    pub items: Vec<usize>,
    pub taken_back: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Invoice,
    CreditNote,
    DebitNote,
    Receipt,
    /// Taken over from older books.
    Opening,
    Adjustment,
    Refund,
    WriteOff,
    /// Money for what was written off.
    Recovery,
    /// Granted with a payment: a discount, a tolerance.
    Grant(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Standing,
    /// A cheque of a later date, outside the books.
    Held,
    Unidentified,
    Draft,
    /// A refund that is approved and not paid yet.
    Promised,
    Ended,
}

#[derive(Debug, Clone)]
pub struct Doc {
    pub made_by: Label,
    pub id: String,
    pub number: String,
    pub kind: Kind,
    pub state: State,
    pub owner: usize,
    pub dollars: bool,
    pub rate: Decimal,
    pub date: NaiveDate,
    /// In the books from this day.
    pub posted: NaiveDate,
    pub total: Decimal,
    /// Per cent of tax on its only line.
    pub tax: Decimal,
    pub original: Option<usize>,
    pub cheque: bool,
    /// Deducted from a receipt, by kind as settlements name it.
    pub deducted: Vec<(&'static str, Decimal)>,
    pub entries: Vec<Entry>,
    /// Rows that mirror its entries.
    pub mirrors: Vec<Entry>,
    /// An advance for services that bears 18 per cent within the State.
    pub taxed: bool,
    /// Its item, the settlements there were when it came on account, and the day.
    pub advance: Option<(usize, usize, NaiveDate)>,
    /// What the deposit of a held cheque will book; its day is that of the cheque.
    pub waiting: Option<Entry>,
    /// What a draft will be issued as.
    pub draft: Option<Billing>,
}

impl Doc {
    /// A document of which nothing is known yet but what it is and whose.
    fn bare(made_by: Label, kind: Kind, owner: usize, dollars: bool, date: NaiveDate, total: Decimal) -> Self {
        Self {
            made_by,
            id: String::new(),
            number: String::new(),
            kind,
            state: State::Standing,
            owner,
            dollars,
            rate: Decimal::ONE,
            date,
            posted: date,
            total,
            tax: Decimal::ZERO,
            original: None,
            cheque: false,
            deducted: Vec::new(),
            entries: Vec::new(),
            mirrors: Vec::new(),
            taxed: false,
            advance: None,
            waiting: None,
            draft: None,
        }
    }
    /// A draft that was thrown away: there is nothing to ask about.
    pub fn discarded(&self) -> bool {
        self.billed() && self.state == State::Ended && self.entries.is_empty()
    }
    pub fn billed(&self) -> bool {
        matches!(self.kind, Kind::Invoice | Kind::CreditNote | Kind::DebitNote)
    }
}

#[derive(Debug, Clone)]
pub struct Customer {
    pub made_by: Label,
    pub id: String,
    pub name: String,
    pub active: bool,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub struct Target {
    pub doc: usize,
    pub amount: Decimal,
    pub late: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub accept_late: bool,
    pub partial: bool,
    pub tolerance_percent: Decimal,
    pub tolerance_amount: Decimal,
    pub grace_days: u64,
}

#[derive(Debug, Clone)]
pub struct Model {
    /// The command that is being carried out.
    pub now: Label,
    pub policy: Policy,
    pub customers: Vec<Customer>,
    /// First days of the months that take nothing.
    pub closed: BTreeSet<NaiveDate>,
    pub docs: Vec<Doc>,
    pub items: Vec<Item>,
    pub moves: Vec<Move>,
    /// Who pays for whom, between two days.
    pub payers: Vec<(usize, usize, NaiveDate, NaiveDate)>,
}

#[derive(Debug, Clone)]
pub struct Billing {
    pub kind: Kind,
    pub owner: usize,
    pub dollars: bool,
    pub rate: Decimal,
    pub date: NaiveDate,
    pub net: Decimal,
    pub tax: Decimal,
    pub original: Option<usize>,
    /// Share in per cent and due date; the last takes the rest.
    pub instalments: Vec<(Decimal, NaiveDate)>,
    /// Per cent and days.
    pub discount: Option<(Decimal, u64)>,
    /// A credit note settles its invoice.
    pub apply: bool,
    /// Follows from another act, whoever is billed.
    pub by_right: bool,
}

pub struct Money {
    pub owner: Option<usize>,
    pub dollars: bool,
    pub rate: Decimal,
    pub date: NaiveDate,
    pub cash: Decimal,
    pub deducted: Vec<(&'static str, Decimal)>,
    pub cheque: bool,
    /// Rupees that settle so many dollars: the money is `cash` dollars then, worth this.
    pub worth: Option<Decimal>,
    /// The day of a cheque that is held until then.
    pub held: Option<NaiveDate>,
    /// An advance for services.
    pub taxed: bool,
}

pub enum Placing {
    Nothing,
    Instructed(Vec<Target>),
    OldestFirst,
}

impl Model {
    // ------------------------------------------------------------------------------- balances

    fn counts(&self, item: usize, counted: impl Fn(&Move) -> bool) -> (Decimal, Decimal) {
        let mut left = (self.items[item].amount, self.items[item].base);
        for m in self.moves.iter().filter(|m| counted(m)) {
            if m.credit == item {
                left = (left.0 - m.amount, left.1 - m.credit_base);
            }
            if m.debit == item {
                left = (left.0 - m.amount, left.1 - m.debit_base);
            }
        }
        left
    }
    /// What is open of an item after all that happened, in its currency and in base.
    pub fn left(&self, item: usize) -> (Decimal, Decimal) {
        self.counts(item, |_| true)
    }
    /// What is open of an item at the end of a day.
    pub fn left_on(&self, item: usize, day: NaiveDate) -> (Decimal, Decimal) {
        if self.items[item].posted > day { (Decimal::ZERO, Decimal::ZERO) } else { self.counts(item, |m| m.on <= day) }
    }
    pub fn items_of(&self, doc: usize) -> Vec<usize> {
        self.docs[doc].entries.iter().flat_map(|entry| entry.items.clone()).collect()
    }
    pub fn open_of(&self, doc: usize) -> Decimal {
        self.items_of(doc).iter().map(|item| self.left(*item).0).sum()
    }
    pub fn reversed(&self, at: usize) -> bool {
        self.moves.iter().any(|m| m.reverses == Some(at))
    }
    /// In force: neither a reversal nor reversed.
    pub fn in_force(&self) -> Vec<usize> {
        (0..self.moves.len()).filter(|at| self.moves[*at].reverses.is_none() && !self.reversed(*at)).collect()
    }
    /// Debit less credit of every account at the end of a day.
    pub fn trial(&self, day: NaiveDate) -> BTreeMap<&'static str, Decimal> {
        let mut accounts: BTreeMap<&'static str, Decimal> = BTreeMap::new();
        let mut book = |account: &'static str, amount: Decimal| *accounts.entry(account).or_default() += amount;
        for entry in self.docs.iter().flat_map(|doc| doc.entries.iter().chain(&doc.mirrors)).filter(|entry| entry.on <= day) {
            entry.rows.iter().for_each(|(account, amount)| book(account, *amount));
        }
        for m in self.moves.iter().filter(|m| m.on <= day) {
            // The payer's credit is used up and the other's debit is gone; the difference is an exchange gain or loss.
            let gain = m.credit_base - m.debit_base;
            let was_gain = m.credit_base.abs() > m.debit_base.abs();
            book("1100", gain);
            book(if was_gain { "4800" } else { "5400" }, -gain);
        }
        for (_, half, kept) in self.tax_on_advances().into_iter().filter(|(on, ..)| *on <= day) {
            book("1220", half + half);
            if kept {
                book("5900", -half - half);
            } else {
                book("2100", -half);
                book("2110", -half);
            }
        }
        accounts.retain(|_, amount| !amount.is_zero());
        accounts
    }
    /// Half of the tax that comes to be held on advances, or negative goes, with its day, and whether the money was kept
    /// without an invoice. Held is what an invoice over the money left would bear, its tax included.
    fn tax_on_advances(&self) -> Vec<(NaiveDate, Decimal, bool)> {
        let half = |money_left: Decimal| money(money_left * dec!(9) / dec!(118));
        let mut changes = Vec::new();
        for (item, from, on) in self.docs.iter().filter_map(|doc| doc.advance) {
            let mut left = self.items[item].base - self.moves[..from].iter().filter(|m| m.credit == item).map(|m| m.credit_base).sum::<Decimal>();
            changes.push((on, half(left), false));
            for m in self.moves[from..].iter().filter(|m| m.credit == item) {
                changes.push((m.on, half(left - m.credit_base) - half(left), matches!(m.kind, "adjustment" | "round_off")));
                left -= m.credit_base;
            }
        }
        changes
    }
    /// What a customer owes in base by the entries of the ledger.
    pub fn owed(&self, customer: usize, day: NaiveDate) -> Decimal {
        let items = self.items.iter().filter(|i| i.owner == customer && i.posted <= day).map(|i| if i.credit { -i.base } else { i.base });
        let moves = self.moves.iter().filter(|m| m.on <= day).map(|m| {
            let paid = if self.items[m.credit].owner == customer { m.credit_base } else { Decimal::ZERO };
            paid - if self.items[m.debit].owner == customer { m.debit_base } else { Decimal::ZERO }
        });
        items.chain(moves).sum()
    }

    /// How much is dated into closed months: entries, items and settlements.
    pub fn dated_into_closed(&self) -> usize {
        let entries = self.docs.iter().flat_map(|doc| doc.entries.iter().chain(&doc.mirrors)).map(|entry| entry.on);
        let days = entries.chain(self.items.iter().map(|item| item.posted)).chain(self.moves.iter().map(|m| m.on));
        days.filter(|day| self.closed.contains(&day.with_day(1).expect("a first day"))).count()
    }

    // ------------------------------------------------------------------------------- settling

    /// The first day an item can be settled on: its own, or that of the last reversal on it.
    fn from(&self, item: usize) -> NaiveDate {
        let back = self.moves.iter().filter(|m| m.amount < Decimal::ZERO && (m.credit == item || m.debit == item)).map(|m| m.on);
        back.fold(self.items[item].posted, NaiveDate::max)
    }
    /// Base amount of a part, pro rata; the whole takes what is left, a part never does.
    fn share(left: (Decimal, Decimal), part: Decimal) -> Option<Decimal> {
        if part == left.0 {
            return Some(left.1);
        }
        let most = left.1 - dec!(0.01);
        (part < left.0 && most >= dec!(0.01)).then(|| money(left.1 * part / left.0).clamp(dec!(0.01), most))
    }
    fn settle(&mut self, credit: usize, debit: usize, kind: &'static str, amount: Decimal, on: NaiveDate) -> Option<usize> {
        let credit_base = Self::share(self.left(credit), amount)?;
        let debit_base = Self::share(self.left(debit), amount)?;
        self.moves.push(Move {
            made_by: self.now,
            id: String::new(),
            credit,
            debit,
            kind,
            amount,
            credit_base,
            debit_base,
            on,
            reverses: None,
            because_of: None,
        });
        Some(self.moves.len() - 1)
    }
    /// Open debits, oldest due first.
    fn sorted(&self, mut items: Vec<usize>) -> Vec<usize> {
        items.sort_by_key(|at| (self.items[*at].due, self.docs[self.items[*at].doc].number.clone(), *at));
        items
    }
    /// Runs money of some kinds into items, in their order; gives the last settlement.
    fn pour(&mut self, credit: usize, purses: &mut [(&'static str, Decimal)], items: &[usize], amount: Decimal, on: NaiveDate) -> (Decimal, Option<usize>) {
        let (mut rest, mut last) = (amount, None);
        for item in items.iter().copied() {
            for purse in &mut *purses {
                let part = rest.min(purse.1).min(self.left(item).0);
                let day = on.max(self.from(item)).max(self.from(credit));
                if part > Decimal::ZERO
                    && let Some(made) = self.settle(credit, item, purse.0, part, day)
                {
                    rest -= part;
                    purse.1 -= part;
                    last = Some(made);
                }
            }
        }
        (rest, last)
    }
    /// A grant: a small document that settles what it is granted on.
    fn grant(&mut self, cause: usize, item: usize, kind: &'static str, amount: Decimal) {
        let Some(base) = Self::share(self.left(item), amount) else { return };
        let (of, on) = (self.items[item].clone(), self.moves[cause].on);
        let (account, name) = if kind == "discount" { ("5200", "discount") } else { ("5210", "round_off") };
        let doc = self.docs.len();
        let made = self.items.len();
        let sign = if of.credit { -Decimal::ONE } else { Decimal::ONE };
        self.items.push(Item { doc, owner: of.owner, credit: !of.credit, dollars: of.dollars, amount, base, posted: on, due: on, agreed: Agreed::default() });
        let entry = Entry { on, rows: vec![(account, sign * base), ("1100", -sign * base)], items: vec![made], taken_back: false };
        self.docs.push(Doc { entries: vec![entry], ..Doc::bare(self.now, Kind::Grant(kind), of.owner, of.dollars, on, amount) });
        let (credit, debit) = if of.credit { (item, made) } else { (made, item) };
        self.moves.push(Move {
            made_by: self.now,
            id: String::new(),
            credit,
            debit,
            kind: name,
            amount,
            credit_base: base,
            debit_base: base,
            on,
            reverses: None,
            because_of: Some(cause),
        });
    }
    fn pays_for(&self, payer: usize, owner: usize, on: NaiveDate) -> bool {
        payer == owner || self.payers.iter().any(|(p, o, from, to)| *p == payer && *o == owner && *from <= on && on <= *to)
    }
    /// The discount of an item that was not granted yet.
    fn discount_left(&self, item: usize) -> Decimal {
        let granted: Decimal = self.moves.iter().filter(|m| m.debit == item && m.kind == "discount").map(|m| m.amount).sum();
        (self.items[item].agreed.discount - granted).max(Decimal::ZERO)
    }
    /// Whether money of a payer may settle what is named, however much that is.
    fn fits(&self, payer: usize, dollars: bool, targets: &[Target], on: NaiveDate) -> Result<(), Code> {
        for doc in targets.iter().map(|target| &self.docs[target.doc]) {
            if doc.state == State::Draft {
                return Err((409, "invalid_state"));
            }
            if !self.pays_for(payer, doc.owner, on) {
                return Err((422, "customer_mismatch"));
            }
            if doc.dollars != dollars {
                return Err((422, "currency_mismatch"));
            }
        }
        Ok(())
    }
    /// Settles what the payer names, by the table of domain.md 3.3.
    fn instructed(
        &mut self,
        credit: usize,
        purses: &mut [(&'static str, Decimal)],
        targets: &[Target],
        on: NaiveDate,
        value: Option<NaiveDate>,
    ) -> Result<(), Code> {
        self.fits(self.items[credit].owner, self.items[credit].dollars, targets, on)?;
        for target in targets {
            let items = self.sorted(self.items_of(target.doc).into_iter().filter(|item| !self.items[*item].credit).collect());
            let open: Vec<usize> = items.into_iter().filter(|item| self.left(*item).0 > Decimal::ZERO).collect();
            let sum: Decimal = open.iter().map(|item| self.left(*item).0).sum();
            let tolerance = open.last().filter(|_| value.is_some()).map_or(Decimal::ZERO, |item| self.items[*item].agreed.tolerance);
            let have: Decimal = purses.iter().map(|p| p.1).sum();
            if target.amount > sum + tolerance || target.amount > have {
                return Err((422, "over_allocation"));
            }
            let agreed = open.iter().any(|item| self.items[*item].agreed != Agreed::default());
            let Some(value) = value.filter(|_| agreed) else {
                if !self.pour(credit, purses, &open, target.amount, on).0.is_zero() {
                    return Err((422, "over_allocation"));
                }
                continue;
            };
            let mut rest = target.amount;
            for (at, item) in open.iter().copied().enumerate() {
                if rest.is_zero() {
                    break;
                }
                let (left, terms) = (self.left(item).0, self.items[item].agreed);
                let until = if target.late.unwrap_or(self.policy.accept_late) { terms.grace } else { terms.until };
                let in_time = until.is_some_and(|until| value <= until);
                // A discount is part of a payment: what is no more than the discount is paid whole.
                let discount = if in_time { Some(self.discount_left(item)).filter(|d| *d < left).unwrap_or_default() } else { Decimal::ZERO };
                let tolerance = if at + 1 == open.len() { terms.tolerance } else { Decimal::ZERO };
                let due = left - discount;
                let (mut pay, mut granted, mut lost, mut kept) = (rest, Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
                if rest >= due {
                    pay = due;
                    granted = discount;
                    kept = if rest - due <= tolerance { rest - due } else { Decimal::ZERO };
                } else if due - rest <= tolerance {
                    granted = discount;
                    lost = due - rest;
                } else if self.policy.partial && discount > Decimal::ZERO {
                    granted = money(rest * terms.discount / (self.items[item].amount - terms.discount)).min(discount);
                }
                rest -= pay;
                let (unplaced, cause) = self.pour(credit, purses, &[item], pay, on);
                let Some(cause) = cause.filter(|_| unplaced.is_zero()) else { continue };
                for (amount, kind) in [(granted, "discount"), (lost, "tolerance")] {
                    if amount > Decimal::ZERO {
                        self.grant(cause, item, kind, amount);
                    }
                }
                if kept > Decimal::ZERO
                    && let Some(purse) = purses.iter_mut().find(|p| p.1 >= kept)
                {
                    purse.1 -= kept;
                    self.grant(cause, credit, "tolerance", kept);
                }
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------------------------ documents

    /// What is billed in all, and half of its tax.
    fn priced(new: &Billing) -> (Decimal, Decimal) {
        let half = money(new.net * new.tax / dec!(200));
        (new.net + half + half, half)
    }
    /// Whether so much may be billed now.
    fn billable(&self, new: &Billing) -> Result<(), Code> {
        if !self.customers[new.owner].active && new.kind != Kind::CreditNote && !new.by_right {
            return Err((422, "customer_inactive"));
        }
        let Some(original) = new.original else { return Ok(()) };
        if self.docs[original].state != State::Standing {
            return Err((409, "invalid_state"));
        }
        if new.date < self.docs[original].date {
            return Err((422, "validation_failed"));
        }
        let of_it = |d: &&Doc| d.kind == Kind::CreditNote && d.original == Some(original) && d.state == State::Standing;
        let noted: Decimal = self.docs.iter().filter(of_it).map(|d| d.total).sum();
        if new.kind == Kind::CreditNote && noted + Self::priced(new).0 > self.docs[original].total {
            return Err((422, "credit_exceeds_original"));
        }
        Ok(())
    }
    /// A draft of an invoice or note of one line.
    pub fn draft(&mut self, new: &Billing) -> Result<usize, Code> {
        self.billable(new)?;
        self.docs.push(Self::drafted(self.now, new));
        Ok(self.docs.len() - 1)
    }
    fn drafted(made_by: Label, new: &Billing) -> Doc {
        Doc {
            state: State::Draft,
            rate: new.rate,
            tax: new.tax,
            original: new.original,
            draft: Some(new.clone()),
            ..Doc::bare(made_by, new.kind, new.owner, new.dollars, new.date, Self::priced(new).0)
        }
    }
    fn a_draft(&self, doc: usize) -> Result<Billing, Code> {
        self.docs[doc].draft.clone().filter(|_| self.docs[doc].state == State::Draft).ok_or((409, "invalid_state"))
    }
    /// Another amount for a draft.
    pub fn redraft(&mut self, doc: usize, net: Decimal) -> Result<(), Code> {
        let new = Billing { net, ..self.a_draft(doc)? };
        self.billable(&new)?;
        self.docs[doc] = Doc { id: self.docs[doc].id.clone(), ..Self::drafted(self.docs[doc].made_by, &new) };
        Ok(())
    }
    pub fn discard(&mut self, doc: usize) -> Result<(), Code> {
        self.a_draft(doc)?;
        self.docs[doc].state = State::Ended;
        self.docs[doc].draft = None;
        Ok(())
    }
    /// A draft is issued.
    pub fn issue(&mut self, doc: usize) -> Result<(), Code> {
        let new = self.a_draft(doc)?;
        self.billable(&new)?;
        let credits = new.kind == Kind::CreditNote;
        let (total, half) = Self::priced(&new);
        let base = |amount: Decimal| money(amount * new.rate);
        let (whole, tax) = (base(total), base(half));
        let sign = if credits { -Decimal::ONE } else { Decimal::ONE };
        let income = if credits { "4100" } else { "4000" };
        let rows = vec![("1100", sign * whole), (income, -sign * (whole - tax - tax)), ("2100", -sign * tax), ("2110", -sign * tax)];
        let mut items = Vec::new();
        let (mut amount_left, mut base_left) = (total, whole);
        for (at, (share, due)) in new.instalments.iter().enumerate() {
            let last = at + 1 == new.instalments.len();
            let amount = if last { amount_left } else { money(total * share / dec!(100)) };
            let worth = if last { base_left } else { base(amount) };
            amount_left -= amount;
            base_left -= worth;
            let days = |from: NaiveDate, days: u64| from + chrono::Days::new(days);
            let until = new.discount.map(|(_, d)| days(new.date, d));
            let agreed = Agreed {
                discount: new.discount.map_or(Decimal::ZERO, |(percent, _)| money(amount * percent / dec!(100))),
                until,
                grace: until.map(|until| days(until, self.policy.grace_days)),
                tolerance: money(amount * self.policy.tolerance_percent / dec!(100)).min(self.policy.tolerance_amount),
            };
            let agreed = if credits { Agreed::default() } else { agreed };
            items.push(self.items.len());
            self.items.push(Item { doc, owner: new.owner, credit: credits, dollars: new.dollars, amount, base: worth, posted: new.date, due: *due, agreed });
        }
        self.docs[doc].state = State::Standing;
        self.docs[doc].draft = None;
        self.docs[doc].entries = vec![Entry { on: new.date, rows, items: items.clone(), taken_back: false }];
        if let Some(original) = new.original.filter(|_| credits && new.apply) {
            let targets = self.sorted(self.items_of(original));
            self.pour(items[0], &mut [("credit", total)], &targets, total, new.date);
        }
        Ok(())
    }
    /// An invoice or a note of one line, issued at once.
    pub fn bill(&mut self, new: &Billing) -> Result<usize, Code> {
        let doc = self.draft(new)?;
        self.issue(doc)?;
        Ok(doc)
    }

    /// What is left of an older document, taken over on a day.
    pub fn open(&mut self, owner: usize, credit: bool, rate: Option<Decimal>, amount: Decimal, posted: NaiveDate, due: NaiveDate) -> usize {
        let (doc, base) = (self.docs.len(), money(amount * rate.unwrap_or(Decimal::ONE)));
        let sign = if credit { -Decimal::ONE } else { Decimal::ONE };
        let dollars = rate.is_some();
        self.items.push(Item { doc, owner, credit, dollars, amount, base, posted, due, agreed: Agreed::default() });
        let rows = vec![("1100", sign * base), ("3900", -sign * base)];
        let entry = Entry { on: posted, rows, items: vec![self.items.len() - 1], taken_back: false };
        self.docs.push(Doc { entries: vec![entry], ..Doc::bare(self.now, Kind::Opening, owner, dollars, posted, amount) });
        doc
    }

    pub fn receive(&mut self, new: &Money, placing: &Placing) -> Result<usize, Code> {
        let base = |amount: Decimal| money(amount * new.rate);
        let total = new.cash + new.deducted.iter().map(|d| d.1).sum::<Decimal>();
        let cash = new.worth.unwrap_or_else(|| base(new.cash));
        let worth = cash + new.deducted.iter().map(|d| base(d.1)).sum::<Decimal>();
        let doc = self.docs.len();
        let mut rows = vec![("1000", cash)];
        rows.extend(new.deducted.iter().map(|(kind, amount)| (if *kind == "tds" { "1200" } else { "5100" }, base(*amount))));
        rows.push((if new.owner.is_some() { "1100" } else { "2200" }, -worth));
        let state = match new.held {
            Some(_) => State::Held,
            None if new.owner.is_some() => State::Standing,
            None => State::Unidentified,
        };
        self.docs.push(Doc {
            state,
            rate: new.rate,
            cheque: new.cheque,
            deducted: new.deducted.clone(),
            taxed: new.taxed,
            entries: vec![Entry { on: new.held.unwrap_or(new.date), rows, items: Vec::new(), taken_back: false }],
            ..Doc::bare(self.now, Kind::Receipt, new.owner.unwrap_or(usize::MAX), new.dollars, new.date, total)
        });
        if let Some(day) = new.held {
            if let (Placing::Instructed(targets), Some(owner)) = (placing, new.owner) {
                self.fits(owner, new.dollars, targets, day)?;
            }
            // Nothing is booked; what will be waits with the document.
            let entry = self.docs[doc].entries.remove(0);
            self.docs[doc].waiting = Some(entry);
        } else if let Some(owner) = new.owner {
            self.docs[doc].entries[0].items = vec![self.open_credit(doc, owner, total, worth, new.date)];
            let mut purses = vec![("cash", new.cash)];
            purses.extend(new.deducted.iter().copied());
            self.place(doc, purses, placing, new.date, new.date)?;
        }
        Ok(doc)
    }
    /// A held cheque goes to the bank.
    pub fn deposit(&mut self, doc: usize, on: NaiveDate, placing: &Placing) -> Result<(), Code> {
        let Some(waiting) = self.docs[doc].waiting.clone().filter(|_| self.docs[doc].state == State::Held) else { return Err((409, "invalid_state")) };
        // No bank pays a cheque three months after its date.
        if on < waiting.on || on > waiting.on + chrono::Months::new(3) {
            return Err((422, "validation_failed"));
        }
        let of = self.docs[doc].clone();
        let worth = -waiting.rows.last().expect("rows").1;
        let item = self.open_credit(doc, of.owner, of.total, worth, on);
        self.docs[doc].entries.push(Entry { on, items: vec![item], ..waiting });
        self.docs[doc].state = State::Standing;
        // The value of a cheque counts from its deposit, and so does what may be done about it.
        self.docs[doc].posted = on;
        let mut purses = vec![("cash", of.total - of.deducted.iter().map(|d| d.1).sum::<Decimal>())];
        purses.extend(of.deducted.iter().copied());
        self.place(doc, purses, placing, on, on)
    }
    fn open_credit(&mut self, doc: usize, owner: usize, amount: Decimal, base: Decimal, on: NaiveDate) -> usize {
        let dollars = self.docs[doc].dollars;
        self.items.push(Item { doc, owner, credit: true, dollars, amount, base, posted: on, due: on, agreed: Agreed::default() });
        self.items.len() - 1
    }
    fn place(&mut self, doc: usize, mut purses: Vec<(&'static str, Decimal)>, placing: &Placing, on: NaiveDate, value: NaiveDate) -> Result<(), Code> {
        let credit = self.items_of(doc)[0];
        match placing {
            Placing::Nothing => {}
            Placing::Instructed(targets) => {
                self.instructed(credit, &mut purses, targets, on, Some(value))?;
                // All the money is placed: what was deducted settles the same documents.
                if purses[0].1.is_zero() {
                    for target in targets {
                        let items = self.sorted(self.items_of(target.doc));
                        let left = purses.iter().map(|p| p.1).sum();
                        self.pour(credit, &mut purses, &items, left, on);
                    }
                }
            }
            Placing::OldestFirst => {
                let (owner, dollars) = (self.items[credit].owner, self.items[credit].dollars);
                let own = (0..self.items.len()).filter(|at| {
                    let item = &self.items[*at];
                    !item.credit && item.owner == owner && item.dollars == dollars && self.left(*at).0 > Decimal::ZERO
                });
                let own = self.sorted(own.collect());
                let left = purses.iter().map(|p| p.1).sum();
                self.pour(credit, &mut purses, &own, left, on);
            }
        }
        self.docs[doc].advance = self.docs[doc].taxed.then_some((credit, self.moves.len(), on));
        Ok(())
    }
    pub fn identify(&mut self, doc: usize, owner: usize, on: NaiveDate, taxed: bool, placing: &Placing) -> Result<(), Code> {
        if on < self.docs[doc].date {
            return Err((422, "validation_failed"));
        }
        if self.docs[doc].state != State::Unidentified {
            return Err((409, "invalid_state"));
        }
        let (total, worth) = (self.docs[doc].total, -self.docs[doc].entries[0].rows[1].1);
        self.docs[doc].state = State::Standing;
        self.docs[doc].owner = owner;
        self.docs[doc].taxed = taxed;
        let item = self.open_credit(doc, owner, total, worth, on);
        self.docs[doc].entries.push(Entry { on, rows: vec![("2200", worth), ("1100", -worth)], items: vec![item], taken_back: false });
        let value = self.docs[doc].date;
        self.place(doc, vec![("cash", total)], placing, on, value)
    }
    /// What is left of a credit for later.
    pub fn allocate(&mut self, source: usize, targets: &[Target], on: NaiveDate) -> Result<(), Code> {
        let doc = self.docs[source].clone();
        if matches!(doc.state, State::Unidentified | State::Held) || self.items_of(source).is_empty() {
            return Err((409, "invalid_state"));
        }
        let credit = self.items_of(source)[0];
        let value = Some(doc.posted).filter(|_| doc.kind == Kind::Receipt);
        let mut purses = if doc.kind == Kind::Receipt {
            let mut purses: Vec<(&'static str, Decimal)> = vec![("cash", doc.total - doc.deducted.iter().map(|d| d.1).sum::<Decimal>())];
            purses.extend(doc.deducted.iter().copied());
            purses[1..].sort_unstable_by_key(|p| p.0);
            for m in self.moves.iter().filter(|m| m.credit == credit) {
                let at = purses.iter().position(|p| p.0 == m.kind).unwrap_or(0);
                purses[at].1 -= m.amount;
            }
            purses
        } else {
            vec![("credit", self.left(credit).0)]
        };
        self.instructed(credit, &mut purses, targets, on, value)
    }

    // ------------------------------------------------------------------------------- taking back

    /// Takes a settlement back. `within`: the document that is being taken back itself.
    fn back(&mut self, at: usize, on: NaiveDate, within: Option<usize>) {
        let m = self.moves[at].clone();
        self.moves.push(Move {
            made_by: self.now,
            id: String::new(),
            amount: -m.amount,
            credit_base: -m.credit_base,
            debit_base: -m.debit_base,
            on: on.max(m.on),
            reverses: Some(at),
            because_of: None,
            ..m
        });
        // What was granted for its sake goes with it, and an entry that only was its other side. Money and deductions
        // of one request between two items are one payment: what it earned goes with any of them.
        let part = |cause: usize| {
            let of = &self.moves[cause];
            m.because_of.is_none() && (of.made_by, of.credit, of.debit) == (m.made_by, m.credit, m.debit)
        };
        let granted: Vec<usize> = self.in_force().into_iter().filter(|g| self.moves[*g].because_of.is_some_and(part)).collect();
        for grant in granted {
            let doc = self.document_of(grant, |kind| matches!(kind, Kind::Grant(_))).expect("a grant");
            self.unwind(doc, on);
        }
        let counters = matches!(m.kind, "write_off" | "recovery" | "adjustment");
        let sides = [m.credit, m.debit].map(|item| self.items[item].doc);
        // Of an adjustment of an adjustment the later one is nothing without it.
        let other = sides.into_iter().find(|doc| counters && self.docs[*doc].made_by == m.made_by);
        if let Some(doc) = other.filter(|doc| within != Some(*doc)) {
            let entry = self.docs[doc].entries.iter().position(|e| e.items.iter().any(|i| *i == m.credit || *i == m.debit)).expect("an entry");
            self.mirror(doc, entry, on, on);
        }
    }
    /// The document of a kind on either side of a settlement.
    fn document_of(&self, at: usize, wanted: impl Fn(Kind) -> bool) -> Option<usize> {
        [self.moves[at].credit, self.moves[at].debit].map(|item| self.items[item].doc).into_iter().find(|doc| wanted(self.docs[*doc].kind))
    }
    /// Takes a document back: its settlements, its entries, and its items against their mirrors.
    pub fn unwind(&mut self, doc: usize, on: NaiveDate) {
        let standing: Vec<usize> = (0..self.docs[doc].entries.len()).filter(|at| !self.docs[doc].entries[*at].taken_back).collect();
        let items: Vec<usize> = standing.iter().flat_map(|at| self.docs[doc].entries[*at].items.clone()).collect();
        let touches = |m: &Move| m.kind != "reversal" && (items.contains(&m.credit) || items.contains(&m.debit));
        let touched: Vec<usize> = self.in_force().into_iter().filter(|at| touches(&self.moves[*at])).collect();
        let settled = touched.iter().map(|at| self.moves[*at].on).chain(items.iter().map(|i| self.from(*i))).fold(on, NaiveDate::max);
        for at in touched {
            if !self.reversed(at) {
                self.back(at, on, Some(doc));
            }
        }
        for entry in standing {
            self.mirror(doc, entry, on, settled);
        }
        self.docs[doc].state = State::Ended;
    }
    /// An entry once more with the sides exchanged, and its items settled against each other.
    fn mirror(&mut self, doc: usize, entry: usize, on: NaiveDate, settled: NaiveDate) {
        if std::mem::replace(&mut self.docs[doc].entries[entry].taken_back, true) {
            return;
        }
        let Entry { on: posted, rows, items, .. } = self.docs[doc].entries[entry].clone();
        let settled = items.iter().map(|item| self.from(*item)).fold(settled, NaiveDate::max);
        let (day, rows) = (on.max(posted), rows.iter().map(|(account, amount)| (*account, -amount)).collect());
        for item in &items {
            let of = self.items[*item].clone();
            let mirror = self.items.len();
            self.items.push(Item { credit: !of.credit, posted: day, due: day, agreed: Agreed::default(), ..of.clone() });
            let (credit, debit) = if of.credit { (*item, mirror) } else { (mirror, *item) };
            self.moves.push(Move {
                made_by: self.now,
                id: String::new(),
                credit,
                debit,
                kind: "reversal",
                amount: of.amount,
                credit_base: of.base,
                debit_base: of.base,
                on: settled,
                reverses: None,
                because_of: None,
            });
        }
        self.docs[doc].mirrors.push(Entry { on: day, rows, items: Vec::new(), taken_back: false });
        if self.docs[doc].entries.iter().all(|e| e.taken_back) {
            self.docs[doc].state = State::Ended;
        }
    }

    // ------------------------------------------------------------------------------- bad debts

    /// A document whose every part is an entry of its own against an account, settling an item at that item's base.
    fn against(&mut self, doc: usize, item: usize, part: Decimal, account: &'static str, kind: &'static str, on: NaiveDate) -> Result<(), Code> {
        let base = Self::share(self.left(item), part).ok_or((422, "amount_too_small"))?;
        let (of, made, day) = (self.items[item].clone(), self.items.len(), on.max(self.from(item)));
        let sign = if of.credit { -Decimal::ONE } else { Decimal::ONE };
        self.items.push(Item { doc, credit: !of.credit, amount: part, base, posted: on, due: on, agreed: Agreed::default(), ..of.clone() });
        self.docs[doc].entries.push(Entry { on, rows: vec![(account, sign * base), ("1100", -sign * base)], items: vec![made], taken_back: false });
        let (credit, debit) = if of.credit { (item, made) } else { (made, item) };
        self.moves.push(Move {
            made_by: self.now,
            id: String::new(),
            credit,
            debit,
            kind,
            amount: part,
            credit_base: base,
            debit_base: base,
            on: day,
            reverses: None,
            because_of: None,
        });
        Ok(())
    }
    fn correction(&mut self, kind: Kind, of: usize, total: Decimal, on: NaiveDate) -> usize {
        let (owner, dollars) = (self.docs[of].owner, self.docs[of].dollars);
        self.docs.push(Doc { original: Some(of), ..Doc::bare(self.now, kind, owner, dollars, on, total) });

        self.docs.len() - 1
    }
    /// Gives up what is open of documents of one customer, oldest due first.
    pub fn write_off(&mut self, targets: &[Target], on: NaiveDate) -> Result<usize, Code> {
        let first = self.docs[targets[0].doc].clone();
        if targets.iter().any(|t| self.docs[t.doc].state == State::Draft) {
            return Err((409, "invalid_state"));
        }
        if targets.iter().any(|t| self.docs[t.doc].owner != first.owner) {
            return Err((422, "customer_mismatch"));
        }
        for (at, target) in targets.iter().enumerate() {
            if self.docs[target.doc].dollars != first.dollars && at > 0 {
                return Err((422, "currency_mismatch"));
            }
            if target.amount > self.open_of(target.doc) {
                return Err((422, "over_allocation"));
            }
        }
        let doc = self.correction(Kind::WriteOff, targets[0].doc, targets.iter().map(|t| t.amount).sum(), on);
        for target in targets {
            let mut rest = target.amount;
            for item in self.sorted(self.items_of(target.doc)) {
                let part = rest.min(self.left(item).0);
                if part > Decimal::ZERO {
                    rest -= part;
                    self.against(doc, item, part, "5300", "write_off", on)?;
                }
            }
        }
        Ok(doc)
    }
    /// What is still given up: neither taken back nor recovered.
    pub fn given_up(&self, doc: usize) -> Decimal {
        let standing = |doc: &Doc| doc.entries.iter().filter(|e| !e.taken_back).flat_map(|e| &e.items).map(|i| self.items[*i].amount).sum::<Decimal>();
        let recovered = self.docs.iter().filter(|d| d.kind == Kind::Recovery && d.original == Some(doc)).map(standing).sum::<Decimal>();
        standing(&self.docs[doc]) - recovered
    }
    pub fn recover(&mut self, doc: usize, receipt: usize, amount: Decimal, on: NaiveDate) -> Result<usize, Code> {
        if self.docs[doc].state == State::Ended {
            return Err((409, "invalid_state"));
        }
        if on < self.docs[doc].date {
            return Err((422, "validation_failed"));
        }
        let money = self.items_of(receipt)[0];
        if self.items[money].owner != self.docs[doc].owner {
            return Err((422, "customer_mismatch"));
        }
        if self.items[money].dollars != self.docs[doc].dollars {
            return Err((422, "currency_mismatch"));
        }
        if amount > self.given_up(doc) {
            return Err((422, "over_recovery"));
        }
        if amount > self.left(money).0 {
            return Err((422, "over_allocation"));
        }
        let made = self.correction(Kind::Recovery, doc, amount, on);
        self.against(made, money, amount, "4300", "recovery", on)?;
        Ok(made)
    }
    pub fn reverse_write_off(&mut self, doc: usize, on: NaiveDate) -> Result<(), Code> {
        if self.docs[doc].state == State::Ended {
            return Err((409, "invalid_state"));
        }
        if on < self.docs[doc].date {
            return Err((422, "validation_failed"));
        }
        let recoveries: Vec<usize> = (0..self.docs.len())
            .filter(|d| self.docs[*d].kind == Kind::Recovery && self.docs[*d].original == Some(doc) && self.docs[*d].state == State::Standing)
            .collect();
        for recovery in recoveries {
            self.unwind(recovery, on);
        }
        self.unwind(doc, on);
        Ok(())
    }

    // ------------------------------------------------------------------------------- reversals

    pub fn reverse_allocation(&mut self, at: usize, on: NaiveDate) -> Result<(), Code> {
        let m = self.moves[at].clone();
        if m.kind == "reversal" || m.reverses.is_some() {
            return Err((409, "invalid_state"));
        }
        if self.reversed(at) {
            return Err((409, "already_reversed"));
        }
        if on < m.on {
            return Err((422, "validation_failed"));
        }
        if m.kind == "refund" {
            return Err((409, "part_of_a_document"));
        }
        match self.document_of(at, |kind| matches!(kind, Kind::Grant(_))) {
            Some(doc) => self.unwind(doc, on),
            None => self.back(at, on, None),
        }
        Ok(())
    }
    pub fn reverse_receipt(&mut self, doc: usize, on: NaiveDate) -> Result<(), Code> {
        if self.docs[doc].state == State::Ended {
            return Err((409, "invalid_state"));
        }
        if on < self.docs[doc].posted {
            return Err((422, "validation_failed"));
        }
        if self.refunded(doc) {
            return Err((409, "invalid_state"));
        }
        self.unwind(doc, on);
        Ok(())
    }
    /// Whether some of a credit was paid back.
    fn refunded(&self, doc: usize) -> bool {
        let items = self.items_of(doc);
        self.in_force().into_iter().any(|at| self.moves[at].kind == "refund" && items.contains(&self.moves[at].credit))
    }
    pub fn cancel(&mut self, doc: usize, on: NaiveDate) -> Result<(), Code> {
        let of = &self.docs[doc];
        // What notes correct stays until they are cancelled.
        let corrected =
            self.docs.iter().any(|note| matches!(note.kind, Kind::CreditNote | Kind::DebitNote) && note.original == Some(doc) && note.state == State::Standing);
        if of.state != State::Standing
            || corrected
            || (of.kind == Kind::CreditNote && self.refunded(doc))
            || (of.kind != Kind::CreditNote && self.open_of(doc) != of.total)
        {
            return Err((409, "invalid_state"));
        }
        if on < of.date {
            return Err((422, "validation_failed"));
        }
        self.unwind(doc, on);
        Ok(())
    }

    // ------------------------------------------------------------------------------- adjustments, openings, refunds

    /// A draft is not yet in a state to be settled; of money that is not in the books there is nothing.
    fn nothing_posted(&self, doc: usize) -> Code {
        if self.docs[doc].billed() { (409, "invalid_state") } else { (404, "not_found") }
    }
    /// So much more or less on a document; what settles nothing opens an item beside it.
    pub fn adjust(&mut self, of: usize, amount: Decimal, on: NaiveDate) -> Result<usize, Code> {
        let items = self.sorted(self.items_of(of));
        let open = items.iter().copied().find(|item| self.left(*item).0 > Decimal::ZERO);
        let Some(item) = open.or(items.first().copied()) else { return Err(self.nothing_posted(of)) };
        let (size, settled) = (amount.abs(), self.items[item].clone());
        let doc = self.correction(Kind::Adjustment, of, amount, on);
        if settled.credit == (amount > Decimal::ZERO) {
            if size > self.left(item).0 {
                return Err((422, "over_allocation"));
            }
            self.against(doc, item, size, "5900", "adjustment", on)?;
            return Ok(doc);
        }
        let base = money(size * settled.base / settled.amount);
        let sign = if settled.credit { -Decimal::ONE } else { Decimal::ONE };
        self.items.push(Item { doc, amount: size, base, posted: on, agreed: Agreed::default(), ..settled });
        let rows = vec![("1100", sign * base), ("5900", -sign * base)];
        self.docs[doc].entries.push(Entry { on, rows, items: vec![self.items.len() - 1], taken_back: false });
        Ok(doc)
    }
    /// An adjustment or an opening item is taken back.
    pub fn take_back(&mut self, doc: usize, on: NaiveDate) -> Result<(), Code> {
        if self.docs[doc].state == State::Ended {
            return Err((409, if self.docs[doc].kind == Kind::Opening { "already_reversed" } else { "invalid_state" }));
        }
        if on < self.docs[doc].date {
            return Err((422, "validation_failed"));
        }
        self.unwind(doc, on);
        Ok(())
    }
    /// Asked for and approved: nothing moves, the amount is kept from other refunds.
    pub fn promise(&mut self, of: usize, amount: Decimal, on: NaiveDate) -> Result<usize, Code> {
        let Some(credit) = self.items_of(of).first().copied() else { return Err(self.nothing_posted(of)) };
        let waiting = |d: &&Doc| d.kind == Kind::Refund && d.state == State::Promised && d.original == Some(of);
        let promised: Decimal = self.docs.iter().filter(waiting).map(|d| d.total).sum();
        if amount > (self.left(credit).0 - promised).max(Decimal::ZERO) {
            return Err((422, "refund_exceeds_credit"));
        }
        Self::share(self.left(credit), amount).ok_or((422, "amount_too_small"))?;
        let doc = self.correction(Kind::Refund, of, amount, on);
        self.docs[doc].state = State::Promised;
        Ok(doc)
    }
    pub fn pay(&mut self, doc: usize, on: NaiveDate) -> Result<(), Code> {
        if self.docs[doc].state != State::Promised {
            return Err((409, "invalid_state"));
        }
        let credit = self.items_of(self.docs[doc].original.expect("a source"))[0];
        if self.docs[doc].total > self.left(credit).0 {
            return Err((422, "over_allocation"));
        }
        if on < self.from(credit) {
            return Err((422, "validation_failed"));
        }
        self.against(doc, credit, self.docs[doc].total, "1000", "refund", on)?;
        self.docs[doc].state = State::Standing;
        self.docs[doc].date = on;
        Ok(())
    }
    /// The bank could not pay.
    pub fn fail(&mut self, doc: usize, on: NaiveDate) -> Result<(), Code> {
        if self.docs[doc].state != State::Standing {
            return Err((409, "invalid_state"));
        }
        if on < self.docs[doc].date {
            return Err((422, "validation_failed"));
        }
        self.unwind(doc, on);
        Ok(())
    }
    pub fn give_up(&mut self, doc: usize) -> Result<(), Code> {
        if self.docs[doc].state != State::Promised {
            return Err((409, "invalid_state"));
        }
        self.docs[doc].state = State::Ended;
        Ok(())
    }
}
