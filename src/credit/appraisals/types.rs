//! Appraisals as they travel.

use crate::credit::limits::types::Cover;
use crate::credit::risk::types::{DocumentEvidence, Explained, RiskClass};
use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::platform::dates::Instant;
use crate::platform::http::body::present;
use crate::platform::ids::{ApprovalId, CreditAppraisalId, CreditLimitId, CustomerId};
use crate::platform::money::{Amount, Figure, Rate};
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    pub enum AppraisalKind { New = "new", Review = "review" }
}
words! {
    /// What is rejected or withdrawn is a draft again.
    pub enum AppraisalStatus { Draft = "draft", PendingApproval = "pending_approval", Approved = "approved" }
}
words! {
    /// What opened it. `manual`: a person. `calendar`: the review was due. The rest: what was found that day.
    pub enum Trigger { Manual = "manual", Calendar = "calendar", Overdue = "overdue", BrokenPromise = "broken_promise", Bounce = "bounce", LimitUse = "limit_use" }
}
words! {
    pub enum Opinion { Good = "good", Satisfactory = "satisfactory", Poor = "poor" }
}

/// Figures of one year, in base currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"year_end": "2025-03-31", "audited": true, "revenue": "50000000.00", "net_profit": "2500000.00", "current_assets": "18000000.00", "current_liabilities": "9000000.00", "total_debt": "6000000.00", "net_worth": "12000000.00"}))]
pub struct Financials {
    pub year_end: NaiveDate,
    #[serde(default)]
    #[schema(example = true)]
    pub audited: bool,
    pub revenue: Option<Amount>,
    /// A loss is negative.
    pub net_profit: Option<Amount>,
    pub current_assets: Option<Amount>,
    pub current_liabilities: Option<Amount>,
    pub total_debt: Option<Amount>,
    /// May be negative.
    pub net_worth: Option<Amount>,
}

/// What a credit bureau says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"agency": "CRIF High Mark", "score": "720", "lowest": "300", "highest": "900", "reported_on": "2025-11-01"}))]
pub struct BureauFigure {
    #[schema(min_length = 1, max_length = 100, example = "CRIF High Mark")]
    pub agency: String,
    pub score: Figure,
    /// The worst score it gives; 0 when left out.
    pub lowest: Option<Figure>,
    /// The best score it gives; 100 when left out.
    pub highest: Option<Figure>,
    #[schema(max_length = 20, example = "CMR-3")]
    pub grade: Option<String>,
    pub reported_on: Option<NaiveDate>,
}

/// What another supplier or a bank says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Bharat Steel Ltd", "opinion": "good", "years_known": 4, "credit_limit": "800000.00", "days_late": 3}))]
pub struct TradeReference {
    #[schema(min_length = 1, max_length = 200, example = "Bharat Steel Ltd")]
    pub name: String,
    pub opinion: Opinion,
    #[schema(minimum = 0, maximum = 200, example = 4)]
    pub years_known: Option<i32>,
    /// What they lend, in base currency.
    pub credit_limit: Option<Amount>,
    /// How late they are paid.
    #[schema(minimum = 0, maximum = 3650, example = 3)]
    pub days_late: Option<i32>,
    #[schema(max_length = 500, example = "Buys steel since 2021")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "pan", "reference": "AABCA9876F", "received_on": "2025-11-10"}))]
pub struct Paper {
    pub kind: DocumentEvidence,
    /// Its number, or where it is kept.
    #[schema(min_length = 1, max_length = 200, example = "AABCA9876F")]
    pub reference: Option<String>,
    pub received_on: Option<NaiveDate>,
}

/// What an appraisal rests on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Content {
    pub requested_limit: Option<Amount>,
    pub requested_terms_days: Option<i32>,
    pub tolerated_delay_days: Option<i32>,
    pub monthly_sales: Option<Amount>,
    pub business_since: Option<NaiveDate>,
    #[serde(default)]
    pub financials: Vec<Financials>,
    #[serde(default)]
    pub bureau: Vec<BureauFigure>,
    #[serde(default)]
    pub references: Vec<TradeReference>,
    #[serde(default)]
    pub security: Vec<Cover>,
    #[serde(default)]
    pub documents: Vec<Paper>,
    pub note: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditAppraisal {
    pub id: CreditAppraisalId,
    #[schema(example = "credit_appraisal")]
    pub object: &'static str,
    #[schema(max_length = 100, example = "appr-17")]
    pub external_id: Option<String>,
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    pub kind: AppraisalKind,
    pub status: AppraisalStatus,
    pub trigger: Trigger,
    /// What was found.
    #[schema(max_length = 300, example = "An item is overdue for 64 days.")]
    pub trigger_detail: Option<String>,
    /// To be decided by this day.
    pub due_on: Option<NaiveDate>,
    /// Whether that day has passed undecided.
    #[schema(example = false)]
    pub overdue: bool,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// What the customer asks for, in base currency.
    pub requested_limit: Option<Amount>,
    #[schema(minimum = 0, maximum = 365, example = 45)]
    pub requested_terms_days: Option<i32>,
    #[schema(minimum = 0, maximum = 365, example = 10)]
    pub tolerated_delay_days: Option<i32>,
    pub monthly_sales: Option<Amount>,
    pub business_since: Option<NaiveDate>,
    #[schema(max_items = 5)]
    pub financials: Vec<Financials>,
    #[schema(max_items = 10)]
    pub bureau: Vec<BureauFigure>,
    #[schema(max_items = 20)]
    pub references: Vec<TradeReference>,
    #[schema(max_items = 20)]
    pub security: Vec<Cover>,
    #[schema(max_items = 50)]
    pub documents: Vec<Paper>,
    #[schema(max_length = 2000, example = "New distributor in Pune")]
    pub note: Option<String>,
    pub assessment: Assessment,
    /// What was or is to be set; null while it is a draft.
    pub decision: Option<AppraisalDecision>,
    /// The limit that came of it.
    pub credit_limit_id: Option<CreditLimitId>,
    /// The request it waits for or was decided by.
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 5, example = json!(["update", "submit"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub decided_at: Option<Instant>,
}
impl crate::platform::http::reply::Resource for CreditAppraisal {
    fn id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
    fn awaits(&self) -> bool {
        self.status == AppraisalStatus::PendingApproval
    }
}

/// What the model makes of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Assessment {
    /// Version of the scorecard.
    #[schema(minimum = 0, example = 0)]
    pub scorecard_version: i64,
    /// 0 (worst) to 100 (best); null where too little is known.
    pub score: Option<Figure>,
    pub risk_class: Option<RiskClass>,
    /// Part of the model's weight that is known, in per cent.
    pub known_weight: Rate,
    /// Every input, what cost most first.
    #[schema(max_items = 25)]
    pub explanation: Vec<Explained>,
    /// What a limit may be by each rule, with the rule.
    #[schema(max_items = 10)]
    pub caps: Vec<Cap>,
    /// The least of the caps; null where none can be computed.
    pub suggested_limit: Option<Amount>,
    /// The terms a decision sets unless it says otherwise.
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub suggested_terms_days: Option<i32>,
    /// Months to the next review by class.
    #[schema(minimum = 1, maximum = 12, example = 12)]
    pub review_months: i32,
    /// Papers a complete file holds that are not here.
    #[schema(max_items = 20)]
    pub missing_documents: Vec<DocumentEvidence>,
}

crate::words! {
    pub enum CapKind { Terms = "terms", NetWorth = "net_worth", WorkingCapital = "working_capital", References = "references", Requested = "requested" }
}

/// One rule that caps a limit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Cap {
    pub cap: CapKind,
    /// The rule.
    #[schema(max_length = 300, example = "monthly_sales × (terms_days + tolerated_delay_days) / 30")]
    pub formula: String,
    /// The rule with its figures.
    #[schema(max_length = 300, example = "300000.00 × (30 + 10) / 30")]
    pub figures: String,
    /// In base currency; null where a figure is missing.
    pub amount: Option<Amount>,
    /// Whether it is the least.
    #[schema(example = true)]
    pub binding: bool,
}

/// What an approval sets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AppraisalDecision {
    /// In base currency; 0 is cash only.
    pub limit: Amount,
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub terms_days: Option<i32>,
    pub risk_class: Option<RiskClass>,
    pub review_on: NaiveDate,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_id": "appr-17", "customer_id": "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42", "kind": "new", "requested_limit": "500000.00", "requested_terms_days": 30, "tolerated_delay_days": 10, "monthly_sales": "300000.00",
    "financials": [{"year_end": "2025-03-31", "audited": true, "revenue": "50000000.00", "net_profit": "2500000.00", "current_assets": "18000000.00", "current_liabilities": "9000000.00", "total_debt": "6000000.00", "net_worth": "12000000.00"}],
    "bureau": [{"agency": "CRIF High Mark", "score": "720", "lowest": "300", "highest": "900", "reported_on": "2025-11-01"}], "references": [{"name": "Bharat Steel Ltd", "opinion": "good", "credit_limit": "800000.00", "days_late": 3}],
    "documents": [{"kind": "pan", "reference": "AABCA9876F", "received_on": "2025-11-10"}]}))]
pub struct NewAppraisal {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "appr-17")]
    pub external_id: Option<String>,
    pub customer_id: Option<CustomerId>,
    #[schema(max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    pub kind: AppraisalKind,
    /// To be decided by this day.
    pub due_on: Option<NaiveDate>,
    /// In base currency.
    pub requested_limit: Option<Amount>,
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub requested_terms_days: Option<i32>,
    /// Days of delay one is ready to bear.
    #[schema(minimum = 0, maximum = 365, example = 10)]
    pub tolerated_delay_days: Option<i32>,
    /// Sales a month, gross, in base currency; of a customer one sells to already the mean of the last 12 months when left out.
    pub monthly_sales: Option<Amount>,
    #[schema(example = "2012-04-01")]
    pub business_since: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_items = 5)]
    pub financials: Vec<Financials>,
    #[serde(default)]
    #[schema(max_items = 10)]
    pub bureau: Vec<BureauFigure>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub references: Vec<TradeReference>,
    /// Insurance, guarantees, deposits: they raise what is lent on net worth and become the limit's cover.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub security: Vec<Cover>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub documents: Vec<Paper>,
    #[schema(max_length = 2000, example = "New distributor in Pune")]
    pub note: Option<String>,
}
impl NamesCustomer for NewAppraisal {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}

/// Merge patch (RFC 7396): absent stays, null clears; lists are replaced whole.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]
#[schema(example = json!({"requested_limit": "400000.00"}))]
pub struct AppraisalPatch {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<NaiveDate>)]
    pub due_on: Option<Option<NaiveDate>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Amount>)]
    pub requested_limit: Option<Option<Amount>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 365, example = 30)]
    pub requested_terms_days: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 365, example = 10)]
    pub tolerated_delay_days: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Amount>)]
    pub monthly_sales: Option<Option<Amount>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<NaiveDate>)]
    pub business_since: Option<Option<NaiveDate>>,
    #[schema(max_items = 5)]
    pub financials: Option<Vec<Financials>>,
    #[schema(max_items = 10)]
    pub bureau: Option<Vec<BureauFigure>>,
    #[schema(max_items = 20)]
    pub references: Option<Vec<TradeReference>>,
    #[schema(max_items = 20)]
    pub security: Option<Vec<Cover>>,
    #[schema(max_items = 50)]
    pub documents: Option<Vec<Paper>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 2000, example = "New distributor in Pune")]
    pub note: Option<Option<String>>,
}

/// What shall be set; what is left out is as the assessment suggests.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"limit": "400000.00", "terms_days": 30, "reason": "Good figures, references confirm"}))]
pub struct SubmitAppraisal {
    /// In base currency; 0 is cash only.
    pub limit: Option<Amount>,
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub terms_days: Option<i32>,
    pub risk_class: Option<RiskClass>,
    /// At most 12 months from today.
    #[schema(example = "2026-11-20")]
    pub review_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Good figures, references confirm")]
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AppraisalFilter {
    /// The client's own id.
    #[param(max_length = 100, example = "appr-17")]
    pub external_id: Option<String>,
    /// States, comma-separated.
    #[param(max_length = 100, example = "draft,pending_approval")]
    pub status: Option<String>,
    /// New customers or reviews.
    #[param(inline)]
    pub kind: Option<AppraisalKind>,
    /// What opened it, comma-separated.
    #[param(max_length = 100, example = "calendar,bounce")]
    pub trigger: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// Undecided ones to be decided before this day.
    #[param(example = "2025-12-01")]
    pub due_before: Option<NaiveDate>,
    /// What is asked for is at least this, in base currency.
    pub amount_gte: Option<Amount>,
    /// The customer's collector or salesperson.
    pub owner_id: Option<crate::platform::ids::UserId>,
    /// Made at this instant or later.
    pub created_at_gte: Option<Instant>,
    /// Made before this instant.
    pub created_at_lt: Option<Instant>,
}
