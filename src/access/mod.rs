//! Who may come in, and what everybody did.

pub mod api_clients;
pub mod audit_log;
pub mod tokens;
pub mod users;
pub mod waivers;
