//! Bank accounts as they travel.

use crate::platform::http::reply::Resource;
use crate::platform::ids::BankAccountId;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct BankAccount {
    pub id: BankAccountId,
    #[schema(example = "bank_account")]
    pub object: &'static str,
    #[schema(max_length = 100, example = "Current account")]
    pub name: String,
    #[schema(max_length = 100, example = "Demo Bank")]
    pub bank_name: String,
    /// The last four digits only.
    #[schema(max_length = 40, example = "XXXXXX0001")]
    pub account_number: String,
    #[schema(max_length = 11, example = "DEMO0000001")]
    pub ifsc: Option<String>,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub active: bool,
    #[schema(minimum = 1)]
    pub version: i64,
}
impl Resource for BankAccount {}
