use super::types::{Company, Settings};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};

row! {
    struct CompanyRow {
        id: CompanyId, legal_name: String, pan: Option<String>, base_currency: String, time_zone: String, fiscal_year_start: i32,
        round_to_unit: bool, version: i64, created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
    }
}

/// The company of the transaction.
pub fn get(rx: &mut Rx<'_>, lock: bool) -> Result<Company, Problem> {
    let company = rx.company();
    let sql = format!(
        "SELECT id, legal_name, pan, base_currency, time_zone, fiscal_year_start, round_to_unit, version, created_at, updated_at FROM company WHERE id = $1{}",
        if lock { " FOR UPDATE" } else { "" }
    );
    let row: CompanyRow = rx.optional(Sql::new(sql).bind(company))?.ok_or_else(|| Problem::not_found("company"))?;
    Ok(Company {
        id: row.id,
        object: "company",
        legal_name: row.legal_name,
        pan: row.pan,
        base_currency: row.base_currency,
        time_zone: row.time_zone,
        fiscal_year_start: row.fiscal_year_start,
        settings: Settings { round_to_unit: row.round_to_unit },
        version: row.version,
        created_at: Instant(row.created_at),
        updated_at: Instant(row.updated_at),
    })
}

/// Needs the company of the transaction to be `id` already.
pub fn insert(tx: &mut Tx<'_>, id: CompanyId, legal_name: &str, pan: Option<&str>) -> Result<(), Problem> {
    tx.execute(Sql::new("INSERT INTO company (id, legal_name, pan) VALUES ($1, $2, $3)").bind(id).bind(legal_name).bind(pan))?;
    Ok(())
}

pub fn update(tx: &mut Tx<'_>, company: &Company) -> Result<(), Problem> {
    tx.execute(
        Sql::new("UPDATE company SET legal_name = $2, round_to_unit = $3, version = version + 1, updated_at = now() WHERE id = $1")
            .bind(company.id)
            .bind(company.legal_name.as_str())
            .bind(company.settings.round_to_unit),
    )?;
    Ok(())
}
