//! One file a report, its SQL beside it where it is long.

pub mod aging;
pub mod credit_risk;
pub mod customer_ledger;
pub mod open_items;
pub mod performance;
pub mod reconciliation;
pub mod trial_balance;

pub use crate::ledger::balances::{At, OPEN_AT};

use crate::ledger::balances::totals;
use crate::platform::money::Amount;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(aging::get_aging)
        .service(performance::get_performance)
        .service(credit_risk::get_credit_risk)
        .service(open_items::list_customer_open_items)
        .service(customer_ledger::get_customer_ledger)
        .service(trial_balance::get_trial_balance)
        .service(reconciliation::get_ar_gl_reconciliation);
}

/// Four figures that must be one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    /// Σ amounts of all documents and exchange differences.
    pub documents: Amount,
    /// Σ open items.
    pub subledger: Amount,
    /// Balance of the control account.
    pub gl: Amount,
    /// Σ buckets less unapplied.
    pub buckets: Amount,
    /// The largest difference between any two of them.
    pub difference: Amount,
}

fn spread(figures: &[Decimal]) -> Decimal {
    let largest = figures.iter().max().copied().unwrap_or_default();
    let smallest = figures.iter().min().copied().unwrap_or_default();
    largest - smallest
}
