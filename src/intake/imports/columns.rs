//! Columns of a file and the bodies its rows stand for, both by the schema the operation is published with.

use super::file::{Cell, unreadable};
use super::types::DateOrder;
use crate::platform::http::contract::resolve;
use crate::platform::http::{FieldError, Problem};
use crate::platform::text;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

/// How the text of a cell becomes a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Decimal,
    Date,
    Whole,
    Flag,
    /// Several texts, with `;` between them.
    Texts,
}

/// Where a cell goes.
#[derive(Debug, Clone)]
struct Leaf {
    /// The list of parts (`lines`) it belongs to.
    group: Option<String>,
    path: Vec<String>,
    shape: Shape,
}

/// The columns an operation knows.
pub struct Known {
    leaves: BTreeMap<String, Leaf>,
    /// Members with names of the caller's own.
    open: Vec<String>,
    required: Vec<String>,
}

impl Known {
    /// Of a published body.
    pub fn of(document: &Value, body: &Value) -> Self {
        let mut known = Self { leaves: BTreeMap::new(), open: Vec::new(), required: Vec::new() };
        let schema = resolve(document, body);
        known.required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        known.collect(document, schema, &mut Vec::new(), None);
        known
    }

    fn collect(&mut self, document: &Value, schema: &Value, path: &mut Vec<String>, group: Option<&str>) {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let member = solid(document, member);
            path.push(name.clone());
            let kind = member["type"].as_str().or_else(|| member["type"].as_array()?.iter().filter_map(Value::as_str).find(|kind| *kind != "null"));
            let decimal = member["pattern"].as_str().is_some_and(|pattern| pattern.contains(r"(\.[0-9]{1,"));
            let shape = match kind {
                Some("integer") => Some(Shape::Whole),
                Some("boolean") => Some(Shape::Flag),
                Some("object") if member["properties"].is_object() => {
                    self.collect(document, member, path, group);
                    None
                }
                Some("object") => {
                    self.open.extend(group.is_none().then(|| path.join(".")));
                    None
                }
                Some("array") => {
                    let item = solid(document, &member["items"]);
                    if item["properties"].is_object() {
                        if group.is_none() && path.len() == 1 {
                            self.collect(document, item, &mut Vec::new(), Some(name));
                        }
                        None
                    } else {
                        Some(Shape::Texts)
                    }
                }
                _ if decimal => Some(Shape::Decimal),
                _ if member["format"] == "date" => Some(Shape::Date),
                _ => Some(Shape::Text),
            };
            if let Some(shape) = shape {
                let title = group.into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(".");
                self.leaves.insert(title, Leaf { group: group.map(str::to_owned), path: path.clone(), shape });
            }
            path.pop();
        }
    }

    fn leaf(&self, name: &str) -> Option<Leaf> {
        if let Some(leaf) = self.leaves.get(name) {
            return Some(leaf.clone());
        }
        let (open, own) = self.open.iter().find_map(|open| Some((open, name.strip_prefix(open.as_str())?.strip_prefix('.')?)))?;
        let path = open.split('.').chain([own]).map(str::to_owned).collect();
        (!own.is_empty()).then_some(Leaf { group: None, path, shape: Shape::Text })
    }
}

/// A schema behind its references, without the alternative of null.
fn solid<'v>(document: &'v Value, schema: &'v Value) -> &'v Value {
    let schema = resolve(document, schema);
    let choice = schema["oneOf"].as_array().and_then(|choices| choices.iter().find(|choice| choice["type"] != "null"));
    choice.map_or(schema, |choice| solid(document, choice))
}

/// The columns of one file.
pub struct Header {
    pub names: Vec<String>,
    leaves: Vec<Option<Leaf>>,
    /// Which column tells documents of several rows apart.
    key: Option<usize>,
    grouped: bool,
}

impl Header {
    /// Reads the first row.
    pub fn read(cells: &[Cell], known: &Known) -> Result<Self, Problem> {
        let names: Vec<String> = cells.iter().map(|cell| cell.text.trim().to_lowercase().replace([' ', '-'], "_")).collect();
        let (mut faults, mut seen, mut leaves) = (Vec::new(), HashSet::new(), Vec::new());
        for (at, name) in names.iter().enumerate() {
            let leaf = known.leaf(name);
            let mut fault = |code: &str, detail: String, near: Option<String>| {
                let error = FieldError::parameter("file", code, detail).received(name.chars().take(80).collect::<String>());
                faults.push(match near {
                    Some(near) => error.expected(near),
                    None => error,
                });
            };
            if !name.is_empty() && leaf.is_none() {
                let near = text::nearest(name, known.leaves.keys().map(String::as_str)).map(str::to_owned);
                fault("unknown_column", format!("Column {} is none of this import.", at + 1), near);
            } else if !name.is_empty() && !seen.insert(name) {
                fault("repeated_column", format!("Column {} stands there twice.", at + 1), None);
            }
            leaves.push(leaf);
        }
        let present = |member: &String| names.iter().any(|name| name == member || name.strip_prefix(member.as_str()).is_some_and(|rest| rest.starts_with('.')));
        for missing in known.required.iter().filter(|member| !present(member)) {
            faults.push(FieldError::parameter("file", "missing_column", "A column that is needed is not there.").expected(missing));
        }
        if !faults.is_empty() {
            return Err(unreadable("The columns of the file do not fit.").errors(faults));
        }
        let key = ["external_id", "code", "number"].iter().find_map(|key| names.iter().position(|name| name == key));
        let grouped = leaves.iter().flatten().any(|leaf| leaf.group.is_some());
        Ok(Self { names, leaves, key, grouped })
    }
}

/// A body made of one row or several.
#[derive(Debug, Default)]
pub struct Record {
    pub n: u32,
    pub body: Map<String, Value>,
    pub faults: Vec<FieldError>,
    key: Option<String>,
}

impl Record {
    /// A body as it was sent.
    pub fn of(n: u32, body: Map<String, Value>) -> Self {
        Self { n, body, ..Self::default() }
    }
}

/// Puts rows together to bodies.
pub struct Assembler {
    header: Header,
    dates: DateOrder,
    pending: Option<Record>,
}

impl Assembler {
    pub fn new(header: Header, dates: DateOrder) -> Self {
        Self { header, dates, pending: None }
    }

    /// Takes the next row; gives the body before it when that is whole.
    pub fn take(&mut self, n: u32, cells: &[Cell]) -> Option<Record> {
        if cells.iter().all(Cell::is_blank) {
            return None;
        }
        let mut row = Record {
            n,
            key: self.header.key.and_then(|at| cells.get(at)).map(|cell| cell.text.trim().to_owned()).filter(|key| !key.is_empty()),
            ..Record::default()
        };
        let mut parts: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_blank()) {
            let Some(leaf) = self.header.leaves.get(at).and_then(Option::as_ref) else {
                row.faults.push(FieldError::at("", "cell_without_column", format!("Cell {} of row {n} stands under no name of a column.", at + 1)));
                continue;
            };
            let pointer = |number: usize| {
                let head = leaf.group.iter().map(|group| format!("/{group}/{number}"));
                head.chain(leaf.path.iter().map(|name| format!("/{name}"))).collect::<String>()
            };
            if let Some((code, detail)) = cell.fault() {
                let number = leaf.group.as_deref().and_then(|group| self.pending.as_ref()?.body.get(group)?.as_array().map(Vec::len)).unwrap_or(0);
                row.faults.push(FieldError::at(pointer(number), code, detail).received(cell.text.chars().take(80).collect::<String>()));
                continue;
            }
            let members = leaf.group.as_deref().map_or(&mut row.body, |group| parts.entry(group).or_default());
            set(members, &leaf.path, value(leaf.shape, cell.text.trim(), self.dates));
        }
        let continues = self.header.grouped
            && !parts.is_empty()
            && self.pending.as_ref().is_some_and(|before| row.body.is_empty() || row.key.is_some() && row.key == before.key);
        let target = if continues { self.pending.as_mut() } else { None };
        if let Some(before) = target {
            for (name, said) in row.body.iter().filter(|(name, said)| before.body.get(*name) != Some(*said)) {
                let detail = format!("Row {n} belongs to the document of row {} and says something else here.", before.n);
                before.faults.push(FieldError::at(format!("/{name}"), "differs_from_first_row", detail).received(said));
            }
            before.faults.append(&mut row.faults);
            append(&mut before.body, parts);
            return None;
        }
        append(&mut row.body, parts);
        self.pending.replace(row)
    }

    /// The last body.
    pub fn finish(&mut self) -> Option<Record> {
        self.pending.take()
    }
}

fn append(body: &mut Map<String, Value>, parts: BTreeMap<&str, Map<String, Value>>) {
    for (group, part) in parts {
        if let Some(list) = body.entry(group).or_insert_with(|| json!([])).as_array_mut() {
            list.push(Value::Object(part));
        }
    }
}

fn set(members: &mut Map<String, Value>, path: &[String], value: Value) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        members.insert(first.clone(), value);
    } else if let Some(inner) = members.entry(first.clone()).or_insert_with(|| json!({})).as_object_mut() {
        set(inner, rest, value);
    }
}

/// What cannot be read as its shape stays text, and the schema says what is wrong with it.
fn value(shape: Shape, text: &str, dates: DateOrder) -> Value {
    match shape {
        Shape::Text => text.into(),
        Shape::Decimal => ungrouped(text).into(),
        Shape::Date => day(text, dates).into(),
        Shape::Whole => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        Shape::Flag => match text.to_lowercase().as_str() {
            "true" | "yes" | "y" | "1" => true.into(),
            "false" | "no" | "n" | "0" => false.into(),
            _ => text.into(),
        },
        Shape::Texts => text.split(';').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().into(),
    }
}

/// `1,18,000.50` and `118,000.50` without the commas; only where they group digits from the right, at first by three.
fn ungrouped(text: &str) -> String {
    let (sign, number) = text.strip_prefix('-').map_or(("", text), |number| ("-", number));
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let groups: Vec<&str> = whole.split(',').collect();
    let digits = |group: &&str| group.bytes().all(|b| b.is_ascii_digit());
    let grouped = groups.len() > 1
        && groups.iter().all(digits)
        && groups.last().is_some_and(|last| last.len() == 3)
        && (1..=3).contains(&groups[0].len())
        && groups[1..groups.len() - 1].iter().all(|group| matches!(group.len(), 2 | 3));
    if grouped { format!("{sign}{}{}", groups.concat(), fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default()) } else { text.to_owned() }
}

/// `31-01-2025`, `31/1/2025` or `31.01.2025` as `2025-01-31`.
fn day(text: &str, dates: DateOrder) -> String {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let numbers = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    match (dates, &parts[..]) {
        (DateOrder::Dmy, [day, month, year]) | (DateOrder::Mdy, [month, day, year]) if numbers && year.len() == 4 && day.len() <= 2 && month.len() <= 2 => {
            format!("{year}-{month:0>2}-{day:0>2}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let body = json!({"required": ["legal_name"], "properties": {
            "external_id": {"type": "string"}, "legal_name": {"type": "string"}, "days": {"type": ["integer", "null"]}, "active": {"type": "boolean"},
            "amount": {"type": "string", "pattern": r"^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$"}, "on": {"type": "string", "format": "date"}, "gstins": {"type": "array", "items": {"type": "string"}},
            "address": {"oneOf": [{"type": "null"}, {"$ref": "#/address"}]}, "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
            "lines": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "qty": {"type": "integer"}}}}}});
        let document = json!({"address": {"type": "object", "properties": {"city": {"type": "string"}}}});
        Known::of(&document, &body)
    }
    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::of((*text).to_owned())).collect()
    }
    fn records(header: &[&str], rows: &[&[&str]], dates: DateOrder) -> Vec<(u32, Value, Vec<String>)> {
        let header = Header::read(&cells(header), &known()).expect("columns");
        let mut assembler = Assembler::new(header, dates);
        let mut made: Vec<Record> = rows.iter().zip(2..).filter_map(|(row, n)| assembler.take(n, &cells(row))).collect();
        made.extend(assembler.finish());
        made.into_iter().map(|record| (record.n, Value::Object(record.body), record.faults.into_iter().map(|fault| fault.code).collect())).collect()
    }

    #[test]
    fn a_row_is_a_body_by_the_names_of_its_columns() {
        let header = ["External ID", "legal_name", "days", "active", "amount", "on", "gstins", "address.city", "metadata.segment"];
        let made = records(
            &header,
            &[&["A", " Acme ", "30", "Yes", "1,18,000.50", "31/1/2025", "x; y", "Pune", "west"], &["B", "", "", "", "", "", "", "", ""]],
            DateOrder::Dmy,
        );
        let body = json!({"external_id": "A", "legal_name": "Acme", "days": 30, "active": true, "amount": "118000.50", "on": "2025-01-31", "gstins": ["x", "y"],
            "address": {"city": "Pune"}, "metadata": {"segment": "west"}});
        assert_eq!(made, [(2, body, vec![]), (3, json!({"external_id": "B"}), vec![])]);
    }

    #[test]
    fn rows_of_one_document_go_together() {
        let rows: [&[&str]; 6] = [
            &["A", "Acme", "one", "1"],
            &["A", "Acme", "two", "x"],
            &["", "", "three", ""],
            &["", "", "", ""],
            &["B", "Bela", "", ""],
            &["B", "Bella", "four", "4"],
        ];
        let made = records(&["external_id", "legal_name", "lines.name", "lines.qty"], &rows, DateOrder::Iso);
        let first = json!({"external_id": "A", "legal_name": "Acme", "lines": [{"name": "one", "qty": 1}, {"name": "two", "qty": "x"}, {"name": "three"}]});
        let second = json!({"external_id": "B", "legal_name": "Bela", "lines": [{"name": "four", "qty": 4}]});
        assert_eq!(made, [(2, first, vec![]), (6, second, vec!["differs_from_first_row".to_owned()])]);
    }

    #[test]
    fn what_no_cell_may_hold_is_named() {
        let made = records(
            &["legal_name", "external_id", ""],
            &[&["=1+1", "A", "x"], &["+91 22 4000", "-5", ""], &["@x", "+cmd|' /C calc'!A0", ""], &["'=quoted", "A", ""]],
            DateOrder::Iso,
        );
        let codes: Vec<Vec<String>> = made.iter().map(|(_, _, codes)| codes.clone()).collect();
        assert_eq!(codes, [vec!["formula_cell", "cell_without_column"], vec![], vec!["formula_cell", "formula_cell"], vec![]]);
        assert_eq!(made[3].1["legal_name"], "=quoted");
    }

    #[test]
    fn columns_that_do_not_fit_are_all_named() {
        let problem = Header::read(&cells(&["legal_nam", "external_id", "external_id", "lines.nam"]), &known()).err().expect("refused");
        let document = serde_json::to_value(problem.document("/", "req")).expect("json");
        let found: Vec<_> = document["errors"].as_array().expect("errors").iter().map(|error| (error["code"].clone(), error["expected"].clone())).collect();
        let expected = [
            ("unknown_column", json!("legal_name")),
            ("repeated_column", Value::Null),
            ("unknown_column", json!("lines.name")),
            ("missing_column", json!("legal_name")),
        ];
        assert_eq!(found, expected.map(|(code, near)| (json!(code), near)));
    }

    #[test]
    fn commas_group_digits_or_stay() {
        for (text, read) in
            [("1,000", "1000"), ("-1,00,000.5", "-100000.5"), ("12,34", "12,34"), ("1,0000", "1,0000"), (",100", ",100"), ("1.000,50", "1.000,50"), ("7", "7")]
        {
            assert_eq!(ungrouped(text), read, "{text}");
        }
        for (text, dates, read) in [
            ("01/02/2025", DateOrder::Dmy, "2025-02-01"),
            ("01/02/2025", DateOrder::Mdy, "2025-01-02"),
            ("2025-02-01", DateOrder::Dmy, "2025-02-01"),
            ("1-2-25", DateOrder::Dmy, "1-2-25"),
        ] {
            assert_eq!(day(text, dates), read, "{text}");
        }
    }
}
