//! Scores, classes and the scorecard as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{CreditScoreId, CreditScoreRunId, CustomerId};
use crate::platform::money::{Amount, Figure, Rate};
use crate::words;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// From the best (`A`) to the worst (`E`).
    pub enum RiskClass { A = "A", B = "B", C = "C", D = "D", E = "E" }
}
words! {
    /// What a score is made of.
    pub enum RiskInput {
        DaysLate365 = "days_late_365", LateShare365 = "late_share_365", DaysLate90 = "days_late_90", LateTrend = "late_trend", OldestOverdueDays = "oldest_overdue_days",
        OverdueShare = "overdue_share", LimitUse = "limit_use", Bounces12m = "bounces_12m", BrokenPromises12m = "broken_promises_12m", DisputesLostShare = "disputes_lost_share",
        DunningLevel = "dunning_level", LimitBreaches12m = "limit_breaches_12m", TenureDays = "tenure_days", OrderGrowth = "order_growth", ExternalGrade = "external_grade",
        TdsDefaults12m = "tds_defaults_12m", PaymentBehaviour = "payment_behaviour", CurrentRatio = "current_ratio", DebtToEquity = "debt_to_equity", NetMargin = "net_margin",
        RevenueGrowth = "revenue_growth", References = "references", YearsInBusiness = "years_in_business", SecurityShare = "security_share", DocumentsComplete = "documents_complete",
    }
}
words! {
    /// Where a class comes from.
    pub enum ClassSource { Score = "score", Appraisal = "appraisal", Manual = "manual" }
}

/// What is weighed how much, and which points make which class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scorecard {
    /// Their weights add up to 100.
    #[schema(min_items = 1, max_items = 25)]
    pub inputs: Vec<WeighedInput>,
    /// From the best to the worst; the last one begins at 0.
    #[schema(min_items = 1, max_items = 5)]
    pub classes: Vec<ClassFrom>,
    /// Per cent of the weight that must be known for a score.
    pub least_weight: Rate,
    /// Cycles in a row that must score better before a class gets better.
    #[schema(minimum = 1, maximum = 12, example = 2)]
    pub upgrade_cycles: i32,
    /// Days after which another run is another cycle.
    #[schema(minimum = 1, maximum = 366, example = 1)]
    pub cycle_days: i32,
    /// What the weights rest on.
    #[schema(min_length = 3, max_length = 2000, example = "Rank correlation with the days late of the year after")]
    pub source: String,
    /// How appraisals are judged; as before when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appraisal: Option<AppraisalModel>,
}

/// How appraisals are judged: what is weighed, what caps a limit, when somebody looks again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppraisalModel {
    /// Their weights add up to 100; classes are those of the scorecard.
    #[schema(min_items = 1, max_items = 25)]
    pub inputs: Vec<WeighedInput>,
    /// Per cent of the weight that must be known for a score.
    pub least_weight: Rate,
    /// The most that is lent on a customer's net worth, in per cent of it.
    pub net_worth_percent: PerClass,
    /// The most that is lent on current assets less current liabilities, in per cent.
    pub working_capital_percent: PerClass,
    /// Months to the next review.
    pub review_months: PerClass,
    /// What a complete file holds.
    #[schema(max_items = 20)]
    pub documents: Vec<DocumentEvidence>,
    /// Days before its day that a review is opened.
    #[schema(minimum = 0, maximum = 90, example = 14)]
    pub review_lead_days: u32,
    /// Days a review may take that something set off.
    #[schema(minimum = 0, maximum = 90, example = 7)]
    pub review_within_days: u32,
    /// Days after a decision in which the same state sets off no other review.
    #[schema(minimum = 0, maximum = 366, example = 30)]
    pub quiet_days: u32,
    /// An item overdue for more days sets off a review.
    #[schema(minimum = 0, maximum = 3650, example = 60)]
    pub overdue_days_above: u32,
    /// More of the limit in use, in per cent, sets off a review.
    pub limit_use_above: Rate,
    /// What the model rests on.
    #[schema(min_length = 3, max_length = 2000, example = "Credit manual, chapter 4")]
    pub source: String,
}

/// A figure for each class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PerClass {
    pub a: Rate,
    pub b: Rate,
    pub c: Rate,
    pub d: Rate,
    pub e: Rate,
}
impl PerClass {
    #[must_use]
    pub fn of(&self, class: RiskClass) -> Decimal {
        match class {
            RiskClass::A => self.a.0,
            RiskClass::B => self.b.0,
            RiskClass::C => self.c.0,
            RiskClass::D => self.d.0,
            RiskClass::E => self.e.0,
        }
    }
}

words! {
    /// What proves what a customer says of itself.
    pub enum DocumentEvidence {
        Pan = "pan", GstRegistration = "gst_registration", Incorporation = "incorporation", Financials = "financials", BankStatement = "bank_statement", BureauReport = "bureau_report",
        TaxReturn = "tax_return", Security = "security", Application = "application", Other = "other",
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeighedInput {
    pub input: RiskInput,
    pub weight: Rate,
    /// Ascending; a value earns the points of the first band that reaches it.
    #[schema(min_items = 1, max_items = 20)]
    pub bands: Vec<PointsBand>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsBand {
    /// Inclusive; the last band has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Figure>,
    /// 0 to 100; 100 is the best.
    pub points: Rate,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassFrom {
    pub class: RiskClass,
    /// Points it begins at.
    pub from: Rate,
}

/// A scorecard with its version; 0 is the one that comes with the service.
#[derive(Debug, Clone)]
pub struct Holding {
    pub card: Scorecard,
    pub version: i64,
    pub created_by: Option<String>,
    pub created_at: Option<Instant>,
}

/// The scorecard that holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditScorecard {
    #[schema(example = "credit_scorecard")]
    pub object: &'static str,
    /// Their weights add up to 100.
    #[schema(max_items = 25)]
    pub inputs: Vec<WeighedInput>,
    /// From the best to the worst.
    #[schema(max_items = 5)]
    pub classes: Vec<ClassFrom>,
    /// Per cent of the weight that must be known for a score.
    pub least_weight: Rate,
    /// Cycles in a row that must score better before a class gets better.
    #[schema(minimum = 1, maximum = 12, example = 2)]
    pub upgrade_cycles: i32,
    /// Days after which another run is another cycle.
    #[schema(minimum = 1, maximum = 366, example = 1)]
    pub cycle_days: i32,
    /// What the weights rest on.
    #[schema(max_length = 2000, example = "Rank correlation with the days late of the year after")]
    pub source: String,
    /// How appraisals are judged.
    pub appraisal: Option<AppraisalModel>,
    /// 0: the one that comes with the service.
    #[schema(minimum = 0)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: Option<String>,
    pub created_at: Option<Instant>,
}
impl Resource for CreditScorecard {
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}
impl From<Holding> for CreditScorecard {
    fn from(holding: Holding) -> Self {
        let Scorecard { inputs, classes, least_weight, upgrade_cycles, cycle_days, source, appraisal } = holding.card;
        Self {
            object: "credit_scorecard",
            inputs,
            classes,
            least_weight,
            upgrade_cycles,
            cycle_days,
            source,
            appraisal,
            version: holding.version,
            created_by: holding.created_by,
            created_at: holding.created_at,
        }
    }
}

/// What one input did to a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explained {
    pub input: RiskInput,
    /// Null: there is no data, and its weight is spread over the rest.
    pub value: Option<Figure>,
    /// Weight in the scorecard.
    pub weight: Rate,
    /// Weight it had with what is known, in per cent.
    pub counted_weight: Rate,
    /// 0 to 100.
    pub points: Option<Rate>,
    /// What it adds to the score.
    pub adds: Figure,
    /// What it takes from 100.
    pub costs: Figure,
    #[schema(max_length = 300, example = "Days the oldest open item is overdue.")]
    pub about: String,
}

/// What is thought of a customer's credit on a day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditScore {
    /// Null where it was not kept: computed for this reply.
    pub id: Option<CreditScoreId>,
    #[schema(example = "credit_score")]
    pub object: &'static str,
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    pub as_of: NaiveDate,
    /// 0 (worst) to 100 (best); null where too little is known.
    pub score: Option<Figure>,
    /// The class the score alone makes.
    pub scored_class: Option<RiskClass>,
    /// The class that holds: worse at once, better after the cycles of the scorecard, or set by a person.
    pub risk_class: Option<RiskClass>,
    pub class_source: Option<ClassSource>,
    /// Cycles in a row that scored better than the class that holds.
    #[schema(minimum = 0, example = 0)]
    pub better_cycles: i32,
    /// Part of the scorecard's weight that is known, in per cent.
    pub known_weight: Rate,
    #[schema(minimum = 0, example = 0)]
    pub scorecard_version: i64,
    pub receivable: Amount,
    pub overdue: Amount,
    /// What cost most first.
    #[schema(max_items = 25)]
    pub explanation: Vec<Explained>,
    pub created_at: Option<Instant>,
}
impl Resource for CreditScore {}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunScores {
    /// The day at whose end is scored; today when left out. A past day is scored from what stands in the books of it.
    #[schema(example = "2025-11-20")]
    pub as_of: Option<NaiveDate>,
    /// Only these; all when left out.
    #[schema(max_items = 1000)]
    pub customer_ids: Option<Vec<CustomerId>>,
}

/// A run of the scorecard over customers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditScoreRun {
    pub id: CreditScoreRunId,
    #[schema(example = "credit_score_run")]
    pub object: &'static str,
    pub as_of: NaiveDate,
    #[schema(minimum = 0, example = 0)]
    pub scorecard_version: i64,
    /// Customers with a score.
    #[schema(minimum = 0, example = 214)]
    pub scored: i64,
    /// Customers of whom too little is known.
    #[schema(minimum = 0, example = 12)]
    pub unscored: i64,
    /// Customers whose class changed.
    #[schema(minimum = 0, example = 3)]
    pub changed: i64,
    /// Customers by the class that holds.
    pub classes: ByClass,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
impl Resource for CreditScoreRun {
    fn id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

/// How many of each class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ByClass {
    #[schema(minimum = 0, example = 120)]
    pub a: i64,
    #[schema(minimum = 0, example = 50)]
    pub b: i64,
    #[schema(minimum = 0, example = 30)]
    pub c: i64,
    #[schema(minimum = 0, example = 10)]
    pub d: i64,
    #[schema(minimum = 0, example = 4)]
    pub e: i64,
}
impl ByClass {
    pub fn count(&mut self, class: RiskClass) {
        *match class {
            RiskClass::A => &mut self.a,
            RiskClass::B => &mut self.b,
            RiskClass::C => &mut self.c,
            RiskClass::D => &mut self.d,
            RiskClass::E => &mut self.e,
        } += 1;
    }
}

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ScoreFilter {
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The class that holds, comma-separated.
    #[param(max_length = 20, pattern = "^[A-E](,[A-E]){0,4}$", example = "D,E")]
    pub risk_class: Option<String>,
    /// The run that kept it.
    pub run_id: Option<CreditScoreRunId>,
    /// Only the newest of each customer.
    #[param(example = true)]
    pub newest: Option<bool>,
    /// Scored at the end of this day or later.
    #[param(example = "2025-11-01")]
    pub as_of_gte: Option<NaiveDate>,
    /// Scored at the end of this day or before.
    #[param(example = "2025-11-30")]
    pub as_of_lte: Option<NaiveDate>,
}

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ScoreDay {
    /// The day at whose end is scored; today when left out.
    #[param(example = "2025-11-20")]
    pub as_of: Option<NaiveDate>,
}
