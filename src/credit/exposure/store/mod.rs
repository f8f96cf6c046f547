mod abroad;

use crate::credit::policy::types::Parts;
use crate::ledger::balances::At;
use crate::platform::dates::end_of;
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;

row! {
    /// A customer as credit sees it.
    pub struct Profile {
        pub id: CustomerId, pub parent_id: Option<CustomerId>, pub active: bool, pub terms_days: Option<i32>, pub hold_all: bool, pub hold_reason: Option<String>, pub watch: bool,
        pub risk_class: Option<String>, pub risk_score: Option<i32>, pub review_on: Option<NaiveDate>, pub open_holds: i64, pub version: i64,
        /// The parent it shares a limit with and all children of that, in id order; itself where there is no group.
        /// Those that are seen: see [`Rx::sees_groups`].
        pub members: Many<CustomerId>,
    }
}

/// The customer, where the caller may see it.
pub fn profile(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Option<Profile>, Problem> {
    let company = rx.company();
    rx.optional(
        Sql::new(
            "SELECT c.id, c.parent_id, c.active, CASE WHEN c.payment_terms_id IS NULL THEN c.payment_terms_days END AS terms_days, coalesce(p.hold_all, false) AS hold_all, p.hold_reason,
                    coalesce(p.watch, false) AS watch, p.risk_class, p.risk_score, p.review_on, coalesce(p.version, 0) AS version,
                    (SELECT count(*) FROM order_hold h WHERE h.company_id = c.company_id AND h.customer_id = c.id AND h.status IN ('open', 'escalated')) AS open_holds,
                    ARRAY(SELECT m.id FROM customer m WHERE m.company_id = c.company_id AND m.id = coalesce(c.parent_id, c.id)
                          UNION SELECT m.id FROM customer m WHERE m.company_id = c.company_id AND m.parent_id = coalesce(c.parent_id, c.id) ORDER BY id) AS members
             FROM customer c LEFT JOIN credit_profile p ON p.company_id = c.company_id AND p.customer_id = c.id WHERE c.company_id = $1 AND c.id = $2",
        )
        .bind(company)
        .bind(customer),
    )
}

/// The parent a customer has, or had on a day as far as it was known: what it has now, less the changes after that.
const PARENT: &str = "SELECT c.id, CASE WHEN r.id IS NULL THEN c.parent_id ELSE r.parent_before END AS parent FROM customer c
     LEFT JOIN LATERAL (SELECT r.id, r.parent_before FROM customer_regrouping r WHERE r.company_id = c.company_id AND r.customer_id = c.id AND (r.changed_on > $2 OR r.recorded_at > $3)
         ORDER BY r.recorded_at, r.id LIMIT 1) AS r ON true WHERE c.company_id = $1";

row! { struct Child { id: CustomerId, parent: Option<CustomerId> } }

/// The parent a customer had.
pub fn parent(rx: &mut Rx<'_>, customer: CustomerId, at: At) -> Result<Option<CustomerId>, Problem> {
    let company = rx.company();
    let child: Option<Child> = rx.optional(Sql::new(format!("{PARENT} AND c.id = $4")).bind(company).bind(at.as_of).bind(at.horizon()).bind(customer))?;
    Ok(child.and_then(|child| child.parent))
}

/// Everybody with the head of their group, who is themselves where they have no parent; now, or of a past day.
pub fn heads(rx: &mut Rx<'_>, at: Option<At>) -> Result<Vec<(CustomerId, CustomerId)>, Problem> {
    let company = rx.company();
    let rows: Vec<Child> = rx.load(match at {
        None => Sql::new("SELECT id, parent_id AS parent FROM customer WHERE company_id = $1 ORDER BY id").bind(company),
        Some(at) => Sql::new(format!("{PARENT} ORDER BY c.id")).bind(company).bind(at.as_of).bind(at.horizon()),
    })?;
    Ok(rows.into_iter().map(|child| (child.id, child.parent.unwrap_or(child.id))).collect())
}

/// A parent with the children it had, in id order.
pub fn members_at(rx: &mut Rx<'_>, head: CustomerId, at: At) -> Result<Vec<CustomerId>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(format!(
            "SELECT p.id FROM ({PARENT} AND (c.id = $4 OR c.parent_id = $4 OR c.id IN (SELECT b.customer_id FROM customer_regrouping b WHERE b.company_id = $1 AND b.parent_before = $4))) AS p
             WHERE p.id = $4 OR p.parent = $4 ORDER BY p.id"
        ))
        .bind(company)
        .bind(at.as_of)
        .bind(at.horizon())
        .bind(head),
    )
}

/// What stands open of a customer; without cover, which limits know.
#[derive(Debug, Clone)]
pub struct Position {
    pub customer: CustomerId,
    pub parts: Parts,
    pub overdue: Decimal,
    /// The open debit that is longest due: its due date and its own.
    pub oldest: Option<(NaiveDate, NaiveDate)>,
}

row! {
    struct PositionRow {
        customer_id: CustomerId, receivable: Decimal, credit: Decimal, cash: Decimal, reserved: Decimal, ordered: Decimal, delivered: Decimal, overdue: Decimal,
        oldest_due: Option<NaiveDate>, oldest_date: Option<NaiveDate>, abroad: bool,
    }
}

/// Now, from kept balances; without an order that is judged anew.
pub fn now(rx: &mut Rx<'_>, customers: &[CustomerId], without: Option<&str>) -> Result<Vec<Position>, Problem> {
    let (company, now, today) = (rx.company(), rx.cx().now, rx.cx().today);
    let rows: Vec<PositionRow> = rx.load(
        Sql::new(
            "SELECT b.customer_id, b.receivable::numeric AS receivable, b.unapplied::numeric AS credit, coalesce(cash.amount, 0)::numeric AS cash, coalesce(o.reserved, 0)::numeric AS reserved,
                    coalesce(o.ordered, 0)::numeric AS ordered, coalesce(o.delivered, 0)::numeric AS delivered, coalesce(late.amount, 0)::numeric AS overdue,
                    oldest.due_date AS oldest_due, oldest.document_date AS oldest_date,
                    coalesce(o.abroad, false) OR EXISTS (SELECT FROM open_item_balance x WHERE x.company_id = b.company_id AND x.customer_id = b.customer_id AND x.open_amount > 0 AND x.open_amount <> x.open_base) AS abroad
             FROM customer_balance b
             LEFT JOIN LATERAL (SELECT sum(x.open_base) AS amount FROM open_item_balance x JOIN open_item i ON i.company_id = x.company_id AND i.id = x.item_id
                 WHERE x.company_id = b.company_id AND x.customer_id = b.customer_id AND x.side = 'credit' AND x.open_amount > 0 AND i.document_kind = 'receipt') AS cash ON true
             LEFT JOIN LATERAL (SELECT sum(c.reserved * c.exchange_rate) FILTER (WHERE c.expires_at > $3) AS reserved, sum(c.ordered * c.exchange_rate) AS ordered, sum(c.delivered * c.exchange_rate) AS delivered, bool_or(c.exchange_rate <> 1) AS abroad
                 FROM credit_check c WHERE c.company_id = b.company_id AND c.customer_id = b.customer_id AND c.reserved + c.ordered + c.delivered > 0 AND c.order_id <> $5) AS o ON true
             LEFT JOIN LATERAL (SELECT sum(x.open_base) AS amount FROM open_item_balance x
                 WHERE x.company_id = b.company_id AND x.customer_id = b.customer_id AND x.side = 'debit' AND x.open_amount > 0 AND x.due_date < $4) AS late ON true
             LEFT JOIN LATERAL (SELECT x.due_date, x.document_date FROM open_item_balance x
                 WHERE x.company_id = b.company_id AND x.customer_id = b.customer_id AND x.side = 'debit' AND x.open_amount > 0 ORDER BY x.due_date LIMIT 1) AS oldest ON true
             WHERE b.company_id = $1 AND b.customer_id = ANY($2)",
        )
        .bind(company)
        .bind(Many(customers.to_vec()))
        .bind(now)
        .bind(today)
        .bind(without.unwrap_or_default()),
    )?;
    let abroad: Vec<CustomerId> = rows.iter().filter(|row| row.abroad).map(|row| row.customer_id).collect();
    let mut found = complete(rx, rows, customers, None)?;
    if !abroad.is_empty() {
        let foreign = abroad::now(rx, &abroad, without)?;
        abroad::revalue(rx, &mut found, foreign, At::recorded(today))?;
    }
    Ok(found)
}

/// As of a day as known at an instant, from the rows.
pub fn at(rx: &mut Rx<'_>, customers: &[CustomerId], at: At) -> Result<Vec<Position>, Problem> {
    let company = rx.company();
    // What was held free until an instant counted on the days before it.
    let lapsed_by = at.known_at.min(end_of(at.as_of, rx.cx().facts.zone));
    let rows: Vec<PositionRow> = rx.load(
        Sql::new(
            "WITH items AS (
                 SELECT i.customer_id, i.side, i.document_kind, i.due_date, i.document_date, i.base_amount
                     - coalesce((SELECT sum(a.debit_base) FROM allocation a WHERE a.company_id = i.company_id AND a.debit_item_id = i.id AND a.effective_on <= $3 AND a.recorded_at <= $4), 0)
                     - coalesce((SELECT sum(a.credit_base) FROM allocation a WHERE a.company_id = i.company_id AND a.credit_item_id = i.id AND a.effective_on <= $3 AND a.recorded_at <= $4), 0) AS open
                 FROM open_item i WHERE i.company_id = $1 AND i.customer_id = ANY($2) AND i.posting_date <= $3 AND i.recorded_at <= $4
             ), sums AS (
                 SELECT customer_id, sum(open) FILTER (WHERE side = 'debit') AS receivable, sum(open) FILTER (WHERE side = 'credit') AS credit,
                        sum(open) FILTER (WHERE side = 'credit' AND document_kind = 'receipt') AS cash, sum(open) FILTER (WHERE side = 'debit' AND due_date < $3) AS overdue,
                        min(ARRAY[due_date, document_date]) FILTER (WHERE side = 'debit' AND open > 0) AS oldest
                 FROM items GROUP BY customer_id
             ), orders AS (
                 SELECT m.customer_id, sum(m.amount * c.exchange_rate) FILTER (WHERE m.stage = 'reserved') AS reserved, sum(m.amount * c.exchange_rate) FILTER (WHERE m.stage = 'ordered') AS ordered,
                        sum(m.amount * c.exchange_rate) FILTER (WHERE m.stage = 'delivered') AS delivered
                 FROM credit_move m JOIN credit_check c ON c.company_id = m.company_id AND c.id = m.check_id
                 WHERE m.company_id = $1 AND m.customer_id = ANY($2) AND m.moved_on <= $3 AND m.recorded_at <= $4
                   AND NOT (m.stage = 'reserved' AND coalesce(c.expires_at <= $5, false)) GROUP BY m.customer_id
             )
             SELECT x AS customer_id, coalesce(s.receivable, 0)::numeric AS receivable, coalesce(s.credit, 0)::numeric AS credit, coalesce(s.cash, 0)::numeric AS cash,
                    coalesce(o.reserved, 0)::numeric AS reserved, coalesce(o.ordered, 0)::numeric AS ordered, coalesce(o.delivered, 0)::numeric AS delivered, coalesce(s.overdue, 0)::numeric AS overdue,
                    s.oldest[1] AS oldest_due, s.oldest[2] AS oldest_date, true AS abroad
             FROM unnest($2::uuid[]) AS x LEFT JOIN sums s ON s.customer_id = x LEFT JOIN orders o ON o.customer_id = x",
        )
        .bind(company)
        .bind(Many(customers.to_vec()))
        .bind(at.as_of)
        .bind(at.horizon())
        .bind(lapsed_by),
    )?;
    let mut found = complete(rx, rows, customers, Some(at))?;
    let foreign = abroad::at(rx, customers, at, lapsed_by)?;
    abroad::revalue(rx, &mut found, foreign, at)?;
    Ok(found)
}

fn complete(rx: &mut Rx<'_>, rows: Vec<PositionRow>, customers: &[CustomerId], at: Option<At>) -> Result<Vec<Position>, Problem> {
    let uncleared = super::uncleared(rx, customers, at)?;
    let (base, day) = (rx.cx().currency(), at.map_or(rx.cx().today, |at| at.as_of));
    let position = |row: PositionRow| {
        let waiting: Decimal = uncleared.iter().filter(|(customer, _)| *customer == row.customer_id).map(|(_, amount)| *amount).sum();
        let parts = Parts {
            open_items: base.amount(row.receivable),
            credit_notes: base.amount(row.credit - row.cash),
            unapplied_cash: base.amount(row.cash),
            uncleared_cash: base.amount(waiting),
            orders: base.amount(row.ordered),
            deliveries: base.amount(row.delivered),
            reservations: base.amount(row.reserved),
            cover: base.amount(Decimal::ZERO),
        };
        let oldest = row.oldest_due.zip(row.oldest_date).filter(|(due, _)| *due < day);
        Position { customer: row.customer_id, parts, overdue: row.overdue, oldest }
    };
    Ok(rows.into_iter().map(position).collect())
}
