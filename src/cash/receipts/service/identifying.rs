//! The payer of a receipt that came without one becomes known.

use super::super::posting::identification;
use super::super::store::{self, Head, Step};
use super::super::types::{Identify, Receipt, State};
use super::placing::{Instructions, advance_terms, credit_item, open_advance, plan};
use super::{changed, invalid_state, lock, step_day};
use crate::cash::allocations::rules::target_faults;
use crate::cash::allocations::settlement::Terms;
use crate::cash::allocations::store::customers_of;
use crate::ledger::open_items::rules::Purse;
use crate::ledger::{self, AllocationKind, OpenItem};
use crate::master_data::customers;
use crate::master_data::customers::reference::NamesCustomer;
use crate::platform::http::Problem;
use crate::platform::ids::ReceiptId;
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Audited, Tx};

/// Unidentified → identified: from the unidentified receipts to the customer's account, then placed.
pub fn identify(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Identify) -> Result<Audited<Receipt>, Problem> {
    let (base, today) = (tx.cx().currency(), tx.cx().today);
    let name = wanted.customer();
    let unlocked = store::head(tx, id, false)?;
    let settles = settles(&unlocked, base);
    let mut errors = target_faults("/allocations", &wanted.allocations, settles);
    errors.extend(name.missing());
    let on = step_day(wanted.identified_on, "/identified_on", unlocked.posting_date.unwrap_or(unlocked.receipt_date), today).unwrap_or_else(|faults| {
        errors.extend(faults);
        today
    });
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    name.unambiguous()?;
    let texts = |text: Option<&str>| text.map(str::to_owned).into_iter().collect();
    let found = customers::store::ids(tx, name.id.into_iter().collect(), texts(name.external_id), texts(name.code))?;
    let customer = *found.first().ok_or_else(|| name.unknown())?;
    let mut concerned = customers_of(tx, &wanted.allocations)?;
    concerned.push(customer);
    let (head, before) = lock(tx, id, version, concerned)?;
    if head.state != State::Unidentified {
        return Err(invalid_state(&head, "Only an unidentified one can be identified."));
    }
    let (Some(entry), Some(posted)) = (head.entry_id, head.posting_date) else { return Err(Problem::internal(&"an unidentified receipt out of the books")) };
    let worth = ledger::journal::standing(tx, id.uuid())?.into_iter().find(|e| e.id == entry);
    let in_base =
        worth.and_then(|e| e.lines.first().and_then(|line| line.base)).ok_or_else(|| Problem::internal(&"an unidentified receipt without its entry"))?;
    let credit = OpenItem { document_number: head.number.clone(), ..credit_item(id.uuid(), customer, settles, head.gross_settled, in_base, on) };
    let terms = wanted.gst_advance.as_ref().map(|wanted| advance_terms(tx, wanted, customer, head.receipt_date)).transpose()?;
    let instructions = Instructions {
        prefix: "/allocations",
        targets: &wanted.allocations,
        auto_apply: wanted.auto_apply,
        terms: Terms { value_date: head.value_date, apply: true },
    };
    let (mut plan, _) = plan(tx, &credit, vec![Purse { kind: AllocationKind::Cash, left: credit.amount }], instructions, on)?;
    plan.numbered(&head.number);
    ledger::post(tx, &identification(&credit, &head.number, head.exchange_rate, posted, on))?;
    plan.write(tx)?;
    let advance = open_advance(tx, terms, &credit, &plan, on)?;
    let step = Step { state: Some(State::Recorded), customer: Some(customer), item: Some(credit.id), identified_on: Some(on), advance, ..Step::default() };
    store::advance(tx, id, &step)?;
    changed(tx, id, &before, "receipt.identified", None)
}

fn settles(head: &Head, base: Currency) -> Currency {
    head.settlement_currency.as_deref().or(Some(&head.currency)).and_then(Currency::parse).unwrap_or(base)
}
