//! What comes in by the file.

pub mod imports;
