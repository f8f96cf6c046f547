//! The ledger: the only writer of journal entries, open items and allocations.
//!
//! A document gives a pure [`Posting`]; [`post`] writes its entry and open items in one statement,
//! [`settle`] moves open amounts between a credit and a debit item and posts what that changes in the
//! books, [`unwind`] takes any document back at a date.
//! Nothing posted is ever changed. The database keeps the same promises once more: entries that do
//! not balance cannot commit, items cannot be overdrawn, closed periods take nothing.
//!
//! Order of locks for every writer: idempotency key, customer balances by id, open items by id,
//! inserts (which share the books' lock and share-lock their period), number series last. A close
//! takes the books alone before anything else but its approval, so it can wait for writers without a cycle.
//!
//! Owns `gl_account`, `journal_entry`, `journal_line`, `open_item`, `open_item_balance`,
//! `customer_balance`, `allocation`, `number_series`, `period`, `period_snapshot`, `gst_advance`.

pub mod accounts;
pub mod advances;
pub mod balances;
pub mod journal;
pub mod numbering;
pub mod open_items;
pub mod periods;
pub mod problems;
pub mod verify;

pub use accounts::AccountRole;
pub use journal::{Account, DocumentKind, Entry, Line, Posting, post, post_all};
pub use open_items::{
    Allocation, AllocationKind, NewAllocation, NewOpenItem, OpenItem, SettlementTerms, Side, Unwind, lock_parties, lock_reversible, reverse_allocations,
    settle, unwind,
};
