//! Revaluations as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::{EntryId, RevaluationId};
use crate::platform::money::Amount;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A run. Amounts in base currency unless they say otherwise; positive is owed to us.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Revaluation {
    pub id: RevaluationId,
    #[schema(example = "revaluation")]
    pub object: &'static str,
    pub as_of: NaiveDate,
    /// The next day, on which it is taken back.
    pub reversed_on: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub base_currency: String,
    /// One for each currency with open items.
    #[schema(max_items = 200)]
    pub lines: Vec<RevaluationLine>,
    /// Σ posted by this run: a gain when positive. Zero when earlier runs of the day left nothing to post.
    pub posted: Amount,
    pub gl_journal_id: Option<EntryId>,
    pub reversal_gl_journal_id: Option<EntryId>,
    #[schema(max_length = 50, example = "user:0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42")]
    pub created_by: String,
    pub created_at: Instant,
}
impl crate::platform::http::reply::Resource for Revaluation {
    fn id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RevaluationLine {
    #[schema(max_length = 3, example = "USD")]
    pub currency: String,
    /// Base units for one unit of the currency on the day.
    #[schema(max_length = 24, example = "83.50")]
    pub exchange_rate: String,
    /// Debits less credits, in the currency.
    pub open_amount: Amount,
    /// The same in base currency, at the items' own rates.
    pub carrying_amount: Amount,
    /// The same at the rate of the day.
    pub value: Amount,
    /// Value less carrying amount.
    pub difference: Amount,
    /// What of it this run posted.
    pub posted: Amount,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevaluation {
    /// The day to value at, as a rule the last of a month; its month and the next day's take postings.
    #[schema(example = "2025-10-31")]
    pub as_of: NaiveDate,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RevaluationFilter {
    /// The day valued at.
    #[param(example = "2025-10-31")]
    pub as_of: Option<NaiveDate>,
}
