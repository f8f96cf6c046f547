use super::settlement::{difference_reason, flags};
use super::types::{Allocation, AllocationFilter, AllocationStatus, Target};
use crate::ledger::AllocationKind;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{AllocationId, CustomerId};
use crate::platform::money::Currency;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

row! {
    struct AllocationRow {
        id: AllocationId, reversed: bool, customer_id: CustomerId, source_type: String, source_id: Uuid, source_number: String, target_type: String, target_id: Uuid, target_number: String,
        kind: AllocationKind, amount: Decimal, allocated_on: NaiveDate, rule: String, reverses_id: Option<AllocationId>, reason: Option<String>, created_by: String, created_at: DateTime<Utc>, evidence: Value, because_of: Option<AllocationId>, difference: Decimal, currency: String,
    }
}
impl AllocationRow {
    fn answer(self, base: Currency) -> Allocation {
        let currency = Currency::parse(&self.currency).unwrap_or(base);
        Allocation {
            id: self.id,
            object: "allocation",
            status: if self.reversed { AllocationStatus::Reversed } else { AllocationStatus::Active },
            customer_id: self.customer_id,
            source_type: self.source_type,
            source_id: self.source_id,
            source_number: self.source_number,
            target_type: self.target_type,
            target_id: self.target_id,
            target_number: self.target_number,
            kind: self.kind,
            amount: currency.amount(self.amount),
            allocated_on: self.allocated_on,
            rule: self.rule,
            flags: flags(&self.evidence),
            difference_reason: difference_reason(&self.evidence),
            because_of: self.because_of,
            exchange_difference: base.amount(self.difference),
            approval_id: None,
            reverses_id: self.reverses_id,
            reason: self.reason,
            created_by: self.created_by,
            created_at: Instant(self.created_at),
        }
    }
}
const SELECT: &str = "SELECT a.id, (a.reverses_id IS NOT NULL OR r.id IS NOT NULL) AS reversed, a.customer_id, c.document_kind AS source_type, c.document_id AS source_id, c.document_number AS source_number,
        d.document_kind AS target_type, d.document_id AS target_id, d.document_number AS target_number, a.kind, a.amount::numeric AS amount, a.effective_on AS allocated_on, a.rule, a.reverses_id,
        a.reason, a.actor AS created_by, a.recorded_at AS created_at, a.evidence, a.because_of, (a.credit_base - a.debit_base)::numeric AS difference, c.currency
        FROM allocation a
        JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id
        JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
        LEFT JOIN allocation r ON r.company_id = a.company_id AND r.reverses_id = a.id
        WHERE a.company_id = $1";
static ALLOCATIONS: List =
    List { select: SELECT, id: "a.id", sorts: &[SortKey { name: "allocated_on", expression: "a.effective_on", kind: "date" }], default_sort: "-allocated_on" };

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &AllocationFilter) -> Result<Page<Allocation>, Problem> {
    let currency = rx.cx().currency();
    let status = filter.status.map(|status| status == AllocationStatus::Reversed);
    let page = ALLOCATIONS
        .of(rx)
        .created("a.recorded_at", paging)
        .any_of("c.document_kind", filter.source_type.as_deref())
        .any_of("d.document_kind", filter.target_type.as_deref())
        .any_of("a.kind", filter.kind.as_deref())
        .any_of("a.rule", filter.rule.as_deref())
        .when("c.document_id = {}", filter.source_id)
        .when("d.document_id = {}", filter.target_id)
        .when("a.customer_id = {}", filter.customer_id)
        .when("(a.reverses_id IS NOT NULL OR r.id IS NOT NULL) = {}", status)
        .when("a.effective_on >= {}", filter.allocated_on_gte)
        .when("a.effective_on <= {}", filter.allocated_on_lte)
        .page::<AllocationRow>(rx, paging)?;
    Ok(page.map(|row| row.answer(currency)))
}

/// Allocations by id, in the order they were made.
pub fn by_ids(rx: &mut Rx<'_>, ids: Vec<AllocationId>) -> Result<Vec<Allocation>, Problem> {
    let (company, currency) = (rx.company(), rx.cx().currency());
    let rows: Vec<AllocationRow> = rx.load(Sql::new(format!("{SELECT} AND a.id = ANY($2) ORDER BY a.id")).bind(company).bind(Many(ids)))?;
    Ok(rows.into_iter().map(|row| row.answer(currency)).collect())
}

row! {
    pub struct Named {
        pub id: Uuid,
        pub kind: String,
        pub external_id: Option<String>,
    }
}

/// The documents targets name by external id.
pub fn by_external_id(rx: &mut Rx<'_>, targets: &[Target]) -> Result<Vec<Named>, Problem> {
    let company = rx.company();
    let names = targets.iter().filter_map(|t| t.target_external_id.clone()).collect::<Many<_>>();
    rx.load(
        Sql::new("SELECT id, kind, external_id FROM invoice WHERE company_id = $1 AND kind IN ('invoice', 'debit_note') AND external_id = ANY($2)")
            .bind(company)
            .bind(names),
    )
}

/// The state of a billed document, if there is one of the kind.
pub fn status(rx: &mut Rx<'_>, document: Uuid, kind: &str) -> Result<Option<String>, Problem> {
    let company = rx.company();
    let found = Sql::new("SELECT status FROM invoice WHERE company_id = $1 AND id = $2 AND kind = $3").bind(company).bind(document).bind(kind);
    Ok(rx.scalars(found)?.into_iter().next())
}

/// Whose documents targets name, before anything is locked.
pub fn customers_of(rx: &mut Rx<'_>, targets: &[Target]) -> Result<Vec<CustomerId>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(
            "SELECT o.customer_id FROM open_item o WHERE o.company_id = $1 AND o.document_id = ANY($2)
             UNION SELECT i.customer_id FROM invoice i WHERE i.company_id = $1 AND i.kind IN ('invoice', 'debit_note') AND i.external_id = ANY($3)",
        )
        .bind(company)
        .bind(targets.iter().filter_map(|t| t.target_id).collect::<Many<_>>())
        .bind(targets.iter().filter_map(|t| t.target_external_id.clone()).collect::<Many<_>>()),
    )
}

/// Whose credit a document is.
pub fn owner_of(rx: &mut Rx<'_>, document: Uuid, kind: &str) -> Result<Option<CustomerId>, Problem> {
    let company = rx.company();
    let found = Sql::new("SELECT customer_id FROM open_item WHERE company_id = $1 AND document_id = $2 AND document_kind = $3 AND side = 'credit' LIMIT 1");
    Ok(rx.scalars(found.bind(company).bind(document).bind(kind))?.into_iter().next())
}
