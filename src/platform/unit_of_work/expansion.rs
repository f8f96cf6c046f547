//! `expand`: what an answer names by an id is told with it, where the caller asks for it.

use super::{Principal, Rx};
use crate::platform::http::problem::{self, Problem};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;
use uuid::Uuid;

/// Reads things by their ids; what the caller may not see is left out.
pub type Load = fn(&mut Rx<'_>, &[Uuid]) -> Result<Vec<(Uuid, Value)>, Problem>;

/// Something an answer may hold besides.
pub struct Expansion {
    /// What it is asked for by, and the member it stands in.
    pub word: &'static str,
    /// The member of the answer, or of each row of a list, that holds the id.
    pub by: &'static str,
    /// What it is told as.
    pub schema: &'static str,
    /// Whether it is a list of those.
    pub many: bool,
    /// Whoever may not read it is not told it here either.
    pub permission: &'static str,
    /// The paths that tell it; none: all that have the member, of one thing and of lists.
    pub of: &'static [&'static str],
    pub load: Load,
}

static EXPANSIONS: OnceLock<&'static [Expansion]> = OnceLock::new();

/// Registers them; called once by the composition.
pub fn install(expansions: &'static [Expansion]) {
    let _ = EXPANSIONS.set(expansions);
}

/// Those a request asks for. The contract held its words against what the operation has; others are its own business.
pub fn asked(query: &str, principal: Option<&Principal>) -> Result<Vec<&'static Expansion>, Problem> {
    let Some(words) = query.split('&').find_map(|pair| pair.strip_prefix("expand=")) else { return Ok(Vec::new()) };
    let words = words.replace("%2C", ",").replace("%2c", ",");
    let known = EXPANSIONS.get().copied().unwrap_or_default();
    let asked: Vec<_> = known.iter().filter(|expansion| words.split(',').any(|word| word == expansion.word)).collect();
    match asked.iter().find(|expansion| principal.is_some_and(|principal| !principal.may(expansion.permission))) {
        Some(refused) => Err(Problem::new(problem::PERMISSION_DENIED, format!("To expand {} needs the permission {}.", refused.word, refused.permission))
            .member("required_permission", refused.permission)),
        None => Ok(asked),
    }
}

/// The answer with what was asked for besides; `None` where that is nothing.
pub fn told<T: Serialize>(rx: &mut Rx<'_>, asked: &[&Expansion], answer: &T) -> Result<Option<Value>, Problem> {
    if asked.is_empty() {
        return Ok(None);
    }
    let mut answer = serde_json::to_value(answer).map_err(|error| Problem::internal(&error))?;
    for expansion in asked {
        let rows = match answer.get_mut("data").and_then(Value::as_array_mut) {
            Some(rows) => rows.iter_mut().collect(),
            None => vec![&mut answer],
        };
        let id_of = |row: &Value| row[expansion.by].as_str().and_then(|id| id.parse::<Uuid>().ok());
        let ids: BTreeSet<Uuid> = rows.iter().filter_map(|row| id_of(row)).collect();
        let found: HashMap<Uuid, Value> = (expansion.load)(rx, &ids.into_iter().collect::<Vec<_>>())?.into_iter().collect();
        for row in rows {
            if let Some(value) = id_of(row).and_then(|id| found.get(&id)) {
                row[expansion.word] = value.clone();
            }
        }
    }
    Ok(Some(answer))
}
