//! The stateless tool: facts in, payload and IRN out. Stores nothing, reads nothing of a company.

mod lines;
mod origins;
mod reading;
pub mod types;

use super::payload::{self, Document};
use super::table;
use crate::platform::dates::FiscalYear;
use crate::platform::http::{Body, Done, FieldError, Problem, Query, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::ItemsRead;
use crate::tax::gst::compute::Treatment;
use crate::tax::gst::explain::{Explanation, START, entry};
use crate::tax::gst::irp::{self, number_sent};
use crate::tax::gst::limits;
use crate::tax::gst::supply::{Split, split};
use crate::tax::tools::types::{GstinMode, GstinQuery};
use actix_web::post;
use chrono::NaiveDate;
use reading::Reading;
use rust_decimal::Decimal;
use types::{EinvoiceAnswer, EinvoiceDocumentStatus, EinvoiceMissing, EinvoiceRequest};

/// Make an e-invoice of a document.
///
/// Says whether the document has to be registered (CGST Rules r.48(4)) and why, and gives what the portal wants of it:
/// INV-01 1.1, with the IRN it will get. Stores nothing. What the portal would refuse is refused; what it would want besides
/// is in `missing`.
#[utoipa::path(tag = "GST", params(GstinQuery), request_body = EinvoiceRequest, responses((status = 200, body = EinvoiceAnswer, description = "The payload.")), extensions(("x-permission" = json!("items:read"))))]
#[post("/v1/gst/einvoice")]
pub async fn make_einvoice(_caller: Caller<ItemsRead>, query: Query<GstinQuery>, body: Body<EinvoiceRequest>) -> Reply<Done<EinvoiceAnswer>> {
    let sandbox = query.mode == Some(GstinMode::Sandbox);
    Done::ok(&answer(&body, sandbox)?)
}

/// The answer to a request. Pure.
pub fn answer(request: &EinvoiceRequest, sandbox: bool) -> Result<EinvoiceAnswer, Problem> {
    let mut reading = Reading::of(request, sandbox);
    let document = reading.document();
    let Reading { mut errors, warnings, .. } = reading;
    let Some(document) = document.filter(|_| errors.is_empty()) else { return Err(Problem::invalid(errors)) };
    let supplier = &request.supplier;
    let taxable = document.lines.iter().any(|line| line.treatment == Treatment::Taxable);
    let mut decision = irp::decide(&irp::Facts {
        date: document.date,
        supply: document.supply,
        seller_gstin: document.seller.gstin.as_deref().unwrap_or_default(),
        buyer_gstin: document.buyer.gstin.as_deref(),
        taxable,
        financial: false,
        seller_is: supplier.excluded_as.as_deref(),
        turnover: supplier.turnover.map(|amount| amount.0),
    });
    let registrable = decision.registrable();
    if request.document.status == Some(EinvoiceDocumentStatus::Cancelled) {
        decision.applicable = false;
        "The document is cancelled.".clone_into(&mut decision.reason);
        decision.code = "cancelled";
    }
    let payload = registrable.then(|| payload::build(&document));
    let mut missing = Vec::new();
    for fault in payload.as_ref().map(table::faults).unwrap_or_default() {
        let pointer = origins::pointer_of(&fault, &document, request);
        if fault.code == "required" {
            missing.push(EinvoiceMissing { pointer: format!("#{pointer}"), code: fault.code, detail: fault.detail });
        } else {
            let error = FieldError::at(pointer, fault.code, fault.detail);
            errors.push(match fault.received {
                Some(received) => error.received(received),
                None => error,
            });
        }
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let irn = registrable.then(|| irp::irn(document.seller.gstin.as_deref().unwrap_or_default(), document.date, document.kind, &document.number));
    let turnover = supplier.turnover.map_or(Decimal::ZERO, |amount| amount.0);
    let report_by = limits::einvoice_last_day(document.date, turnover).filter(|_| decision.applicable);
    Ok(EinvoiceAnswer {
        explanation: explain(&decision, &document, report_by),
        applicable: decision.applicable,
        reason: decision.reason,
        reason_code: decision.code,
        payload,
        irn,
        report_by,
        missing,
        warnings,
    })
}

fn explain(decision: &irp::Decision, document: &Document, report_by: Option<NaiveDate>) -> Vec<Explanation> {
    let nature = match split(document.seat(), &document.place, document.supply) {
        Split::Inter => "inter_state",
        Split::Intra { .. } => "intra_state",
    };
    let said = format!(
        "A supply of type {} from State {} with its place at {}.",
        document.supply.as_str(),
        document.seller.state.as_deref().unwrap_or_default(),
        document.place
    );
    let mut all = vec![
        entry("applicability", decision.code, &decision.reason, decision.source, decision.effective_from.unwrap_or(START)),
        entry("nature_of_supply", nature, said, "IGST Act s.7, s.8", START),
    ];
    if let Some(case) = limits::all().irn_upper_case.on(document.date) {
        let (year, how) = (FiscalYear::of(document.date, 4).label(), if case.value { "in capitals" } else { "as typed" });
        let rule = format!("SHA-256 of GSTIN, {year}, {} and the number {how}.", document.kind.code());
        all.push(entry("irn", number_sent(&document.number, document.date), rule, case.source, case.from));
    }
    if let (Some(day), Some(window)) = (report_by, limits::all().einvoice_reporting.on(document.date)) {
        let rule = format!("The portal takes it within {} days, its own counted.", window.value.days);
        all.push(entry("reporting", day.to_string(), rule, window.source, window.from));
    }
    all
}
