//! The verbs of appraisals.

use super::assess::{OfBooks, assess, external_grade, review_on};
use super::problems::{APPRAISAL_OPEN, DUPLICATE_APPRAISAL_EXTERNAL_ID};
use super::store::{self, NewRow};
use super::types::{AppraisalDecision, AppraisalPatch, AppraisalStatus, Assessment, Content, CreditAppraisal, NewAppraisal, SubmitAppraisal, Trigger};
use crate::control::approvals::rules::Band;
use crate::control::approvals::{Action, Gate, NOBODY, Request, gate, of_request};
use crate::credit::limits;
use crate::credit::limits::store::{Proposal, in_force};
use crate::credit::limits::types::Scope;
use crate::credit::profiles;
use crate::credit::risk::scorecard::ours;
use crate::credit::risk::service::{of_customer, scorecard};
use crate::credit::risk::types::{AppraisalModel, Holding};
use crate::ledger::balances::At;
use crate::ledger::open_items::store::lock_customers;
use crate::master_data::customers::reference::NamesCustomer;
use crate::master_data::customers::store as customers;
use crate::platform::dates::plus_months;
use crate::platform::http::faults;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::{CreditAppraisalId, CustomerId};
use crate::platform::money::Amount;
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub static APPROVE: Action = Action {
    name: "credit_appraisal.approve",
    kind: "credit_limits",
    permission: "credit_limits:approve",
    direct: NOBODY,
    bars_cash_handlers: false,
    bars_salesperson: true,
    bands: &[Band::to(10_000_000, 1), Band::above(2)],
    parties: of_request,
    version: |rx, asked| Ok(store::get(rx, CreditAppraisalId::of(asked.subject))?.version),
    execute: |tx, asked| approved(tx, CreditAppraisalId::of(asked.subject), asked.reason.as_deref()),
    reject: |tx, asked| {
        let before = store::get(tx, CreditAppraisalId::of(asked.subject))?;
        store::set_status(tx, before.id, AppraisalStatus::Draft, None, None)?;
        let after = store::get(tx, before.id)?;
        let _ = tx.record(Change::new("credit_appraisal.returned", before.id.uuid()).version(after.version).before(&before).after(&after), ());
        Ok(())
    },
};

/// What is wrong with what an appraisal rests on.
fn wrong(content: &Content, rx: &Rx<'_>) -> Vec<FieldError> {
    let (base, today) = (rx.cx().currency(), rx.cx().today);
    let mut errors = Vec::new();
    let mut money = |pointer: String, amount: Option<Amount>, least: Option<Decimal>| {
        let Some(amount) = amount else { return };
        if least.is_some_and(|least| amount.0 < least) {
            errors.push(FieldError::at(&pointer, "too_small", "An amount is not negative.").received(amount.0));
        }
        if !base.holds(amount.0) {
            errors.push(faults::precision(&pointer, amount.0, base));
        }
    };
    let zero = Some(Decimal::ZERO);
    money("/requested_limit".into(), content.requested_limit, zero);
    money("/monthly_sales".into(), content.monthly_sales, zero);
    for (at, year) in content.financials.iter().enumerate() {
        let figures = [
            ("revenue", year.revenue),
            ("current_assets", year.current_assets),
            ("current_liabilities", year.current_liabilities),
            ("total_debt", year.total_debt),
        ];
        for (name, amount) in figures {
            money(format!("/financials/{at}/{name}"), amount, zero);
        }
        for (name, amount) in [("net_profit", year.net_profit), ("net_worth", year.net_worth)] {
            money(format!("/financials/{at}/{name}"), amount, None);
        }
    }
    content.references.iter().enumerate().for_each(|(at, r)| money(format!("/references/{at}/credit_limit"), r.credit_limit, zero));
    for (at, cover) in content.security.iter().enumerate() {
        errors.extend(faults::amount(&format!("/security/{at}/amount"), cover.amount.0, base));
    }
    for (at, year) in content.financials.iter().enumerate() {
        errors.extend(faults::in_future(&format!("/financials/{at}/year_end"), year.year_end, today));
        if content.financials[..at].iter().any(|other| other.year_end == year.year_end) {
            errors.push(FieldError::at(format!("/financials/{at}/year_end"), "duplicate", "Each year stands here once.").received(year.year_end));
        }
    }
    for (at, figure) in content.bureau.iter().enumerate() {
        let lowest = figure.lowest.map_or(Decimal::ZERO, |f| f.0);
        let highest = figure.highest.map_or(Decimal::ONE_HUNDRED, |f| f.0);
        if lowest >= highest {
            errors.push(
                FieldError::at(format!("/bureau/{at}/highest"), "too_small", "The best score lies above the worst.")
                    .expected(format!("more than {lowest}"))
                    .received(highest),
            );
        } else if figure.score.0 < lowest || figure.score.0 > highest {
            let detail = "The score lies outside what the bureau gives.";
            errors.push(
                FieldError::at(format!("/bureau/{at}/score"), "out_of_range", detail).expected(format!("{lowest} to {highest}")).received(figure.score.0),
            );
        }
        errors.extend(figure.reported_on.and_then(|on| faults::in_future(&format!("/bureau/{at}/reported_on"), on, today)));
    }
    errors.extend(content.business_since.and_then(|since| faults::in_future("/business_since", since, today)));
    errors
}

/// The scorecard that holds, and how it judges appraisals.
pub fn model(rx: &mut Rx<'_>) -> Result<(Holding, AppraisalModel), Problem> {
    let holds = scorecard(rx)?;
    let model = holds.card.appraisal.clone().or_else(|| ours().appraisal.clone()).ok_or_else(|| Problem::internal(&"no model of appraisals"))?;
    Ok((holds, model))
}

/// Judges an appraisal by the model and the books of today.
pub fn judged(rx: &mut Rx<'_>, customer: CustomerId, content: &Content) -> Result<Assessment, Problem> {
    let (today, base) = (rx.cx().today, rx.cx().currency());
    let (holds, model) = model(rx)?;
    let books = OfBooks {
        behaviour: of_customer(rx, customer, None)?.score.map(|score| score.0),
        monthly_sales: store::monthly_sales(rx, customer, today)?,
        terms_days: store::terms_days(rx, customer)?,
    };
    Ok(assess(&holds.card, holds.version, &model, content, &books, today, base))
}

fn content_of(new: &NewAppraisal) -> Content {
    let new = new.clone();
    Content {
        requested_limit: new.requested_limit,
        requested_terms_days: new.requested_terms_days,
        tolerated_delay_days: new.tolerated_delay_days,
        monthly_sales: new.monthly_sales,
        business_since: new.business_since,
        financials: new.financials,
        bureau: new.bureau,
        references: new.references,
        security: new.security,
        documents: new.documents,
        note: new.note,
    }
}

pub fn create(tx: &mut Tx<'_>, new: &NewAppraisal) -> Result<Audited<CreditAppraisal>, Problem> {
    let customer = customers::find(tx, &new.customer())?;
    lock_customers(tx, vec![customer])?;
    if let Some(id) = store::known(tx, new.external_id.as_deref())? {
        return Err(Problem::new(DUPLICATE_APPRAISAL_EXTERNAL_ID, DUPLICATE_APPRAISAL_EXTERNAL_ID.title).member("current", json!({"id": id})));
    }
    let content = content_of(new);
    let errors = wrong(&content, tx);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    if let Some(id) = store::open_of(tx, customer)? {
        return Err(Problem::new(APPRAISAL_OPEN, "The customer is being appraised already; change that one.").member("current", json!({"id": id})));
    }
    let opened = Opened { kind: new.kind, trigger: Trigger::Manual, detail: None, due_on: new.due_on };
    open(tx, customer, new.external_id.as_deref(), &opened, &content)
}

/// Why and until when an appraisal is opened.
pub struct Opened {
    pub kind: super::types::AppraisalKind,
    pub trigger: Trigger,
    pub detail: Option<String>,
    pub due_on: Option<chrono::NaiveDate>,
}

/// Keeps a draft, judged as far as it goes.
pub fn open(tx: &mut Tx<'_>, customer: CustomerId, external_id: Option<&str>, opened: &Opened, content: &Content) -> Result<Audited<CreditAppraisal>, Problem> {
    let assessment = judged(tx, customer, content)?;
    let id = CreditAppraisalId::new();
    let (trigger_detail, grade) = (opened.detail.as_deref(), external_grade(content));
    let row = NewRow {
        id,
        external_id,
        customer,
        kind: opened.kind,
        trigger: opened.trigger,
        trigger_detail,
        due_on: opened.due_on,
        content,
        assessment: &assessment,
        grade,
    };
    store::insert(tx, &row)?;
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("credit_appraisal.created", id.uuid()).version(answer.version).after(&answer), answer))
}

/// A draft to change, in the version expected, with its customer locked.
fn lock(tx: &mut Tx<'_>, id: CreditAppraisalId, version: Option<i64>) -> Result<CreditAppraisal, Problem> {
    let customer = store::get(tx, id)?.customer_id;
    lock_customers(tx, vec![customer])?;
    let found = store::get(tx, id)?;
    require_version(version, found.version)?;
    if found.status == AppraisalStatus::Draft {
        return Ok(found);
    }
    Err(Problem::new(problem::INVALID_STATE, format!("The appraisal is {}.", found.status.as_str().replace('_', " ")))
        .member("current", json!({"status": found.status}))
        .member("allowed_actions", json!(found.allowed_actions)))
}

fn resting_on(found: &CreditAppraisal) -> Content {
    let found = found.clone();
    Content {
        requested_limit: found.requested_limit,
        requested_terms_days: found.requested_terms_days,
        tolerated_delay_days: found.tolerated_delay_days,
        monthly_sales: found.monthly_sales,
        business_since: found.business_since,
        financials: found.financials,
        bureau: found.bureau,
        references: found.references,
        security: found.security,
        documents: found.documents,
        note: found.note,
    }
}

pub fn update(tx: &mut Tx<'_>, id: CreditAppraisalId, version: Option<i64>, patch: &AppraisalPatch) -> Result<Audited<CreditAppraisal>, Problem> {
    let before = lock(tx, id, version)?;
    let patch = patch.clone();
    let kept = resting_on(&before);
    let content = Content {
        requested_limit: patch.requested_limit.unwrap_or(kept.requested_limit),
        requested_terms_days: patch.requested_terms_days.unwrap_or(kept.requested_terms_days),
        tolerated_delay_days: patch.tolerated_delay_days.unwrap_or(kept.tolerated_delay_days),
        monthly_sales: patch.monthly_sales.unwrap_or(kept.monthly_sales),
        business_since: patch.business_since.unwrap_or(kept.business_since),
        financials: patch.financials.unwrap_or(kept.financials),
        bureau: patch.bureau.unwrap_or(kept.bureau),
        references: patch.references.unwrap_or(kept.references),
        security: patch.security.unwrap_or(kept.security),
        documents: patch.documents.unwrap_or(kept.documents),
        note: patch.note.unwrap_or(kept.note),
    };
    let errors = wrong(&content, tx);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let assessment = judged(tx, before.customer_id, &content)?;
    store::update(tx, id, patch.due_on.unwrap_or(before.due_on), &content, &assessment, external_grade(&content))?;
    let after = store::get(tx, id)?;
    Ok(tx.record(Change::new("credit_appraisal.updated", id.uuid()).version(after.version).before(&before).after(&after), after))
}

/// What shall be set, by the assessment where nothing is said.
fn decision(found: &CreditAppraisal, model: &AppraisalModel, wanted: &SubmitAppraisal, tx: &Tx<'_>) -> Result<AppraisalDecision, Problem> {
    let (today, base) = (tx.cx().today, tx.cx().currency());
    let mut errors = Vec::new();
    let limit = wanted.limit.or(found.assessment.suggested_limit);
    match limit {
        None => errors.push(FieldError::at("/limit", "required", "Nothing is known that suggests a limit; name one.")),
        Some(limit) if !limit.0.is_zero() => errors.extend(faults::amount("/limit", limit.0, base)),
        Some(_) => {}
    }
    let latest = plus_months(today, 12);
    let risk_class = wanted.risk_class.or(found.assessment.risk_class);
    let on = wanted.review_on.unwrap_or_else(|| review_on(model, risk_class, today));
    if on <= today || on > latest {
        errors.push(
            FieldError::at("/review_on", "review_within_a_year", "Credit is looked at again within 12 months.")
                .expected(format!("after {today}, at most {latest}"))
                .received(on),
        );
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let terms_days = wanted.terms_days.or(found.assessment.suggested_terms_days);
    Ok(AppraisalDecision { limit: base.amount(limit.unwrap_or_default().0), terms_days, risk_class, review_on: on })
}

/// Sends a draft for approval, judged anew. What it adds to the limit in force chooses how many persons decide.
pub fn submit(tx: &mut Tx<'_>, id: CreditAppraisalId, version: Option<i64>, wanted: &SubmitAppraisal) -> Result<Audited<CreditAppraisal>, Problem> {
    let before = lock(tx, id, version)?;
    let content = resting_on(&before);
    let makers = store::makers(tx, id)?;
    let assessment = judged(tx, before.customer_id, &content)?;
    let found = CreditAppraisal { assessment: assessment.clone(), ..before.clone() };
    let decision = decision(&found, &model(tx)?.1, wanted, tx)?;
    store::update(tx, id, before.due_on, &content, &assessment, external_grade(&content))?;
    store::set_status(tx, id, AppraisalStatus::PendingApproval, Some(&decision), None)?;
    let asked = store::get(tx, id)?;
    let request = Request {
        action: &APPROVE,
        subject: id.uuid(),
        version: asked.version,
        customer: Some(before.customer_id),
        amount: added(tx, before.customer_id, decision.limit.0)?,
        makers,
        reason: wanted.reason.as_deref(),
        before: serde_json::to_value(&before).map_err(|e| Problem::internal(&e))?,
        after: serde_json::to_value(&asked).map_err(|e| Problem::internal(&e))?,
        payload: Value::Null,
    };
    let Gate::Pending(_) = gate(tx, &request)? else { return Err(Problem::internal(&"credit was given by one person")) };
    let answer = store::get(tx, id)?;
    let mut change = Change::new("credit_appraisal.submitted", id.uuid()).version(answer.version).before(&before).after(&answer);
    if let Some(reason) = &wanted.reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, answer))
}

/// What a limit adds to the one in force, in base currency.
fn added(tx: &mut Tx<'_>, customer: CustomerId, limit: Decimal) -> Result<Decimal, Problem> {
    let at = At::recorded(tx.cx().today);
    let holds = in_force(tx, &[customer], at)?.into_iter().find(|limit| limit.scope == Scope::Own);
    let Some(holds) = holds else { return Ok(limit) };
    // To bring in a check where there was none takes credit away.
    let Some(held) = limits::service::worth(tx, &holds, at)? else { return Ok(Decimal::ZERO) };
    Ok((limit - held).max(Decimal::ZERO))
}

/// Sets what was approved: limit with cover, class, day of the next review, terms.
fn approved(tx: &mut Tx<'_>, id: CreditAppraisalId, reason: Option<&str>) -> Result<(), Problem> {
    let before = store::get(tx, id)?;
    let decision = before.decision.clone().ok_or_else(|| Problem::internal(&"an appraisal without a decision"))?;
    let (today, currency, customer) = (tx.cx().today, tx.cx().currency(), before.customer_id);
    let reason = reason.unwrap_or("Credit appraisal");
    let amount = Some(decision.limit);
    let proposal =
        Proposal { customer, scope: Scope::Own, currency, amount, temporary: false, valid_from: today, valid_to: None, cover: &before.security, reason };
    let limit = limits::store::insert(tx, &proposal)?;
    limits::service::approved(tx, limit)?;
    profiles::service::appraised(tx, customer, decision.risk_class, decision.review_on)?;
    let holder = customers::get(tx, customer, true)?;
    if decision.terms_days.is_some() && (holder.payment_terms_id.is_some() || holder.payment_terms_days != decision.terms_days) {
        let mut wanted = holder.clone();
        wanted.payment_terms_id = None;
        wanted.payment_terms_days = decision.terms_days;
        customers::update(tx, &wanted)?;
        let after = customers::get(tx, customer, false)?;
        let _ = tx.record(Change::new("customer.updated", customer.uuid()).version(after.version).before(&holder).after(&after), ());
    }
    store::set_status(tx, id, AppraisalStatus::Approved, Some(&decision), Some(limit))?;
    let after = store::get(tx, id)?;
    let _ = tx.record(Change::new("credit_appraisal.approved", id.uuid()).version(after.version).before(&before).after(&after), ());
    Ok(())
}
