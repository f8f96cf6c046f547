use super::types::{Item, ItemFilter, NewItem};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::ItemId;
use crate::platform::money::{Rate, UnitPrice, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

row! {
    struct ItemRow {
        id: ItemId, code: String, external_id: Option<String>, name: String, is_service: bool, hsn_code: String, unit: String, unit_price: Decimal,
        tax_rate: Decimal, active: bool, version: i64, created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
    }
}
impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        Self {
            id: row.id,
            object: "item",
            code: row.code,
            external_id: row.external_id,
            name: row.name,
            is_service: row.is_service,
            hsn_code: row.hsn_code,
            unit: row.unit,
            unit_price: UnitPrice(pad(row.unit_price, 2)),
            tax_rate: Rate(pad(row.tax_rate, 2)),
            active: row.active,
            version: row.version,
            created_at: Instant(row.created_at),
            updated_at: Instant(row.updated_at),
        }
    }
}
const SELECT: &str = "SELECT i.id, i.code, i.external_id, i.name, i.is_service, i.hsn_code, i.unit, i.unit_price, i.tax_rate, i.active, i.version, i.created_at, i.updated_at FROM item i WHERE i.company_id = $1";
static ITEMS: List = List {
    select: SELECT,
    id: "i.id",
    sorts: &[
        SortKey { name: "name", expression: "i.name", kind: "text" },
        SortKey { name: "code", expression: "i.code", kind: "text" },
        SortKey { name: "created_at", expression: "i.created_at", kind: "timestamptz" },
    ],
    default_sort: "name",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ItemFilter) -> Result<Page<Item>, Problem> {
    let listing = ITEMS
        .of(rx)
        .created("i.created_at", paging)
        .updated("i.updated_at", paging)
        .holding(&["i.code", "i.external_id", "i.name"], paging)
        .when("i.external_id = {}", filter.external_id.clone())
        .when("i.code = {}", filter.code.clone())
        .when("i.active = {}", filter.active);
    Ok(listing.page::<ItemRow>(rx, paging)?.map(Item::from))
}

pub fn get(rx: &mut Rx<'_>, id: ItemId, lock: bool) -> Result<Item, Problem> {
    let company = rx.company();
    let sql = format!("{SELECT} AND i.id = $2{}", if lock { " FOR UPDATE" } else { "" });
    rx.optional::<ItemRow>(Sql::new(sql).bind(company).bind(id))?.map(Item::from).ok_or_else(|| Problem::not_found("item"))
}

pub fn insert(tx: &mut Tx<'_>, new: &NewItem, unit: &str) -> Result<ItemId, Problem> {
    let id = ItemId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO item (company_id, id, code, external_id, name, is_service, hsn_code, unit, unit_price, tax_rate, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
            .bind(company).bind(id).bind(new.code.as_str()).bind(new.external_id.as_deref()).bind(new.name.as_str()).bind(new.is_service)
            .bind(new.hsn_code.as_str()).bind(unit).bind(new.unit_price.0).bind(new.tax_rate.0).bind(actor),
    )?;
    Ok(id)
}

pub fn update(tx: &mut Tx<'_>, item: &Item) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE item SET name = $3, unit_price = $4, tax_rate = $5, active = $6, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company).bind(item.id).bind(item.name.as_str()).bind(item.unit_price.0).bind(item.tax_rate.0).bind(item.active),
    )?;
    Ok(())
}
