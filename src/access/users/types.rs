//! Users as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::body::present;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{CompanyId, UserId};
use crate::resource;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

crate::words! {
    /// The seven roles.
    pub enum Role {
        Admin = "admin", Controller = "controller", ArExecutive = "ar_executive", Collector = "collector",
        Sales = "sales", Integration = "integration", Auditor = "auditor",
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    pub id: UserId,
    #[schema(example = "user")]
    pub object: &'static str,
    #[schema(format = "email", max_length = 254, example = "controller@demo.test")]
    pub email: String,
    #[schema(max_length = 200, example = "Asha Rao")]
    pub name: String,
    #[schema(max_items = 7)]
    pub roles: Vec<Role>,
    pub active: bool,
    /// First day the person may work here, in the company's zone; null for no limit.
    pub valid_from: Option<NaiveDate>,
    /// Last day; null for no limit.
    pub valid_to: Option<NaiveDate>,
    pub last_login_at: Option<Instant>,
    #[schema(minimum = 1)]
    pub version: i64,
    pub created_at: Instant,
    /// Shown once, only when the person is new and no password was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128, example = "dbp_x1y2z3")]
    pub initial_password: Option<String>,
}
resource!(User: version);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    #[schema(format = "email", max_length = 254, example = "meera@demo.test")]
    pub email: String,
    #[schema(min_length = 1, max_length = 200, example = "Meera Nair")]
    pub name: String,
    #[schema(min_items = 1, max_items = 7, example = json!(["collector"]))]
    pub roles: Vec<Role>,
    /// For a person who is new to the service; left out, one is made and shown once.
    #[schema(format = "password", min_length = 15, max_length = 128, example = "correct horse battery staple")]
    pub password: Option<String>,
    /// First day the person may work here: auditors, say, for the time of their audit.
    #[serde(default)]
    #[schema(example = "2026-04-01")]
    pub valid_from: Option<NaiveDate>,
    /// Last day; the person's tokens end with it.
    #[serde(default)]
    #[schema(example = "2026-06-30")]
    pub valid_to: Option<NaiveDate>,
}

#[allow(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    #[schema(min_length = 1, max_length = 200, example = "Meera Nair-Rao")]
    pub name: Option<String>,
    /// False revokes every token of the person in this company.
    #[schema(example = true)]
    pub active: Option<bool>,
    /// Null takes the limit away. A change revokes the person's tokens.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<NaiveDate>, example = "2026-04-01")]
    pub valid_from: Option<Option<NaiveDate>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<NaiveDate>, example = "2026-06-30")]
    pub valid_to: Option<Option<NaiveDate>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoles {
    #[schema(min_items = 1, max_items = 7, example = json!(["sales"]))]
    pub roles: Vec<Role>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RoleInfo {
    pub role: Role,
    #[schema(max_items = 100)]
    pub permissions: Vec<&'static str>,
    /// Permissions that reach assigned customers only.
    #[schema(max_items = 100)]
    pub portfolio_only: Vec<&'static str>,
    /// Roles one person may not hold beside this one.
    #[schema(max_items = 7)]
    pub conflicts_with: Vec<Role>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Roles {
    #[schema(max_items = 7)]
    pub data: Vec<RoleInfo>,
}
impl Resource for Roles {}

/// Who is asking, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    #[schema(max_length = 20, example = "user")]
    pub actor_type: &'static str,
    #[schema(format = "uuid", example = "0196f2a0-9999-7000-8000-00000000000a")]
    pub id: String,
    #[schema(max_length = 254, example = "controller@demo.test")]
    pub email: Option<String>,
    #[schema(max_length = 200, example = "Asha Rao")]
    pub name: Option<String>,
    pub company_id: CompanyId,
    #[schema(max_items = 7)]
    pub roles: Vec<String>,
    #[schema(max_items = 100)]
    pub permissions: Vec<&'static str>,
    /// Companies the caller may work in.
    #[schema(max_items = 1000)]
    pub companies: Vec<MyCompany>,
}
impl Resource for Me {}

#[derive(Debug, Serialize, ToSchema)]
pub struct MyCompany {
    pub company_id: CompanyId,
    #[schema(max_length = 200, example = "Demo Traders Pvt Ltd")]
    pub legal_name: String,
    #[schema(max_items = 7)]
    pub roles: Vec<String>,
}
