//! The verbs of statements.

use super::store;
use super::types::{ConfirmationResult, NewConfirmation, NewStatement, Statement, StatementStyle};
use crate::delivery::documents;
use crate::ledger::Side;
use crate::ledger::balances::At;
use crate::master_data::customers;
use crate::master_data::customers::reference::NamesCustomer;
use crate::platform::dates::Instant;
use crate::platform::http::{FieldError, Problem, faults};
use crate::platform::ids::{CustomerId, StatementId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Audited, Change, Outcomes, Rx, Tx};
use crate::reporting::reports::customer_ledger::{MoveRow, movements};
use crate::reporting::reports::open_items::{ItemRow, open_at};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;

/// The longest span of a statement, in days.
const LONGEST: i64 = 10 * 366;

/// A statement with its rows.
pub struct Account {
    pub head: Statement,
    pub opening: Decimal,
    pub movements: Vec<MoveRow>,
    pub items: Vec<ItemRow>,
}

fn read(
    rx: &mut Rx<'_>,
    customer: CustomerId,
    from: NaiveDate,
    to: NaiveDate,
    known_at: DateTime<Utc>,
) -> Result<(Decimal, Vec<MoveRow>, Vec<ItemRow>), Problem> {
    let (opening, movements) = movements(rx, customer, Some(from), Some(to), known_at)?;
    let items = open_at(rx, customer, At { as_of: to, known_at, now: false })?;
    Ok((opening, movements, items))
}

/// A statement with its rows, as they were known then.
pub fn load(rx: &mut Rx<'_>, id: StatementId) -> Result<Account, Problem> {
    let head = store::get(rx, id)?;
    let (opening, movements, items) = read(rx, head.customer_id, head.from, head.to, head.known_at.0)?;
    Ok(Account { head, opening, movements, items })
}

pub fn create(tx: &mut Tx<'_>, new: &NewStatement) -> Result<Audited<Statement>, Problem> {
    let named = new.customer();
    named.unambiguous()?;
    if let Some(missing) = named.missing() {
        return Err(Problem::invalid(vec![missing]));
    }
    let customer = customers::store::find(tx, &named)?;
    let to = new.to.unwrap_or(tx.cx().today);
    let from = new.from.unwrap_or_else(|| to.with_day(1).unwrap_or(to));
    let mut errors = Vec::new();
    if from > to {
        errors.push(FieldError::at("/from", "invalid_value", "from must not lie after to.").expected(format!("at most {to}")).received(from));
    } else if (to - from).num_days() > LONGEST {
        errors.push(FieldError::at("/from", "span_too_long", "A statement spans at most ten years.").received(from));
    }
    if to > tx.cx().today {
        errors
            .push(FieldError::at("/to", "date_in_future", "A statement ends today at the latest.").expected(format!("at most {}", tx.cx().today)).received(to));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    // Before anything is written, as a writer holds back what is settled.
    let known_at = store::settled_until(tx)?;
    let (opening, movements, items) = read(tx, customer, from, to, known_at)?;
    let closing = opening + movements.iter().map(|row| row.debit - row.credit).sum::<Decimal>();
    let overdue: Decimal = items.iter().filter(|item| item.side == Side::Debit && item.due_date < to).map(|item| item.open).sum();
    let name = customers::store::get(tx, customer, false)?.legal_name;
    let (currency, actor, now) = (tx.cx().currency(), tx.cx().actor.to_string(), tx.cx().now);
    let statement = Statement {
        id: StatementId::new(),
        object: "statement",
        customer_id: customer,
        customer_name: name,
        style: new.style.unwrap_or(StatementStyle::Running),
        from,
        to,
        known_at: Instant(known_at),
        currency: currency.code().to_owned(),
        opening_balance: currency.amount(opening),
        closing_balance: currency.amount(closing),
        overdue: currency.amount(overdue),
        created_by: actor,
        created_at: Instant(now),
        confirmation: None,
    };
    store::insert(tx, &statement)?;
    documents::service::fix_statement(tx, statement.id, customer)?;
    Ok(tx.record(Change::new("statement.created", statement.id.uuid()).after(&statement), statement))
}

/// Several, each for itself.
pub fn create_all(tx: &mut Tx<'_>, rows: &[&NewStatement]) -> Outcomes<Statement> {
    Ok(rows.iter().map(|new| create(tx, new)).collect())
}

/// Records what a customer answered to a statement.
pub fn confirm(tx: &mut Tx<'_>, id: StatementId, new: &NewConfirmation) -> Result<Audited<Statement>, Problem> {
    let before = store::get(tx, id)?;
    let (ours, today) = (before.closing_balance.0, tx.cx().today);
    let currency = Currency::parse(&before.currency).unwrap_or(tx.cx().currency());
    let on = new.confirmed_on.unwrap_or(today);
    let mut errors = Vec::new();
    let stated = match (new.result, new.stated_balance.map(|amount| amount.0)) {
        (ConfirmationResult::Agreed, None) => ours,
        (ConfirmationResult::Agreed, Some(stated)) => {
            if stated != ours {
                errors.push(FieldError::at("/stated_balance", "invalid_value", "Books that say another balance differ.").expected(ours).received(stated));
            }
            stated
        }
        (ConfirmationResult::Differs, None) => {
            errors.push(FieldError::at("/stated_balance", "required", "Where the books differ, what the customer's say."));
            ours
        }
        (ConfirmationResult::Differs, Some(stated)) => {
            if stated == ours {
                errors.push(FieldError::at("/stated_balance", "invalid_value", "Books that say the same balance agree.").received(stated));
            } else if !currency.holds(stated) {
                errors.push(faults::precision("/stated_balance", stated, currency));
            }
            stated
        }
    };
    if on < before.to {
        let detail = "Nobody answers before the last day of the statement.";
        errors.push(FieldError::at("/confirmed_on", "before_document", detail).expected(format!("at least {}", before.to)).received(on));
    } else if on > today {
        errors.push(FieldError::at("/confirmed_on", "date_in_future", "The answer is of a day to come.").expected(format!("at most {today}")).received(on));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    store::insert_confirmation(tx, &before, new, stated, on)?;
    let after = store::get(tx, id)?;
    Ok(tx.record(Change::new("statement.confirmed", id.uuid()).before(&before).after(&after), after))
}
