//! Customers as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::body::present;
use crate::platform::ids::{AddressId, ContactId, CustomerId, TermsId, UserId};
use crate::platform::money::Amount;
use crate::{resource, words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

words! {
    /// What kind of customer, which decides how a supply to them is taxed. A composition dealer (CGST Act s.10) is taxed as
    /// b2b and reported apart where the supply is inter-State (GSTR-3B table 3.2).
    pub enum CustomerKind { B2b = "b2b", B2c = "b2c", Lessor = "lessor", Sez = "sez", Export = "export", Composition = "composition" }
}
words! {
    pub enum AddressKind { Billing = "billing", Shipping = "shipping" }
}

/// Text of the caller's own beside a record; never used in logic.
pub type Metadata = BTreeMap<String, String>;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Customer {
    pub id: CustomerId,
    #[schema(example = "customer")]
    pub object: &'static str,
    #[schema(max_length = 30, example = "C-7F3A9B2C")]
    pub code: String,
    #[schema(max_length = 100, example = "CUST-0042")]
    pub external_id: Option<String>,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub legal_name: String,
    pub kind: CustomerKind,
    #[schema(max_length = 10, example = "AABCA9876F")]
    pub pan: Option<String>,
    /// The default registration; others are in `gstins`.
    #[schema(max_length = 15, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    #[schema(max_items = 100, example = json!(["27AABCA9876F1ZD"]))]
    pub gstins: Vec<String>,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub payment_terms_id: Option<TermsId>,
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub payment_terms_days: Option<i32>,
    pub salesperson_id: Option<UserId>,
    pub collector_id: Option<UserId>,
    /// The parent of its group, with which it may share a credit limit.
    pub parent_id: Option<CustomerId>,
    /// How the company sorts its customers; one each.
    #[schema(max_length = 40, example = "retail")]
    pub segment: Option<String>,
    #[schema(max_items = 20, example = json!(["key_account"]))]
    pub tags: Vec<String>,
    pub active: bool,
    #[schema(max_items = 100)]
    pub addresses: Vec<Address>,
    #[schema(max_items = 100)]
    pub contacts: Vec<Contact>,
    #[schema(example = json!({"segment": "west"}))]
    pub metadata: Metadata,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    pub updated_at: Instant,
}
resource!(Customer: version);

/// A customer in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerSummary {
    pub id: CustomerId,
    #[schema(example = "customer")]
    pub object: &'static str,
    #[schema(max_length = 30, example = "C-7F3A9B2C")]
    pub code: String,
    #[schema(max_length = 100, example = "CUST-0042")]
    pub external_id: Option<String>,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub legal_name: String,
    pub kind: CustomerKind,
    #[schema(max_length = 15, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub active: bool,
    /// Receivable less unapplied, in base currency.
    pub balance: Amount,
    /// Open debits past their due date, in base currency.
    pub overdue: Amount,
    #[schema(minimum = 1)]
    pub version: i64,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Address {
    pub id: AddressId,
    pub kind: AddressKind,
    #[schema(max_length = 200, example = "12 MG Road")]
    pub line1: String,
    #[schema(max_length = 200, example = "Fort")]
    pub line2: Option<String>,
    #[schema(max_length = 100, example = "Mumbai")]
    pub city: String,
    /// GST State code.
    #[schema(max_length = 2, example = "27")]
    pub state_code: Option<String>,
    #[schema(max_length = 12, example = "400001")]
    pub postal_code: Option<String>,
    #[schema(max_length = 2, example = "IN")]
    pub country: String,
    #[schema(max_length = 15, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    pub is_default: bool,
    #[schema(minimum = 1)]
    pub version: i64,
}
resource!(Address: version);

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Contact {
    pub id: ContactId,
    #[schema(max_length = 200, example = "Ravi Iyer")]
    pub name: String,
    #[schema(max_length = 254, format = "email", example = "ravi@example.com")]
    pub email: Option<String>,
    #[schema(max_length = 30, example = "+91 22 4000 0000")]
    pub phone: Option<String>,
    #[schema(max_items = 10)]
    pub roles: Vec<ContactRole>,
    #[schema(minimum = 1)]
    pub version: i64,
}
resource!(Contact: version);

words! {
    /// What a contact is written to about.
    pub enum ContactRole { Billing = "billing", PaymentAdvice = "payment_advice", Escalation = "escalation" }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_id": "CUST-0042", "legal_name": "Acme Retail Pvt Ltd", "kind": "b2b", "gstin": "27AABCA9876F1ZD", "currency": "INR", "payment_terms_days": 30,
    "billing_address": {"line1": "12 MG Road", "city": "Mumbai", "state_code": "27", "postal_code": "400001", "country": "IN"}}))]
pub struct NewCustomer {
    /// Given out by the service when left out.
    #[schema(min_length = 1, max_length = 30, pattern = "^[A-Za-z0-9._/-]+$", example = "ACME")]
    pub code: Option<String>,
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "CUST-0042")]
    pub external_id: Option<String>,
    #[schema(min_length = 1, max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub legal_name: String,
    pub kind: CustomerKind,
    #[schema(max_length = 20, example = "AABCA9876F")]
    pub pan: Option<String>,
    /// Checked for form, State and check digit; must differ from our own.
    #[schema(max_length = 20, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    /// Further registrations of the customer.
    #[serde(default)]
    #[schema(max_items = 99, example = json!([]))]
    pub gstins: Vec<String>,
    /// ISO 4217; the company's base currency when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
    pub payment_terms_id: Option<TermsId>,
    /// Days after the invoice date; used when `payment_terms_id` is left out.
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub payment_terms_days: Option<i32>,
    pub salesperson_id: Option<UserId>,
    pub collector_id: Option<UserId>,
    /// The parent of its group; one that has no parent itself.
    pub parent_id: Option<CustomerId>,
    /// How the company sorts its customers; one each.
    #[schema(min_length = 1, max_length = 40, pattern = "^[^,\\s][^,]*$", example = "retail")]
    pub segment: Option<String>,
    /// Words of the company's own, each of a-z, 0-9, _ and -, up to 40 characters.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["key_account"]))]
    pub tags: Vec<String>,
    pub billing_address: Option<NewAddressPart>,
    pub shipping_address: Option<NewAddressPart>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub contacts: Vec<NewContact>,
    #[serde(default)]
    #[schema(example = json!({"segment": "west"}))]
    pub metadata: Metadata,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddressPart {
    #[schema(min_length = 1, max_length = 200, example = "12 MG Road")]
    pub line1: String,
    #[schema(max_length = 200, example = "Fort")]
    pub line2: Option<String>,
    #[schema(min_length = 1, max_length = 100, example = "Mumbai")]
    pub city: String,
    /// GST State code; needed in India.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
    pub state_code: Option<String>,
    #[schema(max_length = 12, example = "400001")]
    pub postal_code: Option<String>,
    /// ISO 3166-1.
    #[schema(pattern = "^[A-Z]{2}$", max_length = 2, example = "IN")]
    pub country: String,
    /// Registration at this address.
    #[schema(max_length = 20, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddress {
    pub kind: AddressKind,
    #[schema(min_length = 1, max_length = 200, example = "7 Brigade Road")]
    pub line1: String,
    #[schema(max_length = 200, example = "Ashok Nagar")]
    pub line2: Option<String>,
    #[schema(min_length = 1, max_length = 100, example = "Bengaluru")]
    pub city: String,
    /// GST State code; needed in India.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "29")]
    pub state_code: Option<String>,
    #[schema(max_length = 12, example = "560001")]
    pub postal_code: Option<String>,
    /// ISO 3166-1.
    #[schema(pattern = "^[A-Z]{2}$", max_length = 2, example = "IN")]
    pub country: String,
    /// Registration at this address.
    #[schema(max_length = 20, example = "29AABCA9876F1Z9")]
    pub gstin: Option<String>,
}

impl From<&NewAddress> for NewAddressPart {
    fn from(new: &NewAddress) -> Self {
        Self {
            line1: new.line1.clone(),
            line2: new.line2.clone(),
            city: new.city.clone(),
            state_code: new.state_code.clone(),
            postal_code: new.postal_code.clone(),
            country: new.country.clone(),
            gstin: new.gstin.clone(),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    #[schema(min_length = 1, max_length = 200, example = "Ravi Iyer")]
    pub name: String,
    #[schema(format = "email", max_length = 254, example = "ravi@example.com")]
    pub email: Option<String>,
    #[schema(max_length = 30, example = "+91 22 4000 0000")]
    pub phone: Option<String>,
    #[serde(default)]
    #[schema(max_items = 10)]
    pub roles: Vec<ContactRole>,
}

/// Merge patch (RFC 7396): absent stays, null clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]
pub struct CustomerPatch {
    #[schema(min_length = 1, max_length = 200, example = "Acme Retail Private Limited")]
    pub legal_name: Option<String>,
    pub kind: Option<CustomerKind>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<TermsId>)]
    pub payment_terms_id: Option<Option<TermsId>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 365, example = 45)]
    pub payment_terms_days: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<UserId>)]
    pub salesperson_id: Option<Option<UserId>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<UserId>)]
    pub collector_id: Option<Option<UserId>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<CustomerId>)]
    pub parent_id: Option<Option<CustomerId>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40, pattern = "^[^,\\s][^,]*$", example = "retail")]
    pub segment: Option<Option<String>>,
    #[schema(max_items = 20, example = json!(["key_account"]))]
    pub tags: Option<Vec<String>>,
    #[schema(example = true)]
    pub active: Option<bool>,
    #[schema(example = json!({"segment": "west"}))]
    pub metadata: Option<Metadata>,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CustomerFilter {
    /// The client's own id.
    #[param(max_length = 100, example = "CUST-0042")]
    pub external_id: Option<String>,
    /// The customer's code.
    #[param(max_length = 30, example = "ACME")]
    pub code: Option<String>,
    /// Any of the customer's registrations.
    #[param(max_length = 15, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    /// Kinds, comma-separated.
    #[param(max_length = 100, example = "b2b,sez")]
    pub kind: Option<String>,
    /// Only active, or only inactive ones.
    #[param(example = true)]
    pub active: Option<bool>,
    /// `active`, `inactive`, comma-separated.
    #[param(max_length = 20, pattern = "^(active|inactive)(,(active|inactive))?$", example = "active")]
    pub status: Option<String>,
    /// Assigned salesperson.
    pub salesperson_id: Option<UserId>,
    /// Assigned collector.
    pub collector_id: Option<UserId>,
    /// Permanent account number.
    #[param(max_length = 10, example = "AABCA9876F")]
    pub pan: Option<String>,
    /// Payment terms.
    pub terms_id: Option<TermsId>,
    /// Segments, comma-separated.
    #[param(max_length = 200, example = "retail")]
    pub segment: Option<String>,
    /// With all of these tags, comma-separated.
    #[param(max_length = 200, pattern = "^[a-z0-9_-]{1,40}(,[a-z0-9_-]{1,40}){0,4}$", example = "key_account")]
    pub tag: Option<String>,
    /// Owes more than this, in base currency.
    pub balance_gt: Option<Amount>,
    /// More than this is past due, in base currency.
    pub overdue_gt: Option<Amount>,
    /// With an order on hold, or all of whose orders wait; or without.
    #[param(example = true)]
    pub on_hold: Option<bool>,
    /// Whose exposure is more than its own limit or its group's more than the group's, or is not.
    #[param(example = true)]
    pub over_limit: Option<bool>,
    /// Classes of risk, comma-separated.
    #[param(max_length = 20, pattern = "^[A-E](,[A-E]){0,4}$", example = "D,E")]
    pub risk_class: Option<String>,
    /// The next review of the credit is due before this day.
    #[param(example = "2025-12-01")]
    pub credit_review_due_before: Option<chrono::NaiveDate>,
    /// Made at this instant or later.
    pub created_at_gte: Option<Instant>,
    /// Made before this instant.
    pub created_at_lt: Option<Instant>,
}
