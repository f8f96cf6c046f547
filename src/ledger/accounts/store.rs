use super::types::{AccountClass, AccountFilter, GlAccount, NewGlAccount};
use super::{AccountRole, CHART, Template};
use crate::ledger::balances::At;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, CustomerId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Scalar, Sql};
use crate::platform::unit_of_work::{Change, Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Opens the chart of a new company.
pub fn open_chart(tx: &mut Tx<'_>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO gl_account (company_id, id, code, name, class, role, is_control)
             SELECT $1, id, code, name, class, role, role = 'receivable'
             FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) AS t(id, code, name, class, role)",
        )
        .bind(company)
        .bind(CHART.iter().map(|_| AccountId::new()).collect::<Many<_>>())
        .bind(CHART.iter().map(|t| t.code).collect::<Many<_>>())
        .bind(CHART.iter().map(|t| t.name).collect::<Many<_>>())
        .bind(CHART.iter().map(|t| t.class).collect::<Many<_>>())
        .bind(CHART.iter().map(|t| t.role).collect::<Many<_>>()),
    )?;
    Ok(())
}

/// Opens the account of a role in a chart that is older than the role. Gives it where that was needed.
fn insert_missing(tx: &mut Tx<'_>, template: &Template) -> Result<Option<AccountId>, Problem> {
    let company = tx.company();
    let inserted = tx.optional::<Scalar<AccountId>>(
        Sql::new(
            "INSERT INTO gl_account (company_id, id, code, name, class, role)
             SELECT $1, $2, $3 || CASE WHEN EXISTS (SELECT FROM gl_account x WHERE x.company_id = $1 AND x.code = $3) THEN '-D' ELSE '' END, $4, $5, $6
             WHERE NOT EXISTS (SELECT FROM gl_account a WHERE a.company_id = $1 AND a.role = $6)
             ON CONFLICT (company_id, role) DO NOTHING RETURNING id",
        )
        .bind(company)
        .bind(AccountId::new())
        .bind(template.code)
        .bind(template.name)
        .bind(template.class)
        .bind(template.role),
    )?;
    Ok(inserted.map(|id| id.0))
}

/// Makes sure that a role has an account.
pub fn open_missing(tx: &mut Tx<'_>, role: AccountRole) -> Result<(), Problem> {
    let Some(template) = CHART.iter().find(|template| template.role == role) else { return Ok(()) };
    if let Some(id) = insert_missing(tx, template)? {
        let account = get(tx, id, false)?;
        let _ = tx.record(Change::new("gl_account.created", id.uuid()).version(account.version).after(&account), ());
    }
    Ok(())
}

pub fn by_role(rx: &mut Rx<'_>, role: AccountRole) -> Result<AccountId, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT id FROM gl_account WHERE company_id = $1 AND role = $2").bind(company).bind(role))
}

row! {
    struct AccountRow {
        id: AccountId, code: String, name: String, class: AccountClass, role: Option<AccountRole>, is_control: bool, active: bool, version: i64,
        created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
    }
}
impl From<AccountRow> for GlAccount {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id,
            object: "gl_account",
            code: row.code,
            name: row.name,
            class: row.class,
            role: row.role,
            is_control: row.is_control,
            active: row.active,
            version: row.version,
            created_at: Instant(row.created_at),
            updated_at: Instant(row.updated_at),
        }
    }
}
const SELECT: &str =
    "SELECT a.id, a.code, a.name, a.class, a.role, a.is_control, a.active, a.version, a.created_at, a.updated_at FROM gl_account a WHERE a.company_id = $1";
static ACCOUNTS: List = List {
    select: SELECT,
    id: "a.id",
    sorts: &[SortKey { name: "code", expression: "a.code", kind: "text" }, SortKey { name: "name", expression: "a.name", kind: "text" }],
    default_sort: "code",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &AccountFilter) -> Result<Page<GlAccount>, Problem> {
    let listing = ACCOUNTS
        .of(rx)
        .any_of("a.class", filter.class.as_deref())
        .any_of("a.role", filter.role.as_deref())
        .when("a.code = {}", filter.code.clone())
        .when("a.active = {}", filter.active);
    Ok(listing.page::<AccountRow>(rx, paging)?.map(GlAccount::from))
}

pub fn get(rx: &mut Rx<'_>, id: AccountId, lock: bool) -> Result<GlAccount, Problem> {
    let company = rx.company();
    let text = format!("{SELECT} AND a.id = $2{}", if lock { " FOR NO KEY UPDATE" } else { "" });
    let row: Option<AccountRow> = rx.optional(Sql::new(text).bind(company).bind(id))?;
    row.map(GlAccount::from).ok_or_else(|| Problem::not_found("gl_account"))
}

/// The accounts of these ids or codes.
pub fn named(rx: &mut Rx<'_>, ids: Vec<AccountId>, codes: Vec<String>) -> Result<Vec<GlAccount>, Problem> {
    let company = rx.company();
    let rows: Vec<AccountRow> =
        rx.load(Sql::new(format!("{SELECT} AND (a.id = ANY($2) OR a.code = ANY($3))")).bind(company).bind(Many(ids)).bind(Many(codes)))?;
    Ok(rows.into_iter().map(GlAccount::from).collect())
}

/// One change of the chart at a time.
pub fn lock_chart(tx: &mut Tx<'_>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT 1 FROM gl_account WHERE company_id = $1 AND role = 'receivable' FOR NO KEY UPDATE").bind(company))?;
    Ok(())
}

pub fn insert(tx: &mut Tx<'_>, new: &NewGlAccount) -> Result<AccountId, Problem> {
    let (company, id) = (tx.company(), AccountId::new());
    tx.execute(
        Sql::new("INSERT INTO gl_account (company_id, id, code, name, class) VALUES ($1, $2, $3, $4, $5)")
            .bind(company)
            .bind(id)
            .bind(new.code.as_str())
            .bind(new.name.as_str())
            .bind(new.class),
    )?;
    Ok(id)
}

pub fn update(tx: &mut Tx<'_>, account: &GlAccount) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE gl_account SET code = $3, name = $4, role = $5, is_control = $6, active = $7, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(account.id)
        .bind(account.code.as_str())
        .bind(account.name.as_str())
        .bind(account.role)
        .bind(account.is_control)
        .bind(account.active),
    )?;
    Ok(())
}

/// Which account has a role.
pub fn holder(rx: &mut Rx<'_>, role: AccountRole) -> Result<Option<AccountId>, Problem> {
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT id FROM gl_account WHERE company_id = $1 AND role = $2").bind(company).bind(role))?.into_iter().next())
}

pub fn is_used(rx: &mut Rx<'_>, id: AccountId) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT EXISTS (SELECT FROM journal_line WHERE company_id = $1 AND account_id = $2)").bind(company).bind(id))
}

pub fn serves_a_bank(rx: &mut Rx<'_>, id: AccountId) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT EXISTS (SELECT FROM bank_account WHERE company_id = $1 AND account_id = $2 AND active)").bind(company).bind(id))
}

/// Debits less credits of everything posted.
pub fn balance(rx: &mut Rx<'_>, id: AccountId) -> Result<Decimal, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new("SELECT coalesce(sum(base_debit - base_credit), 0)::numeric FROM journal_line WHERE company_id = $1 AND account_id = $2")
            .bind(company)
            .bind(id),
    )
}

row! {
    pub struct EntryRow {
        pub date: NaiveDate, pub entry_id: Uuid, pub document_kind: String, pub document_id: Uuid, pub document_number: String, pub narration: String,
        pub customer_id: Option<CustomerId>, pub debit: Decimal, pub credit: Decimal,
    }
}
static ENTRIES: List = List {
    select: "SELECT m.date, m.entry_id, e.document_kind, e.document_id, e.document_number, e.narration, m.customer_id, m.debit, m.credit
        FROM (SELECT l.company_id, l.posting_date AS date, l.entry_id, CASE WHEN count(DISTINCT l.customer_id) = 1 THEN (array_agg(l.customer_id))[1] END AS customer_id,
                     sum(l.base_debit)::numeric AS debit, sum(l.base_credit)::numeric AS credit
              FROM journal_line l WHERE l.company_id = $1 AND l.account_id = $2 AND l.recorded_at <= $3 GROUP BY l.company_id, l.posting_date, l.entry_id) AS m
        JOIN journal_entry e ON e.company_id = m.company_id AND e.id = m.entry_id WHERE m.company_id = $1",
    id: "m.entry_id",
    sorts: &[SortKey { name: "date", expression: "m.date", kind: "date" }],
    default_sort: "date",
};

/// One page of the entries of an account.
pub fn entries(
    rx: &mut Rx<'_>,
    id: AccountId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    at: &At,
    known_at: Option<&str>,
    paging: &Paging,
) -> Result<Page<EntryRow>, Problem> {
    ENTRIES
        .of(rx)
        .with(id)
        .with(at.horizon())
        // Part of what a cursor belongs to.
        .when("m.company_id IS NOT NULL AND {}::uuid = $2", Some(id))
        .when("{}::text IS NOT NULL", known_at.map(str::to_owned))
        .when("m.date >= {}", from)
        .when("m.date <= {}", to)
        .page(rx, paging)
}

row! { struct SpanRow { opening: Decimal, closing: Decimal } }

/// The balances before the first and at the end of the last day.
pub fn span_balances(
    rx: &mut Rx<'_>,
    id: AccountId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    known: DateTime<Utc>,
) -> Result<(Decimal, Decimal), Problem> {
    let company = rx.company();
    let row: SpanRow = rx.one(
        Sql::new(
            "SELECT coalesce(sum(base_debit - base_credit) FILTER (WHERE posting_date < coalesce($3::date, '-infinity'::date)), 0)::numeric AS opening,
                    coalesce(sum(base_debit - base_credit), 0)::numeric AS closing
             FROM journal_line WHERE company_id = $1 AND account_id = $2 AND posting_date <= coalesce($4::date, 'infinity'::date) AND recorded_at <= $5",
        )
        .bind(company)
        .bind(id)
        .bind(from)
        .bind(to)
        .bind(known),
    )?;
    Ok((row.opening, row.closing))
}

row! { struct NameRow { code: String, name: String } }

/// What an account was called at an instant, if it is called otherwise now.
pub fn called(rx: &mut Rx<'_>, id: AccountId, known: DateTime<Utc>) -> Result<Option<(String, String)>, Problem> {
    let company = rx.company();
    let sql = "SELECT code, name FROM former_name WHERE company_id = $1 AND object_id = $2 AND until > $3 ORDER BY until LIMIT 1";
    let row: Option<NameRow> = rx.optional(Sql::new(sql).bind(company).bind(id).bind(known))?;
    Ok(row.map(|row| (row.code, row.name)))
}

/// The balance before an entry of a day, in the order of the list.
pub fn balance_before(rx: &mut Rx<'_>, id: AccountId, date: NaiveDate, entry: Uuid, known: DateTime<Utc>) -> Result<Decimal, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT coalesce(sum(base_debit - base_credit), 0)::numeric FROM journal_line
             WHERE company_id = $1 AND account_id = $2 AND recorded_at <= $5 AND (posting_date < $3 OR posting_date = $3 AND entry_id < $4)",
        )
        .bind(company)
        .bind(id)
        .bind(date)
        .bind(entry)
        .bind(known),
    )
}
