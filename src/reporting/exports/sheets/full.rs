//! `full`: every table of the company as JSON lines, without passwords and secrets: nobody is locked in.

use crate::platform::http::Problem;
use crate::platform::postgres::copy::Literal;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::reporting::exports::writer::Files;
use crate::row;

/// Tables that are no records of the company: sessions and the service's own work.
const ASIDE: [&str; 4] = ["refresh_token", "revocation", "idempotency_key", "job"];

row! { struct Table { name: String, keys: String, secret: Many<String> } }

/// Writes every table.
pub fn write(rx: &mut Rx<'_>, files: &mut Files<'_>) -> Result<(), Problem> {
    let aside: Vec<String> = ASIDE.iter().map(|name| (*name).to_owned()).collect();
    let tables: Vec<Table> = rx.load(
        Sql::new(
            "SELECT c.relname::text AS name,
                    (SELECT string_agg(format('t.%I', k.attname), ', ' ORDER BY array_position(i.indkey::int2[], k.attnum)) FROM pg_index i JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY(i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary) AS keys,
                    ARRAY(SELECT s.attname::text FROM pg_attribute s WHERE s.attrelid = c.oid AND s.attnum > 0 AND NOT s.attisdropped AND s.attname ~ '(secret|password|token)') AS secret
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace AND c.relname <> ALL($1) AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) ORDER BY 1",
        )
        .bind(Many(aside)),
    )?;
    let company = Literal::Uuid(rx.company().uuid());
    for table in tables {
        let text = format!("SELECT to_jsonb(t) - $2 FROM {} AS t WHERE t.company_id = $1 ORDER BY {}", table.name, table.keys);
        let secret = if table.secret.0.is_empty() { vec![String::new()] } else { table.secret.0 };
        files.lines(rx, &table.name, &text, &[company.clone(), Literal::Words(secret)])?;
    }
    let people = "SELECT to_jsonb(p) - 'password_hash' FROM app_user AS p JOIN membership m ON m.user_id = p.id WHERE m.company_id = $1 ORDER BY p.id";
    files.lines(rx, "app_user", people, &[company])
}
