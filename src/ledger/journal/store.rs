use super::{Account, Line, Posting};
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, CustomerId, EntryId};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use rust_decimal::Decimal;

pub fn insert(tx: &mut Tx<'_>, posting: &Posting, lines: &[&Line]) -> Result<EntryId, Problem> {
    let id = EntryId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let role = |line: &&Line| match line.account {
        Account::Role(role) => Some(role.as_str()),
        Account::Id(_) => None,
    };
    let account = |line: &&Line| match line.account {
        Account::Id(id) => Some(id),
        Account::Role(_) => None,
    };
    let count = i32::try_from(lines.len()).map_err(|e| Problem::internal(&e))?;
    tx.execute(
        Sql::new(
            "WITH entry AS (
                INSERT INTO journal_entry (company_id, id, document_kind, document_id, document_number, document_date, posting_date, currency, exchange_rate, narration, line_count, reverses_id, actor)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12)
            ), lines AS (
                INSERT INTO journal_line (company_id, entry_id, line_no, account_id, customer_id, posting_date, debit, credit, base_debit, base_credit)
                SELECT $1, $2, l.n, coalesce(l.account_id, a.id), l.customer_id, $7, l.debit, l.credit, l.debit, l.credit
                FROM unnest($13::text[], $14::uuid[], $15::uuid[], $16::numeric[], $17::numeric[]) WITH ORDINALITY AS l(role, account_id, customer_id, debit, credit, n)
                LEFT JOIN gl_account a ON a.company_id = $1 AND a.role = l.role
            )
            INSERT INTO open_item (company_id, id, customer_id, entry_id, document_kind, document_id, document_number, instalment_no, side, currency, amount, base_amount,
                document_date, posting_date, due_date, original_due_date)
            SELECT $1, i.id, i.customer_id, $2, $3, $4, $5, i.instalment_no, i.side, $8, i.amount, i.amount, $6, $7, i.due_date, i.due_date
            FROM unnest($18::uuid[], $19::uuid[], $20::int[], $21::text[], $22::numeric[], $23::date[]) AS i(id, customer_id, instalment_no, side, amount, due_date)",
        )
        .bind(company).bind(id).bind(posting.document_kind).bind(posting.document_id).bind(posting.document_number.as_str())
        .bind(posting.document_date).bind(posting.posting_date).bind(posting.currency).bind(posting.narration.as_str()).bind(count).bind(posting.reverses).bind(actor)
        .bind(lines.iter().map(role).collect::<Many<_>>())
        .bind(lines.iter().map(account).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.customer).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.debit).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.credit).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.id).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.customer).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.instalment_no).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.side).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.amount).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.due_date).collect::<Many<_>>()),
    )?;
    Ok(id)
}

row! { struct LineRow { account_id: AccountId, customer_id: Option<CustomerId>, debit: Decimal, credit: Decimal } }

pub fn lines(rx: &mut Rx<'_>, entry: EntryId) -> Result<Vec<Line>, Problem> {
    let company = rx.company();
    let rows: Vec<LineRow> = rx.load(
        Sql::new("SELECT account_id, customer_id, debit::numeric AS debit, credit::numeric AS credit FROM journal_line WHERE company_id = $1 AND entry_id = $2 ORDER BY line_no").bind(company).bind(entry),
    )?;
    Ok(rows.into_iter().map(|row| Line { account: Account::Id(row.account_id), customer: row.customer_id, debit: row.debit, credit: row.credit }).collect())
}
