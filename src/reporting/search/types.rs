//! What is looked for, and what was found.

use crate::platform::http::reply::Resource;
use crate::platform::ids::CustomerId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

crate::words! {
    /// Kinds of things that are found.
    pub enum Found {
        Customer = "customer", Item = "item", Invoice = "invoice", CreditNote = "credit_note", DebitNote = "debit_note", Receipt = "receipt", Refund = "refund",
        OpeningItem = "opening_item",
    }
}
crate::words! {
    /// The member in which it was found.
    pub enum Matched {
        Number = "number", Code = "code", ExternalId = "external_id", Name = "name", Gstin = "gstin", Pan = "pan", Phone = "phone", Email = "email", Contact = "contact", Utr = "utr",
        ChequeNumber = "cheque_number", PoReference = "po_reference", Irn = "irn",
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Part of a number, UTR, GSTIN, PAN, phone number, reference or name, in capitals or not.
    #[param(min_length = 2, max_length = 100, example = "acme")]
    pub q: String,
    /// Only these kinds, comma-separated.
    #[param(
        max_length = 200,
        pattern = "^(customer|item|invoice|credit_note|debit_note|receipt|refund|opening_item)(,(customer|item|invoice|credit_note|debit_note|receipt|refund|opening_item)){0,7}$",
        example = "customer,invoice"
    )]
    pub types: Option<String>,
    /// At most so many.
    #[serde(default = "twenty")]
    #[param(minimum = 1, maximum = 50, default = 20, example = 20)]
    pub limit: i64,
}

fn twenty() -> i64 {
    20
}

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchHit {
    pub object: Found,
    pub id: Uuid,
    /// The number of a document, the code of a customer or an item; null of a draft.
    pub number: Option<String>,
    /// Of the customer or the item, or of the customer of the document.
    pub name: Option<String>,
    pub external_id: Option<String>,
    pub customer_id: Option<CustomerId>,
    pub matched: Matched,
    /// Where it is read.
    #[schema(max_length = 100, example = "/v1/customers/0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42")]
    pub url: String,
}

/// What was found, the closest first: what is the same, what begins so, what holds it; the newest first among those.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchAnswer {
    #[schema(max_items = 50)]
    pub data: Vec<SearchHit>,
    /// The kinds that were looked through: those asked for that the caller may list.
    #[schema(max_items = 8)]
    pub types: Vec<Found>,
}
impl Resource for SearchAnswer {}
