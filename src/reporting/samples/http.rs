//! Drawing samples.

use super::rules::units;
use super::store;
use super::types::{Drawn, NewSample, Population, Sample, SampleMethod};
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::http::{Body, Fetched, Reply};
use crate::platform::unit_of_work::permissions::AuditRead;
use crate::platform::unit_of_work::{Caller, Rx};
use crate::reporting::reports::At;
use actix_web::post;
use chrono::NaiveDate;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(draw_sample);
}

/// Draw a sample.
///
/// Documents for test checks (SA 530), at random or by monetary unit, decided by `seed` alone: the same wish with the
/// `known_at` of the answer draws the same sample again, whatever was recorded since. Amounts are in base currency. Nothing
/// is stored.
#[utoipa::path(tag = "Audit", request_body = NewSample, responses((status = 200, body = Sample, description = "The sample.")), extensions(("x-permission" = json!("audit:read"))))]
#[post("/v1/audit/samples")]
pub async fn draw_sample(caller: Caller<AuditRead>, body: Body<NewSample>) -> Reply<Fetched<Sample>> {
    caller.fetch(move |rx| draw(rx, &body)).await
}

fn draw(rx: &mut Rx<'_>, wanted: &NewSample) -> Result<Sample, Problem> {
    rx.take_time()?;
    let at = At::of(rx, wanted.to, wanted.known_at.map(|at| at.0))?;
    let (to, population) = (at.as_of, wanted.population.unwrap_or(Population::Invoices));
    let from = wanted.from.unwrap_or(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default());
    if from > to {
        return Err(Problem::invalid(vec![
            FieldError::at("/from", "invalid_value", "from must not lie after to.").expected(format!("at most {to}")).received(from),
        ]));
    }
    let size = store::size(rx, population, (from, to), at)?;
    let of_units = wanted.method == SampleMethod::MonetaryUnit;
    let (interval, start) = units(size.total, wanted.n, &wanted.seed.to_string());
    let rows = store::draw(rx, wanted, population, (from, to), at, (interval, start))?;
    let currency = rx.cx().currency();
    Ok(Sample {
        object: "audit_sample",
        method: wanted.method,
        population,
        seed: wanted.seed.clone(),
        from: wanted.from,
        to,
        known_at: at.known(),
        currency: currency.code().to_owned(),
        population_count: size.count,
        population_total: currency.amount(size.total),
        interval: of_units.then(|| interval.to_string()),
        start: of_units.then(|| start.to_string()),
        procedure: if of_units {
            "Documents in the order of posting date and journal_id, laid end to end by amount. Unit k (0 to n - 1) lies at start + k times interval, where start is interval times the first eight bytes of SHA-256(seed) divided by 2^64; the document it lies in is drawn."
        } else {
            "Documents in the order of SHA-256 of seed, a colon and journal_id; the first n are drawn."
        },
        data: rows
            .into_iter()
            .map(|row| Drawn {
                evidence: format!("/v1/audit/evidence/{}", row.document_id),
                document_type: row.document_kind,
                document_id: row.document_id,
                document_number: row.document_number,
                document_date: row.document_date,
                posting_date: row.posting_date,
                journal_id: row.entry_id,
                amount: currency.amount(row.amount),
                hits: row.hits,
            })
            .collect(),
    })
}
