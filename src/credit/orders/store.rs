use super::types::{AgingBucket, CheckFilter, CheckStatus, CreditCheck, HoldFilter, HoldStatus, OrderHold, PaymentHistory, Stage};
use crate::credit::policy::types::{Content, Facts, Outcome, RuleResult};
use crate::ledger::balances::{STEPS, bucket_names, bucket_starts};
use crate::master_data::customers::store::owned;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CreditCheckId, CreditMoveId, CustomerId, InvoiceId, OrderHoldId};
use crate::platform::money::{Currency, Figure, pad, round};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, from_value};

row! {
    /// A stored check.
    pub struct Check {
        pub id: CreditCheckId, pub customer_id: CustomerId, pub order_id: String, pub currency: String, pub amount: Decimal, pub exchange_rate: Decimal, pub terms_days: Option<i32>, pub result: String,
        pub policy_version: i64, pub facts: Value, pub rules: Value, pub replaces_id: Option<CreditCheckId>, pub hold_id: Option<OrderHoldId>, pub status: CheckStatus, pub reserved: Decimal, pub ordered: Decimal,
        pub delivered: Decimal, pub billed: Decimal, pub freed: Decimal, pub expires_at: Option<DateTime<Utc>>, pub version: i64, pub created_by: String, pub created_at: DateTime<Utc>,
    }
}
impl Check {
    pub fn money(&self, base: Currency) -> Currency {
        Currency::parse(&self.currency).unwrap_or(base)
    }
    pub fn known(&self) -> Result<(Facts, Vec<RuleResult>), Problem> {
        let facts = from_value(self.facts.clone()).map_err(|e| Problem::internal(&e))?;
        let rules = from_value(self.rules.clone()).map_err(|e| Problem::internal(&e))?;
        Ok((facts, rules))
    }
    /// What of it stands at all.
    pub fn standing(&self) -> Decimal {
        self.reserved + self.ordered + self.delivered
    }
    pub fn lapsed(&self, now: DateTime<Utc>) -> bool {
        !self.reserved.is_zero() && self.expires_at.is_some_and(|at| at <= now)
    }
    pub fn answer(&self, policy: &Content, cx: &Context) -> Result<CreditCheck, Problem> {
        let (facts, rules) = self.known()?;
        let (base, currency) = (cx.currency(), self.money(cx.currency()));
        let exposure = facts.own.parts.total(&policy.exposure) + facts.order_amount.0;
        let left = |limit: Option<Decimal>, exposure: Decimal| limit.map(|limit| limit - exposure);
        let own = left(facts.own.limit.as_ref().and_then(|limit| limit.allows(policy.expired_limit)), exposure);
        let group = facts.group.as_ref().and_then(|group| {
            left(group.limit.as_ref().and_then(|limit| limit.allows(policy.expired_limit)), group.parts.total(&policy.exposure) + facts.order_amount.0)
        });
        let available = [own, group].into_iter().flatten().min().map(|left| base.amount(left));
        let lapsed = self.lapsed(cx.now);
        let status = if lapsed && (self.ordered + self.delivered).is_zero() { CheckStatus::Expired } else { self.status };
        let zero = Decimal::ZERO;
        Ok(CreditCheck {
            id: self.id,
            object: "credit_check",
            customer_id: self.customer_id,
            order_id: self.order_id.clone(),
            currency: self.currency.clone(),
            amount: currency.amount(self.amount),
            base_amount: base.amount(self.amount * self.exchange_rate),
            result: Outcome::parse(&self.result).unwrap_or(Outcome::Hold),
            status,
            rules,
            exposure: base.amount(exposure),
            available,
            hold_id: self.hold_id,
            reserved: currency.amount(if lapsed { zero } else { self.reserved }),
            ordered: currency.amount(self.ordered),
            delivered: currency.amount(self.delivered),
            billed: currency.amount(self.billed),
            freed: currency.amount(if lapsed { self.freed + self.reserved } else { self.freed }),
            expires_at: self.expires_at.filter(|_| !self.reserved.is_zero()).map(Instant),
            policy_version: self.policy_version,
            facts,
            replaces_id: self.replaces_id,
            allowed_actions: if self.standing() > zero && !(lapsed && (self.ordered + self.delivered).is_zero()) { vec!["confirm"] } else { vec![] },
            version: self.version,
            created_by: self.created_by.clone(),
            created_at: Instant(self.created_at),
        })
    }
}
const CHECK: &str = "SELECT k.id, k.customer_id, k.order_id, k.currency, k.amount::numeric AS amount, k.exchange_rate, k.terms_days, k.result, k.policy_version, k.facts, k.rules, k.replaces_id,
        (SELECT h.id FROM order_hold h WHERE h.company_id = k.company_id AND h.check_id = k.id ORDER BY h.id DESC LIMIT 1) AS hold_id, k.status, k.reserved::numeric AS reserved,
        k.ordered::numeric AS ordered, k.delivered::numeric AS delivered, k.billed::numeric AS billed, k.freed::numeric AS freed, k.expires_at, k.version, k.created_by, k.created_at
    FROM credit_check k WHERE k.company_id = $1";
static CHECKS: List = List {
    select: CHECK,
    id: "k.id",
    sorts: &[
        SortKey { name: "created_at", expression: "k.created_at", kind: "timestamptz" },
        SortKey { name: "amount", expression: "k.amount::numeric", kind: "numeric" },
    ],
    default_sort: "-created_at",
};

pub fn check(rx: &mut Rx<'_>, id: CreditCheckId) -> Result<Check, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{CHECK} AND k.id = $2")).bind(company).bind(id))?.ok_or_else(|| Problem::not_found("credit_check"))
}

/// The check of an order that stands; the balances of its customer are locked.
pub fn of_order(rx: &mut Rx<'_>, order: &str) -> Result<Option<Check>, Problem> {
    let company = rx.company();
    let sql = format!("{CHECK} AND k.order_id = $2 AND k.status IN ('pass', 'warn', 'hold')");
    rx.optional(Sql::new(sql).bind(company).bind(order))
}

pub fn checks(rx: &mut Rx<'_>, paging: &Paging, filter: &CheckFilter) -> Result<Page<Check>, Problem> {
    CHECKS
        .of(rx)
        .any_of("k.status", filter.status.as_deref())
        .when("k.customer_id = {}", filter.customer_id)
        .when("k.order_id = {}", filter.order_id.clone())
        .when("k.amount >= {}", filter.amount_gte.map(|amount| amount.0))
        .when("k.created_at >= {}", filter.created_at_gte.map(|at| at.0))
        .when("k.created_at < {}", filter.created_at_lt.map(|at| at.0))
        .page(rx, paging)
}

/// Σ of the customer's other orders of the last 24 hours, in base currency.
pub fn within_a_day(rx: &mut Rx<'_>, customer: CustomerId, order: &str) -> Result<Decimal, Problem> {
    let (company, since) = (rx.company(), rx.cx().now - Duration::hours(24));
    rx.scalar(
        Sql::new(
            "SELECT coalesce(sum(amount * exchange_rate), 0)::numeric FROM credit_check
             WHERE company_id = $1 AND customer_id = $2 AND created_at > $3 AND order_id <> $4 AND status NOT IN ('replaced', 'cancelled', 'expired')",
        )
        .bind(company)
        .bind(customer)
        .bind(since)
        .bind(order),
    )
}

pub fn insert(tx: &mut Tx<'_>, check: &Check, at: &[(Stage, Decimal)]) -> Result<(), Problem> {
    let (company, today) = (tx.company(), tx.cx().today);
    tx.execute(
        Sql::new(
            "WITH made AS (INSERT INTO credit_check (company_id, id, customer_id, order_id, currency, amount, exchange_rate, terms_days, result, policy_version, facts, rules, replaces_id, created_by, created_at,
                 status, reserved, ordered, delivered, billed, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21))
             INSERT INTO credit_move (company_id, id, check_id, customer_id, stage, amount, moved_on, actor)
             SELECT $1, m.id, $2, $3, m.stage, m.amount, $25, $14 FROM unnest($22::uuid[], $23::text[], $24::numeric[]) AS m(id, stage, amount)",
        )
        .bind(company).bind(check.id).bind(check.customer_id).bind(check.order_id.as_str()).bind(check.currency.as_str()).bind(check.amount).bind(check.exchange_rate).bind(check.terms_days)
        .bind(check.result.as_str()).bind(check.policy_version).bind(check.facts.clone()).bind(check.rules.clone()).bind(check.replaces_id).bind(check.created_by.as_str()).bind(check.created_at)
        .bind(check.status).bind(check.reserved).bind(check.ordered).bind(check.delivered).bind(check.billed).bind(check.expires_at)
        .bind(at.iter().map(|_| CreditMoveId::new()).collect::<Many<_>>())
        .bind(at.iter().map(|(stage, _)| stage.as_str().to_owned()).collect::<Many<_>>())
        .bind(at.iter().map(|(_, amount)| *amount).collect::<Many<_>>())
        .bind(today),
    )?;
    Ok(())
}

/// Writes where the amount of a check stands now, and how it came there.
pub fn moved(tx: &mut Tx<'_>, check: &Check, moves: &[(Stage, Decimal)], invoice: Option<InvoiceId>) -> Result<(), Problem> {
    let (company, actor, now, today) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now, tx.cx().today);
    tx.execute(
        Sql::new(
            "WITH moved AS (UPDATE credit_check SET status = $4, reserved = $5, ordered = $6, delivered = $7, billed = $8, freed = $9, expires_at = $10, version = version + 1, updated_at = $11
                 WHERE company_id = $1 AND id = $2)
             INSERT INTO credit_move (company_id, id, check_id, customer_id, stage, amount, moved_on, invoice_id, actor)
             SELECT $1, m.id, $2, $3, m.stage, m.amount, $15, $16, $17 FROM unnest($12::uuid[], $13::text[], $14::numeric[]) AS m(id, stage, amount)",
        )
        .bind(company).bind(check.id).bind(check.customer_id).bind(check.status).bind(check.reserved).bind(check.ordered).bind(check.delivered).bind(check.billed).bind(check.freed)
        .bind(check.expires_at).bind(now)
        .bind(moves.iter().map(|_| CreditMoveId::new()).collect::<Many<_>>())
        .bind(moves.iter().map(|(stage, _)| stage.as_str().to_owned()).collect::<Many<_>>())
        .bind(moves.iter().map(|(_, amount)| *amount).collect::<Many<_>>())
        .bind(today).bind(invoice).bind(actor),
    )?;
    Ok(())
}

row! {
    struct HoldRow {
        id: OrderHoldId, status: HoldStatus, check_id: CreditCheckId, customer_id: CustomerId, order_id: String, currency: String, amount: Decimal, base_amount: Decimal, rules: Value, facts: Value, evidence: Value,
        level: i32, released_amount: Option<Decimal>, released_until: Option<NaiveDate>, decided_by: Option<String>, decided_at: Option<DateTime<Utc>>, decision_reason: Option<String>,
        approval_id: Option<ApprovalId>, version: i64, created_by: String, created_at: DateTime<Utc>,
    }
}
impl HoldRow {
    fn answer(self, cx: &Context) -> Result<OrderHold, Problem> {
        let (base, currency) = (cx.currency(), Currency::parse(&self.currency).unwrap_or(cx.currency()));
        let rules: Vec<RuleResult> = from_value(self.rules).map_err(|e| Problem::internal(&e))?;
        let may = |permission: &str| cx.principal.as_ref().is_none_or(|principal| principal.may(permission));
        let waits = matches!(self.status, HoldStatus::Open | HoldStatus::Escalated);
        let mut allowed = Vec::new();
        if waits && may("order_holds:release") {
            allowed.extend(["release", "reject"]);
        }
        if self.status == HoldStatus::Open && may("credit:propose") {
            allowed.push("escalate");
        }
        Ok(OrderHold {
            id: self.id,
            object: "order_hold",
            status: self.status,
            check_id: self.check_id,
            customer_id: self.customer_id,
            order_id: self.order_id,
            currency: self.currency,
            amount: currency.amount(self.amount),
            base_amount: base.amount(self.base_amount),
            reasons: rules.into_iter().filter(|rule| rule.outcome == Outcome::Hold).collect(),
            facts: from_value(self.facts).map_err(|e| Problem::internal(&e))?,
            evidence: from_value(self.evidence).map_err(|e| Problem::internal(&e))?,
            level: self.level,
            released_amount: self.released_amount.map(|amount| currency.amount(amount)),
            released_until: self.released_until,
            decided_by: self.decided_by,
            decided_at: self.decided_at.map(Instant),
            decision_reason: self.decision_reason,
            approval_id: self.approval_id,
            allowed_actions: allowed,
            version: self.version,
            created_by: self.created_by,
            created_at: Instant(self.created_at),
        })
    }
}
const HOLD: &str = "SELECT h.id, h.status, h.check_id, h.customer_id, h.order_id, h.currency, h.amount::numeric AS amount, h.base_amount::numeric AS base_amount, k.rules, k.facts, h.evidence, h.level,
        h.released_amount::numeric AS released_amount, h.released_until, h.decided_by, h.decided_at, h.decision_reason, h.version, h.created_by, h.created_at,
        (SELECT p.id FROM approval p WHERE p.company_id = h.company_id AND p.subject_id = h.id ORDER BY p.id DESC LIMIT 1) AS approval_id
    FROM order_hold h JOIN credit_check k ON k.company_id = h.company_id AND k.id = h.check_id WHERE h.company_id = $1";
static HOLDS: List = List {
    select: HOLD,
    id: "h.id",
    sorts: &[
        SortKey { name: "created_at", expression: "h.created_at", kind: "timestamptz" },
        SortKey { name: "amount", expression: "h.base_amount::numeric", kind: "numeric" },
    ],
    default_sort: "-created_at",
};

pub fn hold(rx: &mut Rx<'_>, id: OrderHoldId) -> Result<OrderHold, Problem> {
    let company = rx.company();
    let row: Option<HoldRow> = rx.optional(Sql::new(format!("{HOLD} AND h.id = $2")).bind(company).bind(id))?;
    row.ok_or_else(|| Problem::not_found("order_hold"))?.answer(rx.cx())
}

pub fn holds(rx: &mut Rx<'_>, paging: &Paging, filter: &HoldFilter) -> Result<Page<OrderHold>, Problem> {
    let page = HOLDS
        .of(rx)
        .any_of("h.status", filter.status.as_deref())
        .when("h.customer_id = {}", filter.customer_id)
        .when("h.order_id = {}", filter.order_id.clone())
        .when("h.level = {}", filter.level)
        .when("h.base_amount >= {}", filter.amount_gte.map(|amount| amount.0))
        .when(&owned("h"), filter.owner_id)
        .when("h.released_until < {}", filter.due_before)
        .when("h.created_at >= {}", filter.created_at_gte.map(|at| at.0))
        .when("h.created_at < {}", filter.created_at_lt.map(|at| at.0))
        .page::<HoldRow>(rx, paging)?;
    let cx = rx.cx();
    let Page { data, page } = page;
    Ok(Page { data: data.into_iter().map(|row| row.answer(cx)).collect::<Result<_, _>>()?, page })
}

/// Holds of an order that wait, or whose release stands on a day.
pub fn holds_of(rx: &mut Rx<'_>, order: &str, on: NaiveDate) -> Result<Vec<OrderHold>, Problem> {
    let company = rx.company();
    let sql =
        format!("{HOLD} AND h.order_id = $2 AND (h.status IN ('open', 'escalated') OR h.status = 'released' AND h.released_until >= $3) ORDER BY h.id DESC");
    let rows: Vec<HoldRow> = rx.load(Sql::new(sql).bind(company).bind(order).bind(on))?;
    rows.into_iter().map(|row| row.answer(rx.cx())).collect()
}

pub fn open_hold(tx: &mut Tx<'_>, check: &Check, base_amount: Decimal, evidence: &Value) -> Result<OrderHoldId, Problem> {
    let (company, id) = (tx.company(), OrderHoldId::new());
    tx.execute(
        Sql::new("INSERT INTO order_hold (company_id, id, check_id, customer_id, order_id, currency, amount, base_amount, evidence, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
            .bind(company)
            .bind(id)
            .bind(check.id)
            .bind(check.customer_id)
            .bind(check.order_id.as_str())
            .bind(check.currency.as_str())
            .bind(check.amount)
            .bind(base_amount)
            .bind(evidence.clone())
            .bind(check.created_by.as_str())
            .bind(check.created_at),
    )?;
    Ok(id)
}

/// What was decided of a hold.
#[derive(Debug, Default)]
pub struct Decision<'d> {
    pub level: i32,
    pub released: Option<(Decimal, NaiveDate)>,
    /// Kept as the last word on it; none leaves that.
    pub reason: Option<&'d str>,
}

pub fn decide(tx: &mut Tx<'_>, id: OrderHoldId, status: HoldStatus, decision: &Decision<'_>) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    let said = decision.reason.is_some();
    tx.execute(
        Sql::new(
            "UPDATE order_hold SET status = $3, level = least(level + $4, 9), released_amount = coalesce($5, released_amount), released_until = coalesce($6, released_until),
                 decided_by = CASE WHEN $7 THEN $8 ELSE decided_by END, decided_at = CASE WHEN $7 THEN $9 ELSE decided_at END, decision_reason = coalesce($10, decision_reason), version = version + 1
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(id)
        .bind(status)
        .bind(decision.level)
        .bind(decision.released.map(|(amount, _)| amount))
        .bind(decision.released.map(|(_, until)| until))
        .bind(said)
        .bind(actor)
        .bind(now)
        .bind(decision.reason),
    )?;
    Ok(())
}

row! {
    /// What was released of a customer's orders by persons alone, in base currency; not what an approval released.
    pub struct Let { pub within_a_day: Decimal, pub by_me: Decimal }
}

/// By anybody in 24 hours (SOD-05), and by the caller in 30 days (SOD-17).
pub fn released(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Let, Problem> {
    let (company, actor, now) = (rx.company(), rx.cx().actor.to_string(), rx.cx().now);
    rx.one(
        Sql::new(
            "SELECT coalesce(sum(base_amount * released_amount / amount) FILTER (WHERE decided_at > $4), 0)::numeric AS within_a_day,
                    coalesce(sum(base_amount * released_amount / amount) FILTER (WHERE decided_by = $3), 0)::numeric AS by_me
             FROM order_hold h WHERE company_id = $1 AND customer_id = $2 AND decided_at > $5 AND released_amount IS NOT NULL AND decided_by <> 'system'
               AND NOT EXISTS (SELECT FROM approval p WHERE p.company_id = h.company_id AND p.subject_id = h.id AND p.state = 'approved')",
        )
        .bind(company)
        .bind(customer)
        .bind(actor)
        .bind(now - Duration::hours(24))
        .bind(now - Duration::days(30)),
    )
}

/// Open debits of a customer by age, in base currency.
pub fn aging(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Vec<AgingBucket>, Problem> {
    row! { struct Aged { bucket: i32, amount: Decimal } }
    let (company, today, base) = (rx.company(), rx.cx().today, rx.cx().currency());
    let rows: Vec<Aged> = rx.load(
        Sql::new(
            "SELECT width_bucket($3 - due_date, $4::int[]) AS bucket, sum(open_base)::numeric AS amount FROM open_item_balance
             WHERE company_id = $1 AND customer_id = $2 AND side = 'debit' AND open_amount > 0 GROUP BY 1",
        )
        .bind(company)
        .bind(customer)
        .bind(today)
        .bind(Many(bucket_starts(&STEPS))),
    )?;
    let of = |at: usize| rows.iter().find(|row| usize::try_from(row.bucket).is_ok_and(|bucket| bucket == at)).map_or(Decimal::ZERO, |row| row.amount);
    Ok(bucket_names(&STEPS).into_iter().enumerate().map(|(at, bucket)| AgingBucket { bucket, amount: base.amount(of(at)) }).collect())
}

/// How a customer paid in the last 12 months.
pub fn history(rx: &mut Rx<'_>, customer: CustomerId) -> Result<PaymentHistory, Problem> {
    row! { struct Paid { paid: i64, paid_late: i64, average: Option<Decimal>, worst: Option<i32> } }
    let (company, today) = (rx.company(), rx.cx().today);
    let row: Paid = rx.one(
        Sql::new(
            "SELECT count(*) AS paid, count(*) FILTER (WHERE b.closed_on > i.due_date) AS paid_late, sum((b.closed_on - i.due_date) * i.base_amount) / nullif(sum(i.base_amount), 0) AS average,
                    max(b.closed_on - i.due_date) AS worst
             FROM open_item i JOIN open_item_balance b ON b.company_id = i.company_id AND b.item_id = i.id
             WHERE i.company_id = $1 AND i.customer_id = $2 AND i.due_date > $3 AND i.side = 'debit' AND i.document_kind IN ('invoice', 'debit_note') AND b.closed_on > $4 AND b.closed_on <= $5",
        )
        .bind(company)
        .bind(customer)
        .bind(today - Duration::days(1095))
        .bind(today - Duration::days(365))
        .bind(today),
    )?;
    Ok(PaymentHistory {
        paid: row.paid,
        paid_late: row.paid_late,
        average_days_late: row.average.map(|average| Figure(pad(round(average, 1), 1))),
        worst_days_late: row.worst.map(i64::from),
    })
}

/// Amounts reserved whose time is over.
pub fn lapsed(rx: &mut Rx<'_>) -> Result<Vec<(CreditCheckId, CustomerId)>, Problem> {
    row! { struct Lapsed { id: CreditCheckId, customer_id: CustomerId } }
    let (company, now) = (rx.company(), rx.cx().now);
    let rows: Vec<Lapsed> = rx.load(
        Sql::new("SELECT id, customer_id FROM credit_check WHERE company_id = $1 AND expires_at <= $2 AND reserved > 0 ORDER BY expires_at LIMIT 200")
            .bind(company)
            .bind(now),
    )?;
    Ok(rows.into_iter().map(|row| (row.id, row.customer_id)).collect())
}

/// Orders that wait, oldest first, with what is seen of their customers' positions now: where that changed, it is worth
/// another look. What changes without a balance (a cheque cleared) is looked at every ten minutes.
pub fn waiting(rx: &mut Rx<'_>) -> Result<Vec<(OrderHoldId, String)>, Problem> {
    row! { struct Waiting { id: OrderHoldId, seen: String } }
    let (company, today, now) = (rx.company(), rx.cx().today, rx.cx().now);
    let rows: Vec<Waiting> = rx.load(
        Sql::new(
            "SELECT h.id, concat_ws('/', $2::text, floor(extract(epoch FROM $3::timestamptz) / 600)::text,
                     (SELECT concat_ws('/', sum(b.receivable), sum(b.unapplied)) FROM customer f JOIN customer_balance b ON b.company_id = f.company_id AND b.customer_id = f.id
                      WHERE f.company_id = c.company_id AND (f.id = coalesce(c.parent_id, c.id) OR f.parent_id = coalesce(c.parent_id, c.id))),
                     (SELECT sum(k.reserved + k.ordered + k.delivered) FROM customer f JOIN credit_check k ON k.company_id = f.company_id AND k.customer_id = f.id AND k.reserved + k.ordered + k.delivered > 0
                      WHERE f.company_id = c.company_id AND (f.id = coalesce(c.parent_id, c.id) OR f.parent_id = coalesce(c.parent_id, c.id))),
                     (SELECT concat_ws('/', count(*), sum(l.version)) FROM customer f JOIN credit_limit l ON l.company_id = f.company_id AND l.customer_id = f.id
                      WHERE f.company_id = c.company_id AND (f.id = coalesce(c.parent_id, c.id) OR f.parent_id = coalesce(c.parent_id, c.id))),
                     (SELECT p.version FROM credit_profile p WHERE p.company_id = c.company_id AND p.customer_id = c.id), c.version,
                     (SELECT max(p.version) FROM credit_policy p WHERE p.company_id = c.company_id)) AS seen
             FROM order_hold h JOIN customer c ON c.company_id = h.company_id AND c.id = h.customer_id WHERE h.company_id = $1 AND h.status IN ('open', 'escalated')
             ORDER BY h.created_at, h.id LIMIT 10000",
        )
        .bind(company)
        .bind(today.to_string())
        .bind(now),
    )?;
    Ok(rows.into_iter().map(|row| (row.id, row.seen)).collect())
}

/// Whether anything waits for a look: orders on hold, amounts held free.
pub fn waits(rx: &mut Rx<'_>) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT EXISTS (SELECT FROM order_hold WHERE company_id = $1 AND status IN ('open', 'escalated')) OR EXISTS (SELECT FROM credit_check WHERE company_id = $1 AND expires_at IS NOT NULL AND reserved > 0)",
        )
        .bind(company),
    )
}
