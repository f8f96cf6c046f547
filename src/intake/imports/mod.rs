//! Imports: many rows of one kind from a file, validated by the verbs that will take them in, looked at, then committed.
//!
//! A row is a body of the operation it stands for: columns are its members by name (`billing_address.city`), so an import knows,
//! checks and refuses exactly what the operation does. Validation does everything and takes it back, batch by batch; a commit
//! does each row once, whatever crashes in between. Owns `import`, `import_piece` and `import_row`.

mod columns;
mod file;
pub mod http;
mod kinds;
pub mod problems;
mod service;
pub mod store;
pub mod types;
pub mod work;

pub use store::purge;
