//! The verbs of e-invoices: what the portal gets, and what it answered.

use super::facts;
use super::payload::{self, Document, MOST_ITEMS};
use super::portal::{self, Answer, Signed, Unsigned};
use super::problems::{CANCELLATION_WINDOW_PASSED, EINVOICE_INCOMPLETE, EINVOICE_MISMATCH, EINVOICE_NOT_APPLICABLE, IRP_SIGNATURE_INVALID};
use super::qr;
use super::store;
use super::table;
use super::types::{EinvoiceEntry, EinvoicePayload, NewCancellation, NewRegistration, QrFormat};
use crate::billing::invoices::order::{Form, Kind};
use crate::billing::invoices::problems::EINVOICE_REGISTERED;
use crate::billing::invoices::service as documents;
use crate::billing::invoices::store::{self as billing, Stored};
use crate::billing::invoices::types::{CancelInvoice, InvoiceStatus, NewInvoice};
use crate::billing::irns::store::{self as irns, Cancellation, Failure, Registration};
use crate::billing::irns::types::EinvoiceStatus;
use crate::billing::irns::{decision, view};
use crate::billing::notes::types::{NewCreditNote, NewDebitNote};
use crate::ledger::lock_parties;
use crate::master_data::{customers, gst_registrations};
use crate::platform::dates::{Instant, business_date};
use crate::platform::http::Problem;
use crate::platform::http::problem::{self, FieldError};
use crate::platform::http::reply::File;
use crate::platform::ids::InvoiceId;
use crate::platform::unit_of_work::{Audited, Change, Context, Rx, Tx};
use crate::tax::gst::irp::irn;
use chrono::{DateTime, Duration, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn load(rx: &mut Rx<'_>, id: InvoiceId, lock: bool) -> Result<Stored, Problem> {
    let kind = store::kind_of(rx, id)?;
    billing::get(rx, kind, id, lock)?.ok_or_else(|| Problem::not_found("einvoice"))
}

/// An issued document that the portal takes, as it sees it.
fn document(rx: &mut Rx<'_>, stored: &Stored) -> Result<Document, Problem> {
    let current = json!({"einvoice": view(stored, rx.cx()), "status": stored.status});
    let Some(number) = stored.number.as_deref().filter(|_| stored.status == InvoiceStatus::Issued) else {
        let detail = format!("The {} is {}; an e-invoice is of an issued document.", stored.kind.name(), stored.status);
        return Err(Problem::new(problem::INVALID_STATE, detail).member("current", current).member("allowed_actions", json!([])));
    };
    let decision = decision(stored, rx.cx());
    if !decision.registrable() {
        let detail = format!("{} ({})", decision.reason, decision.source);
        return Err(Problem::new(EINVOICE_NOT_APPLICABLE, detail).member("reason", decision.code).member("current", current));
    }
    let registration = gst_registrations::store::find(rx, Some(stored.registration))?.ok_or_else(|| Problem::not_found("gst_registration"))?;
    let customer = customers::store::get(rx, stored.customer, false)?;
    Ok(facts::document(stored, number, &registration, &customer, rx.cx().currency()))
}

/// What the portal would refuse, said so that it can be mended.
fn refuse_faults(payload: &Value) -> Result<(), Problem> {
    let faults = table::faults(payload);
    if faults.is_empty() {
        return Ok(());
    }
    let errors = faults.into_iter().map(|fault| {
        let whose = match fault.path.split('/').nth(1) {
            Some("SellerDtls") => " It comes from the GST registration: PATCH /v1/gst-registrations/{id}.",
            Some("BuyerDtls" | "ShipDtls") => " It comes from the customer and its addresses.",
            _ => "",
        };
        let error = FieldError::at(fault.path, fault.code, format!("{}{whose}", fault.detail));
        match fault.received {
            Some(received) => error.received(received),
            None => error,
        }
    });
    Err(Problem::new(EINVOICE_INCOMPLETE, "The portal would refuse this; the pointers lead into the payload.").errors(errors.collect()))
}

/// The payload of a document, as the portal takes it.
pub fn payload(rx: &mut Rx<'_>, id: InvoiceId) -> Result<EinvoicePayload, Problem> {
    let stored = load(rx, id, false)?;
    let document = document(rx, &stored)?;
    if stored.pricing.differential != Decimal::ONE_HUNDRED {
        let detail = "INV-01 has no member for tax at a part of its rate (notification 37/2017-CT(Rate)); the portal reckons all of it and refuses the rest.";
        let error = FieldError::at("/ItemList", "differential_unknown", detail).received(format!("{} per cent of the rate", stored.pricing.differential));
        return Err(Problem::new(EINVOICE_INCOMPLETE, "The portal would refuse this; the pointers lead into the payload.").errors(vec![error]));
    }
    let payload = payload::build(&document);
    refuse_faults(&payload)?;
    Ok(EinvoicePayload(payload))
}

/// A document with everybody it concerns locked, in the order that cancelling takes them.
fn locked(tx: &mut Tx<'_>, id: InvoiceId) -> Result<Stored, Problem> {
    store::kind_of(tx, id)?;
    lock_parties(tx, id.uuid())?;
    load(tx, id, true)
}

fn record(tx: &mut Tx<'_>, event: &'static str, before: &EinvoiceEntry, reason: Option<&str>) -> Result<Audited<EinvoiceEntry>, Problem> {
    let after = store::of_document(tx, before.document_id)?;
    let mut change = Change::new(event, before.document_id.uuid()).before(before).after(&after);
    if let Some(reason) = reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, after))
}

/// Records what the portal answered to a document.
pub fn register(tx: &mut Tx<'_>, id: InvoiceId, new: &NewRegistration) -> Result<Audited<EinvoiceEntry>, Problem> {
    let answer = answer_of(new)?;
    answered(tx, id, answer)
}

/// What a caller says the portal answered.
fn answer_of(new: &NewRegistration) -> Result<Answer, Problem> {
    let members = [("irn", new.irn.is_some()), ("ack_no", new.ack_no.is_some()), ("signed_qr", new.signed_qr.is_some())];
    if let Some(response) = &new.response {
        let others = members.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect::<Vec<_>>();
        if !others.is_empty() {
            let detail = "Send the answer as downloaded, or its members, not both.";
            return Err(Problem::invalid(vec![FieldError::at("/response", "ambiguous_reference", detail).received(others.join(", "))]));
        }
        return portal::read(response)
            .ok_or_else(|| Problem::invalid(vec![FieldError::at("/response", "unreadable", "This is no answer of the portal that we know.")]));
    }
    let missing: Vec<_> =
        members.iter().filter(|(_, given)| !given).map(|(name, _)| FieldError::at(format!("/{name}"), "required", "The portal's answer has this.")).collect();
    let (Some(irn), Some(ack_no), Some(signed_qr)) = (new.irn.clone(), new.ack_no.clone(), new.signed_qr.clone()) else {
        return Err(Problem::invalid(missing));
    };
    Ok(Answer::Registered(Signed {
        irn,
        ack_no,
        ack_at: new.ack_at.map(|at| at.0),
        signed_invoice: new.signed_invoice.clone(),
        signed_qr,
        eway_bill_no: new.eway_bill_no.clone(),
    }))
}

fn answered(tx: &mut Tx<'_>, id: InvoiceId, answer: Answer) -> Result<Audited<EinvoiceEntry>, Problem> {
    let stored = locked(tx, id)?;
    if let Some(known) = stored.einvoice.as_ref().filter(|known| matches!(known.status, EinvoiceStatus::Registered | EinvoiceStatus::Cancelled)) {
        let detail = format!("The document's e-invoice is {} already; an IRN is given once, and a number is never used again.", known.status);
        return Err(Problem::new(EINVOICE_REGISTERED, detail).member("current", json!({"einvoice": view(&stored, tx.cx())})));
    }
    let document = document(tx, &stored)?;
    let before = store::of_document(tx, id)?;
    let ours = irn(&stored.seller_gstin, stored.date, document.kind, &document.number);
    match answer {
        Answer::Registered(signed) => {
            let registration = verified(&signed, &ours, &document, tx.cx())?;
            irns::register(tx, &stored, &registration)?;
            record(tx, "einvoice.registered", &before, None)
        }
        Answer::Duplicate { irn, ack_no, ack_at } => {
            require_irn(&irn, &ours)?;
            let detail = "The portal has this document already; fetch its e-invoice by the IRN and record that.".to_owned();
            irns::fail(tx, &stored, &Failure { code: "2150".to_owned(), detail, known: Some((irn, ack_no, ack_at)) })?;
            record(tx, "einvoice.failed", &before, None)
        }
        Answer::Refused { code, detail } => {
            let (code, detail) = (code.chars().take(20).collect(), detail.chars().take(1000).collect());
            irns::fail(tx, &stored, &Failure { code, detail, known: None })?;
            record(tx, "einvoice.failed", &before, None)
        }
        Answer::Cancelled { .. } => {
            let detail = "This is the answer to a cancellation: POST …/cancellation.";
            Err(Problem::invalid(vec![FieldError::at("/response", "unreadable", detail)]))
        }
    }
}

fn require_irn(given: &str, ours: &str) -> Result<(), Problem> {
    if given == ours {
        return Ok(());
    }
    let detail = "The IRN is of another document.";
    Err(Problem::new(EINVOICE_MISMATCH, detail).errors(vec![FieldError::at("/irn", "irn_mismatch", detail).expected(ours).received(given)]))
}

/// Signed text that a portal we trust has signed.
fn signed(pointer: &str, token: &str) -> Result<Value, Problem> {
    portal::verified(token).map_err(|unsigned| {
        let detail = match unsigned {
            Unsigned::NoKeys => "The installation has no public key of a portal, so nothing can be checked; put it into irp-keys.pem.",
            Unsigned::Forged => "No portal that the installation trusts has signed this (RS256).",
            Unsigned::Unreadable => "It is signed, but holds no e-invoice.",
        };
        Problem::new(IRP_SIGNATURE_INVALID, detail).errors(vec![FieldError::at(pointer, "irp_signature_invalid", detail)])
    })
}

/// A registration whose signature holds and whose content is the document's.
fn verified(answer: &Signed, ours: &str, document: &Document, cx: &Context) -> Result<Registration, Problem> {
    require_irn(&answer.irn, ours)?;
    let said = signed("/signed_qr", &answer.signed_qr)?;
    let payload = payload::build(document);
    let mut errors = differences(&said, &payload, ours);
    if let Some(token) = &answer.signed_invoice {
        let whole = signed("/signed_invoice", token)?;
        for path in ["/SellerDtls/Gstin", "/BuyerDtls/Gstin", "/DocDtls/Typ", "/DocDtls/Dt", "/ValDtls/TotInvVal"] {
            let (is, should) = (whole.pointer(path), payload.pointer(path));
            if !same(is, should) {
                errors.push(mismatch("/signed_invoice", path, is, should));
            }
        }
        if whole["Irn"].as_str() != Some(ours) {
            errors.push(mismatch("/signed_invoice", "Irn", whole.get("Irn"), Some(&ours.into())));
        }
    }
    let signed_at = said["IrnDt"].as_str().and_then(portal::instant);
    // The portal gives its acknowledgement when it makes the IRN; a minute is how its clocks differ.
    let ack_at = answer.ack_at.or(signed_at);
    match (ack_at, signed_at) {
        (None, _) => errors.push(FieldError::at("/ack_at", "required", "Neither the answer nor the signed QR says when it was registered.")),
        (Some(at), Some(signed)) if (at - signed).abs() > Duration::minutes(1) => {
            errors.push(FieldError::at("/ack_at", "einvoice_mismatch", "The signed QR says another time.").expected(Instant(signed)).received(Instant(at)));
        }
        (Some(at), _) if at > cx.now + Duration::minutes(5) => {
            errors.push(FieldError::at("/ack_at", "date_in_future", "The portal has not registered it yet.").received(Instant(at)));
        }
        _ => {}
    }
    match ack_at.filter(|_| errors.is_empty()) {
        Some(ack_at) => Ok(Registration {
            irn: answer.irn.clone(),
            ack_no: answer.ack_no.clone(),
            ack_at,
            signed_invoice: answer.signed_invoice.clone(),
            signed_qr: answer.signed_qr.clone(),
            eway_bill_no: answer.eway_bill_no.clone(),
        }),
        None => Err(Problem::new(EINVOICE_MISMATCH, "What the portal signed is not this document.").errors(errors)),
    }
}

fn mismatch(pointer: &str, member: &str, is: Option<&Value>, should: Option<&Value>) -> FieldError {
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    FieldError::at(pointer, "einvoice_mismatch", format!("{} differs from the document's.", member.trim_start_matches('/').replace('/', ".")))
        .expected(shown(should))
        .received(shown(is))
}

/// Whether two values mean the same: numbers by their amount, text by its letters.
fn same(is: Option<&Value>, should: Option<&Value>) -> bool {
    let amount = |value: &Value| value.as_number().and_then(|number| number.to_string().parse::<Decimal>().ok());
    match (is, should) {
        (Some(is), Some(should)) => match (amount(is), amount(should)) {
            (Some(is), Some(should)) => is == should,
            _ => is == should,
        },
        _ => false,
    }
}

/// Where the signed QR is not what the document comes to.
fn differences(said: &Value, payload: &Value, ours: &str) -> Vec<FieldError> {
    let text = |path: &str| payload.pointer(path).cloned();
    let items = payload["ItemList"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut errors = Vec::new();
    let mut judge = |member: &str, should: Option<Value>| {
        if !same(said.get(member), should.as_ref()) {
            errors.push(mismatch("/signed_qr", member, said.get(member), should.as_ref()));
        }
    };
    judge("Irn", Some(ours.into()));
    judge("SellerGstin", text("/SellerDtls/Gstin"));
    judge("BuyerGstin", text("/BuyerDtls/Gstin"));
    judge("DocTyp", text("/DocDtls/Typ"));
    judge("DocDt", text("/DocDtls/Dt"));
    judge("TotInvVal", text("/ValDtls/TotInvVal"));
    judge("ItemCnt", Some(items.len().min(MOST_ITEMS).into()));
    let number = payload.pointer("/DocDtls/No").and_then(Value::as_str).unwrap_or_default();
    if !said["DocNo"].as_str().is_some_and(|said| said.eq_ignore_ascii_case(number)) {
        errors.push(mismatch("/signed_qr", "DocNo", said.get("DocNo"), Some(&number.into())));
    }
    // The item of the highest value; of equal ones any.
    let amount = |item: &Value, name: &str| item[name].as_number().and_then(|number| number.to_string().parse::<Decimal>().ok()).unwrap_or_default();
    let highest = |name: &str| items.iter().map(|item| amount(item, name)).max();
    let main = |item: &&Value| ["AssAmt", "TotItemVal"].iter().any(|name| Some(amount(item, name)) == highest(name));
    if !items.iter().filter(main).any(|item| item["HsnCd"] == said["MainHsnCode"]) {
        errors.push(mismatch("/signed_qr", "MainHsnCode", said.get("MainHsnCode"), items.iter().find(main).and_then(|item| item.get("HsnCd"))));
    }
    errors
}

/// Records that the portal cancelled an e-invoice, and cancels its document. What that needs in approvals it
/// needs here too; the e-invoice is cancelled meanwhile.
pub fn cancel(tx: &mut Tx<'_>, id: InvoiceId, new: &NewCancellation) -> Result<Audited<EinvoiceEntry>, Problem> {
    match store::kind_of(tx, id)? {
        Kind::Invoice => cancel_as::<NewInvoice>(tx, id, new),
        Kind::CreditNote => cancel_as::<NewCreditNote>(tx, id, new),
        Kind::DebitNote => cancel_as::<NewDebitNote>(tx, id, new),
    }
}

fn cancel_as<F: Form>(tx: &mut Tx<'_>, id: InvoiceId, new: &NewCancellation) -> Result<Audited<EinvoiceEntry>, Problem> {
    let stored = locked(tx, id)?;
    let standing = stored.einvoice.clone().filter(crate::billing::irns::types::Record::stands);
    let Some((known, ack_at)) = standing.as_ref().and_then(|known| Some((known, known.ack_at?))) else {
        let detail = "The portal holds no e-invoice of this document.";
        return Err(Problem::new(problem::INVALID_STATE, detail)
            .member("current", json!({"einvoice": view(&stored, tx.cx())}))
            .member("allowed_actions", json!([])));
    };
    let at = cancelled_at(new, known.irn.as_deref().unwrap_or_default(), ack_at, tx.cx())?;
    if known.cancellable_until().is_some_and(|until| at > until) {
        let detail = format!(
            "The portal cancels within 24 hours of the IRN, here until {}; correct the document by a note.",
            Instant(known.cancellable_until().unwrap_or(at))
        );
        return Err(Problem::new(CANCELLATION_WINDOW_PASSED, detail).member("current", json!({"einvoice": view(&stored, tx.cx())})));
    }
    let before = store::of_document(tx, id)?;
    let code = new.reason_code.as_str().parse().unwrap_or(4);
    irns::cancel(tx, id, &Cancellation { at, code, remarks: new.remarks.clone() })?;
    let day = business_date(at, tx.cx().facts.zone).max(stored.posting_date);
    let wanted = CancelInvoice { reason: format!("E-invoice cancelled: {}", new.remarks), cancelled_on: Some(day) };
    let _ = documents::cancel::<F>(tx, id, None, &wanted)?;
    record(tx, "einvoice.cancelled", &before, Some(&new.remarks))
}

/// When the portal cancelled it: by its own answer, as the caller says, or now.
fn cancelled_at(new: &NewCancellation, irn: &str, ack_at: DateTime<Utc>, cx: &Context) -> Result<DateTime<Utc>, Problem> {
    let answered = match &new.response {
        None => None,
        Some(response) => match portal::read(response) {
            Some(Answer::Cancelled { irn: of, at }) => {
                require_irn(&of, irn)?;
                Some(at)
            }
            _ => return Err(Problem::invalid(vec![FieldError::at("/response", "unreadable", "This is no answer of the portal to a cancellation.")])),
        },
    };
    let at = answered.or(new.cancelled_at.map(|at| at.0)).unwrap_or(cx.now);
    let fault = |code: &str, detail: &str| Err(Problem::invalid(vec![FieldError::at("/cancelled_at", code, detail).received(Instant(at))]));
    if at < ack_at {
        return fault("before_document", "An e-invoice is not cancelled before it is registered.");
    }
    if at > cx.now + Duration::minutes(5) {
        return fault("date_in_future", "The portal has not cancelled it yet.");
    }
    Ok(at)
}

/// What became of an answer in a file.
#[derive(Debug)]
pub enum Imported {
    Done {
        document: InvoiceId,
        number: String,
        status: EinvoiceStatus,
    },
    /// No document of the company has this IRN.
    Unknown,
}

/// Takes in one answer as downloaded, for the document its IRN is of.
pub fn import(tx: &mut Tx<'_>, response: &Value) -> Result<Imported, Problem> {
    let unreadable = || Problem::invalid(vec![FieldError::at("", "unreadable", "This is no answer of the portal that we know.")]);
    let answer = portal::read(response).ok_or_else(unreadable)?;
    let irn = match &answer {
        Answer::Registered(Signed { irn, .. }) | Answer::Duplicate { irn, .. } | Answer::Cancelled { irn, .. } => irn,
        Answer::Refused { code, detail } => {
            return Err(Problem::invalid(vec![FieldError::at("", "no_document", format!("A refusal that names no document: {code} {detail}"))]));
        }
    };
    let Some(id) = store::document_of(tx, irn)? else { return Ok(Imported::Unknown) };
    let done = if let Answer::Cancelled { at, .. } = answer {
        let new = NewCancellation {
            reason_code: super::types::CancelCode::Other,
            remarks: "Cancelled at the portal".to_owned(),
            cancelled_at: Some(Instant(at)),
            response: None,
        };
        cancel(tx, id, &new)?
    } else {
        answered(tx, id, answer)?
    };
    let entry = done.get();
    Ok(Imported::Done { document: id, number: entry.number.clone(), status: entry.status })
}

/// The QR code of an invoice: what the portal signed, or for a consumer how to pay it.
pub fn code(rx: &mut Rx<'_>, id: InvoiceId, format: QrFormat) -> Result<File, Problem> {
    let stored = billing::get(rx, Kind::Invoice, id, false)?.ok_or_else(|| Problem::not_found("invoice"))?;
    let signed = irns::answered(rx, id)?.filter(|answered| answered.status == EinvoiceStatus::Registered).and_then(|answered| answered.signed_qr);
    let none =
        |detail: &str| Problem::new(problem::INVALID_STATE, detail).member("current", json!({"status": stored.status})).member("allowed_actions", json!([]));
    let says = if let Some(signed) = signed {
        signed
    } else {
        if !qr::is_payable(&stored) {
            return Err(none("The invoice has no QR code: it is neither registered with the portal nor an issued one to a consumer in rupees."));
        }
        let registration = gst_registrations::store::find(rx, Some(stored.registration))?.ok_or_else(|| Problem::not_found("gst_registration"))?;
        let Some(vpa) = registration.vpa.as_deref() else { return Err(none("The GST registration has no UPI id to be paid at.")) };
        qr::to_pay(&stored, vpa, registration.trade_name.as_deref().unwrap_or(&registration.legal_name))
    };
    let (media_type, extension, content) = match format {
        QrFormat::Svg => (qr::SVG, "svg", qr::svg(&says).map(String::into_bytes)),
        QrFormat::Png => (qr::PNG, "png", qr::png(&says)),
    };
    let number: String = stored.number.unwrap_or_default().to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let content = content.ok_or_else(|| Problem::internal(&"a QR code that holds too much"))?;
    Ok(File { media_type, name: format!("qr-{number}.{extension}"), content })
}
