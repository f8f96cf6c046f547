//! Orders held against credit: checks that reserve, holds, and who lets an order go after all.
//!
//! Decides: whether an order goes out on account. A check locks the balances of the customer and of everybody it shares
//! a limit with, judges by the policy and, where the order passes, holds its amount free in the same transaction: any
//! number of checks at once never exceed a limit together. What was known and which rules fired is kept for ever and
//! gives the same answer when it is asked again. A held order waits in a queue; it is released within the releaser's
//! band, escalated to an approval, rejected, or goes by itself once the rules no longer hold it. One order has one check
//! that stands: asking again for the same order judges it anew, and what was released stands only while the order
//! neither grew nor was closed and the facts did not get worse. Owns `credit_check`, `credit_move`, `order_hold`.

pub mod billing;
pub mod checks;
pub mod holds;
pub mod http;
pub mod problems;
pub mod store;
pub mod sweep;
pub mod types;
