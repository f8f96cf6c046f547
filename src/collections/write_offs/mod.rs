//! Write-offs: debts given up, and what came in after all.
//!
//! Decides: who may give up how much, against which documents. A write-off is posted for the whole debt,
//! tax included: GST gives no relief for bad debts, so the tax stays paid. It waits for a second
//! person and reserves nothing meanwhile; what is open is judged again when it is approved. It is taken
//! back like any document, item by item or whole. Money recovered is income, never a second settlement of
//! the invoice. Owns `write_off`, `write_off_line`, `recovery`.

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
