//! Samples as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::money::Amount;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

crate::words! {
    /// `random`: every document is as likely as any other. `monetary_unit`: every rupee is, so that large documents are
    /// drawn more often, and those of at least the interval for certain.
    pub enum SampleMethod { Random = "random", MonetaryUnit = "monetary_unit" }
}
crate::words! {
    /// What is drawn from: posted documents of a kind; `entries` are all entries of the journal.
    pub enum Population {
        Invoices = "invoices", CreditNotes = "credit_notes", DebitNotes = "debit_notes", Receipts = "receipts", Refunds = "refunds",
        WriteOffs = "write_offs", Adjustments = "adjustments", Journals = "journals", Entries = "entries",
    }
}
impl Population {
    /// The kinds of documents it has; none for all.
    pub(super) fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Invoices => &["invoice"],
            Self::CreditNotes => &["credit_note"],
            Self::DebitNotes => &["debit_note"],
            Self::Receipts => &["receipt"],
            Self::Refunds => &["refund"],
            Self::WriteOffs => &["write_off"],
            Self::Adjustments => &["adjustment"],
            Self::Journals => &["journal"],
            Self::Entries => &[],
        }
    }
}

/// A word or number that decides what is drawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Seed {
    Number(i64),
    Text(String),
}
impl utoipa::PartialSchema for Seed {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(9_007_199_254_740_991_i64));
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(100));
        OneOfBuilder::new().item(number).item(text).examples([serde_json::json!("FY2025-26/AR/1")]).into()
    }
}
impl ToSchema for Seed {
    fn name() -> std::borrow::Cow<'static, str> {
        "Seed".into()
    }
}
impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"method": "monetary_unit", "population": "invoices", "n": 25, "seed": "FY2025-26/AR/1", "from": "2025-04-01", "to": "2026-03-31"}))]
pub struct NewSample {
    pub method: SampleMethod,
    /// `invoices` when left out.
    pub population: Option<Population>,
    /// How many to draw.
    #[schema(minimum = 1, maximum = 1000, example = 25)]
    pub n: i64,
    pub seed: Seed,
    /// Posted from this day on.
    #[schema(example = "2025-04-01")]
    pub from: Option<NaiveDate>,
    /// Up to this day; today when left out.
    #[schema(example = "2026-03-31")]
    pub to: Option<NaiveDate>,
    /// Of what was recorded by then; now when left out. Send that of an answer to draw its sample again.
    #[schema(example = "2026-04-05T04:30:00.000Z")]
    pub known_at: Option<Instant>,
}

/// A sample, with everything one needs to draw it again by other means.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sample {
    #[schema(example = "audit_sample")]
    pub object: &'static str,
    pub method: SampleMethod,
    pub population: Population,
    pub seed: Seed,
    pub from: Option<NaiveDate>,
    pub to: NaiveDate,
    pub known_at: Instant,
    /// Base currency of the company.
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Documents in the population.
    #[schema(minimum = 0, example = 18_240)]
    pub population_count: i64,
    pub population_total: Amount,
    /// Monetary units: the population's total divided by `n`, cut after ten decimals.
    #[schema(max_length = 40, example = "8580004.8200000000")]
    pub interval: Option<String>,
    /// Monetary units: the first unit drawn, counted from zero; the others follow it by the interval.
    #[schema(max_length = 40, example = "2764401.1120000000")]
    pub start: Option<String>,
    /// How it was drawn.
    #[schema(max_length = 600, example = "Documents in the order of SHA-256(seed:journal_id); the first n.")]
    pub procedure: &'static str,
    #[schema(max_items = 1000)]
    pub data: Vec<Drawn>,
}
impl Resource for Sample {}

/// A document that was drawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct Drawn {
    #[schema(max_length = 40, example = "invoice")]
    pub document_type: String,
    pub document_id: Uuid,
    #[schema(max_length = 40, example = "MH/25-26/000123")]
    pub document_number: String,
    pub document_date: NaiveDate,
    pub posting_date: NaiveDate,
    pub journal_id: Uuid,
    /// What it moves of receivables in base currency, or of the journal where it moves none.
    pub amount: Amount,
    /// Monetary units: how many of the drawn units lie in it.
    #[schema(minimum = 1, example = 1)]
    pub hits: i64,
    /// Where its evidence is.
    #[schema(max_length = 100, example = "/v1/audit/evidence/0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77")]
    pub evidence: String,
}
