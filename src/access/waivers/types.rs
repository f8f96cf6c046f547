//! Waivers as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::{UserId, WaiverId};
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// SOD-02: who handled a customer's cash decides nothing for that customer. SOD-16: conflicting roles.
    pub enum WaivedRule { CashHandler = "SOD-02", ConflictingRoles = "SOD-16" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Waiver {
    pub id: WaiverId,
    #[schema(example = "sod_waiver")]
    pub object: &'static str,
    pub rule: WaivedRule,
    pub user_id: UserId,
    #[schema(max_length = 500, example = "Two people run the office")]
    pub reason: String,
    /// Last day it holds.
    pub expires_on: NaiveDate,
    pub active: bool,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(Waiver);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rule": "SOD-16", "user_id": "0196f2a0-9999-7000-8000-00000000000a", "reason": "Two people run the office", "expires_on": "2027-03-31"}))]
pub struct NewWaiver {
    pub rule: WaivedRule,
    pub user_id: UserId,
    #[schema(min_length = 3, max_length = 500, example = "Two people run the office")]
    pub reason: String,
    /// Last day it holds, at most a year from now.
    pub expires_on: NaiveDate,
}
