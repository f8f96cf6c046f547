use super::types::{AllPaymentTerms, PaymentTerms, TermsInstalment};
use crate::platform::http::Problem;
use crate::platform::ids::TermsId;
use crate::platform::money::{Rate, pad};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use rust_decimal::Decimal;

row! { struct TermsRow { id: TermsId, code: String, name: String, instalments: serde_json::Value, discount_percent: Decimal, discount_days: i32, active: bool, version: i64 } }
impl TermsRow {
    fn answer(self) -> Result<PaymentTerms, Problem> {
        let instalments: Vec<TermsInstalment> = serde_json::from_value(self.instalments).map_err(|e| Problem::internal(&e))?;
        Ok(PaymentTerms {
            id: self.id,
            object: "payment_terms",
            code: self.code,
            name: self.name,
            instalments,
            discount_percent: Rate(pad(self.discount_percent, 2)),
            discount_days: self.discount_days,
            active: self.active,
            version: self.version,
        })
    }
}
const SELECT: &str = "SELECT id, code, name, instalments, discount_percent, discount_days, active, version FROM payment_terms WHERE company_id = $1";

pub fn all(rx: &mut Rx<'_>) -> Result<AllPaymentTerms, Problem> {
    let company = rx.company();
    let rows: Vec<TermsRow> = rx.load(Sql::new(format!("{SELECT} ORDER BY code")).bind(company))?;
    Ok(AllPaymentTerms { data: rows.into_iter().map(TermsRow::answer).collect::<Result<_, _>>()? })
}

pub fn find(rx: &mut Rx<'_>, id: TermsId) -> Result<Option<PaymentTerms>, Problem> {
    let company = rx.company();
    rx.optional::<TermsRow>(Sql::new(format!("{SELECT} AND id = $2")).bind(company).bind(id))?.map(TermsRow::answer).transpose()
}

/// A discount is per cent and days.
pub fn insert(tx: &mut Tx<'_>, code: &str, name: &str, instalments: &[TermsInstalment], discount: Option<(Rate, i32)>) -> Result<TermsId, Problem> {
    let id = TermsId::new();
    let company = tx.company();
    let instalments = serde_json::to_value(instalments).map_err(|e| Problem::internal(&e))?;
    let (percent, days) = discount.unwrap_or_default();
    tx.execute(
        Sql::new("INSERT INTO payment_terms (company_id, id, code, name, instalments, discount_percent, discount_days) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(company)
            .bind(id)
            .bind(code)
            .bind(name)
            .bind(instalments)
            .bind(percent.0)
            .bind(days),
    )?;
    Ok(id)
}
