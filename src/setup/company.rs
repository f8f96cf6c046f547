//! A company from nothing, ready to post.

use crate::access::users::{service as users, store as people, types::Role};
use crate::ledger::AccountRole;
use crate::ledger::accounts::store::{by_role, open_chart};
use crate::ledger::numbering::open_series;
use crate::ledger::periods::store::open_months;
use crate::master_data::companies::{self, types::Company};
use crate::master_data::gst_registrations::service::read_gstin;
use crate::master_data::gst_registrations::types::RegistrationType;
use crate::master_data::payment_terms::types::TermsInstalment;
use crate::master_data::{bank_accounts, gst_registrations, payment_terms};
use crate::platform::dates::{FiscalYear, plus_months};
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::{BankAccountId, CompanyId, UserId};
use crate::platform::money::Share;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use chrono::NaiveDate;
use rust_decimal::dec;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCompany {
    #[schema(min_length = 1, max_length = 200, example = "Second Traders Pvt Ltd")]
    pub legal_name: String,
    /// PAN and State come from it.
    #[schema(max_length = 20, example = "29AABCA9876F1Z9")]
    pub gstin: String,
    /// People who already have an account, with their roles here.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub users: Vec<NewCompanyUser>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCompanyUser {
    #[schema(format = "email", max_length = 254, example = "controller@demo.test")]
    pub email: String,
    #[schema(min_items = 1, max_items = 7, example = json!(["controller"]))]
    pub roles: Vec<Role>,
}

/// What a caller of the set-up needs to go on.
pub struct Founded {
    pub company: Company,
    pub bank_account: BankAccountId,
}

/// The first month of the books of a new company.
const FIRST_MONTH: Option<NaiveDate> = NaiveDate::from_ymd_opt(2010, 1, 1);

pub fn create(tx: &mut Tx<'_>, new: &NewCompany) -> Result<Audited<Company>, Problem> {
    let mut errors = Vec::new();
    let mut members: Vec<(UserId, Vec<Role>)> = Vec::new();
    for (at, user) in new.users.iter().enumerate() {
        match tx.as_identity(|tx| people::id_by_email(tx, &user.email.trim().to_lowercase()))? {
            Some(id) if members.iter().any(|(known, _)| *known == id) => {
                errors.push(FieldError::at(format!("/users/{at}/email"), "repeated", "This person is named twice.").received(&user.email));
            }
            Some(id) => members.push((id, user.roles.clone())),
            None => errors.push(
                FieldError::at(format!("/users/{at}/email"), "user_unknown", "Nobody with this address has an account; invite them first.")
                    .received(&user.email),
            ),
        }
    }
    if let Err(error) = read_gstin("/gstin", &new.gstin) {
        errors.push(error);
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let id = CompanyId::new();
    let company = tx.within(id, |tx| {
        let founded = found(tx, &new.legal_name, &new.gstin)?;
        for (user, roles) in &members {
            users::join(tx, *user, roles)?;
        }
        Ok(founded.company)
    })?;
    Ok(tx.record(Change::new("company.created", id.uuid()).after(&company), company))
}

/// Founds the company of the transaction: everything a posting needs exists afterwards.
pub fn found(tx: &mut Tx<'_>, legal_name: &str, gstin: &str) -> Result<Founded, Problem> {
    let gstin = read_gstin("/gstin", gstin).map_err(|error| Problem::invalid(vec![error]))?;
    let id = tx.company();
    let today = tx.cx().today;
    companies::store::insert(tx, id, legal_name, gstin.pan())?;
    let registration = gst_registrations::store::insert(tx, gstin.as_str(), gstin.state_code(), RegistrationType::Regular, legal_name, None)?;
    open_chart(tx)?;
    let first = FIRST_MONTH.unwrap_or(today);
    let last = plus_months(today, 24);
    open_months(tx, first, last)?;
    let year = |date| FiscalYear::of(date, 4).0;
    open_series(tx, registration, (year(first)..=year(last)).map(FiscalYear))?;
    let whole = |days| [TermsInstalment { share: Share(dec!(100)), days, months: 0, end_of_month: false }];
    payment_terms::store::insert(tx, "NET0", "Due at once", &whole(0), None)?;
    payment_terms::store::insert(tx, "NET30", "30 days net", &whole(30), None)?;
    payment_terms::store::insert(tx, "NET60", "60 days net", &whole(60), None)?;
    let bank = by_role(tx, AccountRole::Bank)?;
    let bank_account = bank_accounts::store::insert(tx, "Current account", "Bank", &format!("{:012}", 1), None, bank)?;
    let company = companies::store::get(tx, false)?;
    let _ = tx.record(Change::new("company.created", id.uuid()).after(&company), ());
    Ok(Founded { company, bank_account })
}
