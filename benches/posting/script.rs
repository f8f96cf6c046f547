//! From the statement log of real requests to a pgbench script.
//!
//! A kind of request is sent twice for the same customer. Parameters equal in both stay as they are and
//! go to the server as parameters of the same size. What must differ in every transaction is replaced by
//! an expression over pgbench variables:
//! - ids that were new in the request: `stamp` (start of the run, as in a UUID v7, so that indexes grow at
//!   their right edge as they do under the service), `k` (count and client) and a slot;
//! - the customer, and the number series of a client: an element of a literal array;
//! - keys and external ids: text over `stamp` and `k`;
//! - the document number: built from what the `UPDATE` of the series returned;
//! - for receipts, the ids of the invoice and its item: those of an earlier pgbench run, by the same rule.
//!
//! Stored JSON (audit event, reply for replay) is that of the recorded request: real in size, not in ids.

use crate::Failure;
use crate::client::{Client, new_key};
use crate::service::Service;
use diesel::connection::SimpleConnection;
use regex::{Captures, Regex};
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

pub struct Statement {
    pub text: String,
    /// `None` is NULL.
    pub parameters: Vec<Option<String>>,
}

/// The statements of one request, and which of their values were new in it.
pub struct Recorded {
    pub statements: Vec<Statement>,
    key: String,
    number: String,
    new_ids: Vec<String>,
}

/// A pgbench script and the constants it needs.
pub struct Script {
    pub text: String,
    pub constants: Vec<(String, String)>,
}

const ID: &str = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";

pub fn log_statements(service: &mut Service, on: bool) -> Result<(), Failure> {
    let settings: &[&str] =
        if on { &["ALTER SYSTEM SET log_statement = 'all'", "ALTER SYSTEM SET log_line_prefix = '@@%p '"] } else { &["ALTER SYSTEM RESET ALL"] };
    for statement in settings.iter().chain(&["SELECT pg_reload_conf()"]) {
        service.owner.batch_execute(statement)?;
    }
    std::thread::sleep(Duration::from_millis(300));
    Ok(())
}

/// Sends the request `body` makes for a key, twice; gives the first one's statements and id.
pub fn record(client: &mut Client, service: &Service, path: &str, body: impl Fn(&str) -> String) -> Result<(Recorded, String), Failure> {
    let (first, second) = (new_key(), new_key());
    // Fills what the service caches for seconds, so that the request finds it.
    client.get("/v1/customers?limit=1")?;
    let reply = client.answer(path, &first, &body(&first))?;
    client.answer(path, &second, &body(&second))?;
    let text = |name: &str| reply[name].as_str().map(str::to_owned).ok_or_else(|| format!("an answer without {name}"));
    let log = std::fs::read_to_string(service.log())?;
    let statements = transaction_of(&log, &first)?;
    let lasting = ids(&transaction_of(&log, &second)?)?;
    let new_ids = ids(&statements)?.into_iter().filter(|id| !lasting.contains(id)).collect();
    Ok((Recorded { statements, key: first, number: text("number")?, new_ids }, text("id")?))
}

/// The statements from BEGIN to the end of the transaction that used the key.
pub fn transaction_of(log: &str, key: &str) -> Result<Vec<Statement>, Failure> {
    let value = Regex::new(r"\$\d+ = (?:NULL|'((?:[^']|'')*)')")?;
    let entries: Vec<(&str, &str)> = log.split("\n@@").filter_map(|entry| entry.split_once(' ')).collect();
    let (session, _) = entries.iter().find(|(_, text)| text.starts_with("DETAIL:") && text.contains(key)).ok_or("the request is not in the statement log")?;
    let mut statements: Vec<Statement> = Vec::new();
    let mut ours = false;
    for text in entries.iter().filter(|(pid, _)| pid == session).map(|(_, text)| text.replace("\n\t", "\n")) {
        let executed = || text.strip_prefix("LOG:  execute ")?.split_once(": ").map(|(_, text)| text);
        if let (Some(list), Some(statement)) = (text.strip_prefix("DETAIL:  "), statements.last_mut()) {
            ours |= list.contains(key);
            statement.parameters = value.captures_iter(list).map(|found| found.get(1).map(|quoted| quoted.as_str().replace("''", "'"))).collect();
        } else if let Some(text) = text.strip_prefix("LOG:  statement: ").or_else(executed) {
            if text.starts_with("BEGIN") {
                statements.clear();
            }
            statements.push(Statement { text: text.trim_end().to_owned(), parameters: Vec::new() });
            if ours && (text.starts_with("COMMIT") || text.starts_with("ROLLBACK")) {
                return Ok(statements);
            }
        }
    }
    Err("the transaction is not whole in the statement log".into())
}

/// The ids that are parameters or members of array parameters, in the order they come.
fn ids(statements: &[Statement]) -> Result<Vec<String>, Failure> {
    let (id, of_ids) = (Regex::new(ID)?, Regex::new(&format!(r"^\{{?(?:{ID}|NULL|,)+\}}?$"))?);
    let mut found: Vec<String> = Vec::new();
    for value in statements.iter().flat_map(|statement| statement.parameters.iter().flatten()).filter(|value| of_ids.is_match(value)) {
        for id in id.find_iter(value).map(|found| found.as_str()) {
            if !found.iter().any(|known| known == id) {
                found.push(id.to_owned());
            }
        }
    }
    Ok(found)
}

impl Recorded {
    /// The script; with `paying` the ids of that invoice become those of an earlier run's.
    pub fn script(&self, customers: &[String], series: &[String], paying: Option<&Self>) -> Result<Script, Failure> {
        let array = |ids: &[String], at: &str| format!("('{{{}}}'::uuid[])[{at}]", ids.join(","));
        let of_run = |stamp: &str, k: &str, slot: usize| format!("(:{stamp}::text || :{k}::text || '{slot:06}')::uuid");
        let mut expressions: HashMap<&str, String> = HashMap::new();
        for (slot, id) in paying.iter().flat_map(|invoice| invoice.new_ids.iter().enumerate()) {
            expressions.insert(id, of_run("paid_stamp", "paid_k", slot));
        }
        for (slot, id) in self.new_ids.iter().enumerate() {
            expressions.insert(id, of_run("stamp", "k", slot));
        }
        expressions.insert(&customers[0], array(customers, ":c::int"));
        expressions.insert(&series[0], array(series, ":client_id::int + 1"));
        let (invoice, receipt, reference) = (format!("i-{}", self.key), format!("r-{}", self.key), self.key.to_ascii_uppercase());
        for (text, start) in [(&self.key, "0"), (&invoice, "i-0"), (&receipt, "r-0"), (&reference, "U")] {
            expressions.insert(text, format!("'{start}' || :stamp::text || :k::text || '00000'"));
        }
        expressions.insert(&self.number, ":prefix::text || lpad((:next::bigint - 1)::text, :width::int, '0')".into());

        let mut script = Script {
            text: "\\set n :n + 1\n\\set m (:n - 1) % :rounds + 1\n\\set k 10000000000000 + :n * 1000 + :client_id\n\\set paid_k 10000000000000 + :m * 1000 + :client_id\n\
                   \\set c (:m * :clients + :client_id) % :customers + 1\n"
                .into(),
            constants: vec![("n".into(), "0".into()), ("customers".into(), customers.len().to_string())],
        };
        for (at, statement) in self.statements.iter().enumerate() {
            let text = statement.pgbench(at, &expressions, &mut script.constants)?;
            if text.starts_with("BEGIN") {
                // The service sends these in one message, pgbench in one pipeline: one round trip.
                writeln!(script.text, "\\startpipeline\n{};\n\\endpipeline", text.replace("; ", ";\n"))?;
            } else {
                writeln!(script.text, "{text}{}", if text.contains("RETURNING prefix, width") { " \\gset" } else { ";" })?;
            }
        }
        Ok(script)
    }
}

impl Statement {
    /// The text with every `$n` replaced: by an expression, or by a variable whose value is constant.
    fn pgbench(&self, at: usize, expressions: &HashMap<&str, String>, constants: &mut Vec<(String, String)>) -> Result<String, Failure> {
        let (id, of_new) = (Regex::new(&format!("^{ID}$"))?, Regex::new(&format!(r"^\{{(?:{ID}|NULL|,)+\}}$"))?);
        let one = |value: &str| expressions.get(value).cloned();
        let member = |value: &str| one(value).unwrap_or_else(|| if value == "NULL" { value.into() } else { format!("'{value}'") });
        let replace = |found: &Captures<'_>| {
            let number: usize = found[1].parse().unwrap_or_default();
            // pgbench sends NULL for a variable that has no value, and knows no empty values.
            let Some(value) = self.parameters.get(number - 1).and_then(Option::as_deref) else { return ":null".to_owned() };
            if let Some(expression) = one(value) {
                return format!("({expression})");
            }
            let members: Vec<&str> = value.trim_matches(['{', '}']).split(',').collect();
            if of_new.is_match(value) && members.iter().any(|member| one(member).is_some()) {
                return format!("(ARRAY[{}]::uuid[])", members.into_iter().map(member).collect::<Vec<_>>().join(", "));
            }
            // An array of texts; JSON has quotation marks.
            if value.starts_with('{') && !value.contains('"') && members.iter().any(|member| one(member).is_some()) {
                return format!("(ARRAY[{}]::text[])", members.into_iter().map(member).collect::<Vec<_>>().join(", "));
            }
            if value.is_empty() {
                return "''".to_owned();
            }
            let name = format!("s{at}p{number}");
            constants.push((name.clone(), value.to_owned()));
            // Where the server could not tell an id from text, the service's bind says it.
            format!(":{name}{}", if id.is_match(value) { "::uuid" } else { "" })
        };
        Ok(Regex::new(r"\$(\d+)")?.replace_all(&self.text, replace).into_owned())
    }
}
