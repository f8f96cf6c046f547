//! One small door to SQL: text with `$1` placeholders, typed binds, rows read by column name.
//!
//! Set-based statements (arrays in, rows out, data-modifying CTEs) are the core of the product and
//! cannot be said in diesel's DSL; `diesel::sql_query` could say them but prepares anew on every
//! call. [`Sql`] is a diesel query whose prepared statement is cached by its text.

use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::row::{Field, NamedRow, Row};
use diesel::serialize::ToSql;
use diesel::sql_types::{self, HasSqlType, Untyped};
use std::borrow::Cow;

/// A Rust type with its one `PostgreSQL` type.
pub trait SqlValue {
    type Sql: 'static;
}

macro_rules! sql_value {
    ($($rust:ty => $sql:ty),* $(,)?) => {$(
        impl SqlValue for $rust { type Sql = $sql; }
    )*};
}
sql_value! {
    bool => sql_types::Bool,
    i16 => sql_types::SmallInt,
    i32 => sql_types::Integer,
    i64 => sql_types::BigInt,
    str => sql_types::Text,
    String => sql_types::Text,
    Vec<u8> => sql_types::Binary,
    [u8] => sql_types::Binary,
    uuid::Uuid => sql_types::Uuid,
    rust_decimal::Decimal => sql_types::Numeric,
    chrono::NaiveDate => sql_types::Date,
    chrono::DateTime<chrono::Utc> => sql_types::Timestamptz,
    serde_json::Value => sql_types::Jsonb,
}
impl<T: SqlValue> SqlValue for Option<T> {
    type Sql = sql_types::Nullable<T::Sql>;
}
impl<T: SqlValue + ?Sized> SqlValue for &T {
    type Sql = T::Sql;
}

/// Arrays are wrapped so that `Vec<u8>` can stay `bytea`.
#[derive(Debug, Clone)]
pub struct Many<T>(pub Vec<T>);

impl<T: SqlValue> SqlValue for Many<T> {
    type Sql = sql_types::Array<T::Sql>;
}
impl<T, S> ToSql<sql_types::Array<S>, Pg> for Many<T>
where
    T: std::fmt::Debug,
    Vec<T>: ToSql<sql_types::Array<S>, Pg>,
{
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, Pg>) -> diesel::serialize::Result {
        ToSql::<sql_types::Array<S>, Pg>::to_sql(&self.0, out)
    }
}
impl<T, S> FromSql<sql_types::Array<S>, Pg> for Many<T>
where
    Vec<T>: FromSql<sql_types::Array<S>, Pg>,
{
    fn from_sql(bytes: diesel::pg::PgValue<'_>) -> deserialize::Result<Self> {
        Vec::<T>::from_sql(bytes).map(Many)
    }
}
impl<T> FromIterator<T> for Many<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

struct Borrowed<'q>(&'q (dyn Bind + Send + Sync));
impl Bind for Borrowed<'_> {
    fn push<'b>(&'b self, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.push(pass)
    }
}

trait Bind {
    fn push<'b>(&'b self, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}
impl<T> Bind for T
where
    T: SqlValue + ToSql<T::Sql, Pg>,
    Pg: HasSqlType<T::Sql>,
{
    fn push<'b>(&'b self, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_bind_param::<T::Sql, T>(self)
    }
}

/// A statement with its binds. `$n` may stand in any order and more than once.
pub struct Sql<'q> {
    text: Cow<'q, str>,
    binds: Vec<Box<dyn Bind + Send + Sync + 'q>>,
    one_off: bool,
}

impl<'q> Sql<'q> {
    pub fn new(text: impl Into<Cow<'q, str>>) -> Self {
        Self { text: text.into(), binds: Vec::new(), one_off: false }
    }

    /// A statement whose text varies with the caller's filters: not worth a cached plan.
    #[must_use]
    pub fn one_off(mut self) -> Self {
        self.one_off = true;
        self
    }

    #[must_use]
    pub fn bind<T>(mut self, value: T) -> Self
    where
        T: SqlValue + ToSql<T::Sql, Pg> + Send + Sync + 'q,
        Pg: HasSqlType<T::Sql>,
    {
        self.binds.push(Box::new(value));
        self
    }

    /// The same rows with one more column.
    #[must_use]
    pub fn select_also(mut self, column: &str) -> Self {
        let text = self.text.to_mut();
        *text = text.replacen("SELECT ", &format!("SELECT {column}, "), 1);
        self
    }

    /// How many rows the statement has, looking no further than `most`.
    #[must_use]
    pub fn counting<'s>(&'s self, most: i64) -> Sql<'s> {
        Sql {
            text: format!("SELECT count(*) FROM ({} LIMIT {most}) AS counted", self.text).into(),
            binds: self.binds.iter().map(|bind| Box::new(Borrowed(&**bind)) as Box<dyn Bind + Send + Sync + 's>).collect(),
            one_off: true,
        }
    }

    /// Appends text; used by the list query builder.
    pub fn push(&mut self, text: &str) {
        self.text.to_mut().push_str(text);
    }

    /// Adds a bind and returns its placeholder.
    pub fn placeholder<T>(&mut self, value: T) -> String
    where
        T: SqlValue + ToSql<T::Sql, Pg> + Send + Sync + 'q,
        Pg: HasSqlType<T::Sql>,
    {
        self.binds.push(Box::new(value));
        format!("${}", self.binds.len())
    }
}

impl QueryFragment<Pg> for Sql<'_> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.one_off {
            pass.unsafe_to_cache_prepared();
        }
        // diesel numbers placeholders as they are pushed, so each `$n` is pushed where it stands.
        let mut rest: &str = &self.text;
        let mut from = 0;
        while let Some(at) = rest[from..].find('$').map(|at| at + from) {
            let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                // A dollar of the statement's own, as in a regular expression.
                from = at + 1;
                continue;
            }
            pass.push_sql(&rest[..at]);
            let number: usize = rest[at + 1..=at + digits].parse().unwrap_or(0);
            let bind = number
                .checked_sub(1)
                .and_then(|n| self.binds.get(n))
                .ok_or_else(|| diesel::result::Error::QueryBuilderError(format!("no bind for ${number}").into()))?;
            bind.push(&mut pass)?;
            rest = &rest[at + 1 + digits..];
            from = 0;
        }
        pass.push_sql(rest);
        Ok(())
    }
}
impl QueryId for Sql<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl Query for Sql<'_> {
    type SqlType = Untyped;
}
impl<C> diesel::query_dsl::RunQueryDsl<C> for Sql<'_> {}

/// The first column of a row.
pub struct Scalar<T>(pub T);

impl<T> QueryableByName<Pg> for Scalar<T>
where
    T: SqlValue + FromSql<T::Sql, Pg>,
{
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let field = Row::get(row, 0).ok_or("the statement returned no column")?;
        T::from_nullable_sql(field.value()).map(Scalar)
    }
}

/// Reads one named column; used by [`row!`].
pub fn column<'a, T>(row: &impl NamedRow<'a, Pg>, name: &str) -> deserialize::Result<T>
where
    T: SqlValue + FromSql<T::Sql, Pg>,
{
    let field = Row::get(row, name).ok_or_else(|| format!("the statement returned no column {name}"))?;
    T::from_nullable_sql(field.value())
}

/// Declares a private row struct whose fields are the columns of the same names.
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $fvis:vis $field:ident : $type:ty),* $(,)? }) => {
        $(#[$meta])* #[derive(Debug, Clone)]
        $vis struct $name { $($(#[$fmeta])* $fvis $field: $type),* }
        impl diesel::deserialize::QueryableByName<diesel::pg::Pg> for $name {
            fn build<'a>(row: &impl diesel::row::NamedRow<'a, diesel::pg::Pg>) -> diesel::deserialize::Result<Self> {
                Ok(Self { $($field: $crate::platform::postgres::sql::column::<$type>(row, stringify!($field))?),* })
            }
        }
    };
}

/// A closed set of words: the same word in Rust, in JSON and in `PostgreSQL` (`text`).
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        $vis enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),* }
        impl $name {
            #[allow(dead_code, reason = "not every set of words is listed somewhere")]
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $word),* } }
            #[allow(dead_code, reason = "not every set of words is read from text")]
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> { match word { $($word => Some(Self::$variant),)* _ => None } }
        }
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String).enum_values(Some([$($word),*])).into()
            }
        }
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
        impl $crate::platform::postgres::sql::SqlValue for $name { type Sql = diesel::sql_types::Text; }
        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }
        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let word = std::str::from_utf8(bytes.as_bytes())?;
                Self::parse(word).ok_or_else(|| format!("unknown word {word}").into())
            }
        }
    };
}
