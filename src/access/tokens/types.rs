//! Values of signing in, as they travel.

use crate::platform::http::reply::Resource;
use crate::platform::ids::CompanyId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(max_length = 254, example = "controller@demo.test")]
    pub email: String,
    #[schema(format = "password", max_length = 128, example = "correct horse battery staple")]
    pub password: String,
    /// Which company to work in; needed only by people of several companies.
    pub company_id: Option<CompanyId>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    #[schema(max_length = 200, example = "dbr_0196f2a9...")]
    pub refresh_token: String,
    /// Switch to another company of the same person.
    pub company_id: Option<CompanyId>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Logout {
    /// End every session of this person, not only this one.
    #[serde(default)]
    pub all_sessions: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    #[schema(format = "password", max_length = 128, example = "correct horse battery staple")]
    pub current_password: String,
    /// 15 to 128 characters; no composition rules.
    #[schema(format = "password", max_length = 128, example = "a quite different long sentence")]
    pub new_password: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TokenPair {
    #[schema(max_length = 4000, example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln")]
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds.
    #[schema(minimum = 1, maximum = 3600, example = 900)]
    pub expires_in: i64,
    #[schema(max_length = 200, example = "dbr_0196f2a9...")]
    pub refresh_token: String,
}
impl Resource for TokenPair {}

/// Nothing to say but that it is done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    #[schema(example = true)]
    pub done: bool,
}
impl Resource for Acknowledged {}
