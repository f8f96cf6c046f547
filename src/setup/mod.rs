//! Bringing a company to life: its registration, chart, periods, series, terms and people; and the
//! demo. The one place that calls every area beneath it.

pub mod company;
pub mod demo;
pub mod http;
pub mod meta;
pub mod tax_rates;
