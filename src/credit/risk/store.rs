use super::scorecard::{Standing, Values};
use super::types::{ClassSource, CreditScore, CreditScoreRun, Explained, Holding, RiskClass, RiskInput, ScoreFilter, Scorecard};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{CreditScoreId, CreditScoreRunId, CustomerId};
use crate::platform::money::{Currency, Figure, Rate, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::HashMap;

row! { struct CardRow { content: Value, version: i64, created_by: String, created_at: DateTime<Utc> } }

/// The newest scorecard of the company, if it has one.
pub fn scorecard(rx: &mut Rx<'_>) -> Result<Option<Holding>, Problem> {
    let company = rx.company();
    let sql = "SELECT content, version, created_by, created_at FROM credit_scorecard WHERE company_id = $1 ORDER BY version DESC LIMIT 1";
    let row: Option<CardRow> = rx.optional(Sql::new(sql).bind(company))?;
    row.map(|row| {
        let card: Scorecard = serde_json::from_value(row.content).map_err(|e| Problem::internal(&e))?;
        Ok(Holding { card, version: row.version, created_by: Some(row.created_by), created_at: Some(Instant(row.created_at)) })
    })
    .transpose()
}

/// One that sets another waits for who does so now.
pub fn lock_scorecard(tx: &mut Tx<'_>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT pg_advisory_xact_lock(hashtextextended('credit scorecard ' || $1, 0))").bind(company.to_string())).map(drop)
}

pub fn insert_scorecard(tx: &mut Tx<'_>, version: i64, card: &Scorecard) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let content = serde_json::to_value(card).map_err(|e| Problem::internal(&e))?;
    let sql = Sql::new("INSERT INTO credit_scorecard (company_id, id, version, content, created_by) VALUES ($1, $2, $3, $4, $5)");
    tx.execute(sql.bind(company).bind(uuid::Uuid::now_v7()).bind(version).bind(content).bind(actor))?;
    Ok(())
}

row! {
    /// What is known of a customer at the end of a day.
    pub struct Known {
        pub customer_id: CustomerId, pub customer_name: String, pub receivable: Decimal, pub overdue: Decimal,
        days_late_365: Option<Decimal>, late_share_365: Option<Decimal>, days_late_90: Option<Decimal>, late_trend: Option<Decimal>, oldest_overdue_days: Option<Decimal>,
        overdue_share: Option<Decimal>, limit_use: Option<Decimal>, bounces_12m: Option<Decimal>, limit_breaches_12m: Option<Decimal>, tenure_days: Option<Decimal>,
        order_growth: Option<Decimal>, external_grade: Option<Decimal>, tds_defaults_12m: Option<Decimal>,
    }
}
impl Known {
    /// Promises, disputes and dunning are not kept yet: they have no data.
    #[must_use]
    pub fn values(&self) -> Values {
        let known = [
            (RiskInput::DaysLate365, self.days_late_365),
            (RiskInput::LateShare365, self.late_share_365),
            (RiskInput::DaysLate90, self.days_late_90),
            (RiskInput::LateTrend, self.late_trend),
            (RiskInput::OldestOverdueDays, self.oldest_overdue_days),
            (RiskInput::OverdueShare, self.overdue_share),
            (RiskInput::LimitUse, self.limit_use),
            (RiskInput::Bounces12m, self.bounces_12m),
            (RiskInput::LimitBreaches12m, self.limit_breaches_12m),
            (RiskInput::TenureDays, self.tenure_days),
            (RiskInput::OrderGrowth, self.order_growth),
            (RiskInput::ExternalGrade, self.external_grade),
            (RiskInput::TdsDefaults12m, self.tds_defaults_12m),
        ];
        known.into_iter().filter_map(|(input, value)| value.map(|value| (input, value))).collect()
    }
}

/// What is known of customers (of all, where none are named) at the end of a day.
pub fn known(rx: &mut Rx<'_>, as_of: NaiveDate, customers: Option<&[CustomerId]>) -> Result<Vec<Known>, Problem> {
    let company = rx.company();
    let mut text = include_str!("inputs.sql").to_owned();
    for (place, column) in [("{of_a}", "a.customer_id"), ("{of_i}", "i.customer_id"), ("{of_c}", "c.id")] {
        let condition = if customers.is_some() { format!(" AND {column} = ANY($3)") } else { String::new() };
        text = text.replace(place, &condition);
    }
    let sql = Sql::new(text).bind(company).bind(as_of);
    rx.load(match customers {
        Some(customers) => sql.bind(Many(customers.to_vec())),
        None => sql,
    })
}

row! {
    struct LastRow { customer_id: CustomerId, as_of: NaiveDate, score: Option<Decimal>, scored_class: Option<RiskClass>, class: Option<RiskClass>, class_source: Option<ClassSource>, streak: i32, towards: Option<RiskClass>, newest: bool }
}
/// What was kept of a customer last.
#[derive(Debug, Clone, Copy)]
pub struct Last {
    pub as_of: NaiveDate,
    pub score: Option<Decimal>,
    pub scored_class: Option<RiskClass>,
    pub class: Option<RiskClass>,
    pub source: Option<ClassSource>,
    pub streak: i32,
    pub towards: Option<RiskClass>,
    /// Nothing was kept of a later day.
    pub newest: bool,
}
impl Last {
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        self.class.map(|class| Standing { class, streak: self.streak, towards: self.towards })
    }
}

/// What was kept last of each customer of days up to this one.
pub fn last(rx: &mut Rx<'_>, as_of: NaiveDate, customers: Option<&[CustomerId]>) -> Result<HashMap<CustomerId, Last>, Problem> {
    let company = rx.company();
    let of = if customers.is_some() { " AND c.id = ANY($3)" } else { "" };
    let sql = Sql::new(format!(
        "SELECT c.id AS customer_id, s.as_of, s.score, s.scored_class, s.class, s.class_source, s.streak, s.towards,
                NOT EXISTS (SELECT FROM credit_score n WHERE n.company_id = c.company_id AND n.customer_id = c.id AND n.as_of > $2) AS newest
         FROM customer c CROSS JOIN LATERAL (SELECT * FROM credit_score s WHERE s.company_id = c.company_id AND s.customer_id = c.id AND s.as_of <= $2 ORDER BY s.as_of DESC, s.id DESC LIMIT 1) AS s
         WHERE c.company_id = $1{of}"
    ))
    .bind(company)
    .bind(as_of);
    let rows: Vec<LastRow> = rx.load(match customers {
        Some(customers) => sql.bind(Many(customers.to_vec())),
        None => sql,
    })?;
    let last = |row: LastRow| {
        let LastRow { customer_id, as_of, score, scored_class, class, class_source: source, streak, towards, newest } = row;
        (customer_id, Last { as_of, score, scored_class, class, source, streak, towards, newest })
    };
    Ok(rows.into_iter().map(last).collect())
}

/// One score to keep.
pub struct NewScore {
    pub id: CreditScoreId,
    pub customer: CustomerId,
    pub score: Option<Decimal>,
    pub scored_class: Option<RiskClass>,
    pub class: Option<RiskClass>,
    pub source: Option<ClassSource>,
    pub streak: i32,
    pub towards: Option<RiskClass>,
    pub known: Decimal,
    pub receivable: Decimal,
    pub overdue: Decimal,
    pub explanation: Vec<Explained>,
}

/// Keeps scores of a day; a thousand a statement.
pub fn insert_scores(tx: &mut Tx<'_>, run: Option<CreditScoreRunId>, as_of: NaiveDate, card: i64, scores: &[NewScore]) -> Result<(), Problem> {
    let company = tx.company();
    for part in scores.chunks(1000) {
        let words = |word: fn(&NewScore) -> Option<&'static str>| part.iter().map(|score| word(score).unwrap_or_default()).collect::<Many<_>>();
        let explanations: Vec<String> =
            part.iter().map(|s| serde_json::to_string(&s.explanation)).collect::<Result<_, _>>().map_err(|e| Problem::internal(&e))?;
        tx.execute(
            Sql::new(
                "INSERT INTO credit_score (company_id, id, run_id, as_of, scorecard_version, customer_id, score, scored_class, class, class_source, streak, towards, known, receivable, overdue, explanation)
                 SELECT $1, s.id, $2, $3, $4, s.customer_id, nullif(s.score, -1), nullif(s.scored_class, ''), nullif(s.class, ''), nullif(s.source, ''), s.streak, nullif(s.towards, ''), s.known, s.receivable, s.overdue, s.explanation::jsonb
                 FROM unnest($5::uuid[], $6::uuid[], $7::numeric[], $8::text[], $9::text[], $10::text[], $11::int[], $12::text[], $13::numeric[], $14::numeric[], $15::numeric[], $16::text[])
                      AS s(id, customer_id, score, scored_class, class, source, streak, towards, known, receivable, overdue, explanation)",
            )
            .bind(company)
            .bind(run)
            .bind(as_of)
            .bind(card)
            .bind(part.iter().map(|s| s.id).collect::<Many<_>>())
            .bind(part.iter().map(|s| s.customer).collect::<Many<_>>())
            .bind(part.iter().map(|s| s.score.unwrap_or(Decimal::NEGATIVE_ONE)).collect::<Many<_>>())
            .bind(words(|s| s.scored_class.map(RiskClass::as_str)))
            .bind(words(|s| s.class.map(RiskClass::as_str)))
            .bind(words(|s| s.source.map(ClassSource::as_str)))
            .bind(part.iter().map(|s| s.streak).collect::<Many<_>>())
            .bind(words(|s| s.towards.map(RiskClass::as_str)))
            .bind(part.iter().map(|s| s.known).collect::<Many<_>>())
            .bind(part.iter().map(|s| s.receivable).collect::<Many<_>>())
            .bind(part.iter().map(|s| s.overdue).collect::<Many<_>>())
            .bind(explanations.into_iter().collect::<Many<_>>()),
        )?;
    }
    Ok(())
}

/// A run begins: its scores refer to it.
pub fn insert_run(tx: &mut Tx<'_>, run: &CreditScoreRun) -> Result<(), Problem> {
    let company = tx.company();
    let classes = serde_json::to_value(&run.classes).map_err(|e| Problem::internal(&e))?;
    tx.execute(
        Sql::new("INSERT INTO credit_score_run (company_id, id, as_of, scorecard_version, scored, unscored, changed, classes, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
            .bind(company).bind(run.id).bind(run.as_of).bind(run.scorecard_version).bind(run.scored).bind(run.unscored).bind(run.changed).bind(classes)
            .bind(run.created_by.as_str()).bind(run.created_at.0),
    )?;
    Ok(())
}

/// Whether there is anything to score and nothing was scored for this day yet.
pub fn due(rx: &mut Rx<'_>, today: NaiveDate) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT EXISTS (SELECT FROM open_item WHERE company_id = $1) AND NOT EXISTS (SELECT FROM credit_score_run WHERE company_id = $1 AND as_of >= $2)",
        )
        .bind(company)
        .bind(today),
    )
}

pub fn companies(rx: &mut Rx<'_>) -> Result<Vec<crate::platform::ids::CompanyId>, Problem> {
    rx.scalars(Sql::new("SELECT id FROM company ORDER BY id"))
}

row! {
    struct ScoreRow {
        id: CreditScoreId, customer_id: CustomerId, customer_name: String, as_of: NaiveDate, score: Option<Decimal>, scored_class: Option<RiskClass>, class: Option<RiskClass>, class_source: Option<ClassSource>, streak: i32,
        known: Decimal, scorecard_version: i64, receivable: Decimal, overdue: Decimal, explanation: Value, recorded_at: DateTime<Utc>,
    }
}
impl ScoreRow {
    fn answer(self, base: Currency) -> CreditScore {
        CreditScore {
            id: Some(self.id),
            object: "credit_score",
            customer_id: self.customer_id,
            customer_name: self.customer_name,
            as_of: self.as_of,
            score: self.score.map(|score| Figure(pad(score, 2))),
            scored_class: self.scored_class,
            risk_class: self.class,
            class_source: self.class_source,
            better_cycles: self.streak,
            known_weight: Rate(pad(self.known, 0)),
            scorecard_version: self.scorecard_version,
            receivable: base.amount(self.receivable),
            overdue: base.amount(self.overdue),
            explanation: serde_json::from_value(self.explanation).unwrap_or_default(),
            created_at: Some(Instant(self.recorded_at)),
        }
    }
}
static SCORES: List = List {
    select: "SELECT s.id, s.customer_id, c.legal_name AS customer_name, s.as_of, s.score, s.scored_class, s.class, s.class_source, s.streak, s.known, s.scorecard_version, s.receivable::numeric AS receivable,
        s.overdue::numeric AS overdue, s.explanation, s.recorded_at
        FROM credit_score s JOIN customer c ON c.company_id = s.company_id AND c.id = s.customer_id WHERE s.company_id = $1",
    id: "s.id",
    sorts: &[
        SortKey { name: "as_of", expression: "s.as_of", kind: "date" },
        SortKey { name: "score", expression: "coalesce(s.score, -1)", kind: "numeric" },
    ],
    default_sort: "-as_of",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ScoreFilter) -> Result<Page<CreditScore>, Problem> {
    let base = rx.cx().currency();
    let newest =
        "NOT EXISTS (SELECT FROM credit_score n WHERE n.company_id = s.company_id AND n.customer_id = s.customer_id AND (n.as_of, n.id) > (s.as_of, s.id))";
    let page = SCORES
        .of(rx)
        .when("s.customer_id = {}", filter.customer_id)
        .any_of("s.class", filter.risk_class.as_deref())
        .when("s.run_id = {}", filter.run_id)
        .when("s.as_of >= {}", filter.as_of_gte)
        .when("s.as_of <= {}", filter.as_of_lte)
        .filter_if((filter.newest == Some(true)).then_some(newest))
        .page::<ScoreRow>(rx, paging)?;
    Ok(page.map(|row| row.answer(base)))
}
