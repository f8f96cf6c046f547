//! The verbs of documents: what one is made of, and the making.

use super::facts::{self, Facts};
use super::rules;
use super::store::{self, Print};
use super::templates;
use super::types::{
    Copies, DocumentLogo, DocumentSettings, DocumentTemplate, DocumentTemplates, ImageType, NewDocumentLogo, NewDocumentTemplate, SettingsContent, TemplateKind,
};
use super::view;
use super::{problems, voucher};
use crate::billing::invoices::order::Kind;
use crate::billing::invoices::store::Stored;
use crate::billing::invoices::types::InvoiceStatus;
use crate::billing::irns;
use crate::delivery::layout::{self, Fault, Picture, Template, Values};
use crate::master_data::{companies, customers, gst_registrations};
use crate::platform::dates::Instant;
use crate::platform::http::reply::{File, require_version};
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::{CustomerId, InvoiceId, ReceiptId, RefundId, RegistrationId, StatementId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use serde_json::{Value, json};
use std::rc::Rc;
use uuid::Uuid;

/// What can be printed.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    Billed(Kind, InvoiceId),
    Receipt(ReceiptId),
    Refund(RefundId),
    Statement(StatementId),
}

impl Subject {
    fn id(self) -> Uuid {
        match self {
            Self::Billed(_, id) => id.uuid(),
            Self::Receipt(id) => id.uuid(),
            Self::Refund(id) => id.uuid(),
            Self::Statement(id) => id.uuid(),
        }
    }
    fn name(self) -> &'static str {
        match self {
            Self::Billed(kind, _) => kind.as_str(),
            Self::Receipt(_) => "receipt",
            Self::Refund(_) => "refund",
            Self::Statement(_) => "statement",
        }
    }
}

/// Everything a file is made of.
pub struct Sheet {
    pub source: String,
    pub logo: Option<Vec<u8>>,
    pub view: Value,
    pub currency: Currency,
    /// The mark of each copy; one without where there are no copies.
    pub copies: Vec<&'static str>,
    pub title: String,
    pub number: String,
    pub author: String,
    pub date: NaiveDate,
}

/// Who and what a document is about.
struct About {
    kind: TemplateKind,
    /// None where nobody is known to be the customer.
    customer: Option<CustomerId>,
    registration: Option<RegistrationId>,
    name: String,
    gstin: Option<String>,
    /// Whether it is issued, so that what it is made with is kept.
    stands: bool,
    /// Whether it says why it is no e-invoice.
    declares_exemption: bool,
}

enum Content {
    Billed(Box<Stored>),
    Voucher(Box<voucher::Voucher>),
    Statement(Box<crate::delivery::statements::Account>),
}

impl About {
    /// Of something that names its customer as it is now.
    fn of(kind: TemplateKind, customer: Option<CustomerId>) -> Self {
        Self { kind, customer, registration: None, name: String::new(), gstin: None, stands: true, declares_exemption: false }
    }
}

fn read(rx: &mut Rx<'_>, subject: Subject) -> Result<(About, Content), Problem> {
    Ok(match subject {
        Subject::Billed(kind, id) => {
            let stored = crate::billing::invoices::store::get(rx, kind, id, false)?.ok_or_else(|| Problem::not_found(kind.as_str()))?;
            let about = About {
                kind: rules::form(&stored).0,
                customer: Some(stored.customer),
                registration: Some(stored.registration),
                name: stored.customer_name.clone(),
                gstin: stored.buyer_gstin.clone(),
                stands: matches!(stored.status, InvoiceStatus::Issued | InvoiceStatus::Cancelled),
                declares_exemption: rules::form(&stored).0 == TemplateKind::TaxInvoice && irns::declares_exemption(&stored, rx.cx()),
            };
            (about, Content::Billed(Box::new(stored)))
        }
        Subject::Receipt(_) | Subject::Refund(_) => {
            let voucher = match subject {
                Subject::Refund(id) => voucher::of_refund(rx, id)?,
                Subject::Receipt(id) => voucher::of_receipt(rx, id)?,
                Subject::Billed(..) | Subject::Statement(_) => return Err(Problem::internal(&"not a voucher")),
            };
            let about = About { registration: voucher.registration, ..About::of(voucher.kind, voucher.customer) };
            (about, Content::Voucher(Box::new(voucher)))
        }
        Subject::Statement(id) => {
            let statement = crate::delivery::statements::service::load(rx, id)?;
            (About::of(TemplateKind::Statement, Some(statement.head.customer_id)), Content::Statement(Box::new(statement)))
        }
    })
}

/// What a document would be made with now.
fn present(rx: &mut Rx<'_>, about: &About) -> Result<Print, Problem> {
    let company = companies::store::get(rx, false)?;
    let registration = gst_registrations::store::find(rx, about.registration)?.ok_or_else(|| Problem::internal(&"no registration"))?;
    let settings = store::settings(rx, registration.id)?.map_or_else(SettingsContent::default, |(_, _, content)| content);
    let (buyer, ship_to) = match about.customer {
        Some(id) => {
            let customer = customers::store::get(rx, id, false)?;
            let name = if about.name.is_empty() { customer.legal_name.clone() } else { about.name.clone() };
            let named = !about.name.is_empty();
            facts::buyer(&customer, &name, if named { about.gstin.as_deref() } else { customer.gstin.as_deref() })
        }
        None => (facts::Party { name: "Not identified".into(), ..facts::Party::default() }, None),
    };
    let facts = Facts { seller: facts::seller(&company, &registration), buyer, ship_to, settings, declares_exemption: about.declares_exemption };
    let own = store::template(rx, about.kind)?.filter(|template| template.source.is_some());
    let logo = store::logo(rx)?.filter(|logo| logo.content.is_some());
    Ok(Print {
        built_in: own.is_none().then(|| templates::newest(about.kind).name.to_owned()),
        template_id: own.map(|template| template.id),
        logo_id: logo.map(|logo| logo.id),
        facts,
    })
}

/// What a file is made of; none while an issued document's print is not kept yet.
pub fn sheet(rx: &mut Rx<'_>, subject: Subject, wanted: Option<&Copies>) -> Result<Option<Sheet>, Problem> {
    let (about, content) = read(rx, subject)?;
    // What was asked for wrongly leaves nothing behind.
    let goods = matches!(&content, Content::Billed(stored) if rules::has_goods(stored));
    let copies = wanted.map(|wanted| rules::copies(wanted, goods)).transpose()?;
    let print = match store::print(rx, subject.id())? {
        Some(print) => print,
        None if about.stands => return Ok(None),
        None => present(rx, &about)?,
    };
    let source = match (print.template_id, print.built_in.as_deref()) {
        (Some(id), _) => store::template_by_id(rx, id)?.and_then(|template| template.source),
        (None, Some(name)) => templates::named(name).map(|template| template.source.to_owned()),
        (None, None) => None,
    };
    let logo = match print.logo_id {
        Some(id) => store::logo_by_id(rx, id)?.and_then(|logo| logo.content),
        None => None,
    };
    let base = rx.cx().currency();
    let (view, currency, number, date) = match &content {
        Content::Billed(stored) => {
            let registered = store::registered(rx, stored.id)?;
            let (_, view) = view::document(stored, &print.facts, base, registered.as_ref());
            (view, stored.currency, stored.number.clone().unwrap_or_else(|| "draft".into()), stored.date)
        }
        Content::Voucher(voucher) => (voucher.view(&print.facts), voucher.currency, voucher.number.clone(), voucher.date),
        Content::Statement(statement) => (statement.view(&print.facts), base, crate::delivery::documents::view::date(statement.head.to), statement.head.to),
    };
    let title = view["title"].as_str().unwrap_or_default().to_owned();
    Ok(Some(Sheet {
        source: source.ok_or_else(|| Problem::internal(&"a print without a template"))?,
        logo,
        view,
        currency,
        copies: copies.map_or_else(|| vec![""], |copies| copies.into_iter().map(|(_, mark)| mark).collect()),
        title,
        number,
        author: print.facts.seller.name,
        date,
    }))
}

/// Keeps what an issued document is made with from now on.
pub fn fix(tx: &mut Tx<'_>, subject: Subject) -> Result<(), Problem> {
    let (about, _) = read(tx, subject)?;
    let print = present(tx, &about)?;
    keep(tx, subject, about.customer, &print)
}

/// Keeps it, with its event.
fn keep(tx: &mut Tx<'_>, subject: Subject, customer: Option<CustomerId>, print: &Print) -> Result<(), Problem> {
    if let Some(id) = store::insert_print(tx, subject.name(), subject.id(), customer, print)? {
        let after = json!({
            "id": id, "document_type": subject.name(), "document_id": subject.id(), "template_id": print.template_id, "built_in": print.built_in,
            "logo_id": print.logo_id, "facts": print.facts,
        });
        let _ = tx.record(Change::new("document_print.kept", id.uuid()).after(&after), ());
    }
    Ok(())
}

/// Keeps what a new statement is made with.
pub fn fix_statement(tx: &mut Tx<'_>, id: StatementId, customer: CustomerId) -> Result<(), Problem> {
    let print = present(tx, &About::of(TemplateKind::Statement, Some(customer)))?;
    keep(tx, Subject::Statement(id), Some(customer), &print)
}

/// The file.
pub fn render(sheet: Sheet) -> Result<File, Problem> {
    let words = if sheet.number.is_empty() { sheet.title.clone() } else { format!("{} {}", sheet.title, sheet.number) };
    let name: String = words.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let content = make(&sheet, &words).map_err(|fault| template_fault("The document's template cannot be laid out with what the document says", &fault))?;
    Ok(File { media_type: "application/pdf", name: format!("{}.pdf", name.trim_matches('-')), content })
}

fn make(sheet: &Sheet, title: &str) -> Result<Vec<u8>, Fault> {
    let template = Template::read(&sheet.source)?;
    // A picture was read when it was uploaded.
    let logo = sheet.logo.as_deref().and_then(|bytes| Picture::read(bytes).ok()).map(Rc::new);
    let mut values = Values { root: sheet.view.clone(), logo, currency: sheet.currency };
    values.root["has_logo"] = json!(values.logo.is_some());
    let mut copies = Vec::with_capacity(sheet.copies.len());
    for copy in &sheet.copies {
        values.root["copy"] = json!(copy);
        copies.push(layout::paginate(&template.fill(&values)?)?);
    }
    layout::write(copies, &layout::About { title: title.to_owned(), author: sheet.author.clone(), date: sheet.date }).map_err(|detail| Fault::new(1, detail))
}

fn template_fault(what: &str, fault: &Fault) -> Problem {
    Problem::new(problems::TEMPLATE_INVALID, format!("{what}: {fault}.")).errors(vec![
        FieldError::at("/source", "template_invalid", fault.detail.clone())
            .expected("a template that can be laid out")
            .received(format!("line {}", fault.line)),
    ])
}

fn template_answer(kind: TemplateKind, row: Option<store::TemplateRow>) -> DocumentTemplate {
    let version = row.as_ref().map_or(0, |row| row.version);
    let created_at = row.as_ref().map(|row| Instant(row.recorded_at));
    let own = row.and_then(|row| row.source.map(|source| (row.id, source)));
    DocumentTemplate {
        id: own.as_ref().map(|(id, _)| *id),
        object: "document_template",
        kind,
        built_in: own.is_none(),
        source: own.map_or_else(|| templates::newest(kind).source.to_owned(), |(_, source)| source),
        version,
        created_at,
    }
}

pub fn template(rx: &mut Rx<'_>, kind: TemplateKind) -> Result<DocumentTemplate, Problem> {
    let row = store::template(rx, kind)?;
    Ok(template_answer(kind, row))
}

pub fn template_list(rx: &mut Rx<'_>) -> Result<DocumentTemplates, Problem> {
    let data = TemplateKind::ALL.iter().map(|kind| template(rx, *kind)).collect::<Result<_, _>>()?;
    Ok(DocumentTemplates { data })
}

/// Whether a template can be read, and laid out with a short document and a long one.
pub fn try_template(kind: TemplateKind, source: &str) -> Result<(), Problem> {
    for lines in [1, 60] {
        make(&super::samples::sheet(kind, source.to_owned(), lines), "Sample").map_err(|fault| template_fault("The template cannot be laid out", &fault))?;
    }
    Ok(())
}

/// Whoever changes these waits for whoever does.
fn one_at_a_time(tx: &mut Tx<'_>) -> Result<(), Problem> {
    companies::store::get(tx, true).map(drop)
}

/// A new version of a template, tried before (outside of any transaction).
pub fn change_template(tx: &mut Tx<'_>, kind: TemplateKind, version: Option<i64>, new: &NewDocumentTemplate) -> Result<Audited<DocumentTemplate>, Problem> {
    one_at_a_time(tx)?;
    let before = template(tx, kind)?;
    require_version(version, before.version)?;
    let id = store::insert_template(tx, kind, before.version + 1, new.source.as_deref())?;
    let after = template(tx, kind)?;
    Ok(tx.record(Change::new("document_template.changed", id.uuid()).version(after.version).before(&before).after(&after), after))
}

fn logo_answer(row: Option<store::LogoRow>) -> DocumentLogo {
    let version = row.as_ref().map_or(0, |row| row.version);
    let row = row.filter(|row| row.content.is_some());
    DocumentLogo {
        id: row.as_ref().map(|row| row.id),
        object: "document_logo",
        media_type: row.as_ref().and_then(|row| row.media_type),
        width: row.as_ref().and_then(|row| row.width),
        height: row.as_ref().and_then(|row| row.height),
        content: row.and_then(|row| row.content).map(|content| STANDARD.encode(content)),
        version,
    }
}

pub fn logo(rx: &mut Rx<'_>) -> Result<DocumentLogo, Problem> {
    store::logo(rx).map(logo_answer)
}

/// What a logo may weigh, in bytes.
const HEAVIEST_LOGO: usize = 256 * 1024;

pub fn change_logo(tx: &mut Tx<'_>, version: Option<i64>, new: &NewDocumentLogo) -> Result<Audited<DocumentLogo>, Problem> {
    let invalid = |detail: String| Problem::new(problems::IMAGE_INVALID, detail.clone()).errors(vec![FieldError::at("/content", "image_invalid", detail)]);
    let bytes = new.content.as_deref().map(|text| STANDARD.decode(text)).transpose().map_err(|_| invalid("The content is not base64 (RFC 4648).".into()))?;
    let picture = match &bytes {
        Some(bytes) if bytes.len() > HEAVIEST_LOGO => return Err(invalid(format!("The image may have at most {HEAVIEST_LOGO} bytes."))),
        Some(bytes) => Some(Picture::read(bytes).map_err(|detail| invalid(format!("The image {detail}.")))?),
        None => None,
    };
    one_at_a_time(tx)?;
    let before = logo(tx)?;
    require_version(version, before.version)?;
    let added = picture.as_ref().zip(bytes.as_deref()).map(|(picture, content)| store::NewLogo {
        media_type: if picture.is_png() { ImageType::Png } else { ImageType::Jpeg },
        width: picture.size().0,
        height: picture.size().1,
        content,
    });
    let id = store::insert_logo(tx, before.version + 1, added.as_ref())?;
    let after = logo(tx)?;
    // The picture itself is bound by the digest of its row.
    let told = |logo: &DocumentLogo| DocumentLogo { content: None, ..logo.clone() };
    Ok(tx.record(Change::new("document_logo.changed", id.uuid()).version(after.version).before(&told(&before)).after(&told(&after)), after))
}

fn registration(rx: &mut Rx<'_>, wanted: Option<RegistrationId>) -> Result<RegistrationId, Problem> {
    gst_registrations::store::find(rx, wanted)?.map(|registration| registration.id).ok_or_else(|| Problem::not_found("gst_registration"))
}

pub fn settings(rx: &mut Rx<'_>, wanted: Option<RegistrationId>) -> Result<DocumentSettings, Problem> {
    let registration = registration(rx, wanted)?;
    let (id, version, content) = match store::settings(rx, registration)? {
        Some((id, version, content)) => (Some(id), version, content),
        None => (None, 0, SettingsContent::default()),
    };
    Ok(DocumentSettings { id, object: "document_settings", gst_registration_id: registration, content, version })
}

pub fn change_settings(
    tx: &mut Tx<'_>,
    wanted: Option<RegistrationId>,
    version: Option<i64>,
    content: &SettingsContent,
) -> Result<Audited<DocumentSettings>, Problem> {
    one_at_a_time(tx)?;
    let before = settings(tx, wanted)?;
    require_version(version, before.version)?;
    let id = store::insert_settings(tx, before.gst_registration_id, before.version + 1, content)?;
    let after = settings(tx, wanted)?;
    Ok(tx.record(Change::new("document_settings.changed", id.uuid()).version(after.version).before(&before).after(&after), after))
}
