use super::{Account, DocumentKind, Entry, Line, Posting};
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, CustomerId, EntryId};
use crate::platform::money::Currency;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

pub fn insert(tx: &mut Tx<'_>, posting: &Posting, lines: &[&Line], bases: &[Decimal], item_bases: &[Decimal]) -> Result<EntryId, Problem> {
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
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $24, $9, $10, $11, $12)
            ), lines AS (
                INSERT INTO journal_line (company_id, entry_id, line_no, account_id, customer_id, posting_date, debit, credit, base_debit, base_credit)
                SELECT $1, $2, l.n, coalesce(l.account_id, a.id), l.customer_id, $7, l.debit, l.credit, CASE WHEN l.credit = 0 THEN l.base ELSE 0 END, CASE WHEN l.credit = 0 THEN 0 ELSE l.base END
                FROM unnest($13::text[], $14::uuid[], $15::uuid[], $16::numeric[], $17::numeric[], $25::numeric[]) WITH ORDINALITY AS l(role, account_id, customer_id, debit, credit, base, n)
                LEFT JOIN gl_account a ON a.company_id = $1 AND a.role = l.role
            )
            INSERT INTO open_item (company_id, id, customer_id, entry_id, document_kind, document_id, document_number, instalment_no, side, currency, amount, base_amount,
                document_date, posting_date, due_date, original_due_date, discount, discount_until, grace_until, tolerance)
            SELECT $1, i.id, i.customer_id, $2, $3, $4, $5, i.instalment_no, i.side, $8, i.amount, i.base, $6, $7, i.due_date, i.due_date, i.discount, i.discount_until, i.grace_until, i.tolerance
            FROM unnest($18::uuid[], $19::uuid[], $20::int[], $21::text[], $22::numeric[], $23::date[], $26::numeric[], $27::numeric[], $28::date[], $29::date[], $30::numeric[])
                 AS i(id, customer_id, instalment_no, side, amount, due_date, base, discount, discount_until, grace_until, tolerance)",
        )
        .bind(company).bind(id).bind(posting.document_kind).bind(posting.document_id).bind(posting.document_number.as_str())
        .bind(posting.document_date).bind(posting.posting_date).bind(posting.currency.code()).bind(posting.narration.as_str()).bind(count).bind(posting.reverses).bind(actor)
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
        .bind(posting.items.iter().map(|i| i.due_date).collect::<Many<_>>())
        .bind(posting.rate)
        .bind(Many(bases.to_vec()))
        .bind(Many(item_bases.to_vec()))
        .bind(posting.items.iter().map(|i| i.terms.discount).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.terms.discount_until).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.terms.grace_until).collect::<Many<_>>())
        .bind(posting.items.iter().map(|i| i.terms.tolerance).collect::<Many<_>>()),
    )?;
    Ok(id)
}

row! {
    struct EntryRow {
        id: EntryId, document_kind: DocumentKind, document_number: String, document_date: NaiveDate, posting_date: NaiveDate, currency: String, exchange_rate: Decimal,
    }
}
row! { struct LineRow { entry_id: EntryId, account_id: AccountId, customer_id: Option<CustomerId>, debit: Decimal, credit: Decimal, base: Decimal } }

pub fn standing(rx: &mut Rx<'_>, document: Uuid) -> Result<Vec<Entry>, Problem> {
    let company = rx.company();
    let entries: Vec<EntryRow> = rx.load(
        Sql::new(
            "SELECT e.id, e.document_kind, e.document_number, e.document_date, e.posting_date, e.currency, e.exchange_rate FROM journal_entry e
             WHERE e.company_id = $1 AND e.document_id = $2 AND e.reverses_id IS NULL AND e.document_kind <> 'settlement'
               AND NOT EXISTS (SELECT FROM journal_entry r WHERE r.company_id = e.company_id AND r.reverses_id = e.id)
             ORDER BY e.posting_date, e.id",
        )
        .bind(company)
        .bind(document),
    )?;
    let lines: Vec<LineRow> = rx.load(
        Sql::new(
            "SELECT entry_id, account_id, customer_id, debit::numeric AS debit, credit::numeric AS credit, (base_debit + base_credit)::numeric AS base
             FROM journal_line WHERE company_id = $1 AND entry_id = ANY($2) ORDER BY entry_id, line_no",
        )
        .bind(company)
        .bind(entries.iter().map(|e| e.id).collect::<Many<_>>()),
    )?;
    let line = |l: &LineRow| Line { account: Account::Id(l.account_id), customer: l.customer_id, debit: l.debit, credit: l.credit, base: Some(l.base) };
    entries
        .into_iter()
        .map(|e| {
            Ok(Entry {
                id: e.id,
                kind: e.document_kind,
                number: e.document_number,
                document_date: e.document_date,
                posting_date: e.posting_date,
                currency: Currency::parse(&e.currency).ok_or_else(|| Problem::internal(&"an entry without currency"))?,
                rate: e.exchange_rate,
                lines: lines.iter().filter(|l| l.entry_id == e.id).map(line).collect(),
            })
        })
        .collect()
}
