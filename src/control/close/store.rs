use super::types::PeriodFilter;
use super::{Check, Finding};
use crate::ledger::balances::{At, OPEN_AT, subledger, totals};
use crate::ledger::periods::store::PeriodRow;
use crate::ledger::periods::{Month, Period};
use crate::ledger::verify;
use crate::platform::dates::month_label;
use crate::platform::http::Problem;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;

static PERIODS: List = List {
    select: crate::ledger::periods::store::SELECT,
    id: "p.id",
    sorts: &[SortKey { name: "period", expression: "p.starts_on", kind: "date" }],
    default_sort: "-period",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &PeriodFilter) -> Result<Page<Period>, Problem> {
    let month = |text: &Option<String>| text.as_deref().and_then(Month::parse).map(|month| month.0);
    let listing = PERIODS
        .of(rx)
        .any_of("p.state", filter.state.as_deref())
        .when("p.starts_on >= {}", month(&filter.period_gte))
        .when("p.starts_on <= {}", month(&filter.period_lte));
    Ok(listing.page::<PeriodRow>(rx, paging)?.map(Period::from))
}

/// What the ledger itself wants to be right before a month is closed for good.
pub const CHECKS: &[Check] = &[
    Check {
        task: "month_has_ended",
        blocking: true,
        about: "The month is over.",
        find: |rx, period| Ok(still_running(rx.cx().today, period).into_iter().collect()),
    },
    Check { task: "earlier_months_closed", blocking: true, about: "Every earlier month that was posted to is closed.", find: earlier_months_closed },
    Check { task: "receivables_agree", blocking: true, about: "Documents, open items and the control account agree.", find: receivables_agree },
    Check { task: "numbers_without_gaps", blocking: true, about: "No document number is missing or taken twice.", find: numbers_without_gaps },
    Check { task: "unidentified_money", blocking: false, about: "No money of an unknown payer waits.", find: unidentified_money },
    Check { task: "unapplied_credits", blocking: false, about: "No credit waits to be applied.", find: unapplied_credits },
];

fn still_running(today: NaiveDate, period: &Period) -> Option<Finding> {
    let running = period.ends_on >= today;
    running.then(|| Finding { r#type: "period", id: month_label(period.starts_on), label: format!("Ends on {}", period.ends_on) })
}

row! { struct MonthRow { starts_on: NaiveDate, state: String } }

fn earlier_months_closed(rx: &mut Rx<'_>, period: &Period) -> Result<Vec<Finding>, Problem> {
    let company = rx.company();
    let rows: Vec<MonthRow> = rx.load(
        Sql::new(
            "SELECT p.starts_on, p.state FROM period p WHERE p.company_id = $1 AND p.starts_on < $2 AND p.state <> 'closed'
               AND EXISTS (SELECT FROM journal_entry e WHERE e.company_id = p.company_id AND e.posting_date BETWEEN p.starts_on AND p.ends_on) ORDER BY p.starts_on",
        )
        .bind(company)
        .bind(period.starts_on),
    )?;
    Ok(rows
        .into_iter()
        .map(|row| Finding {
            r#type: "period",
            id: month_label(row.starts_on),
            label: format!("{} is {}", month_label(row.starts_on), row.state.replace('_', " ")),
        })
        .collect())
}

fn receivables_agree(rx: &mut Rx<'_>, period: &Period) -> Result<Vec<Finding>, Problem> {
    let at = At::recorded(period.ends_on);
    let (control, items) = (totals(rx, at)?, subledger(rx, at)?);
    let differs = control.documents != items || control.gl != items;
    let label = || format!("documents {}, open items {items}, control account {}", control.documents, control.gl);
    Ok(differs.then(|| Finding { r#type: "difference", id: period.ends_on.to_string(), label: label() }).into_iter().collect())
}

fn numbers_without_gaps(rx: &mut Rx<'_>, _: &Period) -> Result<Vec<Finding>, Problem> {
    let broken = verify::broken_of(rx, "no gap and no double")?;
    Ok(broken.into_iter().map(|prefix| Finding { r#type: "number_series", label: format!("Series {prefix}"), id: prefix }).collect())
}

fn unidentified_money(rx: &mut Rx<'_>, period: &Period) -> Result<Vec<Finding>, Problem> {
    let company = rx.company();
    let waiting: Decimal = rx.scalar(
        Sql::new(
            "SELECT coalesce(sum(l.base_credit - l.base_debit), 0)::numeric FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id
             WHERE l.company_id = $1 AND a.role = 'unidentified_receipts' AND l.posting_date <= $2",
        )
        .bind(company)
        .bind(period.ends_on),
    )?;
    let amount = rx.cx().currency().amount(waiting).0;
    Ok((!waiting.is_zero())
        .then(|| Finding { r#type: "account", id: "unidentified_receipts".into(), label: format!("{amount} is not identified") })
        .into_iter()
        .collect())
}

row! { struct CreditRow { id: uuid::Uuid, document_kind: String, document_number: String, open: Decimal } }

fn unapplied_credits(rx: &mut Rx<'_>, period: &Period) -> Result<Vec<Finding>, Problem> {
    let at = At::recorded(period.ends_on);
    let (company, currency) = (rx.company(), rx.cx().currency());
    let rows: Vec<CreditRow> = rx.load(
        Sql::new(format!(
            "{OPEN_AT} SELECT document_id AS id, document_kind, document_number, open::numeric AS open FROM open_at WHERE side = 'credit' AND open <> 0 ORDER BY document_date, document_number, id"
        ))
        .bind(company).bind(at.as_of).bind(at.horizon()),
    )?;
    Ok(rows
        .into_iter()
        .map(|row| Finding {
            r#type: "credit",
            id: row.id.to_string(),
            label: format!("{} {}: {} is open", row.document_kind.replace('_', " "), row.document_number, currency.amount(row.open).0),
        })
        .collect())
}
