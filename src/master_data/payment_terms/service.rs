//! The verbs of payment terms.

use super::types::{NewPaymentTerms, PaymentTerms};
use super::{rules, store};
use crate::platform::http::Problem;
use crate::platform::unit_of_work::{Audited, Change, Tx};

pub fn create(tx: &mut Tx<'_>, new: &NewPaymentTerms) -> Result<Audited<PaymentTerms>, Problem> {
    let mut faults = rules::faults(&new.instalments);
    let discount = rules::discount(new.discount_percent, new.discount_days).unwrap_or_else(|fault| {
        faults.push(fault);
        None
    });
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let id = store::insert(tx, &new.code, &new.name, &new.instalments, discount)?;
    let made = store::find(tx, id)?.ok_or_else(|| Problem::internal(&"terms vanished"))?;
    Ok(tx.record(Change::new("payment_terms.created", id.uuid()).after(&made), made))
}
