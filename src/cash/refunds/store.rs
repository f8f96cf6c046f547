use super::types::{Beneficiary, NewRefund, Refund, RefundFilter, RefundSource, RefundStatus, RefundVoucher};
use crate::ledger::advances::types::AdvanceAmounts;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, BankAccountId, CustomerId, RefundId, RegistrationId};
use crate::platform::money::{Currency, Rate, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use crate::tax::gst::advances::Inclusive;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

row! {
    struct RefundRow {
        id: RefundId, number: Option<String>, external_id: Option<String>, status: RefundStatus, customer_id: CustomerId, source_kind: RefundSource, source_id: Uuid, source_number: String, currency: String, amount: Decimal,
        reason: String, beneficiary_name: String, account_number: String, ifsc: Option<String>, utr: Option<String>, paid_on: Option<NaiveDate>, paid_by: Option<String>,
        bank_account_id: Option<BankAccountId>, ended_on: Option<NaiveDate>, end_reason: Option<String>, approval_id: Option<ApprovalId>, version: i64, created_by: String, created_at: DateTime<Utc>,
        voucher_number: Option<String>, voucher_date: Option<NaiveDate>, receipt_voucher_number: Option<String>, receipt_voucher_date: Option<NaiveDate>, place_of_supply: Option<String>, rate: Option<Decimal>,
        gross: Option<Decimal>, taxable: Option<Decimal>, cgst: Option<Decimal>, sgst: Option<Decimal>, igst: Option<Decimal>, cess: Option<Decimal>,
    }
}
impl RefundRow {
    fn voucher(&self, base: Currency) -> Option<RefundVoucher> {
        let sums = Inclusive { gross: self.gross?, taxable: self.taxable?, cgst: self.cgst?, sgst: self.sgst?, igst: self.igst?, cess: self.cess? };
        Some(RefundVoucher {
            number: self.voucher_number.clone()?,
            date: self.voucher_date?,
            receipt_voucher_number: self.receipt_voucher_number.clone(),
            receipt_voucher_date: self.receipt_voucher_date?,
            place_of_supply: self.place_of_supply.clone()?,
            tax_rate: Rate(pad(self.rate?, 2)),
            amounts: AdvanceAmounts::of(&sums, base),
        })
    }
    fn answer(self, cx: &Context) -> Refund {
        let currency = Currency::parse(&self.currency).unwrap_or(cx.currency());
        let waiting = matches!(self.status, RefundStatus::PendingApproval | RefundStatus::Approved);
        let refund_voucher = self.voucher(cx.currency());
        let mut allowed = Vec::new();
        if self.status == RefundStatus::Approved && cx.may("refunds:pay") {
            allowed.push("mark-paid");
        }
        if self.status == RefundStatus::Paid && cx.may("refunds:pay") {
            allowed.push("fail");
        }
        if waiting && cx.may("refunds:request") {
            allowed.push("cancel");
        }
        Refund {
            id: self.id,
            object: "refund",
            number: self.number,
            external_id: self.external_id,
            status: self.status,
            customer_id: self.customer_id,
            source_type: self.source_kind,
            source_id: self.source_id,
            source_number: self.source_number,
            currency: self.currency,
            amount: currency.amount(self.amount),
            reason: self.reason,
            beneficiary: Beneficiary { name: self.beneficiary_name, account_number: self.account_number, ifsc: self.ifsc },
            utr: self.utr,
            paid_on: self.paid_on,
            bank_account_id: self.bank_account_id,
            paid_by: self.paid_by,
            refund_voucher,
            ended_on: self.ended_on,
            end_reason: self.end_reason,
            approval_id: self.approval_id,
            days_waiting: waiting.then(|| (cx.now - self.created_at).num_days().max(0)),
            allowed_actions: allowed,
            version: self.version,
            created_by: self.created_by,
            created_at: Instant(self.created_at),
        }
    }
}
const SELECT: &str = "SELECT r.id, r.number, r.external_id, r.status, r.customer_id, r.source_kind, r.source_id, r.source_number, r.currency, r.amount::numeric AS amount, r.reason, r.beneficiary_name, r.account_number, r.ifsc,
        r.utr, r.paid_on, r.paid_by, r.bank_account_id, r.ended_on, r.end_reason, r.version, r.created_by, r.created_at,
        (SELECT p.id FROM approval p WHERE p.company_id = r.company_id AND p.subject_id = r.id ORDER BY p.id DESC LIMIT 1) AS approval_id,
        v.number AS voucher_number, v.moved_on AS voucher_date, f.number AS receipt_voucher_number, f.moved_on AS receipt_voucher_date, v.place_of_supply, v.rate, v.gross::numeric AS gross,
        v.taxable::numeric AS taxable, v.cgst::numeric AS cgst, v.sgst::numeric AS sgst, v.igst::numeric AS igst, v.cess::numeric AS cess
    FROM refund r
    LEFT JOIN open_item o ON o.company_id = r.company_id AND o.document_id = r.id AND o.document_kind = 'refund'
    LEFT JOIN allocation a ON a.company_id = r.company_id AND a.debit_item_id = o.id AND a.kind = 'refund' AND a.amount > 0
    LEFT JOIN gst_advance v ON v.company_id = r.company_id AND v.because = a.id
    LEFT JOIN gst_advance f ON f.company_id = r.company_id AND f.item_id = v.item_id AND f.because IS NULL
    WHERE r.company_id = $1";
static REFUNDS: List = List {
    select: SELECT,
    id: "r.id",
    sorts: &[
        SortKey { name: "created_at", expression: "r.created_at", kind: "timestamptz" },
        SortKey { name: "amount", expression: "r.amount::numeric", kind: "numeric" },
    ],
    default_sort: "-created_at",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &RefundFilter) -> Result<Page<Refund>, Problem> {
    let before = filter.age_days_gte.map(|days| rx.cx().now - Duration::days(days));
    let page = REFUNDS
        .of(rx)
        .created("r.created_at", paging)
        .any_of("r.status", filter.status.as_deref())
        .when("r.customer_id = {}", filter.customer_id)
        .when("r.external_id = {}", filter.external_id.clone())
        .when("r.source_id = {}", filter.source_id)
        .when("r.customer_id IN (SELECT c.id FROM customer c WHERE c.company_id = $1 AND c.salesperson_id = {})", filter.salesperson_id)
        .when("r.created_at <= {}", before)
        .page::<RefundRow>(rx, paging)?;
    let cx = rx.cx();
    Ok(page.map(|row| {
        let mut refund = row.answer(cx);
        let number = &refund.beneficiary.account_number;
        refund.beneficiary.account_number = format!("XXXX{}", number.chars().skip(number.chars().count().saturating_sub(4)).collect::<String>());
        refund
    }))
}

/// What has the client's own id already.
pub fn known(rx: &mut Rx<'_>, external_id: Option<&str>) -> Result<Option<RefundId>, Problem> {
    let Some(external_id) = external_id else { return Ok(None) };
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT id FROM refund WHERE company_id = $1 AND external_id = $2").bind(company).bind(external_id))?.pop())
}

pub fn get(rx: &mut Rx<'_>, id: RefundId) -> Result<Refund, Problem> {
    let company = rx.company();
    let row: Option<RefundRow> = rx.optional(Sql::new(format!("{SELECT} AND r.id = $2")).bind(company).bind(id))?;
    row.map(|row| row.answer(rx.cx())).ok_or_else(|| Problem::not_found("refund"))
}

/// Whose credit a document is.
pub fn owner(rx: &mut Rx<'_>, source: RefundSource, document: Uuid) -> Result<Option<CustomerId>, Problem> {
    let company = rx.company();
    let sql = "SELECT customer_id FROM open_item WHERE company_id = $1 AND document_id = $2 AND document_kind = $3 AND side = 'credit' LIMIT 1";
    Ok(rx.scalars(Sql::new(sql).bind(company).bind(document).bind(source))?.into_iter().next())
}

/// What other refunds of a document wait for.
pub fn promised(rx: &mut Rx<'_>, document: Uuid) -> Result<Decimal, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT coalesce(sum(amount), 0)::numeric FROM refund WHERE company_id = $1 AND source_id = $2 AND status IN ('pending_approval', 'approved')",
        )
        .bind(company)
        .bind(document),
    )
}

/// Who had a hand in a refund: who approved it.
pub fn approvers(rx: &mut Rx<'_>, id: RefundId) -> Result<Vec<String>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(
            "SELECT d.actor FROM approval p JOIN approval_decision d ON d.company_id = p.company_id AND d.approval_id = p.id AND d.decision = 'approve'
             WHERE p.company_id = $1 AND p.subject_id = $2",
        )
        .bind(company)
        .bind(id),
    )
}

pub fn insert(tx: &mut Tx<'_>, id: RefundId, new: &NewRefund, customer: CustomerId, number: &str, currency: Currency) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    tx.execute(
        Sql::new(
            "INSERT INTO refund (company_id, id, customer_id, source_kind, source_id, source_number, currency, amount, reason, beneficiary_name, account_number, ifsc, status, created_by, created_at, external_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending_approval', $13, $14, $15)",
        )
        .bind(company).bind(id).bind(customer).bind(new.source_type).bind(new.source_id).bind(number).bind(currency.code()).bind(new.amount.0).bind(new.reason.as_str())
        .bind(new.beneficiary.name.as_str()).bind(new.beneficiary.account_number.as_str()).bind(new.beneficiary.ifsc.as_deref()).bind(actor).bind(now)
        .bind(new.external_id.as_deref()),
    )?;
    Ok(())
}

pub fn set_status(tx: &mut Tx<'_>, id: RefundId, status: RefundStatus, ended_on: Option<NaiveDate>, reason: Option<&str>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE refund SET status = $3, ended_on = $4, end_reason = $5, version = version + 1 WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(status)
            .bind(ended_on)
            .bind(reason),
    )?;
    Ok(())
}

/// How a refund was paid.
pub struct Payment<'a> {
    pub registration: RegistrationId,
    pub year: i32,
    pub number: &'a str,
    pub utr: &'a str,
    pub on: NaiveDate,
    pub bank: Option<BankAccountId>,
}

pub fn paid(tx: &mut Tx<'_>, id: RefundId, payment: &Payment<'_>) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "UPDATE refund SET status = 'paid', registration_id = $3, fiscal_year = $4, number = $5, utr = $6, paid_on = $7, bank_account_id = $8, paid_by = $9, version = version + 1
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(id)
        .bind(payment.registration)
        .bind(payment.year)
        .bind(payment.number)
        .bind(payment.utr)
        .bind(payment.on)
        .bind(payment.bank)
        .bind(actor),
    )?;
    Ok(())
}
