//! Lists: keyset pages, filters and sorting from one mechanism.
//!
//! A list is a select without its WHERE, a set of sort keys, and conditions the caller's filters
//! add. Cursors carry the sort values of the edge row and are signed; they never expire.

use crate::platform::dates::Instant;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::Resource;
use crate::platform::postgres::sql::{Many, Sql, SqlValue};
use crate::platform::unit_of_work::Rx;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::deserialize::{self, QueryableByName};
use diesel::pg::Pg;
use diesel::row::NamedRow;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn, ParameterStyle};
use utoipa::openapi::{Object, RefOr, Schema, Type};
use uuid::Uuid;

/// Parameters every list takes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Rows a page.
    #[serde(default = "fifty")]
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    pub limit: i64,
    /// `next_cursor` or `prev_cursor` of another page of the same list.
    #[param(max_length = 2000, example = "eyJrIjpbXX0.AAAA")]
    pub cursor: Option<String>,
    /// Only these, comma-separated.
    #[param(max_length = 3699, pattern = "^[0-9a-f-]{36}(,[0-9a-f-]{36}){0,99}$", example = "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42")]
    pub ids: Option<String>,
    /// Sort keys, comma-separated, `-` for descending; the id breaks ties.
    #[param(max_length = 200, pattern = "^-?[a-z_]+(,-?[a-z_]+)*$", example = "-created_at")]
    pub sort: Option<String>,
    /// Count all rows (exact to 10,000).
    #[serde(default)]
    #[param(example = false)]
    pub include_total: bool,
    // Of lists that name `Made`, `Changed`, `Words` or `Kept` too; the contract refuses them elsewhere.
    #[param(ignore)]
    pub created_at_gte: Option<Instant>,
    #[param(ignore)]
    pub created_at_lt: Option<Instant>,
    #[param(ignore)]
    pub updated_at_gte: Option<Instant>,
    #[param(ignore)]
    pub updated_at_lt: Option<Instant>,
    #[param(ignore)]
    pub q: Option<String>,
    #[param(ignore)]
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

impl Default for Paging {
    /// The first 200.
    fn default() -> Self {
        Self {
            limit: 200,
            cursor: None,
            ids: None,
            sort: None,
            include_total: false,
            created_at_gte: None,
            created_at_lt: None,
            updated_at_gte: None,
            updated_at_lt: None,
            q: None,
            metadata: BTreeMap::new(),
        }
    }
}

/// When the rows of a list were made.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description: Paging reads them")]
pub struct Made {
    /// Made at or after.
    #[param(example = "2025-11-18T00:00:00Z")]
    created_at_gte: Option<Instant>,
    /// Made before.
    #[param(example = "2025-11-19T00:00:00Z")]
    created_at_lt: Option<Instant>,
}

/// When the rows of a list were changed last.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description: Paging reads them")]
pub struct Changed {
    /// Changed at or after.
    #[param(example = "2025-11-18T00:00:00Z")]
    updated_at_gte: Option<Instant>,
    /// Changed before.
    #[param(example = "2025-11-19T00:00:00Z")]
    updated_at_lt: Option<Instant>,
}

/// Words to look for in a list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description: Paging reads it")]
pub struct Words {
    /// Part of a number, a reference or a name, in capitals or not.
    #[param(min_length = 1, max_length = 100, example = "acme")]
    q: Option<String>,
}

/// What callers keep beside the records of a list.
pub struct Kept;
impl IntoParams for Kept {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || Object::builder().schema_type(Type::String);
        let (key, value) = (text().pattern(Some("^[a-z0-9_]{1,40}$")).max_length(Some(40)), text().max_length(Some(500)));
        let values = Object::builder().max_properties(Some(3)).property_names(Some(key)).additional_properties(Some(RefOr::T(Schema::from(value.build()))));
        let says = "Records whose `metadata` hold these values, up to three; each is a parameter of its own, `metadata[key]=value` or `metadata.key=value`.";
        let parameter = Parameter::builder().name("metadata").parameter_in(ParameterIn::Query).description(Some(says)).style(Some(ParameterStyle::DeepObject));
        vec![parameter.explode(Some(true)).schema(Some(values.build())).example(Some(json!({"sales_owner": "west-2"}))).build()]
    }
}

fn fifty() -> i64 {
    50
}

/// One page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    #[schema(max_items = 200)]
    pub data: Vec<T>,
    pub page: PageInfo,
}
impl<T: Serialize> Resource for Page<T> {
    fn cursors(&self) -> [(&'static str, Option<&str>); 2] {
        [("next", self.page.next_cursor.as_deref()), ("prev", self.page.prev_cursor.as_deref())]
    }
}

/// Where a page lies in its list.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct PageInfo {
    #[schema(minimum = 1, maximum = 1000, example = 50)]
    pub limit: i64,
    pub has_more: bool,
    pub next_cursor: Option<String>,
    pub prev_cursor: Option<String>,
    /// Only with `include_total=true`.
    #[schema(minimum = 0, maximum = 10000, example = 214)]
    pub total: Option<i64>,
    /// True when there are more than `total` rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_is_capped: Option<bool>,
}

impl<T> Page<T> {
    /// Another view of the rows.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(view).collect(), page: self.page }
    }
    /// A short list that is always whole.
    #[must_use]
    pub fn whole(data: Vec<T>) -> Self {
        let limit = i64::try_from(data.len()).unwrap_or(i64::MAX).clamp(1, 200);
        Self { data, page: PageInfo { limit, ..PageInfo::default() } }
    }
}

/// A sort key: its wire name, its expression (never null), its type.
pub struct SortKey {
    pub name: &'static str,
    pub expression: &'static str,
    pub kind: &'static str,
}

/// A list as a domain declares it.
pub struct List {
    /// `SELECT … FROM … WHERE … = $1` with the company as `$1`.
    pub select: &'static str,
    /// The id column, the last sort key of all.
    pub id: &'static str,
    pub sorts: &'static [SortKey],
    /// As a caller would write it.
    pub default_sort: &'static str,
}

/// A list with its conditions.
pub struct Listing<'q> {
    list: &'static List,
    sql: Sql<'q>,
    fingerprint: Sha256,
}

impl List {
    /// Starts a listing for a company.
    pub fn of<'q>(&'static self, rx: &Rx<'_>) -> Listing<'q> {
        Listing { list: self, sql: Sql::new(self.select).one_off().bind(rx.company()), fingerprint: Sha256::new() }
    }
}

impl<'q> Listing<'q> {
    /// Binds a further value the select itself uses (`$2`, …), before any filter.
    #[must_use]
    pub fn with<T>(mut self, value: T) -> Self
    where
        T: SqlValue + diesel::serialize::ToSql<T::Sql, Pg> + Send + Sync + 'q,
        Pg: diesel::sql_types::HasSqlType<T::Sql>,
    {
        self.sql = self.sql.bind(value);
        self
    }

    /// Adds `condition` with `{}` in place of the value, when there is one.
    #[must_use]
    pub fn when<T>(mut self, condition: &str, value: Option<T>) -> Self
    where
        T: SqlValue + diesel::serialize::ToSql<T::Sql, Pg> + std::fmt::Debug + Send + Sync + 'q,
        Pg: diesel::sql_types::HasSqlType<T::Sql>,
    {
        if let Some(value) = value {
            self.fingerprint.update(format!("{condition}\u{1}{value:?}\u{2}"));
            let placeholder = self.sql.placeholder(value);
            self.sql.push(" AND ");
            self.sql.push(&condition.replace("{}", &placeholder));
        }
        self
    }

    /// Adds a condition without a value.
    #[must_use]
    pub fn filter(mut self, condition: &str) -> Self {
        self.fingerprint.update(format!("{condition}\u{2}"));
        self.sql.push(" AND ");
        self.sql.push(condition);
        self
    }

    /// The same, when there is one.
    #[must_use]
    pub fn filter_if(self, condition: Option<&str>) -> Self {
        match condition {
            Some(condition) => self.filter(condition),
            None => self,
        }
    }

    /// Adds `column = ANY(comma list)`.
    #[must_use]
    pub fn any_of(self, column: &str, words: Option<&str>) -> Self {
        let condition = format!("{column} = ANY({{}})");
        self.when(&condition, words.map(|words| Many(words.split(',').map(str::to_owned).collect())))
    }

    /// Rows made in the time that is asked for, which this column holds. An id tells its own time to within the skew of
    /// clocks and the length of a transaction, so that the primary key leads to the rows.
    #[must_use]
    pub fn created(self, column: &str, paging: &Paging) -> Self {
        const SLACK: TimeDelta = TimeDelta::hours(1);
        let id = self.list.id;
        let (from, before) = (paging.created_at_gte.map(|at| at.0), paging.created_at_lt.map(|at| at.0));
        self.when(&format!("{column} >= {{}}"), from)
            .when(&format!("{id} >= {{}}"), from.and_then(|at| earliest_id(at.checked_sub_signed(SLACK)?)))
            .when(&format!("{column} < {{}}"), before)
            .when(&format!("{id} < {{}}"), before.and_then(|at| earliest_id(at.checked_add_signed(SLACK)?)))
    }

    /// Rows changed last in the time that is asked for, which this column holds.
    #[must_use]
    pub fn updated(self, column: &str, paging: &Paging) -> Self {
        self.when(&format!("{column} >= {{}}"), paging.updated_at_gte.map(|at| at.0)).when(&format!("{column} < {{}}"), paging.updated_at_lt.map(|at| at.0))
    }

    /// Rows of whose columns one holds what is looked for.
    #[must_use]
    pub fn holding(self, columns: &[&str], paging: &Paging) -> Self {
        let condition = format!("strpos(lower(concat_ws(E'\n', {})), {{}}) > 0", columns.join(", "));
        self.when(&condition, paging.q.as_ref().map(|words| words.trim().to_lowercase()))
    }

    /// Rows beside which these values are kept.
    #[must_use]
    pub fn keeping(self, paging: &Paging) -> Self {
        let condition = format!("{} IN (SELECT m.object_id FROM metadata_entry m WHERE m.company_id = $1 AND m.entry = {{}})", self.list.id);
        paging.metadata.iter().fold(self, |list, (key, value)| list.when(&condition, Some(format!("{key}={value}"))))
    }

    /// Reads the page.
    pub fn page<R: QueryableByName<Pg> + 'static>(mut self, rx: &mut Rx<'_>, paging: &Paging) -> Result<Page<R>, Problem> {
        if let Some(ids) = &paging.ids {
            let ids: Vec<Uuid> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
            let condition = format!("{} = ANY({{}})", self.list.id);
            self = self.when(&condition, Some(Many(ids)));
        }
        let keys = self.keys(paging)?;
        for key in &keys {
            self.fingerprint.update(format!("{}{}\u{3}", key.expression, key.descending));
        }
        let fingerprint = crate::platform::text::hex(&self.fingerprint.finalize()[..6]);
        let cursor = paging.cursor.as_deref().map(|text| Cursor::read(text, &fingerprint, keys.len())).transpose()?;
        let total = if paging.include_total { Some(rx.scalar::<i64>(self.sql.counting(10_001))?) } else { None };
        let backward = cursor.as_ref().is_some_and(|cursor| cursor.backward);
        let mut sql = self.sql;
        if let Some(cursor) = &cursor {
            let mut alternatives = Vec::new();
            for last in 0..keys.len() {
                let mut terms: Vec<String> = Vec::new();
                for (at, key) in keys.iter().enumerate().take(last + 1) {
                    let placeholder = sql.placeholder(cursor.keys[at].clone());
                    let operator = if at < last {
                        "="
                    } else if key.descending == backward {
                        ">"
                    } else {
                        "<"
                    };
                    terms.push(format!("{} {operator} {placeholder}::{}", key.expression, key.kind));
                }
                alternatives.push(format!("({})", terms.join(" AND ")));
            }
            // What the alternatives have in common is said, too, as an index begins there.
            let bound = sql.placeholder(cursor.keys[0].clone());
            let operator = if keys[0].descending == backward { ">=" } else { "<=" };
            sql.push(&format!(" AND {} {operator} {bound}::{} AND ({})", keys[0].expression, keys[0].kind, alternatives.join(" OR ")));
        }
        let order: Vec<String> = keys.iter().map(|key| format!("{} {}", key.expression, if key.descending == backward { "ASC" } else { "DESC" })).collect();
        let values: Vec<String> = keys.iter().map(|key| format!("({})::text", key.expression)).collect();
        let text = format!(" ORDER BY {} LIMIT {}", order.join(", "), paging.limit + 1);
        sql.push(&text);
        let sql = sql.select_also(&format!("ARRAY[{}] AS cursor_keys", values.join(", ")));
        let mut rows: Vec<Keyed<R>> = rx.load(sql)?;
        let limit = usize::try_from(paging.limit).unwrap_or(50);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if backward {
            rows.reverse();
        }
        let at = |row: Option<&Keyed<R>>, backward| row.map(|row| Cursor { keys: row.keys.clone(), backward, list: fingerprint.clone() }.write());
        let has_next = if backward { true } else { more };
        let has_prev = if backward { more } else { cursor.is_some() };
        let page = PageInfo {
            limit: paging.limit,
            has_more: has_next,
            next_cursor: at(rows.last().filter(|_| has_next), false),
            prev_cursor: at(rows.first().filter(|_| has_prev), true),
            total: total.map(|n| n.min(10_000)),
            total_is_capped: total.map(|n| n > 10_000),
        };
        Ok(Page { data: rows.into_iter().map(|row| row.row).collect(), page })
    }

    fn keys(&self, paging: &Paging) -> Result<Vec<Key>, Problem> {
        let text = paging.sort.as_deref().unwrap_or(self.list.default_sort);
        let mut keys = Vec::new();
        for word in text.split(',') {
            let (name, descending) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
            let known = self.list.sorts.iter().find(|sort| sort.name == name).ok_or_else(|| {
                let known: Vec<_> = self.list.sorts.iter().map(|sort| sort.name).collect();
                Problem::new(problem::INVALID_PARAMETER, "The list cannot be sorted by this.").errors(vec![
                    FieldError::parameter("sort", "invalid_value", "The list cannot be sorted by this.").expected(known.join(", ")).received(word),
                ])
            })?;
            keys.push(Key { expression: known.expression, kind: known.kind, descending });
        }
        let descending = keys.last().is_some_and(|key| key.descending);
        keys.push(Key { expression: self.list.id, kind: "uuid", descending });
        Ok(keys)
    }
}

/// Pages rows that were computed as a whole (a report), in the order they have.
pub fn slice<T>(rows: Vec<T>, paging: &ReportPaging, list: &str, key: impl Fn(&T) -> String) -> Result<(Vec<T>, PageInfo), Problem> {
    let fingerprint = crate::platform::text::hex(&Sha256::digest(list.as_bytes())[..6]);
    let cursor = paging.cursor.as_deref().map(|text| Cursor::read(text, &fingerprint, 1)).transpose()?;
    let start = cursor.and_then(|cursor| rows.iter().position(|row| key(row) == cursor.keys[0])).map_or(0, |at| at + 1);
    let limit = usize::try_from(paging.limit).unwrap_or(1000);
    let has_more = rows.len() > start + limit;
    let data: Vec<T> = rows.into_iter().skip(start).take(limit).collect();
    let next_cursor = data.last().filter(|_| has_more).map(|row| Cursor { keys: vec![key(row)], backward: false, list: fingerprint }.write());
    Ok((data, PageInfo { limit: paging.limit, has_more, next_cursor, ..PageInfo::default() }))
}

/// Parameters of reports that come in pages.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportPaging {
    /// Rows a page.
    #[serde(default = "thousand")]
    #[param(minimum = 1, maximum = 1000, default = 1000, example = 200)]
    pub limit: i64,
    /// `next_cursor` of the page before.
    #[param(max_length = 2000, example = "eyJrIjpbXX0.AAAA")]
    pub cursor: Option<String>,
}
fn thousand() -> i64 {
    1000
}

/// The least id of version 7 made at this time (RFC 9562 section 5.7).
fn earliest_id(at: DateTime<Utc>) -> Option<Uuid> {
    let millis = u64::try_from(at.timestamp_millis()).ok()?;
    Some(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
}

struct Key {
    expression: &'static str,
    kind: &'static str,
    descending: bool,
}

/// A row with the sort values its cursor needs.
struct Keyed<R> {
    row: R,
    keys: Vec<String>,
}
impl<R: QueryableByName<Pg>> QueryableByName<Pg> for Keyed<R> {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        Ok(Self { row: R::build(row)?, keys: crate::platform::postgres::sql::column::<Many<String>>(row, "cursor_keys")?.0 })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    #[serde(rename = "k")]
    keys: Vec<String>,
    #[serde(rename = "b", default)]
    backward: bool,
    /// Which list with which filters and order.
    #[serde(rename = "h")]
    list: String,
}

static CURSOR_KEY: OnceLock<[u8; 32]> = OnceLock::new();

/// Sets the key cursors are signed with; every replica of a service uses the same.
pub fn install_cursor_key(key: [u8; 32]) {
    let _ = CURSOR_KEY.set(key);
}

fn signature(payload: &str) -> String {
    let key = CURSOR_KEY.get_or_init(rand::random);
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(payload.as_bytes());
            URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..12])
        },
    )
}

impl Cursor {
    fn write(&self) -> String {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        let signature = signature(&payload);
        format!("{payload}.{signature}")
    }
    fn read(text: &str, list: &str, keys: usize) -> Result<Self, Problem> {
        let invalid = || {
            Problem::new(problem::CURSOR_INVALID, "Use next_cursor or prev_cursor as they were given.").errors(vec![FieldError::parameter(
                "cursor",
                "cursor_invalid",
                "This is not a cursor of ours.",
            )])
        };
        let (payload, signed) = text.split_once('.').ok_or_else(invalid)?;
        if signature(payload) != signed {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(payload).map_err(|_| invalid())?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        if cursor.list != list || cursor.keys.len() != keys {
            return Err(Problem::new(problem::CURSOR_MISMATCH, "A cursor goes with the filters and the order it was given for.")
                .errors(vec![FieldError::parameter("cursor", "cursor_mismatch", "Given for other filters or another order.")]));
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_and_no_other() {
        let cursor = Cursor { keys: vec!["2025-01-31".into(), "x".into()], backward: false, list: "abc".into() };
        let text = cursor.write();
        assert_eq!(Cursor::read(&text, "abc", 2).expect("ours").keys, cursor.keys);
        assert!(Cursor::read(&text, "other", 2).is_err_and(|p| p.is(problem::CURSOR_MISMATCH)));
        for (at, _) in text.char_indices() {
            let mut altered = text.clone();
            let other = if &altered[at..=at] == "A" { "B" } else { "A" };
            altered.replace_range(at..=at, other);
            assert!(Cursor::read(&altered, "abc", 2).is_err(), "altered at {at}");
        }
    }
}
