//! The verbs of API clients.

use super::types::{ApiClient, NewApiClient};
use super::{problems, store};
use crate::access::tokens::service as tokens;
use crate::platform::http::reply::require_version;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::ClientId;
use crate::platform::unit_of_work::permissions::client_scopes;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use sha2::{Digest, Sha256};

pub fn create(tx: &mut Tx<'_>, new: &NewApiClient) -> Result<Audited<ApiClient>, Problem> {
    let grantable = client_scopes();
    let errors: Vec<FieldError> = new
        .scopes
        .iter()
        .enumerate()
        .filter(|(_, scope)| !grantable.contains(&scope.as_str()))
        .map(|(at, scope)| {
            FieldError::at(format!("/scopes/{at}"), "scope_not_grantable", "A client may never hold this scope (SOD-12).")
                .received(scope)
                .expected(grantable.join(", "))
        })
        .collect();
    if !errors.is_empty() {
        return Err(Problem::new(problems::SCOPE_NOT_GRANTABLE, "A client may hold only scopes of the integration role.").errors(errors));
    }
    let secret = tokens::secret("dbk_live_");
    let id = store::insert(tx, &new.name, &new.scopes, &Sha256::digest(secret.as_bytes()))?;
    let mut client = store::get(tx, id)?;
    let audited = tx.record(Change::new("api_client.created", id.uuid()).after(&client), ());
    client.client_secret = Some(secret);
    Ok(audited.map(|()| client))
}

/// Ends a client: its tokens stop working within seconds, its history stays.
pub fn revoke(tx: &mut Tx<'_>, id: ClientId, version: Option<i64>) -> Result<Audited<ApiClient>, Problem> {
    let before = store::get(tx, id)?;
    require_version(version, before.version)?;
    store::deactivate(tx, id)?;
    tokens::revoke_subject(tx, id.uuid())?;
    let after = store::get(tx, id)?;
    Ok(tx.record(Change::new("api_client.revoked", id.uuid()).version(after.version).before(&before).after(&after), after))
}
