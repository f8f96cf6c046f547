use super::facts::Facts;
use super::types::{ImageType, SettingsContent, TemplateKind};
use super::view::Registered;
use crate::billing::irns;
use crate::billing::irns::types::EinvoiceStatus;
use crate::platform::http::Problem;
use crate::platform::ids::{CustomerId, DocumentLogoId, DocumentPrintId, DocumentSettingsId, DocumentTemplateId, InvoiceId, RegistrationId};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

row! {
    /// A version of a template; without source it is the one that comes with the service.
    pub struct TemplateRow { pub id: DocumentTemplateId, pub kind: TemplateKind, pub version: i64, pub source: Option<String>, pub recorded_at: DateTime<Utc> }
}
const TEMPLATE: &str = "SELECT id, kind, version, source, recorded_at FROM document_template WHERE company_id = $1";

/// The newest of a kind.
pub fn template(rx: &mut Rx<'_>, kind: TemplateKind) -> Result<Option<TemplateRow>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{TEMPLATE} AND kind = $2 ORDER BY version DESC LIMIT 1")).bind(company).bind(kind))
}

pub fn template_by_id(rx: &mut Rx<'_>, id: DocumentTemplateId) -> Result<Option<TemplateRow>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{TEMPLATE} AND id = $2")).bind(company).bind(id))
}

/// Adds a version. Two of the same number are refused by the database: the later one begins again.
pub fn insert_template(tx: &mut Tx<'_>, kind: TemplateKind, version: i64, source: Option<&str>) -> Result<DocumentTemplateId, Problem> {
    let id = DocumentTemplateId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let sql = Sql::new("INSERT INTO document_template (company_id, id, kind, version, source, created_by) VALUES ($1, $2, $3, $4, $5, $6)");
    tx.execute(sql.bind(company).bind(id).bind(kind).bind(version).bind(source).bind(actor))?;
    Ok(id)
}

row! {
    pub struct LogoRow { pub id: DocumentLogoId, pub version: i64, pub media_type: Option<ImageType>, pub width: Option<i32>, pub height: Option<i32>, pub content: Option<Vec<u8>> }
}
const LOGO: &str = "SELECT id, version, media_type, width, height, content FROM document_logo WHERE company_id = $1";

pub fn logo(rx: &mut Rx<'_>) -> Result<Option<LogoRow>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{LOGO} ORDER BY version DESC LIMIT 1")).bind(company))
}

pub fn logo_by_id(rx: &mut Rx<'_>, id: DocumentLogoId) -> Result<Option<LogoRow>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{LOGO} AND id = $2")).bind(company).bind(id))
}

/// An image with its size in pixels.
pub struct NewLogo<'a> {
    pub media_type: ImageType,
    pub width: i32,
    pub height: i32,
    pub content: &'a [u8],
}

pub fn insert_logo(tx: &mut Tx<'_>, version: i64, logo: Option<&NewLogo<'_>>) -> Result<DocumentLogoId, Problem> {
    let id = DocumentLogoId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO document_logo (company_id, id, version, media_type, width, height, content, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(company)
            .bind(id)
            .bind(version)
            .bind(logo.map(|logo| logo.media_type))
            .bind(logo.map(|logo| logo.width))
            .bind(logo.map(|logo| logo.height))
            .bind(logo.map(|logo| logo.content))
            .bind(actor),
    )?;
    Ok(id)
}

row! { struct SettingsRow { id: DocumentSettingsId, version: i64, content: Value } }

/// The newest settings of a registration, with their id and version.
pub fn settings(rx: &mut Rx<'_>, registration: RegistrationId) -> Result<Option<(DocumentSettingsId, i64, SettingsContent)>, Problem> {
    let company = rx.company();
    let sql = "SELECT id, version, content FROM document_settings WHERE company_id = $1 AND registration_id = $2 ORDER BY version DESC LIMIT 1";
    let row: Option<SettingsRow> = rx.optional(Sql::new(sql).bind(company).bind(registration))?;
    row.map(|row| Ok((row.id, row.version, serde_json::from_value(row.content).map_err(|e| Problem::internal(&e))?))).transpose()
}

pub fn insert_settings(tx: &mut Tx<'_>, registration: RegistrationId, version: i64, content: &SettingsContent) -> Result<DocumentSettingsId, Problem> {
    let id = DocumentSettingsId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let content = serde_json::to_value(content).map_err(|e| Problem::internal(&e))?;
    let sql = Sql::new("INSERT INTO document_settings (company_id, id, registration_id, version, content, created_by) VALUES ($1, $2, $3, $4, $5, $6)");
    tx.execute(sql.bind(company).bind(id).bind(registration).bind(version).bind(content).bind(actor))?;
    Ok(id)
}

/// What the PDF of a document is made with.
#[derive(Debug, Clone)]
pub struct Print {
    pub template_id: Option<DocumentTemplateId>,
    pub built_in: Option<String>,
    pub logo_id: Option<DocumentLogoId>,
    pub facts: Facts,
}

row! { struct PrintRow { template_id: Option<DocumentTemplateId>, built_in: Option<String>, logo_id: Option<DocumentLogoId>, facts: Value } }

/// What the document was first made with.
pub fn print(rx: &mut Rx<'_>, document: Uuid) -> Result<Option<Print>, Problem> {
    let company = rx.company();
    let sql = "SELECT template_id, built_in, logo_id, facts FROM document_print WHERE company_id = $1 AND document_id = $2";
    let row: Option<PrintRow> = rx.optional(Sql::new(sql).bind(company).bind(document))?;
    row.map(|row| {
        let facts = serde_json::from_value(row.facts).map_err(|e| Problem::internal(&e))?;
        Ok(Print { template_id: row.template_id, built_in: row.built_in, logo_id: row.logo_id, facts })
    })
    .transpose()
}

/// Keeps what a document is made with, unless that was kept meanwhile: then none.
pub fn insert_print(tx: &mut Tx<'_>, kind: &str, document: Uuid, customer: Option<CustomerId>, print: &Print) -> Result<Option<DocumentPrintId>, Problem> {
    let id = DocumentPrintId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let facts = serde_json::to_value(&print.facts).map_err(|e| Problem::internal(&e))?;
    let kept = tx.execute(
        Sql::new(
            "INSERT INTO document_print (company_id, id, document_kind, document_id, customer_id, template_id, built_in, logo_id, facts, created_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (company_id, document_id) DO NOTHING",
        )
        .bind(company)
        .bind(id)
        .bind(kind)
        .bind(document)
        .bind(customer)
        .bind(print.template_id)
        .bind(print.built_in.as_deref())
        .bind(print.logo_id)
        .bind(facts)
        .bind(actor),
    )?;
    Ok((kept == 1).then_some(id))
}

/// The e-invoice of a document, as the portal confirmed it; its day and time are those of India (r.48(4)).
pub fn registered(rx: &mut Rx<'_>, document: InvoiceId) -> Result<Option<Registered>, Problem> {
    let Some(answered) = irns::store::answered(rx, document)? else { return Ok(None) };
    let (Some(irn), Some(ack_no), Some(ack_at)) = (answered.irn, answered.ack_no, answered.ack_at) else { return Ok(None) };
    let ack_date = ack_at.with_timezone(&chrono_tz::Asia::Kolkata).format("%d-%b-%Y %H:%M:%S").to_string();
    Ok(Some(Registered { irn, ack_no, ack_date, qr: answered.signed_qr.unwrap_or_default(), cancelled: answered.status == EinvoiceStatus::Cancelled }))
}
