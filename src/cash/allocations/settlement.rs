//! Settling documents with a credit: finding them, placing the money, granting what was earned.

use super::rules::{Facing, discount_due, outcome};
use super::types::{DifferenceReason, Target, TargetKind};
use super::{problems, store};
use crate::ledger::open_items::rules::Placer;
use crate::ledger::open_items::store::lock_items_of;
use crate::ledger::problems::OVER_ALLOCATION;
use crate::ledger::{self, AccountRole, AllocationKind, DocumentKind, Line, NewAllocation, NewOpenItem, OpenItem, Posting, Side};
use crate::master_data::payers;
use crate::platform::http::Problem;
use crate::platform::http::problem::{self, FieldError};
use crate::platform::ids::{AllocationId, CustomerId, OpenItemId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Change, Tx};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

/// The documents targets name, in their order, and the locked items that can be settled.
#[derive(Default)]
pub struct Resolved {
    pub documents: Vec<Uuid>,
    pub items: Vec<OpenItem>,
}

/// Finds and locks what targets name: issued documents of the payer, or of a customer the payer pays for on
/// that day, in the currency of the money. Their customers are locked already. One statement where targets
/// go by id, one more where they go by external id.
pub fn resolve(tx: &mut Tx<'_>, prefix: &str, targets: &[Target], payer: CustomerId, currency: Currency, on: NaiveDate) -> Result<Resolved, Problem> {
    if targets.is_empty() {
        return Ok(Resolved::default());
    }
    let named = if targets.iter().any(|t| t.target_external_id.is_some()) { store::by_external_id(tx, targets)? } else { Vec::new() };
    let pointer = |at: usize| format!("{prefix}/{at}/{}", if targets[at].target_id.is_some() { "target_id" } else { "target_external_id" });
    let kind = |at: usize| targets[at].target_type.as_str();
    let mut documents = Vec::with_capacity(targets.len());
    for (at, target) in targets.iter().enumerate() {
        let by_name = || named.iter().find(|n| n.external_id == target.target_external_id && n.kind == kind(at)).map(|n| n.id);
        documents.push(target.target_id.or_else(by_name).ok_or_else(|| Problem::reference(kind(at), pointer(at)))?);
    }
    let items: Vec<_> = lock_items_of(tx, documents.clone())?.into_iter().filter(|item| item.side == Side::Debit).collect();
    for (at, document) in documents.iter().enumerate() {
        let found = items.iter().find(|item| item.document_id == *document && item.document_kind == kind(at));
        let Some(item) = found else { return Err(unpostable(tx, *document, kind(at), &pointer(at))?) };
        if item.customer != payer && !payers::pays_for(tx, payer, item.customer, on)? {
            let detail = "The document belongs to another customer, for whom this one does not pay.";
            return Err(Problem::new(problems::CUSTOMER_MISMATCH, detail).errors(vec![FieldError::at(pointer(at), "customer_mismatch", detail)]));
        }
        if item.currency != currency {
            let detail = format!("The document is in {}, the money in {}.", item.currency.code(), currency.code());
            let error = FieldError::at(pointer(at), "currency_mismatch", detail.clone()).expected(currency.code()).received(item.currency.code());
            return Err(Problem::new(problem::CURRENCY_MISMATCH, detail).errors(vec![error]));
        }
    }
    Ok(Resolved { documents, items })
}

/// Why a document has no items: it is a draft, or there is none.
pub fn unpostable(tx: &mut Tx<'_>, document: Uuid, kind: &str, pointer: &str) -> Result<Problem, Problem> {
    Ok(match store::status(tx, document, kind)? {
        None => Problem::reference(kind, pointer),
        Some(status) => Problem::new(problem::INVALID_STATE, format!("The {} is {status}; only an issued one can be settled.", kind.replace('_', " ")))
            .errors(vec![FieldError::at(pointer, "invalid_state", "Only an issued document can be settled.")])
            .member("current", json!({"status": status})),
    })
}

/// A discount or tolerance granted with an allocation: a small document of its own.
pub struct Grant {
    document: Uuid,
    kind: DocumentKind,
    customer: CustomerId,
    /// The side of its item: a discount is a credit, money kept is a debit.
    side: Side,
    item: OpenItemId,
    amount: Decimal,
    base: Decimal,
    on: NaiveDate,
}

/// What shall be written: allocations, and what is granted for their sake.
pub struct Plan {
    pub allocations: Vec<NewAllocation>,
    grants: Vec<Grant>,
    number: String,
    currency: Currency,
    rate: Decimal,
}

/// Whether and when the money was at the bank, which decides about discounts.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub value_date: NaiveDate,
    /// False where the payer said what was deducted as discount.
    pub apply: bool,
}

/// Places instructed targets and grants what they earn; refuses the first that does not fit, naming what is open.
pub fn place(
    tx: &Tx<'_>,
    placer: &mut Placer<'_>,
    prefix: &str,
    targets: &[Target],
    documents: &[Uuid],
    terms: Terms,
) -> Result<Vec<(Grant, NewAllocation)>, Problem> {
    let currency = placer.credit().currency;
    let mut granted = Vec::new();
    for (at, (target, document)) in targets.iter().zip(documents).enumerate() {
        let kind = target.kind.map_or(AllocationKind::Cash, TargetKind::ledger);
        let belongs = |item: &OpenItem| item.document_id == *document && item.side == Side::Debit;
        let (open, left) = (placer.open_of(belongs), if kind == AllocationKind::Cash { placer.left(None) } else { placer.left(Some(kind)) });
        let items = placer.open_items(belongs);
        let tolerance = items.last().filter(|_| kind == AllocationKind::Cash && terms.apply).map_or(Decimal::ZERO, |(item, _)| item.terms.tolerance);
        let asked = target.amount.0;
        let mut evidence = json!({"asked": target.amount});
        if let Some(reason) = target.difference_reason {
            evidence["difference_reason"] = json!(reason);
        }
        let mut rest = asked;
        if asked <= open + tolerance && asked <= left {
            if kind == AllocationKind::Cash && terms.apply && items.iter().any(|(item, _)| item.terms != ledger::SettlementTerms::default()) {
                rest -= pay_by_terms(tx, placer, target, &items, terms, &evidence, &mut granted);
                // What a discount or the tolerance leaves over stays with the payment; but something was placed.
                if rest < asked {
                    continue;
                }
            }
            rest = placer.place(asked, kind, "instructed", &evidence, belongs);
        }
        if !rest.is_zero() {
            return Err(over_allocation(prefix, at, asked, open, left, currency));
        }
    }
    Ok(granted)
}

/// Pays a document's items in their order, each on the terms stamped on it; gives how much of the money that took.
fn pay_by_terms(
    tx: &Tx<'_>,
    placer: &mut Placer<'_>,
    target: &Target,
    items: &[(&OpenItem, Decimal)],
    terms: Terms,
    evidence: &Value,
    granted: &mut Vec<(Grant, NewAllocation)>,
) -> Decimal {
    let policy = tx.cx().facts.settlement;
    let currency = placer.credit().currency;
    let accept_late = target.late_discount.unwrap_or(policy.accept_late_discount);
    let mut rest = target.amount.0;
    for (index, (item, open)) in items.iter().enumerate() {
        // One request may name a document more than once.
        let now: Decimal =
            granted.iter().filter(|(g, a): &&(Grant, NewAllocation)| g.kind == DocumentKind::Discount && a.debit_item == item.id).map(|(g, _)| g.amount).sum();
        let discount_left = (item.terms.discount - item.granted - now).max(Decimal::ZERO);
        let facing = Facing {
            open: *open,
            discount: discount_due(&item.terms, discount_left, *open, terms.value_date, accept_late),
            tolerance: if index + 1 == items.len() { item.terms.tolerance } else { Decimal::ZERO },
            partial: policy.partial_discount.then_some((item.terms.discount, item.amount)),
            exponent: currency.exponent(),
        };
        if rest <= Decimal::ZERO {
            break;
        }
        let done = outcome(rest, facing);
        rest -= done.pay;
        let mut evidence = evidence.clone();
        let still_open = *open - done.pay - done.discount - done.loss;
        if facing.discount.is_zero() && still_open > Decimal::ZERO && still_open <= discount_left + item.terms.tolerance {
            evidence["flags"] = json!(["discount_disallowed"]);
            evidence["discount_until"] = json!(item.terms.discount_until);
        }
        let unplaced = placer.place(done.pay, AllocationKind::Cash, "instructed", &evidence, |other| other.id == item.id);
        let Some(cause) = placer.last().filter(|_| unplaced.is_zero()).map(|last| last.id) else { continue };
        for (amount, kind, rule) in
            [(done.discount, DocumentKind::Discount, "early_payment_discount"), (done.loss, DocumentKind::Tolerance, "payment_tolerance")]
        {
            if let Some(base) = Some(amount).filter(|a| *a > Decimal::ZERO).and_then(|amount| placer.forgive(item.id, amount)) {
                granted.push(forgiven(placer, item, (amount, base), kind, rule, cause));
            }
        }
        if let Some(base) = Some(done.gain).filter(|a| *a > Decimal::ZERO).and_then(|gain| placer.keep(gain)) {
            granted.push(kept(placer, item, (done.gain, base), cause));
        }
    }
    target.amount.0 - rest
}

fn over_allocation(prefix: &str, at: usize, asked: Decimal, open: Decimal, left: Decimal, currency: Currency) -> Problem {
    let shown = |amount: Decimal| currency.amount(amount).0;
    let detail = format!("Of the document {} is open, of the money {} is left; {asked} was asked for.", shown(open), shown(left));
    let error = FieldError::at(format!("{prefix}/{at}/amount"), "over_allocation", detail.clone());
    Problem::new(OVER_ALLOCATION, detail)
        .errors(vec![error.expected(format!("at most {}", shown(open.min(left)))).received(asked)])
        .member("open_amount", shown(open).to_string())
        .member("unapplied", shown(left).to_string())
}

fn granted(
    placer: &Placer<'_>,
    item: &OpenItem,
    (amount, base): (Decimal, Decimal),
    grant: &Grant,
    kind: AllocationKind,
    rule: &'static str,
    cause: AllocationId,
) -> NewAllocation {
    let money = placer.credit();
    let keeps = grant.side == Side::Debit;
    NewAllocation {
        id: AllocationId::new(),
        customer: grant.customer,
        payer: grant.customer,
        credit_item: if keeps { money.id } else { grant.item },
        debit_item: if keeps { grant.item } else { item.id },
        source: (grant.document, money.document_number.clone()),
        kind,
        amount,
        credit_base: base,
        debit_base: base,
        effective_on: grant.on,
        rule,
        evidence: json!({"item": item.document_number}),
        reverses: None,
        because_of: Some(cause),
        reason: None,
    }
}

fn forgiven(
    placer: &Placer<'_>,
    item: &OpenItem,
    worth: (Decimal, Decimal),
    kind: DocumentKind,
    rule: &'static str,
    cause: AllocationId,
) -> (Grant, NewAllocation) {
    let on = placer.counts_from(item);
    let grant =
        Grant { document: Uuid::now_v7(), kind, customer: item.customer, side: Side::Credit, item: OpenItemId::new(), amount: worth.0, base: worth.1, on };
    let as_kind = if kind == DocumentKind::Discount { AllocationKind::Discount } else { AllocationKind::RoundOff };
    let allocation = granted(placer, item, worth, &grant, as_kind, rule, cause);
    (grant, allocation)
}

fn kept(placer: &Placer<'_>, item: &OpenItem, worth: (Decimal, Decimal), cause: AllocationId) -> (Grant, NewAllocation) {
    let (money, on) = (placer.credit(), placer.counts_from(item));
    let grant = Grant {
        document: Uuid::now_v7(),
        kind: DocumentKind::Tolerance,
        customer: money.customer,
        side: Side::Debit,
        item: OpenItemId::new(),
        amount: worth.0,
        base: worth.1,
        on,
    };
    let allocation = granted(placer, item, worth, &grant, AllocationKind::RoundOff, "payment_tolerance", cause);
    (grant, allocation)
}

impl Plan {
    /// Everything a placer placed with what was granted beside it.
    #[must_use]
    pub fn of(placer: Placer<'_>, granted: Vec<(Grant, NewAllocation)>, number: &str) -> Self {
        let credit = placer.credit();
        let (currency, rate) = (credit.currency, if credit.amount.is_zero() { Decimal::ONE } else { credit.base / credit.amount });
        let mut allocations = placer.placed();
        let (grants, of_grants): (Vec<_>, Vec<_>) = granted.into_iter().unzip();
        allocations.extend(of_grants);
        Self { allocations, grants, number: number.to_owned(), currency, rate }
    }
    /// Gives the money's document its number, which it may have got only now.
    pub fn numbered(&mut self, number: &str) {
        number.clone_into(&mut self.number);
        for allocation in &mut self.allocations {
            number.clone_into(&mut allocation.source.1);
        }
    }
    /// Posts what is granted and writes the allocations.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), Problem> {
        for grant in &self.grants {
            ledger::post(tx, &self.posting(grant))?;
            let event = if grant.kind == DocumentKind::Discount { "discount.granted" } else { "tolerance.granted" };
            let what = json!({"customer_id": grant.customer, "amount": grant.amount.to_string(), "currency": self.currency.code(), "granted_on": grant.on, "receipt": self.number});
            let _ = tx.record(Change::new(event, grant.document).after(&what), ());
        }
        ledger::settle(tx, &self.allocations)
    }
    /// A discount or missing money costs us; money kept is a gain on the same account.
    fn posting(&self, grant: &Grant) -> Posting {
        let role = if grant.kind == DocumentKind::Discount { AccountRole::DiscountAllowed } else { AccountRole::PaymentTolerance };
        let sign = if grant.side == Side::Credit { Decimal::ONE } else { -Decimal::ONE };
        let line = |line: Line| Line { base: Some(grant.base), ..line };
        let item = NewOpenItem { id: grant.item, base: Some(grant.base), ..NewOpenItem::single(grant.customer, grant.side, grant.amount, grant.on) };
        Posting {
            document_kind: grant.kind,
            document_id: grant.document,
            document_number: self.number.clone(),
            document_date: grant.on,
            posting_date: grant.on,
            currency: self.currency,
            rate: self.rate.round_dp(8),
            narration: String::new(),
            lines: vec![line(Line::signed(role, sign * grant.amount)), line(Line::signed(AccountRole::Receivable, -sign * grant.amount).of(grant.customer))],
            items: vec![item],
            reverses: None,
        }
    }
}

/// What allocations were made with, as replies show it.
#[must_use]
pub fn flags(evidence: &Value) -> Vec<String> {
    evidence["flags"].as_array().map(|flags| flags.iter().filter_map(|flag| flag.as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

/// Why a payer paid less or more than was open, where they said so.
#[must_use]
pub fn difference_reason(evidence: &Value) -> Option<DifferenceReason> {
    evidence["difference_reason"].as_str().and_then(DifferenceReason::parse)
}
