use super::{Account, DocumentKind, Entry, Line, Valued};
use crate::ledger::open_items::NewOpenItem;
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, CustomerId, EntryId};
use crate::platform::money::Currency;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

pub(super) fn insert(tx: &mut Tx<'_>, entries: &[Valued<'_>]) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let role = |line: &Line| match line.account {
        Account::Role(role) => Some(role.as_str()),
        Account::Id(_) => None,
    };
    let account = |line: &Line| match line.account {
        Account::Id(id) => Some(id),
        Account::Role(_) => None,
    };
    // Entry, number within it, line, base amount.
    let lines: Vec<(&Valued<'_>, i32, &Line, Decimal)> =
        entries.iter().flat_map(|e| (1..).zip(e.lines.iter().zip(&e.bases)).map(move |(n, (line, base))| (e, n, *line, *base))).collect();
    let items: Vec<(&Valued<'_>, &NewOpenItem, Decimal)> =
        entries.iter().flat_map(|e| e.posting.items.iter().zip(&e.item_bases).map(move |(item, base)| (e, item, *base))).collect();
    let counts = entries.iter().map(|e| i32::try_from(e.lines.len())).collect::<Result<Many<_>, _>>().map_err(|e| Problem::internal(&e))?;
    tx.execute(
        Sql::new(
            "WITH entries AS (
                INSERT INTO journal_entry (company_id, id, document_kind, document_id, document_number, document_date, posting_date, currency, exchange_rate, narration, line_count, reverses_id, actor)
                SELECT $1, e.*, $13 FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::date[], $7::date[], $8::text[], $9::numeric[], $10::text[], $11::int[], $12::uuid[]) AS e
            ), lines AS (
                INSERT INTO journal_line (company_id, entry_id, line_no, account_id, customer_id, posting_date, debit, credit, base_debit, base_credit)
                SELECT $1, l.entry_id, l.n, coalesce(l.account_id, a.id), l.customer_id, l.posting_date, l.debit, l.credit, CASE WHEN l.credit = 0 THEN l.base ELSE 0 END, CASE WHEN l.credit = 0 THEN 0 ELSE l.base END
                FROM unnest($14::uuid[], $15::int[], $16::date[], $17::text[], $18::uuid[], $19::uuid[], $20::numeric[], $21::numeric[], $22::numeric[])
                     AS l(entry_id, n, posting_date, role, account_id, customer_id, debit, credit, base)
                LEFT JOIN gl_account a ON a.company_id = $1 AND a.role = l.role
            )
            INSERT INTO open_item (company_id, entry_id, id, customer_id, instalment_no, side, amount, due_date, original_due_date, base_amount, discount, discount_until, grace_until, tolerance,
                document_kind, document_id, document_number, currency, document_date, posting_date)
            SELECT $1, i.entry_id, i.id, i.customer_id, i.instalment_no, i.side, i.amount, i.due_date, i.due_date, i.base, i.discount, i.discount_until, i.grace_until, i.tolerance,
                   i.document_kind, i.document_id, i.document_number, i.currency, i.document_date, i.posting_date
            FROM unnest($23::uuid[], $24::uuid[], $25::uuid[], $26::int[], $27::text[], $28::numeric[], $29::date[], $30::numeric[], $31::numeric[], $32::date[], $33::date[], $34::numeric[],
                        $35::text[], $36::uuid[], $37::text[], $38::text[], $39::date[], $40::date[])
                 AS i(entry_id, id, customer_id, instalment_no, side, amount, due_date, base, discount, discount_until, grace_until, tolerance,
                      document_kind, document_id, document_number, currency, document_date, posting_date)",
        )
        .bind(company)
        .bind(entries.iter().map(|e| e.id).collect::<Many<_>>())
        .bind(entries.iter().map(|e| e.posting.document_kind).collect::<Many<_>>())
        .bind(entries.iter().map(|e| e.posting.document_id).collect::<Many<_>>())
        .bind(entries.iter().map(|e| e.posting.document_number.clone()).collect::<Many<_>>())
        .bind(entries.iter().map(|e| e.posting.document_date).collect::<Many<_>>())
        .bind(entries.iter().map(|e| e.posting.posting_date).collect::<Many<_>>())
        .bind(entries.iter().map(|e| e.posting.currency.code()).collect::<Many<_>>())
        .bind(entries.iter().map(|e| e.posting.rate).collect::<Many<_>>())
        .bind(entries.iter().map(|e| e.posting.narration.clone()).collect::<Many<_>>())
        .bind(counts)
        .bind(entries.iter().map(|e| e.posting.reverses).collect::<Many<_>>())
        .bind(actor)
        .bind(lines.iter().map(|l| l.0.id).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.1).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.0.posting.posting_date).collect::<Many<_>>())
        .bind(lines.iter().map(|l| role(l.2)).collect::<Many<_>>())
        .bind(lines.iter().map(|l| account(l.2)).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.2.customer).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.2.debit).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.2.credit).collect::<Many<_>>())
        .bind(lines.iter().map(|l| l.3).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.0.id).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.id).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.customer).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.instalment_no).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.side).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.amount).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.due_date).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.2).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.terms.discount).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.terms.discount_until).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.terms.grace_until).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.1.terms.tolerance).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.0.posting.document_kind).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.0.posting.document_id).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.0.posting.document_number.as_str()).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.0.posting.currency.code()).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.0.posting.document_date).collect::<Many<_>>())
        .bind(items.iter().map(|i| i.0.posting.posting_date).collect::<Many<_>>()),
    )?;
    Ok(())
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
             WHERE e.company_id = $1 AND e.document_id = $2 AND e.reverses_id IS NULL AND e.document_kind NOT IN ('settlement', 'gst_advance')
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
