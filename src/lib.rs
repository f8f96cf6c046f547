//! Duebook: accounts receivable as an API over `PostgreSQL`.
//!
//! Data enters at an endpoint, passes through pure rules, is posted once to the ledger, and leaves
//! as reports. Modules in reading order; each imports only those above it.

pub mod config; // the only reader of the environment
pub mod platform; // words and machinery that know no business
pub mod tax; // GST: place of supply, rates, rounding; pure, so anyone may ask it, also over HTTP
pub mod access; // users, tokens, API clients, audit log
pub mod master_data; // companies, customers, items, terms
pub mod ledger; // entries, open items, numbers, periods
pub mod control; // approvals, closing months, journals by hand
pub mod credit; // limits, exposure, orders held against them
pub mod billing; // invoices, credit and debit notes
pub mod cash; // receipts, allocations, refunds, tax deducted
pub mod collections; // write-offs, adjustments, opening items
pub mod filing; // e-invoices, returns of outward supplies
pub mod reporting; // aging, ledger, trial balance, performance
pub mod delivery; // documents people can send, statements, events and webhooks
pub mod intake; // files of many rows: imports
pub mod setup; // a company from nothing, the demo
pub mod app; // composition: routes, jobs, the server

use platform::http::problem::Refusal;
use std::sync::LazyLock;

/// Every refusal the service can give.
pub fn catalogue() -> &'static [&'static Refusal] {
    static ALL: LazyLock<Vec<&'static Refusal>> = LazyLock::new(|| {
        [
            platform::http::problem::ALL,
            platform::jobs::problems::ALL,
            tax::tools::problems::ALL,
            access::tokens::problems::ALL,
            access::users::problems::ALL,
            access::api_clients::problems::ALL,
            master_data::exchange_rates::problems::ALL,
            master_data::gst_registrations::problems::ALL,
            master_data::payment_terms::problems::ALL,
            master_data::items::problems::ALL,
            master_data::customers::problems::ALL,
            master_data::payers::problems::ALL,
            ledger::problems::ALL,
            control::approvals::problems::ALL,
            control::close::problems::ALL,
            control::journals::problems::ALL,
            credit::appraisals::problems::ALL,
            credit::orders::problems::ALL,
            billing::invoices::problems::ALL,
            cash::receipts::problems::ALL,
            cash::allocations::problems::ALL,
            cash::refunds::problems::ALL,
            cash::tds::problems::ALL,
            collections::targets::ALL,
            collections::write_offs::problems::ALL,
            collections::adjustments::problems::ALL,
            collections::opening_items::problems::ALL,
            filing::einvoice::problems::ALL,
            filing::gst_returns::problems::ALL,
            reporting::exports::problems::ALL,
            delivery::documents::problems::ALL,
            delivery::webhooks::problems::ALL,
            intake::imports::problems::ALL,
        ]
        .concat()
    });
    &ALL
}
