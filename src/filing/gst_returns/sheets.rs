//! The tables of a return in the words of the portal's offline tool.

use Column::{Number, Place, Text};

/// What a column shows.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// A text member of the row, of its group or of its item.
    Text(&'static str, &'static str),
    /// A number.
    Number(&'static str, &'static str),
    /// A State code, with the State's name.
    Place(&'static str, &'static str),
}

/// A table of the return: where its rows are, what they are.
pub struct Table {
    /// As the caller names it.
    pub name: &'static str,
    pub sheet: &'static str,
    /// The way to the list of rows, or of groups of them.
    pub path: &'static str,
    /// The member that holds the rows of a group.
    pub rows: Option<&'static str>,
    /// The member that holds the items of a row.
    pub items: Option<&'static str>,
    pub columns: &'static [Column],
}

/// A table whose columns end with rate, value and taxes.
macro_rules! taxed {
    ($name:literal, $sheet:literal, $path:literal, $rows:expr, $items:expr, $value:literal, [$($column:expr),* $(,)?]) => {
        Table { name: $name, sheet: $sheet, path: $path, rows: $rows, items: $items, columns: &[
            $($column,)*
            Number("Rate", "rt"), Number("Taxable Value", $value), Number("Integrated Tax", "iamt"), Number("Central Tax", "camt"), Number("State/UT Tax", "samt"), Number("Cess Amount", "csamt"),
        ] }
    };
}

const INV: Option<&str> = Some("inv");
const NT: Option<&str> = Some("nt");
const ITMS: Option<&str> = Some("itms");

const RECIPIENT: Column = Text("GSTIN/UIN of Recipient", "ctin");
const NUMBER: Column = Text("Invoice Number", "inum");
const DATE: Column = Text("Invoice date", "idt");
const VALUE: Column = Number("Invoice Value", "val");
const PLACE: Column = Place("Place Of Supply", "pos");
const REVERSE_CHARGE: Column = Text("Reverse Charge", "rchrg");
const DIFFERENTIAL: Column = Number("Applicable % of Tax Rate", "diff_percent");
const OPERATOR: Column = Text("E-Commerce GSTIN", "etin");
const INVOICE_TYPE: Column = Text("Invoice Type", "inv_typ");
const SUPPLY_TYPE: Column = Text("Supply Type", "sply_ty");
const TYPE: Column = Text("Type", "typ");
const MONTH: Column = Text("Original Month", "omon");
const OLD_NUMBER: Column = Text("Original Invoice Number", "oinum");
const OLD_DATE: Column = Text("Original Invoice date", "oidt");
const NEW_NUMBER: Column = Text("Revised Invoice Number", "inum");
const NEW_DATE: Column = Text("Revised Invoice date", "idt");
const NOTE: Column = Text("Note Number", "nt_num");
const NOTE_DATE: Column = Text("Note Date", "nt_dt");
const NOTE_TYPE: Column = Text("Note Type", "ntty");
const NOTE_SUPPLY: Column = Text("Note Supply Type", "inv_typ");
const NOTE_VALUE: Column = Number("Note Value", "val");
const NOTE_TO: Column = Text("UR Type", "typ");
const OLD_NOTE: Column = Text("Original Note Number", "ont_num");
const OLD_NOTE_DATE: Column = Text("Original Note Date", "ont_dt");
const NEW_NOTE: Column = Text("Revised Note Number", "nt_num");
const NEW_NOTE_DATE: Column = Text("Revised Note Date", "nt_dt");
const EXPORT: Column = Text("Export Type", "exp_typ");
const PORT: Column = Text("Port Code", "sbpcode");
const BILL: Column = Text("Shipping Bill Number", "sbnum");
const BILL_DATE: Column = Text("Shipping Bill Date", "sbdt");
const HSN: Column = Text("HSN", "hsn_sc");
const UNIT: Column = Text("UQC", "uqc");
const QUANTITY: Column = Number("Total Quantity", "qty");
const SUPPLIER: Column = Text("GSTIN of Supplier", "stin");
const TO: Column = Text("GSTIN/UIN of Recipient", "rtin");

const OPERATORS: &[Column] = &[
    Text("GSTIN of E-Commerce Operator", "etin"),
    Number("Net value of supplies", "suppval"),
    Number("Integrated Tax", "igst"),
    Number("Central Tax", "cgst"),
    Number("State/UT Tax", "sgst"),
    Number("Cess Amount", "cess"),
];
const OPERATORS_AMENDED: &[Column] = &[
    MONTH,
    Text("Original GSTIN of E-Commerce Operator", "oetin"),
    Text("GSTIN of E-Commerce Operator", "etin"),
    Number("Net value of supplies", "suppval"),
    Number("Integrated Tax", "igst"),
    Number("Central Tax", "cgst"),
    Number("State/UT Tax", "sgst"),
    Number("Cess Amount", "cess"),
];

const fn operators(name: &'static str, sheet: &'static str, path: &'static str, columns: &'static [Column]) -> Table {
    Table { name, sheet, path, rows: None, items: None, columns }
}

/// In the order of the JSON.
pub const TABLES: &[Table] = &[
    taxed!("b2b", "b2b,sez,de", "/b2b", INV, ITMS, "txval", [RECIPIENT, NUMBER, DATE, VALUE, PLACE, REVERSE_CHARGE, INVOICE_TYPE, DIFFERENTIAL]),
    taxed!(
        "b2ba",
        "b2ba",
        "/b2ba",
        INV,
        ITMS,
        "txval",
        [RECIPIENT, OLD_NUMBER, OLD_DATE, NEW_NUMBER, NEW_DATE, VALUE, PLACE, REVERSE_CHARGE, INVOICE_TYPE, DIFFERENTIAL]
    ),
    taxed!("b2cl", "b2cl", "/b2cl", INV, ITMS, "txval", [NUMBER, DATE, VALUE, PLACE, DIFFERENTIAL, OPERATOR]),
    taxed!("b2cla", "b2cla", "/b2cla", INV, ITMS, "txval", [OLD_NUMBER, OLD_DATE, PLACE, NEW_NUMBER, NEW_DATE, VALUE, DIFFERENTIAL, OPERATOR]),
    taxed!("b2cs", "b2cs", "/b2cs", None, None, "txval", [TYPE, SUPPLY_TYPE, PLACE, DIFFERENTIAL, OPERATOR]),
    taxed!("b2csa", "b2csa", "/b2csa", None, ITMS, "txval", [MONTH, TYPE, SUPPLY_TYPE, PLACE, DIFFERENTIAL, OPERATOR]),
    taxed!("exp", "exp", "/exp", INV, ITMS, "txval", [EXPORT, NUMBER, DATE, VALUE, PORT, BILL, BILL_DATE]),
    taxed!("expa", "expa", "/expa", INV, ITMS, "txval", [EXPORT, OLD_NUMBER, OLD_DATE, NEW_NUMBER, NEW_DATE, VALUE, PORT, BILL, BILL_DATE]),
    taxed!("cdnr", "cdnr", "/cdnr", NT, ITMS, "txval", [RECIPIENT, NOTE, NOTE_DATE, NOTE_TYPE, PLACE, REVERSE_CHARGE, NOTE_SUPPLY, NOTE_VALUE, DIFFERENTIAL]),
    taxed!(
        "cdnra",
        "cdnra",
        "/cdnra",
        NT,
        ITMS,
        "txval",
        [RECIPIENT, OLD_NOTE, OLD_NOTE_DATE, NEW_NOTE, NEW_NOTE_DATE, NOTE_TYPE, PLACE, REVERSE_CHARGE, NOTE_SUPPLY, NOTE_VALUE, DIFFERENTIAL]
    ),
    taxed!("cdnur", "cdnur", "/cdnur", None, ITMS, "txval", [NOTE_TO, NOTE, NOTE_DATE, NOTE_TYPE, PLACE, NOTE_VALUE, DIFFERENTIAL]),
    taxed!(
        "cdnura",
        "cdnura",
        "/cdnura",
        None,
        ITMS,
        "txval",
        [NOTE_TO, OLD_NOTE, OLD_NOTE_DATE, NEW_NOTE, NEW_NOTE_DATE, NOTE_TYPE, PLACE, NOTE_VALUE, DIFFERENTIAL]
    ),
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
    taxed!("at", "at", "/at", None, ITMS, "ad_amt", [PLACE, SUPPLY_TYPE, DIFFERENTIAL]),
    taxed!("txpd", "atadj", "/txpd", None, ITMS, "ad_amt", [PLACE, SUPPLY_TYPE, DIFFERENTIAL]),
    taxed!("ata", "ata", "/ata", None, ITMS, "ad_amt", [MONTH, PLACE, SUPPLY_TYPE, DIFFERENTIAL]),
    taxed!("txpda", "atadja", "/txpda", None, ITMS, "ad_amt", [MONTH, PLACE, SUPPLY_TYPE, DIFFERENTIAL]),
    taxed!("hsn", "hsn", "/hsn/data", None, None, "txval", [HSN, UNIT, QUANTITY]),
    taxed!("hsn_b2b", "hsn(b2b)", "/hsn/hsn_b2b", None, None, "txval", [HSN, UNIT, QUANTITY]),
    taxed!("hsn_b2c", "hsn(b2c)", "/hsn/hsn_b2c", None, None, "txval", [HSN, UNIT, QUANTITY]),
    operators("supeco_clttx", "eco s.52", "/supeco/clttx", OPERATORS),
    operators("supeco_paytx", "eco s.9(5)", "/supeco/paytx", OPERATORS),
    operators("supecoa_clttx", "ecoa s.52", "/supecoa/clttxa", OPERATORS_AMENDED),
    operators("supecoa_paytx", "ecoa s.9(5)", "/supecoa/paytxa", OPERATORS_AMENDED),
    taxed!("ecom_b2b", "ecob2b", "/ecom/b2b", INV, ITMS, "txval", [SUPPLIER, TO, NUMBER, DATE, VALUE, PLACE, INVOICE_TYPE]),
    taxed!("ecom_urp2b", "ecourp2b", "/ecom/urp2b", INV, ITMS, "txval", [TO, NUMBER, DATE, VALUE, PLACE, INVOICE_TYPE]),
    taxed!("ecom_b2c", "ecob2c", "/ecom/b2c", None, None, "txval", [SUPPLIER, SUPPLY_TYPE, PLACE]),
    taxed!("ecom_urp2c", "ecourp2c", "/ecom/urp2c", None, None, "txval", [SUPPLY_TYPE, PLACE]),
    taxed!("ecoma_b2ba", "ecoab2b", "/ecoma/b2ba", INV, ITMS, "txval", [SUPPLIER, TO, OLD_NUMBER, OLD_DATE, NEW_NUMBER, NEW_DATE, VALUE, PLACE, INVOICE_TYPE]),
    taxed!("ecoma_urp2ba", "ecoaurp2b", "/ecoma/urp2ba", INV, ITMS, "txval", [TO, OLD_NUMBER, OLD_DATE, NEW_NUMBER, NEW_DATE, VALUE, PLACE, INVOICE_TYPE]),
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
