//! `Query<T>` and `Path<T>`: parameters that already agree with the contract.

use super::contract::Contract;
use super::problem::{FieldError, Problem};
use actix_web::{FromRequest, HttpRequest, dev};
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};
use std::ops::Deref;

/// The query parameters `T` asks for; unknown and ill-formed ones were refused before.
pub struct Query<T>(pub T);

impl<T> Deref for Query<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Contract::operation(request).and_then(|operation| {
            let values = operation.query(request.query_string())?;
            serde_json::from_value(values).map(Query).map_err(|error| Problem::new(super::problem::INVALID_PARAMETER, error.to_string()))
        }))
    }
}

/// The path parameters. One that cannot be an id is an id nothing has.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(actix_web::web::Path::<T>::extract(request).into_inner().map(|path| Path(path.into_inner())).map_err(|_| {
            Problem::not_found("resource")
                .errors(request.match_info().iter().map(|(name, _)| FieldError::parameter(name, "not_found", "This is not an id of anything.")).collect())
        }))
    }
}
