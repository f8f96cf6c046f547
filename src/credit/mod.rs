//! Credit: whose orders are delivered on account, up to what amount, and who decides where that is exceeded.

pub mod policy;
pub mod limits;
pub mod exposure;
pub mod orders;
pub mod risk;
pub mod profiles;
pub mod appraisals;
pub mod daily;
pub mod what_if;
