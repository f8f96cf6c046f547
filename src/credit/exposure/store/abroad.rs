//! What is in other currencies counts at the day's rate: the difference to what it was booked or ordered at is added.

use super::Position;
use crate::ledger::balances::At;
use crate::master_data::exchange_rates::service::spot;
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::money::{Amount, round};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use std::collections::HashMap;

row! {
    /// Of one customer, currency and component.
    pub struct Foreign { customer_id: CustomerId, currency: String, component: String, late: bool, amount: Decimal, base: Decimal }
}

/// What stands open now; without an order that is judged anew.
pub fn now(rx: &mut Rx<'_>, customers: &[CustomerId], without: Option<&str>) -> Result<Vec<Foreign>, Problem> {
    let (company, now, today, base) = (rx.company(), rx.cx().now, rx.cx().today, rx.cx().currency());
    rx.load(
        Sql::new(
            "SELECT x.customer_id, i.currency, CASE WHEN x.side = 'debit' THEN 'open_items' WHEN i.document_kind = 'receipt' THEN 'unapplied_cash' ELSE 'credit_notes' END AS component,
                    x.side = 'debit' AND x.due_date < $4 AS late, sum(x.open_amount)::numeric AS amount, sum(x.open_base)::numeric AS base
             FROM open_item_balance x JOIN open_item i ON i.company_id = x.company_id AND i.id = x.item_id
             WHERE x.company_id = $1 AND x.customer_id = ANY($2) AND x.open_amount > 0 AND x.open_amount <> x.open_base GROUP BY 1, 2, 3, 4
             UNION ALL
             SELECT c.customer_id, c.currency, s.component, false, sum(s.amount)::numeric, sum(s.amount * c.exchange_rate)::numeric
             FROM credit_check c CROSS JOIN LATERAL (VALUES ('reservations', CASE WHEN c.expires_at > $3 THEN c.reserved ELSE 0 END), ('orders', c.ordered), ('deliveries', c.delivered)) AS s(component, amount)
             WHERE c.company_id = $1 AND c.customer_id = ANY($2) AND c.reserved + c.ordered + c.delivered > 0 AND c.order_id <> $5 AND c.currency <> $6 GROUP BY 1, 2, 3",
        )
        .bind(company)
        .bind(Many(customers.to_vec()))
        .bind(now)
        .bind(today)
        .bind(without.unwrap_or_default())
        .bind(base.code()),
    )
}

/// What stood open at the end of a day, from the rows. What was held free until `lapsed_by` was free by then.
pub fn at(rx: &mut Rx<'_>, customers: &[CustomerId], at: At, lapsed_by: DateTime<Utc>) -> Result<Vec<Foreign>, Problem> {
    let (company, base) = (rx.company(), rx.cx().currency());
    rx.load(
        Sql::new(
            "SELECT i.customer_id, i.currency, CASE WHEN i.side = 'debit' THEN 'open_items' WHEN i.document_kind = 'receipt' THEN 'unapplied_cash' ELSE 'credit_notes' END AS component,
                    i.side = 'debit' AND i.due_date < $3 AS late, sum(i.amount - coalesce(s.amount, 0))::numeric AS amount, sum(i.base_amount - coalesce(s.base, 0))::numeric AS base
             FROM open_item i CROSS JOIN LATERAL (
                 SELECT sum(a.amount) AS amount, sum(CASE WHEN a.debit_item_id = i.id THEN a.debit_base ELSE a.credit_base END) AS base FROM allocation a
                 WHERE a.company_id = i.company_id AND (a.debit_item_id = i.id OR a.credit_item_id = i.id) AND a.effective_on <= $3 AND a.recorded_at <= $4) AS s
             WHERE i.company_id = $1 AND i.customer_id = ANY($2) AND i.posting_date <= $3 AND i.recorded_at <= $4 AND i.currency <> $6 GROUP BY 1, 2, 3, 4
             UNION ALL
             SELECT m.customer_id, c.currency, CASE m.stage WHEN 'reserved' THEN 'reservations' WHEN 'ordered' THEN 'orders' ELSE 'deliveries' END, false, sum(m.amount)::numeric, sum(m.amount * c.exchange_rate)::numeric
             FROM credit_move m JOIN credit_check c ON c.company_id = m.company_id AND c.id = m.check_id
             WHERE m.company_id = $1 AND m.customer_id = ANY($2) AND m.moved_on <= $3 AND m.recorded_at <= $4 AND c.currency <> $6
               AND NOT (m.stage = 'reserved' AND coalesce(c.expires_at <= $5, false)) GROUP BY 1, 2, 3",
        )
        .bind(company)
        .bind(Many(customers.to_vec()))
        .bind(at.as_of)
        .bind(at.horizon())
        .bind(lapsed_by)
        .bind(base.code()),
    )
}

/// Adds what the rates of the day make of it. Of a currency of which no rate is known yet, it stays as it was booked.
pub fn revalue(rx: &mut Rx<'_>, positions: &mut [Position], foreign: Vec<Foreign>, at: At) -> Result<(), Problem> {
    let exponent = rx.cx().currency().exponent();
    let mut rates: HashMap<String, Option<Decimal>> = HashMap::new();
    let places: HashMap<CustomerId, usize> = positions.iter().enumerate().map(|(place, position)| (position.customer, place)).collect();
    for row in foreign {
        let rate = if let Some(rate) = rates.get(&row.currency) {
            *rate
        } else {
            let rate = spot(rx, &row.currency, at.as_of, at.horizon())?;
            rates.insert(row.currency.clone(), rate);
            rate
        };
        let Some(position) = places.get(&row.customer_id).and_then(|place| positions.get_mut(*place)) else { continue };
        let more = rate.map_or(Decimal::ZERO, |rate| round(row.amount * rate, exponent) - round(row.base, exponent));
        if row.late {
            position.overdue += more;
        }
        let parts = &mut position.parts;
        let part: &mut Amount = match row.component.as_str() {
            "open_items" => &mut parts.open_items,
            "unapplied_cash" => &mut parts.unapplied_cash,
            "credit_notes" => &mut parts.credit_notes,
            "reservations" => &mut parts.reservations,
            "orders" => &mut parts.orders,
            _ => &mut parts.deliveries,
        };
        part.0 += more;
    }
    Ok(())
}
