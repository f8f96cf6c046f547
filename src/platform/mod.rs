//! Words and machinery that know no business.

pub mod clock;
pub mod dates;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod money;
pub mod page;
pub mod postgres;
pub mod text;
pub mod unit_of_work;
