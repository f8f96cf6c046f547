//! The tool as it travels.

use super::builder::Warning;
use super::facts::{AdvanceKind, DocumentKind, OperatorSection, RecipientKind};
use super::written::Built;
use crate::filing::json::Json;
use crate::filing::period::ReturnPeriod;
use crate::platform::http::Problem;
use crate::platform::money::{Amount, Quantity, Rate};
use crate::tax::gst::explain::{Explanation, START, entry};
use crate::tax::gst::limits;
use crate::tax::tools::types::{GstinMode, SupplyClass, TaxTreatment};
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// A cancelled document is counted in table 13 and reported nowhere else.
    pub enum ReturnDocumentStatus { Issued = "issued", Cancelled = "cancelled" }
}
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"supplier_gstin": "27AAACD1234E1Z9", "period": "102024", "documents": [
    {"type": "invoice", "number": "MH/24-25/000123", "date": "2024-10-05", "status": "issued", "recipient": {"kind": "registered", "gstin": "27AAPFU0939F1ZV"}, "place_of_supply": "27",
     "supply_type": "regular", "reverse_charge": false, "value": "118000.00",
     "lines": [{"taxable": "100000.00", "gst_rate": "18", "cgst": "9000.00", "sgst": "9000.00", "treatment": "taxable", "hsn": "998313", "qty": "2"}]}]}))]
pub struct BuildGstr1 {
    #[schema(min_length = 1, max_length = 30, example = "27AAACD1234E1Z9")]
    pub supplier_gstin: String,
    /// It is that of a unit or the developer of a special economic zone: whatever it supplies is inter-State (IGST Act s.7(5)(b)).
    #[serde(default)]
    #[schema(example = false)]
    pub supplier_sez: bool,
    /// The month as `MMYYYY` (or `YYYY-MM`), of a quarterly filer the last one of the quarter; July 2017 or later.
    #[schema(pattern = "^((0[1-9]|1[0-2])[0-9]{4}|[0-9]{4}-(0[1-9]|1[0-2]))$", max_length = 7, example = "102024")]
    pub period: String,
    /// The return is for the three months that end with the period.
    #[serde(default)]
    #[schema(example = false)]
    pub quarterly: bool,
    /// `strict` when left out.
    pub mode: Option<GstinMode>,
    /// In any order; cancelled ones too, for table 13.
    #[serde(default)]
    #[schema(max_items = 20000)]
    pub documents: Vec<ReturnDocument>,
    /// Tax on advances, tables 11A and 11B.
    #[serde(default)]
    #[schema(max_items = 5000, example = json!([]))]
    pub advances: Vec<ReturnAdvance>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnDocument {
    /// `invoice` when left out; vouchers count in table 13 only.
    pub r#type: Option<DocumentKind>,
    /// At most 16 letters, digits, `-`, `/` (CGST rule 46(b)); reported in capitals.
    #[schema(min_length = 1, max_length = 100, example = "MH/24-25/000123")]
    pub number: String,
    #[schema(example = "2024-10-05")]
    pub date: NaiveDate,
    /// Documents of different series are never one range in table 13.
    #[schema(max_length = 50, example = "MH/24-25/")]
    pub series: Option<String>,
    /// `issued` when left out.
    pub status: Option<ReturnDocumentStatus>,
    pub recipient: Option<ReturnRecipient>,
    /// State code, 96 outside India. Left out: 96 of an export, else the State of the recipient's GSTIN, else the supplier's.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
    pub place_of_supply: Option<String>,
    /// `regular` says nothing: of SEZ and exports the recipient then tells, with payment where IGST is charged.
    pub supply_type: Option<SupplyClass>,
    #[serde(default)]
    #[schema(example = false)]
    pub reverse_charge: bool,
    /// What is payable, nil and exempt parts included, tax under reverse charge not. The sum of the lines when left out.
    pub value: Option<Amount>,
    /// The document a note corrects.
    pub original: Option<ReturnOriginal>,
    /// The document of an earlier return that this one takes the place of (tables 9A, 9C).
    pub amends: Option<ReturnAmends>,
    /// The e-commerce operator it goes through.
    pub operator: Option<ReturnOperator>,
    /// The reporting person is itself the operator, and pays the tax for this supplier (s.9(5); table 15).
    pub supplied_by: Option<ReturnSupplier>,
    /// Of an export of goods, where it is known already.
    pub shipping_bill: Option<ReturnShippingBill>,
    /// Tax at 65 % of the rate (notification 37/2017-CT(R)).
    #[serde(default)]
    #[schema(example = false)]
    pub differential: bool,
    /// Not empty but of a cancelled document or a voucher.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub lines: Vec<ReturnLine>,
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnRecipient {
    /// Left out: registered with a GSTIN, unregistered without.
    pub kind: Option<RecipientKind>,
    /// GSTIN or UIN; `URP` is none.
    #[schema(max_length = 30, example = "27AAPFU0939F1ZV")]
    pub gstin: Option<String>,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub name: Option<String>,
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
    pub state: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnOriginal {
    #[schema(min_length = 1, max_length = 100, example = "MH/24-25/000101")]
    pub number: String,
    #[schema(example = "2024-09-20")]
    pub date: Option<NaiveDate>,
    /// Decides with the note's own value whether a consumer's note is reported by itself. Looked up among the documents
    /// when left out.
    pub value: Option<Amount>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnAmends {
    #[schema(min_length = 1, max_length = 100, example = "MH/24-25/000101")]
    pub number: String,
    #[schema(example = "2024-09-20")]
    pub date: NaiveDate,
    /// Its value as it was reported: a consumer's document stays in the table it was in. The sum of the lines when left out.
    pub value: Option<Amount>,
    /// Its lines as they were reported; the difference goes into the totals, table 12 and GSTR-3B.
    #[serde(default)]
    #[schema(max_items = 1000, example = json!([]))]
    pub lines: Vec<ReturnLine>,
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnSupplier {
    /// Left out, null or `URP`: the supplier is not registered.
    #[schema(max_length = 30, example = "29AABCR1718E1ZL")]
    pub gstin: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnOperator {
    #[schema(min_length = 1, max_length = 30, example = "27AAICF1234E1C7")]
    pub gstin: String,
    /// `52` when left out.
    pub section: Option<OperatorSection>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnShippingBill {
    #[schema(pattern = "^[0-9]{3,7}$", max_length = 7, example = "7896542")]
    pub number: Option<String>,
    #[schema(example = "2024-10-07")]
    pub date: Option<NaiveDate>,
    #[schema(pattern = "^[A-Za-z0-9]{6}$", max_length = 6, example = "INNSA1")]
    pub port_code: Option<String>,
}

/// Amounts are final, in rupees, and positive also on a credit note.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnLine {
    #[schema(max_length = 500, example = "Annual support plan")]
    pub description: Option<String>,
    pub taxable: Amount,
    /// CGST and SGST together, or IGST.
    pub gst_rate: Option<Rate>,
    pub igst: Option<Amount>,
    pub cgst: Option<Amount>,
    /// SGST or UTGST.
    pub sgst: Option<Amount>,
    pub cess: Option<Amount>,
    /// `taxable` when left out.
    pub treatment: Option<TaxTreatment>,
    /// HSN or SAC of 4, 6 or 8 digits.
    #[schema(max_length = 20, example = "998313")]
    pub hsn: Option<String>,
    /// Unit quantity code; of a service none.
    #[schema(max_length = 20, example = "NOS")]
    pub uqc: Option<String>,
    pub qty: Option<Quantity>,
    /// Left out: where the HSN begins with 99.
    #[schema(example = false)]
    pub service: Option<bool>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnAdvance {
    pub kind: AdvanceKind,
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "29")]
    pub place_of_supply: String,
    /// Left out: where the place is another State than the supplier's.
    #[schema(example = true)]
    pub inter: Option<bool>,
    pub gst_rate: Rate,
    /// The advance less the tax in it.
    pub amount: Amount,
    pub igst: Option<Amount>,
    pub cgst: Option<Amount>,
    pub sgst: Option<Amount>,
    pub cess: Option<Amount>,
    /// Of what is adjusted or refunded: that it was received in this period too, which makes it no row of table 11B.
    #[serde(default)]
    #[schema(example = false)]
    pub received_in_period: bool,
    /// Tax at 65 % of the rate (notification 37/2017-CT(R)).
    #[serde(default)]
    #[schema(example = false)]
    pub differential: bool,
    /// The amounts are the new ones of a row of an earlier return (tables 11A and 11B, amended): that of what was received
    /// in its period, or of what was adjusted or refunded.
    pub amends: Option<ReturnAdvanceAmends>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnAdvanceAmends {
    /// The month of the earlier return.
    #[schema(pattern = "^((0[1-9]|1[0-2])[0-9]{4}|[0-9]{4}-(0[1-9]|1[0-2]))$", max_length = 7, example = "092024")]
    pub period: String,
    /// The row as it was reported; the difference goes into the totals and GSTR-3B.
    pub amount: Amount,
    pub igst: Option<Amount>,
    pub cgst: Option<Amount>,
    pub sgst: Option<Amount>,
    pub cess: Option<Amount>,
}

/// What is documented of the answer; it is written as a stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct Gstr1Answer {
    /// The portal's own JSON: `gstin`, `fp` and each table that has rows.
    #[schema(value_type = Object, example = json!({"gstin": "27AAACD1234E1Z9", "fp": "102024", "b2b": [{"ctin": "27AAPFU0939F1ZV", "inv": [{"inum": "MH/24-25/000123", "idt": "05-10-2024", "val": 118_000, "pos": "27", "rchrg": "N", "inv_typ": "R",
        "itms": [{"num": 1801, "itm_det": {"txval": 100_000, "rt": 18, "camt": 9000, "samt": 9000, "csamt": 0}}]}]}]}))]
    pub gstr1: serde_json::Value,
    /// Of each table with rows what it comes to, credit notes taken off and of amendments what they change: `txval`, `iamt`, `camt`, `samt`, `csamt`; of `nil` and `doc_issue` their own members.
    #[schema(value_type = Object, example = json!({"b2b": {"txval": 100_000, "iamt": 0, "camt": 9000, "samt": 9000, "csamt": 0}}))]
    pub totals: serde_json::Value,
    /// Tables 3.1, 3.1.1 and 3.2 in the portal's form.
    #[schema(value_type = Object, example = json!({"gstin": "27AAACD1234E1Z9", "ret_period": "102024", "sup_details": {"osup_det": {"txval": 100_000, "iamt": 0, "camt": 9000, "samt": 9000, "csamt": 0}}}))]
    pub gstr3b: serde_json::Value,
    #[schema(max_items = 501)]
    pub warnings: Vec<Warning>,
    #[schema(max_items = 20)]
    pub explanation: Vec<Explanation>,
}

/// The answer as it goes over the wire.
pub fn answer(built: &Built, period: ReturnPeriod) -> Result<String, Problem> {
    let text = |value: Result<String, serde_json::Error>| value.map_err(|error| Problem::internal(&error));
    let parts = [
        ("totals", built.totals_json()),
        ("gstr3b", built.gstr3b_json()),
        ("warnings", text(serde_json::to_string(built.warnings()))?),
        ("explanation", text(serde_json::to_string(&explanation(period)))?),
    ];
    let mut json = Json::default();
    json.object(|json| {
        json.name("gstr1").raw(&built.json());
        for (name, part) in &parts {
            json.name(name).raw(part);
        }
    });
    Ok(json.into_text())
}

/// The rules a return of the period is built by.
#[must_use]
pub fn explanation(period: ReturnPeriod) -> Vec<Explanation> {
    let fixed = |decision, result: &str, rule: &str, section: &str| entry(decision, result, rule, section, START);
    let mut explained = vec![
        fixed(
            "period",
            &period.fp(),
            "Documents belong to the period of their date; what is older is reported late, what is younger is left out.",
            "CGST Act s.37(1)",
        ),
        fixed(
            "registered",
            "one_by_one",
            "Supplies to holders of a GSTIN or UIN are reported invoice by invoice (tables 4, 6B, 6C, 9B).",
            "CGST Rules r.59(4)(a)",
        ),
        fixed("zero_rated", "tables_6a_6b", "Exports have their place of supply outside India and go to table 6A; supplies to SEZ to 6B.", "IGST Act s.16"),
        fixed(
            "notes",
            "own_period",
            "A note is reported in the period of its own date, by itself where what it corrects was, else in the total of table 7.",
            "CGST Act s.34",
        ),
        fixed(
            "reverse_charge",
            "not_owed",
            "Under reverse charge the recipient pays: the tax is shown, part of neither value nor liability.",
            "CGST Act s.9(3)",
        ),
        fixed("numbers", "ranges", "Table 13 counts every number used, cancelled ones too; a range ends where the counter jumps.", "CGST Rules r.46(b)"),
    ];
    if let Some(row) = limits::all().b2cl_invoice_value.on(period.last) {
        let rule = format!("Inter-State invoices to consumers above {} are reported one by one (table 5), by the limit of their date.", row.value.normalize());
        explained.push(entry("b2cl_limit", row.value.normalize().to_string(), rule, row.source, row.from));
    }
    if let Some(row) = limits::all().hsn_summary_split.on(period.first) {
        let rule = if row.value { "Table 12 is split: holders of a GSTIN, and all others with exports." } else { "Table 12 is one list." };
        explained.push(entry("hsn_summary", if row.value { "split" } else { "one_list" }, rule, row.source, row.from));
    }
    explained
}
