use super::{AccountRole, CHART};
use crate::platform::http::Problem;
use crate::platform::ids::AccountId;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};

/// Opens the chart of a new company.
pub fn open_chart(tx: &mut Tx<'_>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO gl_account (company_id, id, code, name, class, role, is_control)
             SELECT $1, id, code, name, class, role, role = 'receivable'
             FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) AS t(id, code, name, class, role)",
        )
        .bind(company)
        .bind(CHART.iter().map(|_| AccountId::new()).collect::<Many<_>>())
        .bind(CHART.iter().map(|t| t.code).collect::<Many<_>>())
        .bind(CHART.iter().map(|t| t.name).collect::<Many<_>>())
        .bind(CHART.iter().map(|t| t.class).collect::<Many<_>>())
        .bind(CHART.iter().map(|t| t.role).collect::<Many<_>>()),
    )?;
    Ok(())
}

pub fn by_role(rx: &mut Rx<'_>, role: AccountRole) -> Result<AccountId, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT id FROM gl_account WHERE company_id = $1 AND role = $2").bind(company).bind(role))
}
