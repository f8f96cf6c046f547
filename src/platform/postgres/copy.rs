//! COPY (statement) TO STDOUT: rows as PostgreSQL writes them, one by one, in constant memory.
//!
//! COPY takes no binds, so `$n` is replaced by a literal of a value whose form is known ([`Literal`]): nothing a caller
//! wrote gets into the text but through one.

use crate::platform::http::Problem;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::{CopyTarget, Pg, PgConnection};
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::BufRead;
use uuid::Uuid;

/// A value as it stands in a statement.
#[derive(Debug, Clone)]
pub enum Literal {
    Uuid(Uuid),
    Date(NaiveDate),
    Instant(DateTime<Utc>),
    /// `NULL` where it is empty.
    Words(Vec<String>),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(id) => write!(f, "'{id}'::uuid"),
            Self::Date(date) => write!(f, "'{date}'::date"),
            Self::Instant(at) => write!(f, "'{}'::timestamptz", at.to_rfc3339()),
            Self::Words(words) if words.is_empty() => f.write_str("NULL::text[]"),
            Self::Words(words) => {
                f.write_str("ARRAY[")?;
                for (at, word) in words.iter().enumerate() {
                    write!(f, "{}'{}'", if at == 0 { "" } else { ", " }, word.replace('\'', "''"))?;
                }
                f.write_str("]::text[]")
            }
        }
    }
}

/// The statement with its values in place of `$1`, `$2`, …
fn filled(text: &str, values: &[Literal]) -> Result<String, Problem> {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        if digits == 0 {
            let _ = write!(out, "${rest}");
            continue;
        }
        let value = number.parse::<usize>().ok().and_then(|n| values.get(n.checked_sub(1)?));
        let _ = write!(out, "{}{rest}", value.ok_or_else(|| Problem::internal(&format!("no value for ${number}")))?);
    }
    Ok(out)
}

// What diesel copies is a type without a value; its text waits here for the moment it is asked for.
thread_local! { static TEXT: RefCell<String> = const { RefCell::new(String::new()) }; }

diesel::table! { statement (line) { line -> Text, } }

struct Statement;
impl CopyTarget for Statement {
    type Table = statement::table;
    type SqlType = diesel::sql_types::Text;
    fn walk_target(mut pass: AstPass<'_, '_, Pg>) -> QueryResult<()> {
        TEXT.with_borrow(|text| pass.push_sql(&format!("({text})")));
        Ok(())
    }
}

/// Gives every row of a statement to `each`, in COPY's text format, without the line break.
pub fn copy(connection: &mut PgConnection, text: &str, values: &[Literal], mut each: impl FnMut(&[u8]) -> Result<(), Problem>) -> Result<(), Problem> {
    let filled = filled(text, values)?;
    TEXT.set(filled);
    let mut rows = diesel::copy_to(Statement).load_raw(connection)?;
    let mut stopped = Ok(());
    loop {
        // One message of the protocol is one row.
        let row = rows.fill_buf().map_err(|error| Problem::internal(&error))?;
        let length = row.len();
        if length == 0 {
            break;
        }
        // Also after a refusal all rows are taken, or the connection could not be used again.
        if stopped.is_ok() {
            stopped = each(row.strip_suffix(b"\n").unwrap_or(row));
        }
        rows.consume(length);
    }
    drop(rows);
    // An error after the first row ends the rows as their end does; in what it left of the transaction nothing works.
    diesel::connection::SimpleConnection::batch_execute(connection, "SELECT 1")?;
    stopped
}

/// The cells of a row: unescaped, null where they are.
#[derive(Default)]
pub struct Cells {
    text: Vec<u8>,
    spans: Vec<Option<(usize, usize)>>,
}

impl Cells {
    /// Takes a row apart.
    pub fn read(&mut self, row: &[u8]) {
        self.text.clear();
        self.spans.clear();
        for cell in row.split(|byte| *byte == b'\t') {
            if cell == b"\\N" {
                self.spans.push(None);
                continue;
            }
            let start = self.text.len();
            let mut pieces = cell.split(|byte| *byte == b'\\');
            self.text.extend_from_slice(pieces.next().unwrap_or_default());
            while let Some(piece) = pieces.next() {
                let Some((escaped, rest)) = piece.split_first() else {
                    // Two backslashes are one, and what follows is text.
                    self.text.push(b'\\');
                    self.text.extend_from_slice(pieces.next().unwrap_or_default());
                    continue;
                };
                self.text.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' => 8,
                    b'f' => 12,
                    b'v' => 11,
                    other => *other,
                });
                self.text.extend_from_slice(rest);
            }
            self.spans.push(Some((start, self.text.len())));
        }
    }
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
    /// A cell; `None` is null.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&[u8]> {
        let (start, end) = (*self.spans.get(at)?)?;
        self.text.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_stand_where_they_belong_and_quotes_are_doubled() {
        let values = [Literal::Date("2025-03-31".parse().expect("a date")), Literal::Words(vec!["O'Neil".into(), "b".into()]), Literal::Words(vec![])];
        let text = filled("SELECT $1 WHERE x = ANY($2) AND y ~ '^a$' AND z = $3 OR $1", &values).expect("filled");
        assert_eq!(text, "SELECT '2025-03-31'::date WHERE x = ANY(ARRAY['O''Neil', 'b']::text[]) AND y ~ '^a$' AND z = NULL::text[] OR '2025-03-31'::date");
        assert!(filled("SELECT $4", &values).is_err());
    }

    #[test]
    fn rows_come_apart_as_copy_wrote_them() {
        let mut cells = Cells::default();
        let mut read = |row: &[u8]| {
            cells.read(row);
            (0..cells.len()).map(|at| cells.get(at).map(|cell| String::from_utf8(cell.to_vec()).expect("text"))).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(b"a\t\\N\t\t1.00"), [some("a"), None, some(""), some("1.00")]);
        assert_eq!(
            read(b"two\\nlines\\tand a tab\tback\\\\slash\t\\\\N\t\\\\\\\\n\t\\\\"),
            [some("two\nlines\tand a tab"), some("back\\slash"), some("\\N"), some("\\\\n"), some("\\")]
        );
        assert_eq!(read("\\r\\b\\f\\v₹\t".as_bytes()), [some("\r\u{8}\u{c}\u{b}₹"), some("")]);
    }
}
