//! Customers.

use super::types::{Address, Contact, Customer, CustomerFilter, CustomerPatch, CustomerSummary, NewAddress, NewContact, NewCustomer};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::page::{Changed, Kept, Page, Paging, Words};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CustomersRead, CustomersWrite};
use actix_web::{get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_customers)
        .service(create_customer)
        .service(get_customer)
        .service(update_customer)
        .service(add_customer_contact)
        .service(add_customer_address);
}

/// List customers.
///
/// With balance and overdue amount in the company's base currency. People with a portfolio see
/// their assigned customers only.
#[utoipa::path(tag = "Customers", params(Paging, Changed, Words, Kept, CustomerFilter), responses((status = 200, body = Page<CustomerSummary>, description = "One page.")), extensions(("x-permission" = json!("customers:read"))))]
#[get("/v1/customers")]
pub async fn list_customers(caller: Caller<CustomersRead>, paging: Query<Paging>, filter: Query<CustomerFilter>) -> Reply<Fetched<Page<CustomerSummary>>> {
    caller.fetch(move |rx| service::list(rx, &paging, &filter)).await
}

/// Create a customer.
///
/// GSTINs are checked for form, State and check digit (CGST rule 10) and must not be our own; the
/// PAN comes from the GSTIN. With `validate_only=true` nothing is stored and the answer is 200.
#[utoipa::path(tag = "Customers", request_body = NewCustomer, responses((status = 201, body = Customer, description = "Created.")), extensions(("x-permission" = json!("customers:write")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/customers")]
pub async fn create_customer(caller: Caller<CustomersWrite>, body: Body<NewCustomer>) -> Reply<Created<Customer>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Get a customer.
///
/// The whole master record with contacts, addresses and registrations.
#[utoipa::path(tag = "Customers", params(("id" = CustomerId, Path, description = "The customer.")), responses((status = 200, body = Customer, description = "The customer.")), extensions(("x-permission" = json!("customers:read"))))]
#[get("/v1/customers/{id}")]
pub async fn get_customer(caller: Caller<CustomersRead>, id: Path<CustomerId>) -> Reply<Fetched<Customer>> {
    caller.fetch(move |rx| store::get(rx, id.0, false)).await
}

/// Change a customer.
///
/// Merge patch: absent stays, null clears. Issued documents keep what was printed on them.
#[utoipa::path(tag = "Customers", request_body = CustomerPatch, params(("id" = CustomerId, Path, description = "The customer.")), responses((status = 200, body = Customer, description = "Changed.")), extensions(("x-permission" = json!("customers:write")), ("x-if-match" = json!(true))))]
#[patch("/v1/customers/{id}")]
pub async fn update_customer(caller: Caller<CustomersWrite>, id: Path<CustomerId>, body: Body<CustomerPatch>) -> Reply<Done<Customer>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, id.0, version, &body)).await
}

/// Add a contact.
///
/// A person at the customer and what they are written to about.
#[utoipa::path(tag = "Customers", request_body = NewContact, params(("id" = CustomerId, Path, description = "The customer.")), responses((status = 201, body = Contact, description = "Added.")), extensions(("x-permission" = json!("customers:write")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/customers/{id}/contacts")]
pub async fn add_customer_contact(caller: Caller<CustomersWrite>, id: Path<CustomerId>, body: Body<NewContact>) -> Reply<Created<Contact>> {
    caller.create(move |tx| service::add_contact(tx, id.0, &body)).await
}

/// Add an address.
///
/// The first of its kind becomes the default; the default shipping address decides where goods are
/// supplied (IGST Act s.10(1)(a)).
#[utoipa::path(tag = "Customers", request_body = NewAddress, params(("id" = CustomerId, Path, description = "The customer.")), responses((status = 201, body = Address, description = "Added.")), extensions(("x-permission" = json!("customers:write")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/customers/{id}/addresses")]
pub async fn add_customer_address(caller: Caller<CustomersWrite>, id: Path<CustomerId>, body: Body<NewAddress>) -> Reply<Created<Address>> {
    caller.create(move |tx| service::add_address(tx, id.0, &body)).await
}
