//! Returns as tables, for people and spreadsheets. Made of the JSON, so that of a filed return they show what was
//! filed; read a group of rows at a time, so that of a large one little is in memory.

use super::sheets::Column::{Number, Place, Text};
use super::sheets::{Column, TABLES, Table};
use crate::filing::gstr1::written::place_name;
use crate::platform::http::problem::{self, FieldError, Problem};
use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Workbook};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What stands in a cell.
enum Cell {
    Empty,
    Text(String),
    Number(Decimal),
}

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Text(title, _) | Number(title, _) | Place(title, _) => title,
        }
    }
    /// The value of the member in the innermost of item, row and group that has it.
    fn cell(self, levels: &[&Value]) -> Cell {
        let (Text(_, member) | Number(_, member) | Place(_, member)) = self;
        let Some(value) = levels.iter().find_map(|level| level.get(member)) else { return Cell::Empty };
        match (self, value) {
            // As it was written: the number has at most 15 digits, so its text is exact.
            (Number(..), Value::Number(number)) => number.to_string().parse().map_or(Cell::Empty, Cell::Number),
            (Place(..), Value::String(code)) => Cell::Text(place_name(code)),
            (_, Value::String(text)) => Cell::Text(text.clone()),
            (_, other) => Cell::Text(other.to_string()),
        }
    }
}

fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl Table {
    /// Goes through the rows of a group, an item each.
    fn each(&self, group: &Value, mut visit: impl FnMut(Vec<Cell>) -> Result<(), Problem>) -> Result<(), Problem> {
        let mut row = |levels: &[&Value]| visit(self.columns.iter().map(|column| column.cell(levels)).collect());
        let rows = self.rows.map_or(std::slice::from_ref(group), |member| list(group, member));
        for one in rows {
            match self.items {
                None => row(&[one, group])?,
                Some(member) => {
                    for item in list(one, member) {
                        row(&[item.get("itm_det").unwrap_or(item), one, group])?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Goes down the objects of a return and visits what the lists in them hold, one after the other.
struct Walk<'w, V> {
    path: String,
    visit: &'w mut V,
}

impl<'de, V: FnMut(&str, Value) -> Result<(), Problem>> DeserializeSeed<'de> for Walk<'_, V> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}
impl<'de, V: FnMut(&str, Value) -> Result<(), Problem>> Visitor<'de> for Walk<'_, V> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a return")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Walk { path: format!("{}/{name}", self.path), visit: &mut *self.visit })?;
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element()? {
            (self.visit)(&self.path, row).map_err(|_| A::Error::custom("a row could not be written"))?;
        }
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// Visits the tables of a return in their order, with each group of rows.
fn walk(gstr1: &str, mut visit: impl FnMut(&'static Table, &Value) -> Result<(), Problem>) -> Result<(), Problem> {
    let mut failed = None;
    let mut group = |path: &str, group: Value| {
        let Some(table) = TABLES.iter().find(|table| table.path == path) else { return Ok(()) };
        visit(table, &group).map_err(|problem| {
            failed = Some(problem);
            Problem::internal(&"told above")
        })
    };
    let read = Walk { path: String::new(), visit: &mut group }.deserialize(&mut serde_json::Deserializer::from_str(gstr1));
    match (failed, read) {
        (Some(problem), _) => Err(problem),
        (None, Err(error)) => Err(Problem::internal(&error)),
        (None, Ok(())) => Ok(()),
    }
}

/// A spreadsheet takes what begins so for a formula.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn titles(table: &Table) -> impl Iterator<Item = &'static str> {
    table.columns.iter().map(|column| column.title())
}

fn named(name: &str) -> Result<&'static Table, Problem> {
    TABLES.iter().find(|table| table.name == name).ok_or_else(|| {
        let known: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        let fault = FieldError::parameter("table", "invalid_value", "The return has no such table.").expected(known.join(", ")).received(name);
        Problem::new(problem::INVALID_PARAMETER, "1 query parameter(s) need correction.").errors(vec![fault])
    })
}

/// One table as CSV, or all of them, each under its name.
pub fn csv(gstr1: &str, wanted: Option<&str>) -> Result<Vec<u8>, Problem> {
    let failed = |error: csv::Error| Problem::internal(&error);
    let wanted = wanted.map(named).transpose()?;
    let mut out = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if let Some(table) = wanted {
        out.write_record(titles(table)).map_err(failed)?;
    }
    let mut at = "";
    walk(gstr1, |table, group| {
        if wanted.is_some_and(|wanted| wanted.path != table.path) {
            return Ok(());
        }
        if wanted.is_none() && at != table.path {
            out.write_record([table.sheet]).map_err(failed)?;
            out.write_record(titles(table)).map_err(failed)?;
        }
        at = table.path;
        table.each(group, |cells| {
            let text = |cell| match cell {
                Cell::Empty => String::new(),
                Cell::Text(text) => harmless(text),
                Cell::Number(number) => number.to_string(),
            };
            out.write_record(cells.into_iter().map(text)).map_err(failed)
        })
    })?;
    out.into_inner().map_err(|error| Problem::internal(&error))
}

/// Every table as a sheet of its own; rows are written out as they are made.
pub fn xlsx(gstr1: &str) -> Result<Vec<u8>, Problem> {
    let failed = |error: rust_xlsxwriter::XlsxError| Problem::internal(&error);
    let (mut book, bold, money) = (Workbook::new(), Format::new().set_bold(), Format::new().set_num_format("#,##0.00"));
    let (mut at, mut line) = ("", 0);
    walk(gstr1, |table, group| {
        if at != table.path {
            let sheet = book.add_worksheet_with_constant_memory().map_err(failed)?;
            sheet.set_name(table.sheet).map_err(failed)?;
            for (column, title) in (0..).zip(titles(table)) {
                sheet.set_column_width(column, 18).map_err(failed)?;
                sheet.write_with_format(0, column, title, &bold).map_err(failed)?;
            }
            (at, line) = (table.path, 1);
        }
        let sheet = book.worksheet_from_name(table.sheet).map_err(failed)?;
        table.each(group, |cells| {
            for (column, cell) in (0..).zip(cells) {
                match cell {
                    Cell::Empty => {}
                    Cell::Text(text) => {
                        sheet.write(line, column, text).map_err(failed)?;
                    }
                    Cell::Number(number) if number.fract().is_zero() && number < Decimal::ONE_HUNDRED && number > -Decimal::ONE_HUNDRED => {
                        sheet.write(line, column, number).map_err(failed)?;
                    }
                    Cell::Number(number) => {
                        sheet.write_with_format(line, column, number, &money).map_err(failed)?;
                    }
                }
            }
            line += 1;
            Ok(())
        })
    })?;
    if book.worksheets().is_empty() {
        book.add_worksheet().set_name("empty").map_err(failed)?;
    }
    book.save_to_buffer().map_err(failed)
}
