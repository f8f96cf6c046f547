//! Accounts as they travel.

use super::AccountRole;
use crate::platform::dates::Instant;
use crate::platform::ids::{AccountId, CustomerId};
use crate::platform::money::Amount;
use crate::platform::page::PageInfo;
use crate::resource;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

crate::words! {
    /// Where an account stands in the statements; fixed when it is made.
    pub enum AccountClass { Asset = "asset", Liability = "liability", Equity = "equity", Income = "income", Expense = "expense" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GlAccount {
    pub id: AccountId,
    #[schema(example = "gl_account")]
    pub object: &'static str,
    #[schema(max_length = 20, example = "1100")]
    pub code: String,
    #[schema(max_length = 200, example = "Accounts receivable")]
    pub name: String,
    pub class: AccountClass,
    /// What the service posts here by itself; null for accounts of manual journals only.
    pub role: Option<AccountRole>,
    /// Whether it is a control account: its balance is the sum of open items.
    pub is_control: bool,
    /// Whether it may be posted to by hand.
    pub active: bool,
    #[schema(minimum = 1)]
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}
resource!(GlAccount: version);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGlAccount {
    #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9][A-Za-z0-9./-]*$", example = "4050")]
    pub code: String,
    #[schema(min_length = 1, max_length = 200, example = "Export sales")]
    pub name: String,
    pub class: AccountClass,
}

/// What may be changed; a member left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GlAccountPatch {
    #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9][A-Za-z0-9./-]*$", example = "4051")]
    pub code: Option<String>,
    #[schema(min_length = 1, max_length = 200, example = "Export sales")]
    pub name: Option<String>,
    /// False for an account of no role and no balance: it takes no more journals by hand.
    #[schema(example = true)]
    pub active: Option<bool>,
    /// Takes this role over from the account that has it; what was posted stays where it is.
    pub role: Option<AccountRole>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// Classes, comma-separated.
    #[param(max_length = 100, example = "asset,liability")]
    pub class: Option<String>,
    /// Roles, comma-separated.
    #[param(max_length = 200, example = "bank")]
    pub role: Option<String>,
    /// The account's number.
    #[param(max_length = 20, example = "1100")]
    pub code: Option<String>,
    /// Only active ones, or only the others.
    #[param(example = true)]
    pub active: Option<bool>,
}

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EntrySpan {
    /// First day; from the beginning when left out.
    #[param(example = "2025-04-01")]
    pub from: Option<NaiveDate>,
    /// Last day; to the end when left out.
    #[param(example = "2026-03-31")]
    pub to: Option<NaiveDate>,
    /// Accounting day (its end) or instant, instead of `to`.
    #[param(max_length = 40, example = "2026-03-31")]
    pub as_of: Option<String>,
    /// As it was known at this instant; now when left out.
    #[param(max_length = 40, example = "2025-11-18T06:31:09.412Z")]
    pub known_at: Option<String>,
}

/// The ledger of one account. Amounts in base currency; balances are debits less credits.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountEntries {
    pub account_id: AccountId,
    #[schema(max_length = 20, example = "1100")]
    pub account_code: String,
    #[schema(max_length = 200, example = "Accounts receivable")]
    pub account_name: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// Balance before the first day.
    pub opening_balance: Amount,
    #[schema(max_items = 200)]
    pub data: Vec<AccountEntry>,
    /// Balance at the end of the last day.
    pub closing_balance: Amount,
    pub page: PageInfo,
}
impl crate::platform::http::reply::Resource for AccountEntries {
    fn cursors(&self) -> [(&'static str, Option<&str>); 2] {
        [("next", self.page.next_cursor.as_deref()), ("prev", self.page.prev_cursor.as_deref())]
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountEntry {
    pub date: NaiveDate,
    pub journal_id: Uuid,
    #[schema(max_length = 20, example = "invoice")]
    pub document_type: String,
    pub document_id: Uuid,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub document_number: String,
    #[schema(max_length = 500, example = "Rent of October")]
    pub narration: String,
    /// Where all lines are of one customer.
    pub customer_id: Option<CustomerId>,
    pub debit: Amount,
    pub credit: Amount,
    /// Balance after this entry.
    pub balance: Amount,
}
