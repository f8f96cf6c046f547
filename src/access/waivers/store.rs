use super::types::{NewWaiver, WaivedRule, Waiver};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{UserId, WaiverId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

row! {
    struct WaiverRow { id: WaiverId, rule: WaivedRule, user_id: UserId, reason: String, expires_on: NaiveDate, created_by: String, recorded_at: DateTime<Utc> }
}
impl WaiverRow {
    fn answer(self, today: NaiveDate) -> Waiver {
        Waiver {
            id: self.id,
            object: "sod_waiver",
            rule: self.rule,
            user_id: self.user_id,
            reason: self.reason,
            active: self.expires_on >= today,
            expires_on: self.expires_on,
            created_by: self.created_by,
            created_at: Instant(self.recorded_at),
        }
    }
}
static WAIVERS: List = List {
    select: "SELECT w.id, w.rule, w.user_id, w.reason, w.expires_on, w.created_by, w.recorded_at FROM sod_waiver w WHERE w.company_id = $1",
    id: "w.id",
    sorts: &[SortKey { name: "created_at", expression: "w.recorded_at", kind: "timestamptz" }],
    default_sort: "-created_at",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging) -> Result<Page<Waiver>, Problem> {
    let today = rx.cx().today;
    Ok(WAIVERS.of(rx).page::<WaiverRow>(rx, paging)?.map(|row| row.answer(today)))
}

pub fn is_member(rx: &mut Rx<'_>, user: UserId) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT EXISTS (SELECT FROM membership WHERE company_id = $1 AND user_id = $2)").bind(company).bind(user))
}

pub fn insert(tx: &mut Tx<'_>, new: &NewWaiver) -> Result<Waiver, Problem> {
    let (company, id, actor, today) = (tx.company(), WaiverId::new(), tx.cx().actor.to_string(), tx.cx().today);
    let row: WaiverRow = tx.one(
        Sql::new(
            "INSERT INTO sod_waiver (company_id, id, rule, user_id, reason, expires_on, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
             RETURNING id, rule, user_id, reason, expires_on, created_by, recorded_at",
        )
        .bind(company)
        .bind(id)
        .bind(new.rule)
        .bind(new.user_id)
        .bind(new.reason.as_str())
        .bind(new.expires_on)
        .bind(actor),
    )?;
    Ok(row.answer(today))
}

/// Whether a rule is waived for a person today.
pub fn stands(rx: &mut Rx<'_>, rule: &str, user: Uuid) -> Result<bool, Problem> {
    let (company, today) = (rx.company(), rx.cx().today);
    rx.scalar(
        Sql::new("SELECT EXISTS (SELECT FROM sod_waiver WHERE company_id = $1 AND user_id = $2 AND rule = $3 AND expires_on >= $4)")
            .bind(company)
            .bind(user)
            .bind(rule)
            .bind(today),
    )
}
