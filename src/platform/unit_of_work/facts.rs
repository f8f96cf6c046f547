//! What every request must know of its company.

use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::money::Currency;
use crate::platform::postgres::sql::Sql;
use crate::row;
use diesel::pg::PgConnection;
use diesel::query_dsl::RunQueryDsl;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Facts of the company every request needs; they change rarely and are cached for two seconds.
#[derive(Debug, Clone)]
pub struct CompanyFacts {
    pub currency: Currency,
    pub zone: chrono_tz::Tz,
    pub fiscal_year_start: u32,
    pub round_to_unit: bool,
    pub settlement: SettlementPolicy,
    /// How old the newest exchange rate may be on a document's date.
    pub exchange_rate_max_age_days: u32,
    pub einvoicing: Einvoicing,
    /// Whether issuing an invoice is held against the customer's credit limit.
    pub check_invoices: bool,
}

/// What decides whether the company has its documents registered.
#[derive(Debug, Clone, Default)]
pub struct Einvoicing {
    /// In rupees, by the calendar year the fiscal year starts in.
    pub turnover: BTreeMap<i32, Decimal>,
    /// The kind of seller that registers nothing.
    pub excluded_as: Option<String>,
}

/// What the company concedes when money does not come out exactly.
#[derive(Debug, Clone, Copy, Default)]
pub struct SettlementPolicy {
    /// Per cent of an item; 0 is off.
    pub tolerance_percent: Decimal,
    /// In the item's currency; 0 is off.
    pub tolerance_amount: Decimal,
    /// Days after the discount's last day in which it may still be granted.
    pub discount_grace_days: u32,
    /// Whether a discount taken within the days of grace is granted.
    pub accept_late_discount: bool,
    /// Whether part of the money earns part of the discount.
    pub partial_discount: bool,
}

/// The facts of each company, as they were read within the last two seconds.
#[derive(Default)]
pub(super) struct Facts(Mutex<HashMap<CompanyId, (Instant, Arc<CompanyFacts>)>>);

row! {
    struct FactsRow {
        base_currency: String, time_zone: String, fiscal_year_start: i32, round_to_unit: bool, tolerance_percent: Decimal, tolerance_amount: Decimal, discount_grace_days: i32,
        accept_late_discount: bool, partial_discount: bool, exchange_rate_max_age_days: i32, turnover: Option<serde_json::Value>, einvoice_excluded_as: Option<String>, check_invoices: bool,
    }
}

impl Facts {
    pub(super) fn forget(&self, company: CompanyId) {
        if let Ok(mut facts) = self.0.lock() {
            facts.remove(&company);
        }
    }

    pub(super) fn of(&self, company: CompanyId, connection: &mut PgConnection) -> Result<Arc<CompanyFacts>, Problem> {
        const FRESH: Duration = Duration::from_secs(2);
        if let Ok(cache) = self.0.lock()
            && let Some((at, facts)) = cache.get(&company)
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(facts));
        }
        let sql = Sql::new(
        "SELECT base_currency, time_zone, fiscal_year_start, round_to_unit, payment_tolerance_percent AS tolerance_percent, payment_tolerance_amount::numeric AS tolerance_amount,
                discount_grace_days, late_discount = 'accept' AS accept_late_discount, partial_discount, exchange_rate_max_age_days, turnover, einvoice_excluded_as,
                coalesce((SELECT (p.content ->> 'check_invoices')::boolean FROM credit_policy p WHERE p.company_id = company.id AND p.effective_from <= (now() AT TIME ZONE time_zone)::date
                          ORDER BY p.effective_from DESC, p.version DESC LIMIT 1), false) AS check_invoices FROM company WHERE id = $1",
    )
    .bind(company);
        let row = RunQueryDsl::load::<FactsRow>(sql, connection)?.into_iter().next();
        let facts = Arc::new(CompanyFacts {
            currency: row
                .as_ref()
                .and_then(|row| Currency::parse(&row.base_currency))
                .or_else(|| Currency::parse("INR"))
                .ok_or_else(|| Problem::internal(&"no currency"))?,
            zone: row.as_ref().and_then(|row| row.time_zone.parse().ok()).unwrap_or(chrono_tz::Asia::Kolkata),
            fiscal_year_start: row.as_ref().and_then(|row| u32::try_from(row.fiscal_year_start).ok()).unwrap_or(4),
            round_to_unit: row.as_ref().is_some_and(|row| row.round_to_unit),
            settlement: row.as_ref().map_or_else(SettlementPolicy::default, |row| SettlementPolicy {
                tolerance_percent: row.tolerance_percent,
                tolerance_amount: row.tolerance_amount,
                discount_grace_days: row.discount_grace_days.unsigned_abs(),
                accept_late_discount: row.accept_late_discount,
                partial_discount: row.partial_discount,
            }),
            exchange_rate_max_age_days: row.as_ref().map_or(1, |row| row.exchange_rate_max_age_days.unsigned_abs()),
            einvoicing: row.as_ref().map_or_else(Einvoicing::default, |row| Einvoicing {
                turnover: row.turnover.clone().and_then(|turnover| serde_json::from_value(turnover).ok()).unwrap_or_default(),
                excluded_as: row.einvoice_excluded_as.clone(),
            }),
            check_invoices: row.as_ref().is_some_and(|row| row.check_invoices),
        });
        if let (Ok(mut cache), true) = (self.0.lock(), row.is_some()) {
            cache.insert(company, (Instant::now(), Arc::clone(&facts)));
        }
        Ok(facts)
    }
}
