use super::types::BankAccount;
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, BankAccountId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;

row! {
    struct AccountRow { id: BankAccountId, name: String, bank_name: String, account_number: String, ifsc: Option<String>, currency: String, active: bool, version: i64 }
}
static ACCOUNTS: List = List {
    select: "SELECT b.id, b.name, b.bank_name, 'XXXXXX' || right(b.account_number, 4) AS account_number, b.ifsc, b.currency, b.active, b.version FROM bank_account b WHERE b.company_id = $1",
    id: "b.id",
    sorts: &[SortKey { name: "name", expression: "b.name", kind: "text" }],
    default_sort: "name",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging) -> Result<Page<BankAccount>, Problem> {
    Ok(ACCOUNTS.of(rx).page::<AccountRow>(rx, paging)?.map(|row| BankAccount {
        id: row.id,
        object: "bank_account",
        name: row.name,
        bank_name: row.bank_name,
        account_number: row.account_number,
        ifsc: row.ifsc,
        currency: row.currency,
        active: row.active,
        version: row.version,
    }))
}

pub fn insert(tx: &mut Tx<'_>, name: &str, bank_name: &str, number: &str, ifsc: Option<&str>, account: AccountId) -> Result<BankAccountId, Problem> {
    let id = BankAccountId::new();
    let (company, currency) = (tx.company(), tx.cx().currency().code());
    tx.execute(
        Sql::new(
            "INSERT INTO bank_account (company_id, id, name, bank_name, account_number, ifsc, currency, account_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(company)
        .bind(id)
        .bind(name)
        .bind(bank_name)
        .bind(number)
        .bind(ifsc)
        .bind(currency)
        .bind(account),
    )?;
    Ok(id)
}

/// The ledger account behind a bank account; none when there is no such bank account.
pub fn ledger_account(rx: &mut Rx<'_>, id: BankAccountId) -> Result<Option<AccountId>, Problem> {
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT account_id FROM bank_account WHERE company_id = $1 AND id = $2 AND active").bind(company).bind(id))?.into_iter().next())
}
