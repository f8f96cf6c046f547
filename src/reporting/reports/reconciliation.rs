//! Sub-ledger against control account.

use super::open_items::AsOf;
use super::{At, totals};
use crate::ledger::balances::subledger;
use crate::platform::http::reply::Resource;
use crate::platform::http::{Fetched, Problem, Query, Reply};
use crate::platform::money::Amount;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::permissions::GlRead;
use crate::platform::unit_of_work::{Caller, Rx};
use crate::row;
use actix_web::get;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Serialize, ToSchema)]
pub struct ArGl {
    pub as_of: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Σ open items: debits less credits.
    pub subledger: Amount,
    /// Balance of the control account.
    pub gl: Amount,
    pub difference: Amount,
    /// Documents whose items and control-account lines differ; none, or the books are broken.
    #[schema(max_items = 200)]
    pub differences: Vec<ArGlDifference>,
}
impl Resource for ArGl {}

#[derive(Debug, Serialize, ToSchema)]
pub struct ArGlDifference {
    #[schema(max_length = 20, example = "invoice")]
    pub document_type: String,
    pub document_id: Uuid,
    pub subledger: Amount,
    pub gl: Amount,
}

/// Reconcile receivables with the general ledger.
///
/// Σ open items against the control account, in base currency, as of a day and as known at an
/// instant, with the documents that differ.
#[utoipa::path(tag = "General ledger", params(AsOf), responses((status = 200, body = ArGl, description = "The comparison.")), extensions(("x-permission" = json!("gl:read"))))]
#[get("/v1/reconciliations/ar-gl")]
pub async fn get_ar_gl_reconciliation(caller: Caller<GlRead>, params: Query<AsOf>) -> Reply<Fetched<ArGl>> {
    caller.fetch(move |rx| ar_gl(rx, &params)).await
}

row! { struct DifferenceRow { document_kind: String, document_id: Uuid, items: Decimal, lines: Decimal } }

fn ar_gl(rx: &mut Rx<'_>, params: &AsOf) -> Result<ArGl, Problem> {
    let at = At::read(rx, params.as_of.as_deref(), params.known_at.as_deref())?;
    let company = rx.company();
    let subledger = subledger(rx, at)?;
    let gl = totals(rx, at)?.gl;
    let rows: Vec<DifferenceRow> = rx.load(
        Sql::new(
            "WITH items AS (
                SELECT entry_id, sum(amount) AS amount FROM (
                    SELECT entry_id, CASE WHEN side = 'debit' THEN base_amount ELSE -base_amount END AS amount FROM open_item WHERE company_id = $1 AND posting_date <= $2 AND recorded_at <= $3
                    UNION ALL SELECT entry_id, credit_base - debit_base FROM allocation WHERE company_id = $1 AND entry_id IS NOT NULL AND effective_on <= $2 AND recorded_at <= $3
                ) AS moves GROUP BY entry_id
             ), lines AS (
                SELECT l.entry_id, sum(l.base_debit - l.base_credit) AS amount FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id
                WHERE l.company_id = $1 AND a.is_control AND l.posting_date <= $2 AND l.recorded_at <= $3 GROUP BY l.entry_id
             )
             SELECT e.document_kind, e.document_id, coalesce(i.amount, 0)::numeric AS items, coalesce(l.amount, 0)::numeric AS lines
             FROM items i FULL JOIN lines l USING (entry_id) JOIN journal_entry e ON e.company_id = $1 AND e.id = entry_id
             WHERE coalesce(i.amount, 0) <> coalesce(l.amount, 0) ORDER BY e.posting_date, e.id LIMIT 200",
        )
        .bind(company).bind(at.as_of).bind(at.horizon()),
    )?;
    let currency = rx.cx().currency();
    Ok(ArGl {
        as_of: at.as_of,
        currency: currency.code().to_owned(),
        subledger: currency.amount(subledger),
        gl: currency.amount(gl),
        difference: currency.amount(subledger - gl),
        differences: rows
            .into_iter()
            .map(|row| ArGlDifference {
                document_type: row.document_kind,
                document_id: row.document_id,
                subledger: currency.amount(row.items),
                gl: currency.amount(row.lines),
            })
            .collect(),
    })
}
