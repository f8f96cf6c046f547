//! Statements as they travel.

use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::platform::dates::Instant;
use crate::platform::ids::{ConfirmationId, CustomerId, StatementId};
use crate::platform::money::Amount;
use crate::platform::unit_of_work::ExternalId;
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// `running`: every movement with the balance after it; `open_item`: what is open.
    pub enum StatementStyle { Running = "running", OpenItem = "open_item" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Statement {
    pub id: StatementId,
    #[schema(example = "statement")]
    pub object: &'static str,
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    pub style: StatementStyle,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// What was recorded by then is what it says, for ever.
    pub known_at: Instant,
    /// Base currency of the company.
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Before the first day; above zero is owed to us.
    pub opening_balance: Amount,
    /// At the end of the last day.
    pub closing_balance: Amount,
    /// Of it, what was past its due date then.
    pub overdue: Amount,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    /// The newest answer; null while there is none.
    pub confirmation: Option<StatementConfirmation>,
}
resource!(Statement);

words! {
    /// Whether the customer's books say the same.
    pub enum ConfirmationResult { Agreed = "agreed", Differs = "differs" }
}

/// What a customer answered to a statement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatementConfirmation {
    pub id: ConfirmationId,
    #[schema(example = "statement_confirmation")]
    pub object: &'static str,
    pub result: ConfirmationResult,
    /// By the customer's books, in the statement's currency; above zero is owed to us.
    pub stated_balance: Amount,
    /// Ours less theirs; zero where they agree.
    pub difference: Amount,
    pub confirmed_on: NaiveDate,
    #[schema(max_length = 200, example = "R. Iyer, accounts payable")]
    pub contact: String,
    #[schema(max_length = 500, example = "E-mail <1234@acme.test> in the mailbox of accounts")]
    pub evidence: Option<String>,
    #[schema(max_length = 64, example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub evidence_sha256: Option<String>,
    #[schema(max_length = 1000, example = "Invoice MH/25-26/000131 has not arrived.")]
    pub note: Option<String>,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}

/// What the customer answered.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"result": "differs", "stated_balance": "106200.00", "confirmed_on": "2025-11-05", "contact": "R. Iyer, accounts payable", "evidence": "E-mail <1234@acme.test> in the mailbox of accounts", "note": "Invoice MH/25-26/000131 has not arrived."}))]
pub struct NewConfirmation {
    pub result: ConfirmationResult,
    /// By the customer's books, in the statement's currency; above zero is owed to us. Needed where they differ, and where they
    /// agree our own balance.
    pub stated_balance: Option<Amount>,
    /// The day of the answer; today when left out.
    #[schema(example = "2025-11-05")]
    pub confirmed_on: Option<NaiveDate>,
    /// Who answered.
    #[schema(min_length = 3, max_length = 200, example = "R. Iyer, accounts payable")]
    pub contact: String,
    /// Where the answer is kept.
    #[schema(min_length = 3, max_length = 500, example = "E-mail <1234@acme.test> in the mailbox of accounts")]
    pub evidence: Option<String>,
    /// SHA-256 of the answer, in lower-case hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$", max_length = 64, example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub evidence_sha256: Option<String>,
    #[schema(min_length = 3, max_length = 1000, example = "Invoice MH/25-26/000131 has not arrived.")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_external_id": "CUST-0042", "style": "running", "from": "2025-10-01", "to": "2025-10-31"}))]
pub struct NewStatement {
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    /// `running` when left out.
    pub style: Option<StatementStyle>,
    /// First day; the first of the month of `to` when left out.
    #[schema(example = "2025-10-01")]
    pub from: Option<NaiveDate>,
    /// Last day; today when left out.
    #[schema(example = "2025-10-31")]
    pub to: Option<NaiveDate>,
}
impl NamesCustomer for NewStatement {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}
impl ExternalId for NewStatement {
    fn external_id(&self) -> Option<&str> {
        None
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatementFilter {
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// Styles, comma-separated.
    #[param(max_length = 40, example = "running")]
    pub style: Option<String>,
    /// By their newest answer, comma-separated; `none` where there is none.
    #[param(max_length = 20, pattern = "^(none|agreed|differs)(,(none|agreed|differs)){0,2}$", example = "none,differs")]
    pub confirmation: Option<String>,
}
