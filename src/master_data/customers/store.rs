use super::reference::Reference;
use super::types::{Address, AddressKind, Contact, ContactRole, Customer, CustomerFilter, CustomerKind, CustomerSummary, Metadata, NewAddressPart, NewContact};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{AddressId, ContactId, CustomerId, TermsId, UserId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

row! {
    struct CustomerRow {
        id: CustomerId, code: String, external_id: Option<String>, legal_name: String, kind: CustomerKind, pan: Option<String>, gstin: Option<String>,
        gstins: Many<String>, currency: String, payment_terms_id: Option<TermsId>, payment_terms_days: Option<i32>, salesperson_id: Option<UserId>,
        collector_id: Option<UserId>, parent_id: Option<CustomerId>, segment: Option<String>, tags: Option<Many<String>>, active: bool, metadata: Value, version: i64, created_by: String,
        created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
    }
}
row! {
    struct AddressRow {
        id: AddressId, kind: AddressKind, line1: String, line2: Option<String>, city: String, state_code: Option<String>, postal_code: Option<String>,
        country: String, gstin: Option<String>, is_default: bool, version: i64,
    }
}
row! { struct ContactRow { id: ContactId, name: String, email: Option<String>, phone: Option<String>, roles: Many<ContactRole>, version: i64 } }

pub fn get(rx: &mut Rx<'_>, id: CustomerId, lock: bool) -> Result<Customer, Problem> {
    let company = rx.company();
    let sql = format!(
        "SELECT c.id, c.code, c.external_id, c.legal_name, c.kind, c.pan, c.gstin, c.currency, c.payment_terms_id, c.payment_terms_days, c.salesperson_id,
                c.collector_id, c.parent_id, c.segment, c.tags, c.active, c.metadata, c.version, c.created_by, c.created_at, c.updated_at,
                ARRAY(SELECT g.gstin FROM customer_gstin g WHERE g.company_id = c.company_id AND g.customer_id = c.id ORDER BY g.gstin) AS gstins
         FROM customer c WHERE c.company_id = $1 AND c.id = $2{}",
        if lock { " FOR UPDATE OF c" } else { "" }
    );
    let row: CustomerRow = rx.optional(Sql::new(sql).bind(company).bind(id))?.ok_or_else(|| Problem::not_found("customer"))?;
    let metadata: Metadata = serde_json::from_value(row.metadata).unwrap_or_default();
    Ok(Customer {
        id: row.id,
        object: "customer",
        code: row.code,
        external_id: row.external_id,
        legal_name: row.legal_name,
        kind: row.kind,
        pan: row.pan,
        gstin: row.gstin,
        gstins: row.gstins.0,
        currency: row.currency,
        payment_terms_id: row.payment_terms_id,
        payment_terms_days: row.payment_terms_days,
        salesperson_id: row.salesperson_id,
        collector_id: row.collector_id,
        parent_id: row.parent_id,
        segment: row.segment,
        tags: row.tags.map(|tags| tags.0).unwrap_or_default(),
        active: row.active,
        addresses: addresses(rx, id)?,
        contacts: contacts(rx, id)?,
        metadata,
        version: row.version,
        created_by: row.created_by,
        created_at: Instant(row.created_at),
        updated_at: Instant(row.updated_at),
    })
}

fn addresses(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Vec<Address>, Problem> {
    let company = rx.company();
    let rows: Vec<AddressRow> = rx.load(
        Sql::new("SELECT id, kind, line1, line2, city, state_code, postal_code, country, gstin, is_default, version FROM customer_address WHERE company_id = $1 AND customer_id = $2 ORDER BY created_at, id")
            .bind(company).bind(customer),
    )?;
    Ok(rows
        .into_iter()
        .map(|row| Address {
            id: row.id,
            kind: row.kind,
            line1: row.line1,
            line2: row.line2,
            city: row.city,
            state_code: row.state_code,
            postal_code: row.postal_code,
            country: row.country,
            gstin: row.gstin,
            is_default: row.is_default,
            version: row.version,
        })
        .collect())
}

fn contacts(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Vec<Contact>, Problem> {
    let company = rx.company();
    let rows: Vec<ContactRow> = rx.load(
        Sql::new("SELECT id, name, email, phone, roles, version FROM customer_contact WHERE company_id = $1 AND customer_id = $2 ORDER BY created_at, id")
            .bind(company)
            .bind(customer),
    )?;
    Ok(rows
        .into_iter()
        .map(|row| Contact { id: row.id, name: row.name, email: row.email, phone: row.phone, roles: row.roles.0, version: row.version })
        .collect())
}

row! {
    struct SummaryRow {
        id: CustomerId, code: String, external_id: Option<String>, legal_name: String, kind: CustomerKind, gstin: Option<String>, currency: String,
        active: bool, balance: Decimal, overdue: Decimal, version: i64,
    }
}
static CUSTOMERS: List = List {
    select:
        "SELECT c.id, c.code, c.external_id, c.legal_name, c.kind, c.gstin, c.currency, c.active, c.version, (b.receivable - b.unapplied)::numeric AS balance,
        coalesce(late.overdue, 0)::numeric AS overdue
        FROM customer c JOIN customer_balance b ON b.company_id = c.company_id AND b.customer_id = c.id
        LEFT JOIN LATERAL (SELECT sum(o.open_base) AS overdue FROM open_item_balance o
            WHERE o.company_id = c.company_id AND o.customer_id = c.id AND o.open_amount > 0 AND o.side = 'debit' AND o.due_date < $2) AS late ON true
        WHERE c.company_id = $1",
    id: "c.id",
    sorts: &[
        SortKey { name: "name", expression: "c.legal_name", kind: "text" },
        SortKey { name: "code", expression: "c.code", kind: "text" },
        SortKey { name: "created_at", expression: "c.created_at", kind: "timestamptz" },
        SortKey { name: "balance", expression: "(b.receivable - b.unapplied)", kind: "numeric" },
        SortKey { name: "overdue_amount", expression: "coalesce(late.overdue, 0)::numeric", kind: "numeric" },
    ],
    default_sort: "name",
};

/// What credit says of a customer is its area's business: this function of the database is the door to it.
const ON_HOLD: &str = "credit_on_hold(c.company_id, c.id) = {}";

/// `over`: whose exposure is more than its limit, where that is asked.
pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &CustomerFilter, over: Vec<CustomerId>) -> Result<Page<CustomerSummary>, Problem> {
    let today = rx.cx().today;
    let base = rx.cx().currency();
    let page = CUSTOMERS
        .of(rx)
        .with(today)
        .with(Many(over))
        .when("c.external_id = {}", filter.external_id.clone())
        .when("c.code = {}", filter.code.clone())
        .when(
            "EXISTS (SELECT FROM customer_gstin g WHERE g.company_id = c.company_id AND g.customer_id = c.id AND g.gstin = {})",
            filter.gstin.as_ref().map(|g| g.to_uppercase()),
        )
        .any_of("c.kind", filter.kind.as_deref())
        .holding(&["c.legal_name", "c.code", "c.external_id", "c.gstin", "c.pan"], paging)
        .keeping(paging)
        .updated("c.updated_at", paging)
        .when("c.active = {}", filter.active)
        .any_of("CASE WHEN c.active THEN 'active' ELSE 'inactive' END", filter.status.as_deref())
        .when("c.salesperson_id = {}", filter.salesperson_id)
        .when("c.collector_id = {}", filter.collector_id)
        .when("c.pan = {}", filter.pan.as_ref().map(|pan| pan.to_uppercase()))
        .when("c.payment_terms_id = {}", filter.terms_id)
        .any_of("c.segment", filter.segment.as_deref())
        .when("c.tags @> {}", filter.tag.as_deref().map(words))
        .when("(b.receivable - b.unapplied) > {}", filter.balance_gt.map(|a| a.0))
        .when("coalesce(late.overdue, 0) > {}", filter.overdue_gt.map(|a| a.0))
        .when(ON_HOLD, filter.on_hold)
        .filter_if(filter.over_limit.map(|over| if over { "c.id = ANY($3)" } else { "c.id <> ALL($3)" }))
        .when(
            "EXISTS (SELECT FROM credit_profile p WHERE p.company_id = c.company_id AND p.customer_id = c.id AND p.risk_class = ANY({}))",
            filter.risk_class.as_deref().map(words),
        )
        .when(
            "EXISTS (SELECT FROM credit_profile p WHERE p.company_id = c.company_id AND p.customer_id = c.id AND p.review_on < {})",
            filter.credit_review_due_before,
        )
        .when("c.created_at >= {}", filter.created_at_gte.map(|at| at.0))
        .when("c.created_at < {}", filter.created_at_lt.map(|at| at.0))
        .page::<SummaryRow>(rx, paging)?;
    Ok(page.map(|row| CustomerSummary {
        id: row.id,
        object: "customer",
        code: row.code,
        external_id: row.external_id,
        legal_name: row.legal_name,
        kind: row.kind,
        gstin: row.gstin,
        currency: row.currency,
        active: row.active,
        balance: base.amount(row.balance),
        overdue: base.amount(row.overdue),
        version: row.version,
    }))
}

pub struct CustomerValues<'v> {
    pub code: &'v str,
    pub external_id: Option<&'v str>,
    pub legal_name: &'v str,
    pub kind: CustomerKind,
    pub pan: Option<&'v str>,
    pub gstin: Option<&'v str>,
    pub gstins: &'v [(String, String)],
    pub currency: &'v str,
    pub payment_terms_id: Option<TermsId>,
    pub payment_terms_days: Option<i32>,
    pub salesperson_id: Option<UserId>,
    pub collector_id: Option<UserId>,
    pub parent_id: Option<CustomerId>,
    pub segment: Option<&'v str>,
    pub tags: &'v [String],
    pub metadata: &'v Metadata,
}

pub fn insert(tx: &mut Tx<'_>, values: &CustomerValues<'_>) -> Result<CustomerId, Problem> {
    let id = CustomerId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let metadata = serde_json::to_value(values.metadata).map_err(|e| Problem::internal(&e))?;
    tx.execute(
        Sql::new(
            "INSERT INTO customer (company_id, id, code, external_id, legal_name, kind, pan, gstin, currency, payment_terms_id, payment_terms_days, salesperson_id, collector_id, metadata, created_by, parent_id, segment, tags)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, nullif($18::text[], '{}'))",
        )
        .bind(company).bind(id).bind(values.code).bind(values.external_id).bind(values.legal_name).bind(values.kind).bind(values.pan).bind(values.gstin)
        .bind(values.currency).bind(values.payment_terms_id).bind(values.payment_terms_days).bind(values.salesperson_id).bind(values.collector_id).bind(metadata).bind(actor).bind(values.parent_id).bind(values.segment).bind(Many(values.tags.to_vec())),
    )?;
    if !values.gstins.is_empty() {
        tx.execute(
            Sql::new(
                "INSERT INTO customer_gstin (company_id, customer_id, gstin, state_code) SELECT $1, $2, g, s FROM unnest($3::text[], $4::text[]) AS x(g, s)",
            )
            .bind(company)
            .bind(id)
            .bind(values.gstins.iter().map(|(g, _)| g.clone()).collect::<Many<_>>())
            .bind(values.gstins.iter().map(|(_, s)| s.clone()).collect::<Many<_>>()),
        )?;
    }
    Ok(id)
}

pub fn update(tx: &mut Tx<'_>, customer: &Customer) -> Result<(), Problem> {
    let company = tx.company();
    let metadata = serde_json::to_value(&customer.metadata).map_err(|e| Problem::internal(&e))?;
    tx.execute(
        Sql::new(
            "UPDATE customer SET legal_name = $3, kind = $4, payment_terms_id = $5, payment_terms_days = $6, salesperson_id = $7, collector_id = $8, active = $9, metadata = $10, parent_id = $11, segment = $12, tags = nullif($13::text[], '{}'),
             version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2",
        )
        .bind(company).bind(customer.id).bind(customer.legal_name.as_str()).bind(customer.kind).bind(customer.payment_terms_id).bind(customer.payment_terms_days)
        .bind(customer.salesperson_id).bind(customer.collector_id).bind(customer.active).bind(metadata).bind(customer.parent_id).bind(customer.segment.as_deref()).bind(Many(customer.tags.clone())),
    )?;
    Ok(())
}

/// For lists of what customers have: whose collector or salesperson somebody is. `of` is what the list calls its rows.
pub fn owned(of: &str) -> String {
    format!("EXISTS (SELECT FROM portfolio_customer pc WHERE pc.company_id = {of}.company_id AND pc.customer_id = {of}.customer_id AND pc.user_id = {{}})")
}

/// Locks the balances of those whose group changes: who judges the credit of a group holds all of them.
pub fn lock_groups(tx: &mut Tx<'_>, concerned: Vec<CustomerId>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("SELECT 1 FROM customer_balance WHERE company_id = $1 AND customer_id = ANY($2) ORDER BY customer_id FOR NO KEY UPDATE")
            .bind(company)
            .bind(Many(concerned)),
    )?;
    Ok(())
}

/// Whether a customer is there; whether it has a parent; whether it is one.
pub fn place_in_group(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Option<(bool, bool)>, Problem> {
    row! { struct Place { child: bool, parent: bool } }
    let company = rx.company();
    let found: Option<Place> = rx.optional(
        Sql::new(
            "SELECT c.parent_id IS NOT NULL AS child, EXISTS (SELECT FROM customer k WHERE k.company_id = c.company_id AND k.parent_id = c.id) AS parent
             FROM customer c WHERE c.company_id = $1 AND c.id = $2",
        )
        .bind(company)
        .bind(customer),
    )?;
    Ok(found.map(|found| (found.child, found.parent)))
}

/// Notes that a customer got another parent, so that past days can be told.
pub fn regroup(tx: &mut Tx<'_>, customer: CustomerId, before: Option<CustomerId>, after: Option<CustomerId>) -> Result<(), Problem> {
    let (company, actor, today) = (tx.company(), tx.cx().actor.to_string(), tx.cx().today);
    tx.execute(
        Sql::new(
            "INSERT INTO customer_regrouping (company_id, id, customer_id, parent_before, parent_after, changed_on, actor) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(company)
        .bind(uuid::Uuid::now_v7())
        .bind(customer)
        .bind(before)
        .bind(after)
        .bind(today)
        .bind(actor),
    )?;
    Ok(())
}

/// The customer changed in a part of it.
pub fn touch(tx: &mut Tx<'_>, id: CustomerId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("UPDATE customer SET version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2").bind(company).bind(id))?;
    Ok(())
}

pub fn insert_address(tx: &mut Tx<'_>, customer: CustomerId, kind: AddressKind, new: &NewAddressPart) -> Result<AddressId, Problem> {
    let id = AddressId::new();
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO customer_address (company_id, id, customer_id, kind, line1, line2, city, state_code, postal_code, country, gstin, is_default)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NOT EXISTS (SELECT FROM customer_address WHERE company_id = $1 AND customer_id = $3 AND kind = $4))",
        )
        .bind(company).bind(id).bind(customer).bind(kind).bind(new.line1.as_str()).bind(new.line2.as_deref()).bind(new.city.as_str())
        .bind(new.state_code.as_deref()).bind(new.postal_code.as_deref()).bind(new.country.as_str()).bind(new.gstin.as_ref().map(|g| g.trim().to_uppercase())),
    )?;
    Ok(id)
}

pub fn insert_contact(tx: &mut Tx<'_>, customer: CustomerId, new: &NewContact) -> Result<ContactId, Problem> {
    let id = ContactId::new();
    let company = tx.company();
    tx.execute(
        Sql::new("INSERT INTO customer_contact (company_id, id, customer_id, name, email, phone, roles) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(company)
            .bind(id)
            .bind(customer)
            .bind(new.name.as_str())
            .bind(new.email.as_deref())
            .bind(new.phone.as_deref())
            .bind(Many(new.roles.clone())),
    )?;
    Ok(id)
}

/// The company's own GSTINs, which no customer may have.
pub fn own_gstins(rx: &mut Rx<'_>) -> Result<Vec<String>, Problem> {
    let company = rx.company();
    rx.scalars(Sql::new("SELECT gstin FROM gst_registration WHERE company_id = $1").bind(company))
}

/// Which of the people named do not work here.
pub fn strangers(rx: &mut Rx<'_>, people: Vec<UserId>) -> Result<Vec<UserId>, Problem> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let company = rx.company();
    rx.scalars(
        Sql::new("SELECT p FROM unnest($2::uuid[]) AS p WHERE NOT EXISTS (SELECT FROM membership m WHERE m.company_id = $1 AND m.user_id = p)")
            .bind(company)
            .bind(Many(people)),
    )
}

/// The id behind a client's own id or a code, for the duplicate refusal and for references.
pub fn id_by_external_id(rx: &mut Rx<'_>, external_id: &str) -> Result<Option<CustomerId>, Problem> {
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT id FROM customer WHERE company_id = $1 AND external_id = $2").bind(company).bind(external_id))?.into_iter().next())
}

/// The ids of customers named in any of three ways; unknown ones are left out.
pub fn ids(rx: &mut Rx<'_>, ids: Vec<CustomerId>, external_ids: Vec<String>, codes: Vec<String>) -> Result<Vec<CustomerId>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(
            "SELECT id FROM customer WHERE company_id = $1 AND id = ANY($2) UNION SELECT id FROM customer WHERE company_id = $1 AND external_id = ANY($3)
             UNION SELECT id FROM customer WHERE company_id = $1 AND code = ANY($4)",
        )
        .bind(company)
        .bind(Many(ids))
        .bind(Many(external_ids))
        .bind(Many(codes)),
    )
}

/// The customer a document names.
pub fn find(rx: &mut Rx<'_>, named: &Reference<'_>) -> Result<CustomerId, Problem> {
    if let Some(fault) = named.missing() {
        return Err(Problem::invalid(vec![fault]));
    }
    named.unambiguous()?;
    let texts = |text: Option<&str>| text.map(str::to_owned).into_iter().collect();
    ids(rx, named.id.into_iter().collect(), texts(named.external_id), texts(named.code))?.into_iter().next().ok_or_else(|| named.unknown())
}

/// A comma list as an array.
fn words(list: &str) -> Many<String> {
    list.split(',').map(str::to_owned).collect()
}
