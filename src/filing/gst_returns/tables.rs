//! Returns as tables, for people and spreadsheets. Made of the JSON, so that of a filed return they show what was
//! filed.

use crate::filing::gstr1::builder::place_name;
use crate::platform::http::problem::{self, FieldError, Problem};
use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Workbook};
use serde_json::Value;

pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What a column shows.
#[derive(Debug, Clone, Copy)]
enum Column {
    /// A text member of the row, of its group or of its item.
    Text(&'static str, &'static str),
    /// A number.
    Number(&'static str, &'static str),
    /// A State code, with the State's name.
    Place(&'static str, &'static str),
}
use Column::{Number, Place, Text};

/// A table of the return: where its rows are, what they are, in the words of the portal's offline tool.
struct Table {
    /// As the caller names it.
    name: &'static str,
    sheet: &'static str,
    /// The way to the list of rows, or of groups of them.
    path: &'static str,
    /// The member that holds the rows of a group.
    rows: Option<&'static str>,
    /// The member that holds the items of a row.
    items: Option<&'static str>,
    columns: &'static [Column],
}

macro_rules! taxes {
    ($value:literal) => {
        [
            Number("Rate", "rt"),
            Number("Taxable Value", $value),
            Number("Integrated Tax", "iamt"),
            Number("Central Tax", "camt"),
            Number("State/UT Tax", "samt"),
            Number("Cess Amount", "csamt"),
        ]
    };
}
/// Columns of a table, with those of rate, value and taxes at the end.
macro_rules! columns {
    ($value:literal, $($column:expr),* $(,)?) => {{
        const TAXES: [Column; 6] = taxes!($value);
        &[$($column,)* TAXES[0], TAXES[1], TAXES[2], TAXES[3], TAXES[4], TAXES[5]]
    }};
}

const TABLES: &[Table] = &[
    Table {
        name: "b2b",
        sheet: "b2b,sez,de",
        path: "/b2b",
        rows: Some("inv"),
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("GSTIN/UIN of Recipient", "ctin"),
            Text("Invoice Number", "inum"),
            Text("Invoice date", "idt"),
            Number("Invoice Value", "val"),
            Place("Place Of Supply", "pos"),
            Text("Reverse Charge", "rchrg"),
            Text("Invoice Type", "inv_typ"),
            Number("Applicable % of Tax Rate", "diff_percent")
        ),
    },
    Table {
        name: "b2ba",
        sheet: "b2ba",
        path: "/b2ba",
        rows: Some("inv"),
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("GSTIN/UIN of Recipient", "ctin"),
            Text("Original Invoice Number", "oinum"),
            Text("Original Invoice date", "oidt"),
            Text("Revised Invoice Number", "inum"),
            Text("Revised Invoice date", "idt"),
            Number("Invoice Value", "val"),
            Place("Place Of Supply", "pos"),
            Text("Reverse Charge", "rchrg"),
            Text("Invoice Type", "inv_typ")
        ),
    },
    Table {
        name: "b2cl",
        sheet: "b2cl",
        path: "/b2cl",
        rows: Some("inv"),
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("Invoice Number", "inum"),
            Text("Invoice date", "idt"),
            Number("Invoice Value", "val"),
            Place("Place Of Supply", "pos"),
            Text("E-Commerce GSTIN", "etin")
        ),
    },
    Table {
        name: "b2cla",
        sheet: "b2cla",
        path: "/b2cla",
        rows: Some("inv"),
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("Original Invoice Number", "oinum"),
            Text("Original Invoice date", "oidt"),
            Place("Place Of Supply", "pos"),
            Text("Revised Invoice Number", "inum"),
            Text("Revised Invoice date", "idt"),
            Number("Invoice Value", "val")
        ),
    },
    Table {
        name: "b2cs",
        sheet: "b2cs",
        path: "/b2cs",
        rows: None,
        items: None,
        columns: columns!("txval", Text("Type", "typ"), Text("Supply Type", "sply_ty"), Place("Place Of Supply", "pos"), Text("E-Commerce GSTIN", "etin")),
    },
    Table {
        name: "b2csa",
        sheet: "b2csa",
        path: "/b2csa",
        rows: None,
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("Original Month", "omon"),
            Text("Type", "typ"),
            Text("Supply Type", "sply_ty"),
            Place("Place Of Supply", "pos"),
            Text("E-Commerce GSTIN", "etin")
        ),
    },
    Table {
        name: "cdnr",
        sheet: "cdnr",
        path: "/cdnr",
        rows: Some("nt"),
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("GSTIN/UIN of Recipient", "ctin"),
            Text("Note Number", "nt_num"),
            Text("Note Date", "nt_dt"),
            Text("Note Type", "ntty"),
            Place("Place Of Supply", "pos"),
            Text("Reverse Charge", "rchrg"),
            Text("Note Supply Type", "inv_typ"),
            Number("Note Value", "val")
        ),
    },
    Table {
        name: "cdnra",
        sheet: "cdnra",
        path: "/cdnra",
        rows: Some("nt"),
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("GSTIN/UIN of Recipient", "ctin"),
            Text("Original Note Number", "ont_num"),
            Text("Original Note Date", "ont_dt"),
            Text("Revised Note Number", "nt_num"),
            Text("Revised Note Date", "nt_dt"),
            Text("Note Type", "ntty"),
            Place("Place Of Supply", "pos"),
            Text("Note Supply Type", "inv_typ"),
            Number("Note Value", "val")
        ),
    },
    Table {
        name: "cdnur",
        sheet: "cdnur",
        path: "/cdnur",
        rows: None,
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("UR Type", "typ"),
            Text("Note Number", "nt_num"),
            Text("Note Date", "nt_dt"),
            Text("Note Type", "ntty"),
            Place("Place Of Supply", "pos"),
            Number("Note Value", "val")
        ),
    },
    Table {
        name: "cdnura",
        sheet: "cdnura",
        path: "/cdnura",
        rows: None,
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("UR Type", "typ"),
            Text("Original Note Number", "ont_num"),
            Text("Original Note Date", "ont_dt"),
            Text("Revised Note Number", "nt_num"),
            Text("Revised Note Date", "nt_dt"),
            Text("Note Type", "ntty"),
            Place("Place Of Supply", "pos"),
            Number("Note Value", "val")
        ),
    },
    Table {
        name: "exp",
        sheet: "exp",
        path: "/exp",
        rows: Some("inv"),
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("Export Type", "exp_typ"),
            Text("Invoice Number", "inum"),
            Text("Invoice date", "idt"),
            Number("Invoice Value", "val"),
            Text("Port Code", "sbpcode"),
            Text("Shipping Bill Number", "sbnum"),
            Text("Shipping Bill Date", "sbdt")
        ),
    },
    Table {
        name: "expa",
        sheet: "expa",
        path: "/expa",
        rows: Some("inv"),
        items: Some("itms"),
        columns: columns!(
            "txval",
            Text("Export Type", "exp_typ"),
            Text("Original Invoice Number", "oinum"),
            Text("Original Invoice date", "oidt"),
            Text("Revised Invoice Number", "inum"),
            Text("Revised Invoice date", "idt"),
            Number("Invoice Value", "val")
        ),
    },
    Table {
        name: "at",
        sheet: "at",
        path: "/at",
        rows: None,
        items: Some("itms"),
        columns: columns!("ad_amt", Place("Place Of Supply", "pos"), Text("Supply Type", "sply_ty")),
    },
    Table {
        name: "ata",
        sheet: "ata",
        path: "/ata",
        rows: None,
        items: Some("itms"),
        columns: columns!("ad_amt", Text("Original Month", "omon"), Place("Place Of Supply", "pos"), Text("Supply Type", "sply_ty")),
    },
    Table {
        name: "txpd",
        sheet: "atadj",
        path: "/txpd",
        rows: None,
        items: Some("itms"),
        columns: columns!("ad_amt", Place("Place Of Supply", "pos"), Text("Supply Type", "sply_ty")),
    },
    Table {
        name: "txpda",
        sheet: "atadja",
        path: "/txpda",
        rows: None,
        items: Some("itms"),
        columns: columns!("ad_amt", Text("Original Month", "omon"), Place("Place Of Supply", "pos"), Text("Supply Type", "sply_ty")),
    },
    Table {
        name: "nil",
        sheet: "exemp",
        path: "/nil/inv",
        rows: None,
        items: None,
        columns: &[
            Text("Description", "sply_ty"),
            Number("Nil Rated Supplies", "nil_amt"),
            Number("Exempted", "expt_amt"),
            Number("Non-GST Supplies", "ngsup_amt"),
        ],
    },
    Table {
        name: "hsn",
        sheet: "hsn",
        path: "/hsn/data",
        rows: None,
        items: None,
        columns: columns!("txval", Text("HSN", "hsn_sc"), Text("UQC", "uqc"), Number("Total Quantity", "qty")),
    },
    Table {
        name: "hsn_b2b",
        sheet: "hsn(b2b)",
        path: "/hsn/hsn_b2b",
        rows: None,
        items: None,
        columns: columns!("txval", Text("HSN", "hsn_sc"), Text("UQC", "uqc"), Number("Total Quantity", "qty")),
    },
    Table {
        name: "hsn_b2c",
        sheet: "hsn(b2c)",
        path: "/hsn/hsn_b2c",
        rows: None,
        items: None,
        columns: columns!("txval", Text("HSN", "hsn_sc"), Text("UQC", "uqc"), Number("Total Quantity", "qty")),
    },
    Table {
        name: "supeco_clttx",
        sheet: "eco s.52",
        path: "/supeco/clttx",
        rows: None,
        items: None,
        columns: &[
            Text("GSTIN of E-Commerce Operator", "etin"),
            Number("Net value of supplies", "suppval"),
            Number("Integrated Tax", "igst"),
            Number("Central Tax", "cgst"),
            Number("State/UT Tax", "sgst"),
            Number("Cess Amount", "cess"),
        ],
    },
    Table {
        name: "supeco_paytx",
        sheet: "eco s.9(5)",
        path: "/supeco/paytx",
        rows: None,
        items: None,
        columns: &[
            Text("GSTIN of E-Commerce Operator", "etin"),
            Number("Net value of supplies", "suppval"),
            Number("Integrated Tax", "igst"),
            Number("Central Tax", "cgst"),
            Number("State/UT Tax", "sgst"),
            Number("Cess Amount", "cess"),
        ],
    },
    Table {
        name: "doc_issue",
        sheet: "docs",
        path: "/doc_issue/doc_det",
        rows: Some("docs"),
        items: None,
        columns: &[
            Number("Nature of Document", "doc_num"),
            Text("Sr. No. From", "from"),
            Text("Sr. No. To", "to"),
            Number("Total Number", "totnum"),
            Number("Cancelled", "cancel"),
            Number("Net Issued", "net_issue"),
        ],
    },
];

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
    /// Goes through the rows, an item each.
    fn each(&self, gstr1: &Value, mut visit: impl FnMut(Vec<Cell>) -> Result<(), Problem>) -> Result<(), Problem> {
        let groups = gstr1.pointer(self.path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut row = |levels: &[&Value]| visit(self.columns.iter().map(|column| column.cell(levels)).collect());
        for group in groups {
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
        }
        Ok(())
    }
    fn is_there(&self, gstr1: &Value) -> bool {
        gstr1.pointer(self.path).is_some()
    }
}

fn parse(gstr1: &str) -> Result<Value, Problem> {
    serde_json::from_str(gstr1).map_err(|error| Problem::internal(&error))
}

/// A spreadsheet takes what begins so for a formula.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

/// One table as CSV, or all of them, each under its name.
pub fn csv(gstr1: &str, wanted: Option<&str>) -> Result<Vec<u8>, Problem> {
    let value = parse(gstr1)?;
    let failed = |error: csv::Error| Problem::internal(&error);
    let tables: Vec<&Table> = match wanted {
        None => TABLES.iter().filter(|table| table.is_there(&value)).collect(),
        Some(name) => {
            let found = TABLES.iter().find(|table| table.name == name);
            vec![found.ok_or_else(|| {
                let known: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
                let fault = FieldError::parameter("table", "invalid_value", "The return has no such table.").expected(known.join(", ")).received(name);
                Problem::new(problem::INVALID_PARAMETER, "1 query parameter(s) need correction.").errors(vec![fault])
            })?]
        }
    };
    let mut out = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for table in tables {
        if wanted.is_none() {
            out.write_record([table.sheet]).map_err(failed)?;
        }
        out.write_record(table.columns.iter().map(|column| column.title())).map_err(failed)?;
        table.each(&value, |cells| {
            let text = |cell| match cell {
                Cell::Empty => String::new(),
                Cell::Text(text) => harmless(text),
                Cell::Number(number) => number.to_string(),
            };
            out.write_record(cells.into_iter().map(text)).map_err(failed)
        })?;
    }
    out.into_inner().map_err(|error| Problem::internal(&error))
}

/// Every table as a sheet of its own; rows are written out as they are made.
pub fn xlsx(gstr1: &str) -> Result<Vec<u8>, Problem> {
    let value = parse(gstr1)?;
    let failed = |error: rust_xlsxwriter::XlsxError| Problem::internal(&error);
    let (mut book, bold, money) = (Workbook::new(), Format::new().set_bold(), Format::new().set_num_format("#,##0.00"));
    for table in TABLES.iter().filter(|table| table.is_there(&value)) {
        let sheet = book.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_name(table.sheet).map_err(failed)?;
        for (column, of) in (0..).zip(table.columns) {
            sheet.set_column_width(column, 18).map_err(failed)?;
            sheet.write_with_format(0, column, of.title(), &bold).map_err(failed)?;
        }
        let mut line = 1;
        table.each(&value, |cells| {
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
        })?;
    }
    if book.worksheets().is_empty() {
        book.add_worksheet().set_name("empty").map_err(failed)?;
    }
    book.save_to_buffer().map_err(failed)
}
