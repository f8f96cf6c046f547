//! Files as rows of cells: CSV, workbooks of Excel, lines of JSON. Read piece by piece; what is hostile or broken is refused
//! with the place it stands at.

use super::problems;
use super::types::FileFormat;
use crate::platform::http::body::parse;
use crate::platform::http::{FieldError, Problem};
use calamine::{DataRef, Reader, Xlsx, XlsxError};
use rust_decimal::Decimal;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Seek};
use zip::ZipArchive;

/// Rows of a file beside that of the names.
pub const MOST_ROWS: u64 = 200_000;
const MOST_COLUMNS: usize = 200;
/// Characters of a cell, as in Excel.
const LONGEST_CELL: usize = 32_767;
/// Bytes of a line of JSON.
const LONGEST_LINE: u64 = 256 * 1024;
/// Bytes of a CSV file between two ends of line.
const LONGEST_CSV_LINE: usize = 4 * 1024 * 1024;
/// Bytes of a workbook when it is unpacked, of its table of texts, and between two of its tags.
const LARGEST_UNPACKED: u64 = 256 * 1024 * 1024;
const LARGEST_TEXTS: u64 = 64 * 1024 * 1024;
const LONGEST_TAG: u64 = 1024 * 1024;
const MOST_ENTRIES: usize = 1_000;

/// A file nothing can be made of.
pub fn unreadable(detail: &str) -> Problem {
    Problem::new(problems::FILE_INVALID, detail)
}

fn broken(code: &str, detail: impl Into<String>) -> Problem {
    let detail = detail.into();
    unreadable(&detail).errors(vec![FieldError::parameter("file", code, detail)])
}

/// What a cell holds.
#[derive(Debug, Default, Clone)]
pub struct Cell {
    pub text: String,
    trouble: Option<(&'static str, &'static str)>,
}

const FORMULA: (&str, &str) = ("formula_cell", "A cell holds a value, not a formula.");
const ERROR: (&str, &str) = ("cell_error", "The cell shows an error.");

impl Cell {
    /// Of text. What a spreadsheet would run as a formula is none of ours; with an apostrophe before it, it is text.
    pub fn of(text: String) -> Self {
        let formula = |text: &str| match text.as_bytes() {
            [b'=' | b'@' | b'\t' | b'\r', ..] => true,
            [b'+' | b'-', rest @ ..] => !rest.iter().all(|b| b.is_ascii_digit() || b" .,()-/".contains(b)),
            _ => false,
        };
        match text.strip_prefix('\'') {
            Some(quoted) if quoted.starts_with(['=', '+', '-', '@', '\t', '\r']) => Self { text: quoted.to_owned(), trouble: None },
            _ => Self { trouble: formula(&text).then_some(FORMULA), text },
        }
    }
    pub fn is_blank(&self) -> bool {
        self.trouble.is_none() && self.text.trim().is_empty()
    }
    /// What is wrong with it: a code and a sentence.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        self.trouble
    }
}

/// One row.
pub enum Item {
    Cells(Vec<Cell>),
    Body(Value),
}

/// Reads a file row by row, with the number each has in it.
pub fn read(format: FileFormat, source: impl Read + Seek, each: &mut dyn FnMut(u32, Item) -> Result<(), Problem>) -> Result<(), Problem> {
    let mut rows = 0;
    let mut counted = |n: u32, item: Item| {
        rows += 1;
        if rows > MOST_ROWS + 1 {
            return Err(broken("too_many_rows", format!("A file has at most {MOST_ROWS} rows.")));
        }
        each(n, item)
    };
    match format {
        FileFormat::Csv => csv(source, &mut counted),
        FileFormat::Jsonl => lines(source, &mut counted),
        FileFormat::Xlsx => workbook(source, &mut counted),
    }
}

/// What a file of text may not begin with.
fn no_other_kind(head: &[u8]) -> Result<(), Problem> {
    match head {
        [b'P', b'K', 3, 4, ..] => {
            Err(broken("not_text", "This is a workbook or an archive; send a workbook as application/vnd.openxmlformats-officedocument.spreadsheetml.sheet."))
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(broken("not_text", "This is a workbook of an old kind; save it as .xlsx or as CSV.")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(broken("not_utf8", "The file is UTF-16; save it as \"CSV UTF-8\".")),
        _ => Ok(()),
    }
}

/// Behind a mark of the byte order, which UTF-8 does not need.
fn text_of(source: impl Read) -> Result<(BufReader<impl Read>, Vec<u8>), Problem> {
    let mut text = BufReader::with_capacity(64 * 1024, source);
    let head = text.fill_buf().map_err(|error| Problem::internal(&error))?.to_vec();
    no_other_kind(&head)?;
    if head.starts_with(&[0xef, 0xbb, 0xbf]) {
        text.consume(3);
    }
    Ok((text, head))
}

/// Refuses lines without end before anybody counts their cells: each would take memory. Knows whether a cell is still open
/// where the text ends, as all that follows a quotation mark nobody closed would be one cell.
struct Lines<R> {
    inner: R,
    delimiter: u8,
    since: usize,
    cell: InCell,
}

/// Where in a cell the text stands.
#[derive(Clone, Copy, PartialEq)]
enum InCell {
    Start,
    Plain,
    Quoted,
    /// Behind a mark that ends the cell, or is the first of two that mean one.
    Marked,
}

impl InCell {
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Marked,
            (Self::Start | Self::Marked, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, b'\n' | b'\r') => Self::Start,
            (_, byte) if byte == delimiter => Self::Start,
            _ => Self::Plain,
        }
    }
}

#[derive(Debug)]
struct TooLong;
impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "A line has more than {LONGEST_CSV_LINE} bytes; is a quotation mark missing?")
    }
}
impl std::error::Error for TooLong {}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.cell = buffer[..read].iter().fold(self.cell, |cell, byte| cell.after(*byte, self.delimiter));
        self.since = buffer[..read].iter().rposition(|b| matches!(b, b'\n' | b'\r')).map_or(self.since + read, |at| read - at - 1);
        if self.since > LONGEST_CSV_LINE { Err(io::Error::other(TooLong)) } else { Ok(read) }
    }
}

fn csv(source: impl Read, each: &mut dyn FnMut(u32, Item) -> Result<(), Problem>) -> Result<(), Problem> {
    let (text, head) = text_of(source)?;
    // What stands most often in the first line is between its cells.
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let delimiter = *b",;\t".iter().rev().max_by_key(|mark| line.split(|b| b == *mark).count()).unwrap_or(&b',');
    let lines = Lines { inner: text, delimiter, since: 0, cell: InCell::Start };
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(lines);
    let (mut record, mut n) = (::csv::ByteRecord::new(), 0);
    loop {
        match reader.read_byte_record(&mut record) {
            // The line it begins in, as an editor shows it. The reader leaves the second half of an end of line for the next record.
            Ok(true) => {
                n = record.position().map_or(n, |at| u32::try_from(at.line()).unwrap_or(u32::MAX)).saturating_add(u32::from(n > 0 && line.ends_with(b"\r")));
            }
            Ok(false) if reader.get_ref().cell == InCell::Quoted => {
                return Err(broken("quote_not_closed", format!("The quotation mark opened in row {n} is not closed: all that follows would be one cell.")));
            }
            Ok(false) => return Ok(()),
            Err(error) if matches!(error.kind(), ::csv::ErrorKind::Io(io) if io.get_ref().is_some_and(<dyn std::error::Error + Send + Sync + 'static>::is::<TooLong>)) =>
            {
                return Err(broken("line_too_long", TooLong.to_string()));
            }
            Err(error) => return Err(Problem::internal(&error)),
        }
        if record.len() > MOST_COLUMNS {
            return Err(broken("too_many_columns", format!("Row {n} has {} cells; a file has at most {MOST_COLUMNS} columns.", record.len())));
        }
        let cells = record.iter().zip(1..).map(|(bytes, column)| Ok(Cell::of(checked(bytes, n, column)?.to_owned())));
        each(n, Item::Cells(cells.collect::<Result<_, Problem>>()?))?;
    }
}

/// The text of a cell.
fn checked(bytes: &[u8], row: u32, column: usize) -> Result<&str, Problem> {
    if bytes.len() > LONGEST_CELL * 4 {
        return Err(broken(
            "cell_too_long",
            format!("The cell in row {row}, column {column} has more than {LONGEST_CELL} characters; is a quotation mark missing?"),
        ));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| broken("not_utf8", format!("The text in row {row}, column {column} is not UTF-8; save the file as \"CSV UTF-8\".")))?;
    if text.contains('\0') {
        return Err(broken("nul_character", format!("The cell in row {row}, column {column} holds a NUL character.")));
    }
    Ok(text)
}

fn lines(source: impl Read, each: &mut dyn FnMut(u32, Item) -> Result<(), Problem>) -> Result<(), Problem> {
    let (mut text, _) = text_of(source)?;
    let (mut line, mut n) = (Vec::new(), 0);
    loop {
        line.clear();
        let read = (&mut text).take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(|error| Problem::internal(&error))?;
        if read == 0 {
            return Ok(());
        }
        n += 1;
        if line.len() as u64 > LONGEST_LINE {
            return Err(broken("line_too_long", format!("Line {n} has more than {LONGEST_LINE} bytes.")));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let body = parse(&line).map_err(|problem| broken("malformed_json", format!("Line {n}: {problem}")))?;
        if !body.is_object() {
            return Err(broken("malformed_json", format!("Line {n} is not a JSON object.")));
        }
        each(n, Item::Body(body))?;
    }
}

fn workbook<S: Read + Seek>(mut source: S, each: &mut dyn FnMut(u32, Item) -> Result<(), Problem>) -> Result<(), Problem> {
    harmless(&mut source)?;
    source.rewind().map_err(|error| Problem::internal(&error))?;
    let wrong = |error: XlsxError| match error {
        XlsxError::Password => broken("password_protected", "The workbook is protected by a password."),
        error => broken("not_a_workbook", format!("The workbook cannot be read: {error}.")),
    };
    let mut book = Xlsx::new(BufReader::with_capacity(64 * 1024, source)).map_err(wrong)?;
    let sheet = book.sheet_names().first().cloned().ok_or_else(|| broken("not_a_workbook", "The workbook has no sheet."))?;
    let mut reader = book.worksheet_cells_reader(&sheet).map_err(wrong)?;
    let (mut row, mut cells) = (0, Vec::new());
    while let Some(record) = reader.next_cell_with_formula_metadata().map_err(wrong)? {
        let (at, column) = (record.pos.0, usize::try_from(record.pos.1).unwrap_or(usize::MAX));
        let cell = if record.formula.is_some() { Cell { text: text(&record.value)?.0, trouble: Some(FORMULA) } } else { cell(&record.value)? };
        if cell.is_blank() {
            continue;
        }
        if at < row {
            return Err(broken("not_a_workbook", format!("Row {} of the sheet comes after row {}.", at + 1, row + 1)));
        }
        if column >= MOST_COLUMNS {
            return Err(broken("too_many_columns", format!("Row {} has more than {MOST_COLUMNS} cells.", at + 1)));
        }
        if at > row {
            if !cells.is_empty() {
                each(row + 1, Item::Cells(std::mem::take(&mut cells)))?;
            }
            row = at;
        }
        if cells.len() <= column {
            cells.resize_with(column + 1, Cell::default);
        }
        cells[column] = cell;
    }
    if cells.is_empty() { Ok(()) } else { each(row + 1, Item::Cells(cells)) }
}

/// A value as text, and whether it is typed-in text.
fn text(value: &DataRef<'_>) -> Result<(String, bool), Problem> {
    let plain = |text: String| Ok((text, false));
    match value {
        DataRef::Empty => plain(String::new()),
        DataRef::Int(whole) => plain(whole.to_string()),
        // Excel knows 15 digits; the sixteenth is noise of its binary fractions.
        DataRef::Float(number) => {
            plain(Decimal::from_scientific(&format!("{number:.14e}")).map_or_else(|_| number.to_string(), |number| number.normalize().to_string()))
        }
        DataRef::Bool(flag) => plain(flag.to_string()),
        DataRef::DateTime(at) => plain(at.as_datetime().map_or_else(|| at.as_f64().to_string(), |at| at.date().to_string())),
        DataRef::DateTimeIso(at) => plain(at.chars().take(10).collect()),
        DataRef::DurationIso(text) => plain(text.clone()),
        DataRef::Error(error) => plain(error.to_string()),
        DataRef::String(text) => checked(text.as_bytes(), 0, 0).map(|text| (text.to_owned(), true)),
        DataRef::SharedString(text) => checked(text.as_bytes(), 0, 0).map(|text| (text.to_owned(), true)),
    }
}

fn cell(value: &DataRef<'_>) -> Result<Cell, Problem> {
    let (text, typed) = text(value)?;
    Ok(match value {
        DataRef::Error(_) => Cell { text, trouble: Some(ERROR) },
        _ if typed => Cell::of(text),
        _ => Cell { text, trouble: None },
    })
}

/// Unpacks everything once, into nothing: what a workbook says of its size may be a lie. A small file that unpacks to a huge one,
/// a text or tag without end, and a table of texts that claims to be huge are refused before they are read for good.
fn harmless(source: &mut (impl Read + Seek)) -> Result<(), Problem> {
    let unzipped = |error: &dyn std::fmt::Display| broken("not_a_workbook", format!("The file is not a workbook of Excel (.xlsx): {error}."));
    let mut archive = ZipArchive::new(BufReader::with_capacity(64 * 1024, source)).map_err(|error| unzipped(&error))?;
    if archive.len() > MOST_ENTRIES {
        return Err(broken("zip_bomb", format!("The workbook has {} parts; it may have {MOST_ENTRIES}.", archive.len())));
    }
    let (mut unpacked, mut buffer) = (0, vec![0; 64 * 1024]);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|error| unzipped(&error))?;
        let texts = entry.name().is_ok_and(|name| name.to_lowercase().ends_with("sharedstrings.xml"));
        let (mut size, mut since_tag, mut tail) = (0, 0, Vec::new());
        loop {
            let read = entry.read(&mut buffer).map_err(|error| unzipped(&error))?;
            if read == 0 {
                break;
            }
            let piece = &buffer[..read];
            size += read as u64;
            unpacked += read as u64;
            for byte in piece {
                since_tag = if *byte == b'<' { 0 } else { since_tag + 1 };
                if since_tag > LONGEST_TAG {
                    return Err(broken("zip_bomb", "The workbook holds a text that is longer than a cell can be."));
                }
            }
            if unpacked > LARGEST_UNPACKED || texts && size > LARGEST_TEXTS {
                return Err(broken("zip_bomb", "The workbook is too large when it is unpacked; save it as CSV or split it."));
            }
            if texts {
                tail.extend_from_slice(piece);
                if piece.contains(&0) || claims_millions(&tail) {
                    return Err(broken("not_a_workbook", "The workbook's table of texts is not what Excel writes."));
                }
                tail.drain(..tail.len().saturating_sub(64));
            }
        }
    }
    Ok(())
}

/// Whether the table of texts says that it holds ten million or more.
fn claims_millions(xml: &[u8]) -> bool {
    const NAME: &[u8] = b"uniqueCount";
    let after =
        |at: usize| xml[at + NAME.len()..].iter().skip_while(|b| b.is_ascii_whitespace() || b"=\"'".contains(b)).take_while(|b| b.is_ascii_digit()).count();
    xml.windows(NAME.len()).enumerate().any(|(at, window)| window == NAME && after(at) > 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
    use std::io::{Cursor, Write};
    use zip::write::SimpleFileOptions;

    fn rows(format: FileFormat, bytes: &[u8]) -> Result<Vec<(u32, Vec<String>)>, String> {
        let mut found = Vec::new();
        let done = read(format, Cursor::new(bytes.to_vec()), &mut |n, item| {
            found.push((
                n,
                match item {
                    Item::Cells(cells) => {
                        cells.into_iter().map(|cell| cell.fault().map_or(cell.text.clone(), |(code, _)| format!("{code}:{}", cell.text))).collect()
                    }
                    Item::Body(body) => vec![body.to_string()],
                },
            ));
            Ok(())
        });
        let code =
            |problem: Problem| serde_json::to_value(problem.document("/", "req")).expect("json")["errors"][0]["code"].as_str().unwrap_or_default().to_owned();
        done.map(|()| found).map_err(code)
    }
    fn csv_rows(text: &[u8]) -> Result<Vec<(u32, Vec<String>)>, String> {
        rows(FileFormat::Csv, text)
    }
    fn texts(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn csv_of_any_office_is_read() {
        let expected = vec![(1, texts(&["a", "b"])), (2, texts(&["x, \"y\"", "\u{20b9} 1"])), (3, texts(&["\nz", ""]))];
        for text in [
            "a,b\n\"x, \"\"y\"\"\",\u{20b9} 1\n\"\nz\",\n",
            "\u{feff}a;b\r\n\"x, \"\"y\"\"\";\u{20b9} 1\r\n\"\nz\";",
            "a\tb\n\"x, \"\"y\"\"\"\t\u{20b9} 1\n\"\nz\"\t\n",
        ] {
            assert_eq!(csv_rows(text.as_bytes()), Ok(expected.clone()), "{text:?}");
        }
        assert_eq!(csv_rows(b""), Ok(vec![]));
    }

    #[test]
    fn a_quotation_mark_nobody_closes_is_told_and_one_in_a_text_is_not() {
        for text in ["a,b\n\"x,y\nz,w\n", "a,b\nx,\"y", "a\n\"x\"\"\n", "a,b\nx,\"\"\"y\"\"\n"] {
            assert_eq!(csv_rows(text.as_bytes()), Err("quote_not_closed".to_owned()), "{text:?}");
        }
        for text in ["a\n5\" pipe\n", "a\n\"x\"", "a\n\"x \"\"y\"\"\"\n", "a\n\"\"\n", "a\n\"x\ny\"\n"] {
            assert_eq!(csv_rows(text.as_bytes()).map(|rows| rows.len()), Ok(2), "{text:?}");
        }
    }

    #[test]
    fn hostile_text_is_refused_by_its_name() {
        let long = format!("a\n\"{}", "x".repeat(LONGEST_CELL * 4 + 1));
        let wide = vec!["c"; 10_000].join(",");
        let many = "a\n".repeat(200_002);
        let endless = vec!["c"; 5_000_000].join(",");
        for (text, code) in [
            (&b"a\nna\xefve"[..], "not_utf8"),
            (&b"\xff\xfea\0b\0"[..], "not_utf8"),
            (b"a\nx\0y", "nul_character"),
            (long.as_bytes(), "cell_too_long"),
            (wide.as_bytes(), "too_many_columns"),
            (endless.as_bytes(), "line_too_long"),
            (many.as_bytes(), "too_many_rows"),
            (b"PK\x03\x04....", "not_text"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not_text"),
        ] {
            assert_eq!(csv_rows(text), Err(code.to_owned()));
        }
        for (text, code) in [("{} x", "malformed_json"), ("[1]", "malformed_json"), ("{\"a\":1,\"a\":2}", "malformed_json")] {
            assert_eq!(rows(FileFormat::Jsonl, text.as_bytes()), Err(code.to_owned()));
        }
        assert_eq!(rows(FileFormat::Jsonl, "x".repeat(300_000).as_bytes()), Err("line_too_long".into()));
        assert_eq!(rows(FileFormat::Jsonl, b"{\"a\":1}\n\n{\"a\":2}\n"), Ok(vec![(1, texts(&["{\"a\":1}"])), (3, texts(&["{\"a\":2}"]))]));
    }

    #[test]
    fn a_workbook_gives_what_its_cells_show() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        let day = Format::new().set_num_format("dd-mm-yyyy");
        for (at, name) in ["name", "amount", "on", "flag", "calc"].into_iter().enumerate() {
            sheet.write(0, u16::try_from(at).expect("small"), name).expect("written");
        }
        sheet.write(2, 0, "Acme").expect("written");
        sheet.write(2, 1, 1180.3).expect("written");
        sheet.write_with_format(2, 2, ExcelDateTime::from_ymd(2025, 1, 31).expect("a day"), &day).expect("written");
        sheet.write(2, 3, true).expect("written");
        sheet.write(2, 4, Formula::new("=1+1").set_result("2")).expect("written");
        sheet.write(3, 0, "=HYPERLINK(1)").expect("written");
        sheet.write_string(4, 0, "=HYPERLINK(1)").expect("written");
        sheet.write(5, 1, 400_001).expect("written");
        sheet.write(6, 1, 0.1 + 0.2).expect("written");
        let bytes = book.save_to_buffer().expect("a workbook");
        let found = rows(FileFormat::Xlsx, &bytes).expect("read");
        assert_eq!(found[0], (1, texts(&["name", "amount", "on", "flag", "calc"])));
        assert_eq!(found[1], (3, texts(&["Acme", "1180.3", "2025-01-31", "true", "formula_cell:2"])));
        assert_eq!((found[2].0, found[2].1[0].starts_with("formula_cell:")), (4, true));
        assert_eq!(found[3], (5, texts(&["formula_cell:=HYPERLINK(1)"])));
        assert_eq!(found[4..], [(6, texts(&["", "400001"])), (7, texts(&["", "0.3"]))]);
    }

    /// A zip of these parts.
    fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            zip.start_file(*name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)).expect("a part");
            zip.write_all(content).expect("written");
        }
        zip.finish().expect("a zip").into_inner()
    }

    #[test]
    fn hostile_workbooks_are_refused_by_their_name() {
        let row = "<row><c><v>1</v></c></row>".repeat(5_000_000 / 26);
        let sheets: Vec<(String, &[u8])> = (0..60).map(|n| (format!("xl/worksheets/sheet{n}.xml"), row.as_bytes())).collect();
        let bomb = zipped(&sheets.iter().map(|(name, content)| (name.as_str(), *content)).collect::<Vec<_>>());
        assert!(bomb.len() < 4 * 1024 * 1024, "{} bytes packed", bomb.len());
        let endless = format!("<worksheet><sheetData><row><c t=\"str\"><v>{}</v></c></row>", "x".repeat(2 * 1024 * 1024));
        let claim = b"<sst uniqueCount = '99999999999'><si><t>x</t></si></sst>";
        let names: Vec<String> = (0..1_001).map(|n| format!("part{n}")).collect();
        for (bytes, code) in [
            (bomb, "zip_bomb"),
            (zipped(&[("xl/worksheets/sheet1.xml", endless.as_bytes())]), "zip_bomb"),
            (zipped(&[("xl/sharedStrings.xml", claim)]), "not_a_workbook"),
            (zipped(&names.iter().map(|name| (name.as_str(), &b"x"[..])).collect::<Vec<_>>()), "zip_bomb"),
            (zipped(&[("readme.txt", b"hello")]), "not_a_workbook"),
            (b"PK\x03\x04 and no more".to_vec(), "not_a_workbook"),
            (b"name,amount\n".to_vec(), "not_a_workbook"),
            (Vec::new(), "not_a_workbook"),
        ] {
            assert_eq!(rows(FileFormat::Xlsx, &bytes), Err(code.to_owned()));
        }
    }
}
