//! Journal entries: balanced by construction, checked by the database at commit.

pub mod rules;
mod store;

use super::accounts::AccountRole;
use super::open_items::NewOpenItem;
use super::problems::AMOUNT_TOO_SMALL;
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, CustomerId, EntryId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Rx, Tx};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

crate::words! {
    /// What kind of document an entry or item comes from.
    pub enum DocumentKind {
        Invoice = "invoice", CreditNote = "credit_note", DebitNote = "debit_note", Receipt = "receipt", Opening = "opening",
        /// Takes back an invoice or note.
        Cancellation = "cancellation",
        /// Takes back any other document: a reversed receipt, a bounced cheque, a reversed write-off.
        Reversal = "reversal",
        Refund = "refund", WriteOff = "write_off", Recovery = "recovery", Adjustment = "adjustment",
        /// Early-payment discount and payment tolerance, granted by an allocation.
        Discount = "discount", Tolerance = "tolerance",
        /// What a settlement moves in the books: exchange differences, and money of one customer for another.
        Settlement = "settlement",
        /// The tax in an advance, as it falls due and is adjusted.
        GstAdvance = "gst_advance",
        /// A certificate shows less tax than was deducted.
        TdsShortfall = "tds_shortfall",
        Revaluation = "revaluation", Journal = "journal",
    }
}

/// Where a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    Role(AccountRole),
    Id(AccountId),
}

/// One side of an entry. Amounts in the document's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub account: Account,
    /// Set on control accounts.
    pub customer: Option<CustomerId>,
    pub debit: Decimal,
    pub credit: Decimal,
    /// The amount in base currency, where it is known rather than converted: a mirror keeps what it mirrors.
    pub base: Option<Decimal>,
}

impl Line {
    #[must_use]
    pub fn debit(role: AccountRole, amount: Decimal) -> Self {
        Self { account: Account::Role(role), customer: None, debit: amount, credit: Decimal::ZERO, base: None }
    }
    #[must_use]
    pub fn credit(role: AccountRole, amount: Decimal) -> Self {
        Self { account: Account::Role(role), customer: None, debit: Decimal::ZERO, credit: amount, base: None }
    }
    /// A figure that may have either sign: a debit when positive.
    #[must_use]
    pub fn signed(role: AccountRole, amount: Decimal) -> Self {
        if amount.is_sign_negative() { Self::credit(role, -amount) } else { Self::debit(role, amount) }
    }
    #[must_use]
    pub fn of(mut self, customer: CustomerId) -> Self {
        self.customer = Some(customer);
        self
    }
    #[must_use]
    pub fn to(mut self, account: AccountId) -> Self {
        self.account = Account::Id(account);
        self
    }
    fn is_zero(&self) -> bool {
        self.debit.is_zero() && self.credit.is_zero()
    }
}

/// What a document puts into the books.
#[derive(Debug, Clone)]
pub struct Posting {
    pub document_kind: DocumentKind,
    pub document_id: Uuid,
    pub document_number: String,
    pub document_date: NaiveDate,
    pub posting_date: NaiveDate,
    pub currency: Currency,
    /// Base units for one unit of `currency`; 1 in base currency.
    pub rate: Decimal,
    pub narration: String,
    pub lines: Vec<Line>,
    pub items: Vec<NewOpenItem>,
    pub reverses: Option<EntryId>,
}

/// A posted entry, as far as it must be known to mirror it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: EntryId,
    pub kind: DocumentKind,
    pub number: String,
    pub document_date: NaiveDate,
    pub posting_date: NaiveDate,
    pub currency: Currency,
    pub rate: Decimal,
    pub lines: Vec<Line>,
}

/// Posts an entry with its open items.
pub fn post(tx: &mut Tx<'_>, posting: &Posting) -> Result<EntryId, Problem> {
    post_all(tx, std::slice::from_ref(posting))?.pop().ok_or_else(|| Problem::internal(&"an entry without an id"))
}

/// A posting with what its lines and items are worth in base currency, as it is stored.
struct Valued<'p> {
    id: EntryId,
    posting: &'p Posting,
    lines: Vec<&'p Line>,
    bases: Vec<Decimal>,
    item_bases: Vec<Decimal>,
}

/// Posts entries with their open items: one statement however many there are. Lines of zero are left
/// out; what does not balance is our mistake and never reaches the database.
pub fn post_all(tx: &mut Tx<'_>, postings: &[Posting]) -> Result<Vec<EntryId>, Problem> {
    let base = tx.cx().currency();
    let mut valued = Vec::with_capacity(postings.len());
    for posting in postings {
        let lines: Vec<&Line> = posting.lines.iter().filter(|line| !line.is_zero()).collect();
        let difference: Decimal = lines.iter().map(|line| line.debit - line.credit).sum();
        if !difference.is_zero() || lines.len() < 2 {
            return Err(Problem::internal(&format!("entry of {} {} does not balance by {difference}", posting.document_kind, posting.document_number)));
        }
        let bases = rules::line_bases(&lines, posting.rate, base);
        let item_bases = rules::item_bases(&posting.items, &lines, &bases, posting.rate, base);
        if item_bases.iter().any(|base| *base <= Decimal::ZERO) {
            return Err(Problem::new(AMOUNT_TOO_SMALL, format!("At the rate {} nothing would be left of an amount in {}.", posting.rate, base.code())));
        }
        valued.push(Valued { id: EntryId::new(), posting, lines, bases, item_bases });
    }
    if !valued.is_empty() {
        store::insert(tx, &valued)?;
    }
    Ok(valued.into_iter().map(|valued| valued.id).collect())
}

/// The entries of a document that stand: neither reversed nor reversals themselves, nor what its
/// settlements or the register of advances posted.
pub fn standing(rx: &mut Rx<'_>, document: Uuid) -> Result<Vec<Entry>, Problem> {
    store::standing(rx, document)
}

impl Entry {
    /// Its lines with sides exchanged, at the same base amounts.
    #[must_use]
    pub fn mirrored(&self) -> Vec<Line> {
        self.lines.iter().map(|line| Line { debit: line.credit, credit: line.debit, ..line.clone() }).collect()
    }
}
