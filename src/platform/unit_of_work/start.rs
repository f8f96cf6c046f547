//! For whom a transaction is begun: a request, the service itself, or somebody who asked for long work.

use super::permissions::ROLES;
use super::transaction::Context;
use super::{Actor, Principal};
use crate::platform::ids::CompanyId;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use uuid::Uuid;

/// What a transaction starts from.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) company: CompanyId,
    pub(super) actor: Actor,
    pub(super) principal: Option<Principal>,
    pub(super) portfolio: Option<Uuid>,
    pub(super) request_id: String,
    pub(super) operation: String,
    pub(super) address: Option<IpAddr>,
    /// Whether only the identity tables are asked for, as the company is not known yet.
    pub(super) identity: bool,
}

impl Start {
    /// What is logged meanwhile says of whose work it is.
    pub(super) fn span(&self) -> tracing::span::EnteredSpan {
        tracing::error_span!("work", operation = self.operation, request_id = self.request_id).entered()
    }
    pub(super) fn system(company: Option<CompanyId>, operation: &str) -> Self {
        Self {
            company: company.unwrap_or(CompanyId::of(Uuid::nil())),
            actor: Actor::System,
            principal: None,
            portfolio: None,
            request_id: format!("req_{}", Uuid::now_v7().simple()),
            operation: operation.to_owned(),
            address: None,
            identity: company.is_none(),
        }
    }

    /// The same request, for what the service does by itself.
    pub(super) fn by_the_service(&self) -> Self {
        Self { actor: Actor::System, principal: None, portfolio: None, ..self.clone() }
    }

    /// The caller's roles, for the guard of soft-closed months.
    fn roles(&self) -> String {
        let given = self.principal.iter().flat_map(|principal| &principal.roles);
        ROLES.into_iter().filter(|role| given.clone().any(|name| name == role)).collect::<Vec<_>>().join(",")
    }

    /// What opens a transaction and says whose it is. Ids and the names of roles only: nothing a caller wrote is
    /// put into this text.
    pub(super) fn settings(&self, begin: &str) -> String {
        format!(
            "BEGIN {begin}; SELECT set_config('app.company_id', '{}', true), set_config('app.actor', '{}', true), set_config('app.portfolio', '{}', true), set_config('app.roles', '{}', true), set_config('app.identity', '{}', true), set_config('application_name', 'duebook {}', true)",
            self.company.uuid(),
            self.actor,
            self.portfolio.map(|user| user.to_string()).unwrap_or_default(),
            self.roles(),
            if self.identity { "on" } else { "" },
            self.company.uuid(),
        )
    }
}

/// Somebody for whom the service works after the request that asked for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Behalf {
    company: CompanyId,
    actor: Actor,
    roles: Vec<String>,
    scopes: Option<Vec<String>>,
    portfolio: Option<Uuid>,
    request_id: String,
    operation: String,
    address: Option<IpAddr>,
}

impl Behalf {
    #[must_use]
    pub fn of(cx: &Context) -> Self {
        let (roles, scopes) = cx.principal.clone().map(|principal| (principal.roles, principal.scopes)).unwrap_or_default();
        let (request_id, operation) = (cx.request_id.clone(), cx.operation.clone());
        Self { company: cx.company, actor: cx.actor, roles, scopes, portfolio: cx.portfolio, request_id, operation, address: cx.address }
    }
    /// The request that asked for it.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
    #[must_use]
    pub fn company(&self) -> CompanyId {
        self.company
    }
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.actor
    }
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }
    pub(super) fn start(&self) -> Start {
        let principal = Principal {
            actor: self.actor,
            company: self.company,
            roles: self.roles.clone(),
            scopes: self.scopes.clone(),
            session: Uuid::nil(),
            requests_per_minute: None,
        };
        Start {
            company: self.company,
            actor: self.actor,
            principal: Some(principal),
            portfolio: self.portfolio,
            request_id: self.request_id.clone(),
            operation: self.operation.clone(),
            address: self.address,
            identity: false,
        }
    }
}
