//! The verbs of customers.

use super::types::{
    Address, AddressKind, Contact, Customer, CustomerFilter, CustomerPatch, CustomerSummary, NewAddress, NewAddressPart, NewContact, NewCustomer,
};
use super::{problems, rules, store};
use crate::master_data::payment_terms;
use crate::platform::http::reply::require_version;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::{CustomerId, TermsId, UserId};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use serde_json::{Value, json};
use std::sync::OnceLock;
use uuid::Uuid;

/// Finds whose exposure is more than a limit; known to a later area, which the composition names.
pub type OverLimit = fn(&mut Rx<'_>) -> Result<Vec<CustomerId>, Problem>;
static OVER_LIMIT: OnceLock<OverLimit> = OnceLock::new();

/// Says who knows of limits; done once by the composition.
pub fn install(over_limit: OverLimit) {
    let _ = OVER_LIMIT.set(over_limit);
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &CustomerFilter) -> Result<Page<CustomerSummary>, Problem> {
    let over = match (filter.over_limit, OVER_LIMIT.get()) {
        (Some(_), Some(find)) => find(rx)?,
        _ => Vec::new(),
    };
    store::list(rx, paging, filter, over)
}

/// Customers as lists show them, to be told with what names them.
pub fn summaries(rx: &mut Rx<'_>, ids: &[Uuid]) -> Result<Vec<(Uuid, Value)>, Problem> {
    let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let ids = ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
    let page = store::list(rx, &Paging { ids: Some(ids), limit, ..Paging::default() }, &CustomerFilter::default(), Vec::new())?;
    Ok(page.data.into_iter().map(|customer| (customer.id.uuid(), json!(customer))).collect())
}

pub fn create(tx: &mut Tx<'_>, new: &NewCustomer) -> Result<Audited<Customer>, Problem> {
    let own = store::own_gstins(tx)?;
    let base = tx.cx().currency();
    let identity = rules::identity(new, &own, base).map_err(Problem::invalid)?;
    check_references(tx, new.payment_terms_id, [("/salesperson_id", new.salesperson_id), ("/collector_id", new.collector_id)])?;
    refuse_duplicate(tx, new.external_id.as_deref())?;
    if let Some(parent) = new.parent_id {
        store::lock_groups(tx, vec![parent])?;
        require_parent(tx, None, parent)?;
    }
    let made_up = format!("C-{}", &Uuid::new_v4().simple().to_string()[..8].to_uppercase());
    let id = store::insert(
        tx,
        &store::CustomerValues {
            code: new.code.as_deref().unwrap_or(&made_up),
            external_id: new.external_id.as_deref(),
            legal_name: new.legal_name.trim(),
            kind: new.kind,
            pan: identity.pan.as_deref(),
            gstin: identity.gstin.as_deref(),
            gstins: &identity.gstins,
            currency: base.code(),
            payment_terms_id: new.payment_terms_id,
            payment_terms_days: new.payment_terms_days,
            salesperson_id: new.salesperson_id,
            collector_id: new.collector_id,
            parent_id: new.parent_id,
            segment: new.segment.as_deref(),
            tags: &rules::tags(&new.tags).map_err(Problem::invalid)?,
            metadata: &new.metadata,
        },
    )?;
    for (kind, address) in [(AddressKind::Billing, &new.billing_address), (AddressKind::Shipping, &new.shipping_address)] {
        if let Some(address) = address {
            store::insert_address(tx, id, kind, address)?;
        }
    }
    for contact in &new.contacts {
        store::insert_contact(tx, id, contact)?;
    }
    let made = store::get(tx, id, false)?;
    Ok(tx.record(Change::new("customer.created", id.uuid()).after(&made), made))
}

/// A repeated external id names the record that has it, so a client that lost its reply can go on.
fn refuse_duplicate(rx: &mut Rx<'_>, external_id: Option<&str>) -> Result<(), Problem> {
    let Some(external_id) = external_id else { return Ok(()) };
    store::id_by_external_id(rx, external_id)?.map_or(Ok(()), |id| {
        Err(Problem::new(problems::DUPLICATE_CUSTOMER_EXTERNAL_ID, "Another customer has this external_id.").member("current", serde_json::json!({"id": id})))
    })
}

fn check_references(rx: &mut Rx<'_>, terms: Option<TermsId>, people: [(&str, Option<UserId>); 2]) -> Result<(), Problem> {
    if let Some(terms) = terms
        && payment_terms::store::find(rx, terms)?.is_none()
    {
        return Err(Problem::reference("payment_terms", "/payment_terms_id"));
    }
    let strangers = store::strangers(rx, people.iter().filter_map(|(_, id)| *id).collect())?;
    match people.iter().find(|(_, id)| id.is_some_and(|id| strangers.contains(&id))) {
        Some((pointer, _)) => Err(Problem::reference("user", pointer)),
        None => Ok(()),
    }
}

/// Whether a customer may have this parent: groups are of one level.
fn require_parent(rx: &mut Rx<'_>, child: Option<CustomerId>, parent: CustomerId) -> Result<(), Problem> {
    let (parent_is_child, _) = store::place_in_group(rx, parent)?.ok_or_else(|| Problem::reference("customer", "/parent_id"))?;
    let child_is_parent = match child {
        Some(child) => store::place_in_group(rx, child)?.is_some_and(|(_, parent)| parent),
        None => false,
    };
    if child == Some(parent) || parent_is_child || child_is_parent {
        let detail = "A parent is another customer, has no parent itself, and a customer with children has none.";
        return Err(Problem::invalid(vec![FieldError::at("/parent_id", "group_has_one_level", detail).received(parent)]));
    }
    Ok(())
}

pub fn update(tx: &mut Tx<'_>, id: CustomerId, version: Option<i64>, patch: &CustomerPatch) -> Result<Audited<Customer>, Problem> {
    if let Some(parent) = patch.parent_id {
        let before = store::get(tx, id, false)?.parent_id;
        store::lock_groups(tx, [Some(id), before, parent].into_iter().flatten().collect())?;
        parent.map_or(Ok(()), |parent| require_parent(tx, Some(id), parent))?;
    }
    let before = store::get(tx, id, true)?;
    require_version(version, before.version)?;
    check_references(
        tx,
        patch.payment_terms_id.flatten(),
        [("/salesperson_id", patch.salesperson_id.flatten()), ("/collector_id", patch.collector_id.flatten())],
    )?;
    let mut wanted = before.clone();
    if let Some(name) = &patch.legal_name {
        wanted.legal_name.clone_from(name);
    }
    wanted.kind = patch.kind.unwrap_or(wanted.kind);
    wanted.payment_terms_id = patch.payment_terms_id.unwrap_or(wanted.payment_terms_id);
    wanted.payment_terms_days = patch.payment_terms_days.unwrap_or(wanted.payment_terms_days);
    wanted.salesperson_id = patch.salesperson_id.unwrap_or(wanted.salesperson_id);
    wanted.collector_id = patch.collector_id.unwrap_or(wanted.collector_id);
    wanted.parent_id = patch.parent_id.unwrap_or(wanted.parent_id);
    if let Some(segment) = &patch.segment {
        wanted.segment.clone_from(segment);
    }
    if let Some(tags) = &patch.tags {
        wanted.tags = rules::tags(tags).map_err(Problem::invalid)?;
    }
    wanted.active = patch.active.unwrap_or(wanted.active);
    if let Some(metadata) = &patch.metadata {
        let faults = rules::metadata_faults(metadata);
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        wanted.metadata.clone_from(metadata);
    }
    store::update(tx, &wanted)?;
    if wanted.parent_id != before.parent_id {
        store::regroup(tx, id, before.parent_id, wanted.parent_id)?;
    }
    let after = store::get(tx, id, false)?;
    Ok(tx.record(Change::new("customer.updated", id.uuid()).version(after.version).before(&before).after(&after), after))
}

pub fn add_address(tx: &mut Tx<'_>, id: CustomerId, new: &NewAddress) -> Result<Audited<Address>, Problem> {
    store::get(tx, id, true)?;
    let part = NewAddressPart::from(new);
    let faults = rules::address_faults("", &part);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let address = store::insert_address(tx, id, new.kind, &part)?;
    let after = changed(tx, id)?;
    let made = after.addresses.iter().find(|a| a.id == address).cloned().ok_or_else(|| Problem::internal(&"address vanished"))?;
    Ok(tx.record(Change::new("customer.updated", id.uuid()).version(after.version).after(&after), made))
}

pub fn add_contact(tx: &mut Tx<'_>, id: CustomerId, new: &NewContact) -> Result<Audited<Contact>, Problem> {
    store::get(tx, id, true)?;
    let contact = store::insert_contact(tx, id, new)?;
    let after = changed(tx, id)?;
    let made = after.contacts.iter().find(|c| c.id == contact).cloned().ok_or_else(|| Problem::internal(&"contact vanished"))?;
    Ok(tx.record(Change::new("customer.updated", id.uuid()).version(after.version).after(&after), made))
}

fn changed(tx: &mut Tx<'_>, id: CustomerId) -> Result<Customer, Problem> {
    store::touch(tx, id)?;
    store::get(tx, id, false)
}
