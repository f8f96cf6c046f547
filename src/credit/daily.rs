//! What credit does every day: reviews are opened and customers scored.

use super::appraisals::reviews;
use super::risk::types::{CreditScoreRun, RunScores};
use super::risk::{service, store};
use crate::platform::http::Problem;
use crate::platform::unit_of_work::{Audited, Doors, Tx, run_system, run_system_read};

/// Scores customers; a run of today also opens the reviews that are due. Those first: they lock balances, which come
/// before the profiles that scores write.
pub fn run(tx: &mut Tx<'_>, wanted: &RunScores) -> Result<Audited<CreditScoreRun>, Problem> {
    let today = tx.cx().today;
    if wanted.as_of.is_none_or(|as_of| as_of == today) {
        reviews::open_due(tx)?;
    }
    service::run(tx, wanted)
}

/// Runs in every company once a day. Called every hour: a day begins in every zone.
pub fn run_all(doors: &Doors) -> Result<(), Problem> {
    for company in run_system_read(doors, None, "listCompanies", store::companies)? {
        run_system(doors, Some(company), "runCreditScores", |tx| {
            let today = tx.cx().today;
            if store::due(tx, today)? {
                let _ = run(tx, &RunScores { as_of: None, customer_ids: None })?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
