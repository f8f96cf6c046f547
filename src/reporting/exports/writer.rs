//! Files of sheets, in constant memory: rows come from the database one by one and leave as CSV, JSON lines or XLSX, with
//! a running digest and running sums. A file of a million rows is followed by another one.

use super::sheet::{Column, Kind, Scope, Sheet};
use super::types::{ExportFormat, ManifestColumn, ManifestFile};
use crate::platform::http::Problem;
use crate::platform::money::Currency;
use crate::platform::postgres::copy::{Cells, Literal};
use crate::platform::text::hex;
use crate::platform::unit_of_work::Rx;
use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Rows of one file.
pub const ROWS: u64 = 1_000_000;
/// Characters a cell of a spreadsheet holds.
const CELL: usize = 32_767;
/// Bytes gathered before they are hashed and written.
const PIECE: usize = 256 * 1024;

fn failed(error: impl std::fmt::Display) -> Problem {
    Problem::internal(&format!("a file of an export cannot be written: {error}"))
}

/// Told after every so many rows how many there are by now; refuses when the work is to stop.
pub type Tick<'t> = &'t dyn Fn(u64) -> Result<(), Problem>;

/// The files of an export.
pub struct Files<'t> {
    directory: PathBuf,
    format: ExportFormat,
    csv_safe: bool,
    currency: Currency,
    rows_a_file: u64,
    tick: Tick<'t>,
    pub done: Vec<ManifestFile>,
    pub rows: u64,
    /// Texts that did not fit into a cell of a spreadsheet and were cut.
    pub cut: u64,
}

impl<'t> Files<'t> {
    #[must_use]
    pub fn new(directory: &Path, format: ExportFormat, csv_safe: bool, currency: Currency, tick: Tick<'t>) -> Self {
        Self { directory: directory.to_owned(), format, csv_safe, currency, rows_a_file: ROWS, tick, done: Vec::new(), rows: 0, cut: 0 }
    }

    /// Splits files sooner; for tests.
    #[cfg(test)]
    fn splitting_at(mut self, rows: u64) -> Self {
        self.rows_a_file = rows;
        self
    }

    /// Writes a sheet in the format of the export.
    ///
    /// # Errors
    /// When the disk is full, or somebody asked for the work to stop.
    pub fn sheet(&mut self, rx: &mut Rx<'_>, sheet: &Sheet, scope: &Scope) -> Result<Sums, Problem> {
        self.sheet_as(rx, sheet, scope, self.format)
    }

    /// Writes a sheet in a format of its own.
    pub fn sheet_as(&mut self, rx: &mut Rx<'_>, sheet: &Sheet, scope: &Scope, format: ExportFormat) -> Result<Sums, Problem> {
        let mut rows = self.begin(sheet.name, sheet.columns, sheet.totals, format)?;
        let (text, values) = (sheet.statement(), scope.values(rx));
        rx.copy(&text, &values, |row| rows.copied(row))?;
        rows.finish()
    }

    /// Writes rows that are JSON already: the one column of a statement, one object a line.
    pub fn lines(&mut self, rx: &mut Rx<'_>, name: &str, text: &str, values: &[Literal]) -> Result<(), Problem> {
        let mut rows = self.begin(name, &[], &[], ExportFormat::Jsonl)?;
        rx.copy(text, values, |row| rows.line(row))?;
        rows.finish().map(drop)
    }

    /// Writes rows that are computed: texts in the order of the columns.
    pub fn computed(&mut self, name: &str, columns: &'static [Column], rows: impl IntoIterator<Item = Vec<Option<String>>>) -> Result<(), Problem> {
        let mut out = self.begin(name, columns, &[], self.format)?;
        for row in rows {
            out.row(|at| row.get(at).and_then(|cell| cell.as_deref()).map(str::as_bytes))?;
        }
        out.finish().map(drop)
    }

    /// Writes a JSON array, entry by entry.
    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut dyn FnMut(&Value) -> Result<(), Problem>) -> Result<(), Problem>) -> Result<(), Problem> {
        let mut file = File::create(self.directory.join(name)).map_err(failed)?;
        let (mut digest, mut bytes, mut buffer, mut rows) = (Sha256::new(), 0, Vec::new(), 0_u64);
        fill(&mut |entry| {
            buffer.extend_from_slice(if rows == 0 { b"[\n" } else { b",\n" });
            serde_json::to_writer(&mut buffer, entry).map_err(failed)?;
            rows += 1;
            if buffer.len() >= PIECE { write_out(&mut file, &mut digest, &mut bytes, &mut buffer) } else { Ok(()) }
        })?;
        buffer.extend_from_slice(if rows == 0 { b"[]\n" } else { b"\n]\n" });
        write_out(&mut file, &mut digest, &mut bytes, &mut buffer)?;
        self.rows += rows;
        self.done.push(ManifestFile { name: name.to_owned(), rows, bytes, sha256: hex(&digest.finalize()), totals: None, columns: Vec::new() });
        Ok(())
    }

    /// Keeps bytes as they are.
    pub fn bytes(&mut self, name: &str, content: &[u8], rows: u64) -> Result<(), Problem> {
        std::fs::write(self.directory.join(name), content).map_err(failed)?;
        let sha256 = hex(&Sha256::digest(content));
        self.done.push(ManifestFile { name: name.to_owned(), rows, bytes: content.len() as u64, sha256, totals: None, columns: Vec::new() });
        Ok(())
    }

    fn begin<'f>(&'f mut self, name: &str, columns: &'static [Column], totals: &[&'static str], format: ExportFormat) -> Result<Rows<'f, 't>, Problem> {
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let summed = totals.iter().filter_map(|name| place(name)).map(|at| Sum { at, units: 0, currency: None, mixed: false }).collect();
        let mut rows = Rows {
            name: name.to_owned(),
            columns,
            format,
            currency_at: place("currency"),
            sums: Sums { columns, sums: summed, base: self.currency },
            of_part: Vec::new(),
            part: 0,
            rows: 0,
            cells: Cells::default(),
            exponents: HashMap::new(),
            out: None,
            files: self,
        };
        rows.next_part()?;
        Ok(rows)
    }
}

/// The running sum of a column, in ten-thousandths: money has at most four decimals.
#[derive(Debug, Clone)]
struct Sum {
    at: usize,
    units: i128,
    /// Of a column in the currency of the row.
    currency: Option<String>,
    mixed: bool,
}

/// Sums of columns over all rows of a sheet.
#[derive(Debug, Clone)]
pub struct Sums {
    columns: &'static [Column],
    sums: Vec<Sum>,
    base: Currency,
}

impl Sums {
    /// A sum by the name of its column; 0 where there is none.
    #[must_use]
    pub fn of(&self, name: &str) -> Decimal {
        let sum = self.sums.iter().find(|sum| self.columns.get(sum.at).is_some_and(|column| column.name == name));
        sum.map_or(Decimal::ZERO, |sum| Decimal::from_i128_with_scale(sum.units, 4))
    }
    /// As the manifest shows them. A column whose rows are in several currencies has no sum.
    fn shown(&self) -> Option<Value> {
        let shown = |sum: &Sum| {
            let currency = sum.currency.as_deref().and_then(Currency::parse).unwrap_or(self.base);
            Some((self.columns.get(sum.at)?.name.to_owned(), Value::from(currency.amount(Decimal::from_i128_with_scale(sum.units, 4)).0.to_string())))
        };
        let members: Map<String, Value> = self.sums.iter().filter(|sum| !sum.mixed).filter_map(shown).collect();
        (!members.is_empty()).then_some(Value::Object(members))
    }
}

/// A file being written.
enum Out {
    Text { file: File, digest: Sha256, bytes: u64, buffer: Vec<u8> },
    Book { path: PathBuf, book: Box<Workbook>, row: u32 },
}

struct Rows<'f, 't> {
    name: String,
    columns: &'static [Column],
    format: ExportFormat,
    currency_at: Option<usize>,
    sums: Sums,
    /// Sums before the present part.
    of_part: Vec<Sum>,
    part: u32,
    rows: u64,
    cells: Cells,
    /// Decimals of currencies met.
    exponents: HashMap<Vec<u8>, usize>,
    out: Option<Out>,
    files: &'f mut Files<'t>,
}

impl Rows<'_, '_> {
    fn file_name(&self) -> String {
        let part = if self.part > 1 { format!("_{}", self.part) } else { String::new() };
        format!("{}{part}.{}", self.name, self.format)
    }

    fn next_part(&mut self) -> Result<(), Problem> {
        self.part += 1;
        self.rows = 0;
        self.of_part.clone_from(&self.sums.sums);
        let path = self.files.directory.join(self.file_name());
        self.out = Some(match self.format {
            ExportFormat::Xlsx => {
                let mut book = Box::new(Workbook::new());
                book.set_tempdir(&self.files.directory).map_err(failed)?;
                let bold = Format::new().set_bold();
                let sheet = book.add_worksheet_with_constant_memory().map_err(failed)?;
                for (at, column) in (0..).zip(self.columns) {
                    sheet.write_string_with_format(0, at, column.name, &bold).map_err(failed)?;
                }
                sheet.set_freeze_panes(1, 0).map_err(failed)?;
                Out::Book { path, book, row: 1 }
            }
            ExportFormat::Csv | ExportFormat::Jsonl => {
                let file = File::create(path).map_err(failed)?;
                let mut buffer = Vec::with_capacity(PIECE + 4096);
                if self.format == ExportFormat::Csv {
                    let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
                    buffer.extend_from_slice(names.join(",").as_bytes());
                    buffer.push(b'\n');
                }
                Out::Text { file, digest: Sha256::new(), bytes: 0, buffer }
            }
        });
        Ok(())
    }

    /// A row as COPY gives it.
    fn copied(&mut self, row: &[u8]) -> Result<(), Problem> {
        let mut cells = std::mem::take(&mut self.cells);
        cells.read(row);
        if cells.len() != self.columns.len() {
            return Err(Problem::internal(&format!("{} has {} columns, its statement {}", self.name, self.columns.len(), cells.len())));
        }
        let done = self.row(|at| cells.get(at));
        self.cells = cells;
        done
    }

    /// A row that is one line of JSON.
    fn line(&mut self, row: &[u8]) -> Result<(), Problem> {
        self.count()?;
        self.cells.read(row);
        let Some(Out::Text { file, digest, bytes, buffer }) = self.out.as_mut() else { return Err(failed("no file is open")) };
        buffer.extend_from_slice(self.cells.get(0).unwrap_or_default());
        buffer.push(b'\n');
        if buffer.len() >= PIECE { write_out(file, digest, bytes, buffer) } else { Ok(()) }
    }

    /// Counts a row that is about to be written, in the next file where this one is full.
    fn count(&mut self) -> Result<(), Problem> {
        if self.rows == self.files.rows_a_file {
            self.end_part()?;
            self.next_part()?;
        }
        self.rows += 1;
        self.files.rows += 1;
        if self.files.rows.is_multiple_of(1_000) { (self.files.tick)(self.files.rows) } else { Ok(()) }
    }

    fn row<'c>(&mut self, cell: impl Fn(usize) -> Option<&'c [u8]>) -> Result<(), Problem> {
        self.count()?;
        let currency = self.currency_at.and_then(&cell).unwrap_or_default();
        let base = self.files.currency.exponent() as usize;
        let own = if let Some(known) = self.exponents.get(currency) {
            *known
        } else {
            let exponent = std::str::from_utf8(currency).ok().and_then(Currency::parse).map_or(base, |currency| currency.exponent() as usize);
            self.exponents.insert(currency.to_vec(), exponent);
            exponent
        };
        for sum in &mut self.sums.sums {
            sum.units += cell(sum.at).map_or(0, units);
            if self.columns[sum.at].kind == Kind::MoneyIn {
                let known = sum.currency.get_or_insert_with(|| String::from_utf8_lossy(currency).into_owned());
                sum.mixed |= known.as_bytes() != currency;
            }
        }
        let (columns, safe) = (self.columns, self.files.csv_safe);
        let shown = |at: usize, column: &Column| {
            cell(at).map(|value| match column.kind {
                Kind::Money => money(value, base),
                Kind::MoneyIn => money(value, own),
                Kind::Instant => instant(value),
                Kind::Flag => Shown::Plain(if value == b"t" || value == b"true" { b"true" } else { b"false" }),
                Kind::Text | Kind::Json => Shown::Text(value),
                Kind::Code | Kind::Date | Kind::Count | Kind::Decimal => Shown::Plain(value),
            })
        };
        match self.out.as_mut().ok_or_else(|| failed("no file is open"))? {
            Out::Text { file, digest, bytes, buffer } => {
                if self.format == ExportFormat::Csv {
                    for (at, column) in columns.iter().enumerate() {
                        if at > 0 {
                            buffer.push(b',');
                        }
                        if let Some(value) = shown(at, column) {
                            csv_cell(buffer, value.bytes(), safe && matches!(value, Shown::Text(_)));
                        }
                    }
                } else {
                    for (at, column) in columns.iter().enumerate() {
                        buffer.extend_from_slice(if at == 0 { b"{\"" } else { b",\"" });
                        buffer.extend_from_slice(column.name.as_bytes());
                        buffer.extend_from_slice(b"\":");
                        match shown(at, column) {
                            None => buffer.extend_from_slice(b"null"),
                            Some(value) if matches!(column.kind, Kind::Count | Kind::Flag | Kind::Json) => buffer.extend_from_slice(value.bytes()),
                            Some(value) => {
                                let text = std::str::from_utf8(value.bytes()).map_err(failed)?;
                                serde_json::to_writer(&mut *buffer, text).map_err(failed)?;
                            }
                        }
                    }
                    buffer.push(b'}');
                }
                buffer.push(b'\n');
                if buffer.len() >= PIECE {
                    write_out(file, digest, bytes, buffer)?;
                }
            }
            Out::Book { book, row, .. } => {
                let sheet = book.worksheet_from_index(0).map_err(failed)?;
                for (at, (place, column)) in (0..).zip(columns).enumerate() {
                    let Some(value) = shown(at, column) else { continue };
                    let text = std::str::from_utf8(value.bytes()).map_err(failed)?;
                    let number =
                        if matches!(column.kind, Kind::Money | Kind::MoneyIn | Kind::Decimal | Kind::Count) { text.parse::<Decimal>().ok() } else { None };
                    if let Some(number) = number {
                        sheet.write(*row, place, number).map_err(failed)?;
                    } else {
                        let guarded = safe && matches!(value, Shown::Text(_)) && dangerous(value.bytes());
                        let whole = if guarded { format!("'{text}") } else { text.to_owned() };
                        let fits = whole.char_indices().nth(CELL).map_or(whole.len(), |(end, _)| end);
                        self.files.cut += u64::from(fits < whole.len());
                        sheet.write_string(*row, place, &whole[..fits]).map_err(failed)?;
                    }
                }
                *row += 1;
            }
        }
        Ok(())
    }

    fn end_part(&mut self) -> Result<(), Problem> {
        let (bytes, sha256) = match self.out.take() {
            Some(Out::Text { mut file, mut digest, mut bytes, mut buffer }) => {
                write_out(&mut file, &mut digest, &mut bytes, &mut buffer)?;
                file.sync_all().map_err(failed)?;
                (bytes, hex(&digest.finalize()))
            }
            Some(Out::Book { path, mut book, .. }) => {
                book.save(&path).map_err(failed)?;
                digest_of(&path)?
            }
            None => return Err(failed("no file is open")),
        };
        let mut of_part = self.sums.clone();
        for (sum, before) in of_part.sums.iter_mut().zip(&self.of_part) {
            sum.units -= before.units;
        }
        let columns = self.columns.iter().map(|column| ManifestColumn { name: column.name.into(), kind: column.kind.name().into() }).collect();
        let name = self.file_name();
        self.files.done.push(ManifestFile { name, rows: self.rows, bytes, sha256, totals: of_part.shown(), columns });
        Ok(())
    }

    fn finish(mut self) -> Result<Sums, Problem> {
        self.end_part()?;
        (self.files.tick)(self.files.rows)?;
        Ok(self.sums)
    }
}

/// A value as it is written, and whether somebody may have made it up.
enum Shown<'v> {
    Text(&'v [u8]),
    Plain(&'v [u8]),
    Made([u8; 48], usize),
}
impl Shown<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(bytes) | Self::Plain(bytes) => bytes,
            Self::Made(bytes, length) => &bytes[..*length],
        }
    }
}

fn write_out(file: &mut File, digest: &mut Sha256, bytes: &mut u64, buffer: &mut Vec<u8>) -> Result<(), Problem> {
    digest.update(&buffer[..]);
    file.write_all(buffer).map_err(failed)?;
    *bytes += buffer.len() as u64;
    buffer.clear();
    Ok(())
}

fn digest_of(path: &Path) -> Result<(u64, String), Problem> {
    let mut file = File::open(path).map_err(failed)?;
    let (mut digest, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let read = file.read(&mut piece).map_err(failed)?;
        if read == 0 {
            return Ok((bytes, hex(&digest.finalize())));
        }
        digest.update(&piece[..read]);
        bytes += read as u64;
    }
}

/// Whether a spreadsheet could take a text for a formula (OWASP: CSV injection).
fn dangerous(value: &[u8]) -> bool {
    matches!(value.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
}

/// A cell by RFC 4180. An empty text is quoted, null is nothing: so the two can be told apart, as with COPY.
fn csv_cell(out: &mut Vec<u8>, value: &[u8], guard: bool) {
    let guarded = guard && dangerous(value);
    let quoted = value.is_empty() || value.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if quoted {
        out.push(b'"');
    }
    if guarded {
        out.push(b'\'');
    }
    if quoted {
        for byte in value {
            if *byte == b'"' {
                out.push(b'"');
            }
            out.push(*byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(value);
    }
}

/// A decimal with as many decimals as `exponent`, and more only where they are not zero.
fn money(value: &[u8], exponent: usize) -> Shown<'_> {
    let point = value.iter().position(|byte| *byte == b'.').unwrap_or(value.len());
    let end = if exponent == 0 { point } else { point + 1 + exponent };
    match value.get(end..) {
        Some(rest) if rest.iter().all(|byte| matches!(byte, b'0' | b'.')) => Shown::Plain(&value[..end]),
        Some(_) => Shown::Plain(value),
        None if end > 48 => Shown::Plain(value),
        None => {
            let mut out = [b'0'; 48];
            out[..value.len()].copy_from_slice(value);
            out[point] = b'.';
            Shown::Made(out, end)
        }
    }
}

/// Ten-thousandths of a decimal with at most four decimals.
fn units(value: &[u8]) -> i128 {
    let (mut units, mut decimals) = (0_i128, None);
    for byte in value {
        match byte {
            b'0'..=b'9' => {
                units = units * 10 + i128::from(byte - b'0');
                decimals = decimals.map(|count: u32| count + 1);
            }
            b'.' => decimals = Some(0),
            _ => {}
        }
    }
    units *= 10_i128.pow(4_u32.saturating_sub(decimals.unwrap_or(0)));
    if value.first() == Some(&b'-') { -units } else { units }
}

/// `2025-11-18 06:31:09.41204+00` as `2025-11-18T06:31:09.412Z`.
fn instant(value: &[u8]) -> Shown<'_> {
    let mut out = [0; 48];
    out[..24].copy_from_slice(b"0000-00-00T00:00:00.000Z");
    let Some(second) = value.get(..19) else { return Shown::Plain(value) };
    out[..10].copy_from_slice(&second[..10]);
    out[11..19].copy_from_slice(&second[11..]);
    if let Some((b'.', decimals)) = value[19..].split_first() {
        for (place, digit) in out[20..23].iter_mut().zip(decimals.iter().take_while(|byte| byte.is_ascii_digit())) {
            *place = *digit;
        }
    }
    Shown::Made(out, 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: Vec<u8>) -> String {
        String::from_utf8(out).expect("text")
    }
    fn cell(value: &str, guard: bool) -> String {
        let mut out = Vec::new();
        csv_cell(&mut out, value.as_bytes(), guard);
        text(out)
    }

    #[test]
    fn cells_are_quoted_and_guarded_where_they_must_be() {
        assert_eq!(cell("plain", true), "plain");
        assert_eq!(cell("a,b", true), "\"a,b\"");
        assert_eq!(cell("say \"hi\"\n", true), "\"say \"\"hi\"\"\n\"");
        assert_eq!(cell("", true), "\"\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"] {
            assert_eq!(cell(formula, true), format!("'{formula}"));
            assert_eq!(cell(formula, false), formula);
        }
        assert_eq!(cell("=HYPERLINK(\"http://x\",\"y\")", true), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
        assert_eq!(cell("\r=1", true), "\"'\r=1\"");
    }

    #[test]
    fn money_is_padded_to_its_currency_and_never_cut() {
        let shown = |value: &str, exponent| text(money(value.as_bytes(), exponent).bytes().to_vec());
        assert_eq!(shown("118000.0000", 2), "118000.00");
        assert_eq!(shown("118000.0000", 0), "118000");
        assert_eq!(shown("-1.2340", 3), "-1.234");
        assert_eq!(shown("0.0050", 2), "0.0050");
        assert_eq!(shown("7", 2), "7.00");
        assert_eq!(shown("-7.5", 3), "-7.500");
        assert_eq!(shown("0", 0), "0");
        assert_eq!(units(b"118000.0000"), 1_180_000_000);
        assert_eq!(units(b"-0.05"), -500);
        assert_eq!(units(b"12"), 120_000);
    }

    #[test]
    fn instants_have_milliseconds_and_a_z() {
        let shown = |value: &str| text(instant(value.as_bytes()).bytes().to_vec());
        assert_eq!(shown("2025-11-18 06:31:09.41204+00"), "2025-11-18T06:31:09.412Z");
        assert_eq!(shown("2025-11-18 06:31:09+00"), "2025-11-18T06:31:09.000Z");
        assert_eq!(shown("2025-11-18 06:31:09.5+00"), "2025-11-18T06:31:09.500Z");
        assert_eq!(shown("infinity"), "infinity");
    }

    static COLUMNS: [Column; 4] = [
        crate::reporting::exports::sheet::col("name", Kind::Text, ""),
        crate::reporting::exports::sheet::col("currency", Kind::Code, ""),
        crate::reporting::exports::sheet::col("amount", Kind::MoneyIn, ""),
        crate::reporting::exports::sheet::col("base", Kind::Money, ""),
    ];

    fn written(format: ExportFormat, rows: &[[Option<&str>; 4]]) -> (Vec<ManifestFile>, Vec<Vec<u8>>) {
        let directory = std::env::temp_dir().join(format!("duebook-export-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).expect("a directory");
        let inr = Currency::parse("INR").expect("a currency");
        let mut files = Files::new(&directory, format, true, inr, &|_| Ok(())).splitting_at(2);
        let mut out = files.begin("sample", &COLUMNS, &["amount", "base"], format).expect("begun");
        for row in rows {
            out.row(|at| row[at].map(str::as_bytes)).expect("written");
        }
        out.finish().expect("finished");
        let content = files.done.iter().map(|file| std::fs::read(directory.join(&file.name)).expect("a file")).collect();
        let done = files.done;
        std::fs::remove_dir_all(&directory).expect("removed");
        (done, content)
    }

    #[test]
    fn files_are_split_and_each_has_its_digest_and_sums() {
        let rows = [
            [Some("=a"), Some("INR"), Some("1.5000"), Some("1.5000")],
            [None, Some("INR"), Some("-0.2500"), Some("-0.2500")],
            [Some("c\"d"), Some("JPY"), Some("100.0000"), Some("55.0000")],
        ];
        let (files, content) = written(ExportFormat::Csv, &rows);
        assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["sample.csv", "sample_2.csv"]);
        assert_eq!(text(content[0].clone()), "name,currency,amount,base\n'=a,INR,1.50,1.50\n,INR,-0.25,-0.25\n");
        assert_eq!(text(content[1].clone()), "name,currency,amount,base\n\"c\"\"d\",JPY,100,55.00\n");
        for (file, content) in files.iter().zip(&content) {
            assert_eq!(file.sha256, hex(&Sha256::digest(content)));
            assert_eq!(file.bytes, content.len() as u64);
        }
        assert_eq!(files[0].totals, Some(serde_json::json!({"amount": "1.25", "base": "1.25"})));
        // Two currencies have no common sum.
        assert_eq!(files[1].totals, Some(serde_json::json!({"base": "55.00"})));
    }

    #[test]
    fn json_lines_are_not_guarded_and_null_is_null() {
        let (_, content) = written(ExportFormat::Jsonl, &[[Some("=a\n"), Some("INR"), None, Some("2.0000")]]);
        assert_eq!(text(content[0].clone()), "{\"name\":\"=a\\n\",\"currency\":\"INR\",\"amount\":null,\"base\":\"2.00\"}\n");
    }

    #[test]
    fn a_spreadsheet_is_a_spreadsheet() {
        let (files, content) = written(ExportFormat::Xlsx, &[[Some("=a"), Some("INR"), Some("1.0000"), Some("1.0000")]]);
        assert!(content[0].starts_with(b"PK\x03\x04"));
        assert_eq!((files[0].rows, files[0].bytes), (1, content[0].len() as u64));
        assert_eq!(files[0].sha256, hex(&Sha256::digest(&content[0])));
    }
}
