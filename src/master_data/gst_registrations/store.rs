use super::types::{GstRegistration, RegistrationType};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::RegistrationId;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

row! {
    struct RegistrationRow {
        id: RegistrationId, gstin: String, state_code: String, scheme: Option<RegistrationType>, legal_name: String, is_default: bool, registered_on: Option<NaiveDate>,
        trade_name: Option<String>, address: Option<Value>, phone: Option<String>, email: Option<String>, vpa: Option<String>,
        cancelled_on: Option<NaiveDate>, version: i64, created_at: DateTime<Utc>,
    }
}
impl From<RegistrationRow> for GstRegistration {
    fn from(row: RegistrationRow) -> Self {
        Self {
            id: row.id,
            object: "gst_registration",
            gstin: row.gstin,
            state_code: row.state_code,
            r#type: row.scheme.unwrap_or(RegistrationType::Regular),
            legal_name: row.legal_name,
            trade_name: row.trade_name,
            address: row.address.and_then(|address| serde_json::from_value(address).ok()),
            phone: row.phone,
            email: row.email,
            vpa: row.vpa,
            is_default: row.is_default,
            registered_on: row.registered_on,
            cancelled_on: row.cancelled_on,
            version: row.version,
            created_at: Instant(row.created_at),
        }
    }
}
const SELECT: &str = "SELECT r.id, r.gstin, r.state_code, r.type AS scheme, r.legal_name, r.is_default, r.registered_on, r.cancelled_on, r.trade_name, r.address, r.phone, r.email, r.vpa, r.version, r.created_at FROM gst_registration r WHERE r.company_id = $1";
static REGISTRATIONS: List =
    List { select: SELECT, id: "r.id", sorts: &[SortKey { name: "gstin", expression: "r.gstin", kind: "text" }], default_sort: "gstin" };

pub fn list(rx: &mut Rx<'_>, paging: &Paging) -> Result<Page<GstRegistration>, Problem> {
    Ok(REGISTRATIONS.of(rx).page::<RegistrationRow>(rx, paging)?.map(GstRegistration::from))
}

/// The registration named, or the default one.
pub fn find(rx: &mut Rx<'_>, id: Option<RegistrationId>) -> Result<Option<GstRegistration>, Problem> {
    let company = rx.company();
    let sql = Sql::new(format!("{SELECT} AND ($2::uuid IS NULL AND r.is_default OR r.id = $2)")).bind(company).bind(id);
    Ok(rx.optional::<RegistrationRow>(sql)?.map(GstRegistration::from))
}

/// The registration named, locked.
pub fn lock(tx: &mut Tx<'_>, id: RegistrationId) -> Result<GstRegistration, Problem> {
    let company = tx.company();
    let sql = Sql::new(format!("{SELECT} AND r.id = $2 FOR UPDATE OF r")).bind(company).bind(id);
    tx.optional::<RegistrationRow>(sql)?.map(GstRegistration::from).ok_or_else(|| Problem::not_found("gst_registration"))
}

pub fn update(tx: &mut Tx<'_>, is: &GstRegistration) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE gst_registration SET legal_name = $3, trade_name = $4, address = $5, phone = $6, email = $7, vpa = $8, cancelled_on = $9, type = $10, version = version + 1, updated_at = now()
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(is.id)
        .bind(is.legal_name.as_str())
        .bind(is.trade_name.as_deref())
        .bind(is.address.as_ref().and_then(|address| serde_json::to_value(address).ok()))
        .bind(is.phone.as_deref())
        .bind(is.email.as_deref())
        .bind(is.vpa.as_deref())
        .bind(is.cancelled_on)
        .bind(kept(is.r#type)),
    )?;
    Ok(())
}

/// Regular is not said.
fn kept(scheme: RegistrationType) -> Option<RegistrationType> {
    Some(scheme).filter(|scheme| *scheme != RegistrationType::Regular)
}

pub fn insert(
    tx: &mut Tx<'_>,
    gstin: &str,
    state_code: &str,
    scheme: RegistrationType,
    legal_name: &str,
    registered_on: Option<NaiveDate>,
) -> Result<RegistrationId, Problem> {
    let id = RegistrationId::new();
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO gst_registration (company_id, id, gstin, state_code, legal_name, registered_on, type, is_default)
             VALUES ($1, $2, $3, $4, $5, $6, $7, NOT EXISTS (SELECT FROM gst_registration WHERE company_id = $1))",
        )
        .bind(company)
        .bind(id)
        .bind(gstin)
        .bind(state_code)
        .bind(legal_name)
        .bind(registered_on)
        .bind(kept(scheme)),
    )?;
    Ok(id)
}
