//! GSTR-1 and GSTR-3B over HTTP: the tool, the company's own returns, locking, and a year of random documents whose
//! returns are added up again from their rows, from the documents and from the ledger.

use crate::rig::*;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::{AddAssign, Sub};

/// Value, IGST, CGST, SGST, cess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum(pub [Decimal; 5]);
impl AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a += b;
        }
    }
}
impl Sub for Sum {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] - other.0[at]))
    }
}
impl Sum {
    fn times(self, factor: Decimal) -> Self {
        Self(self.0.map(|value| value * factor))
    }
    fn taxes(self) -> Self {
        let Self([_, i, c, s, x]) = self;
        Self([dec!(0), i, c, s, x])
    }
}

/// A JSON number as it is written.
fn number(value: &Value) -> Decimal {
    if value.is_null() { dec!(0) } else { value.to_string().parse().unwrap_or_else(|_| panic!("not a number: {value}")) }
}

/// The amounts of a row or item.
fn amounts(value: &Value) -> Sum {
    Sum(["txval", "iamt", "camt", "samt", "csamt"].map(|name| number(&value[name])))
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The items of a document's row.
fn of_row(row: &Value) -> Sum {
    let mut sum = Sum::default();
    for item in list(&row["itms"]) {
        sum += amounts(item.get("itm_det").unwrap_or(item));
    }
    sum
}

/// What the tables 4 to 9 of a return come to, without amendments.
fn tables(gstr1: &Value) -> Sum {
    let mut sum = Sum::default();
    for (table, rows) in [("b2b", "inv"), ("b2cl", "inv"), ("exp", "inv"), ("cdnr", "nt")] {
        for row in list(&gstr1[table]).iter().flat_map(|group| list(&group[rows])) {
            sum += of_row(row).times(if row["ntty"] == "C" { dec!(-1) } else { dec!(1) });
        }
    }
    for row in list(&gstr1["cdnur"]) {
        sum += of_row(row).times(if row["ntty"] == "C" { dec!(-1) } else { dec!(1) });
    }
    for row in list(&gstr1["b2cs"]) {
        sum += amounts(row);
    }
    for row in list(&gstr1["nil"]["inv"]) {
        sum.0[0] += number(&row["nil_amt"]) + number(&row["expt_amt"]) + number(&row["ngsup_amt"]);
    }
    sum
}

/// Taxes of rows under reverse charge, which the recipient pays.
fn reverse_charged(gstr1: &Value) -> Sum {
    let mut sum = Sum::default();
    for (table, rows) in [("b2b", "inv"), ("cdnr", "nt")] {
        for row in list(&gstr1[table]).iter().flat_map(|group| list(&group[rows])).filter(|row| row["rchrg"] == "Y") {
            sum += of_row(row).times(if row["ntty"] == "C" { dec!(-1) } else { dec!(1) });
        }
    }
    sum
}

fn hsn(gstr1: &Value) -> Sum {
    let mut sum = Sum::default();
    for part in ["data", "hsn_b2b", "hsn_b2c"] {
        for row in list(&gstr1["hsn"][part]) {
            sum += amounts(row);
        }
    }
    sum
}

/// What was posted to the output tax accounts in a month.
pub fn ledger(company: &Company, month: &str) -> Sum {
    let rows = company.sql(&format!(
        "SELECT a.role, sum(l.base_credit - l.base_debit)::text AS amount FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id
         WHERE l.company_id = {{c}} AND a.role LIKE 'output%' AND to_char(l.posting_date, 'YYYY-MM') = '{month}' GROUP BY a.role"
    ));
    let of = |role: &str| rows.iter().find(|row| row["role"] == role).map_or(dec!(0), |row| dec(&row["amount"]).normalize());
    Sum([dec!(0), of("output_igst"), of("output_cgst"), of("output_sgst"), of("output_cess")])
}

pub fn gstr1(company: &Company, month: &str) -> Value {
    company.get(&format!("/v1/gst-returns/{}/{month}/gstr1", company.gstin))
}

fn lock(company: &Company, month: &str, extra: Value) -> Reply {
    company
        .controller()
        .post(&format!("/v1/gst-returns/{}/{month}/lock", company.gstin), &with(json!({"arn": format!("AA27{}", month.replace('-', ""))}), extra))
}

/// Locks with the consent of another controller; gives the return from the list.
pub fn locked(company: &Company, month: &str) -> Value {
    let asked = lock(company, month, json!({})).expect(202);
    decide(&company.another("controller"), &asked, "approve").expect(200);
    let page = company.get(&format!("/v1/gst-returns?period_gte={month}&period_lte={month}"));
    assert_eq!(page["data"][0]["state"], "filed", "{page}");
    page["data"][0].clone()
}

// ------------------------------------------------------------------------------------- the tool

fn told() -> Value {
    json!({"supplier_gstin": "24AAQCA8719H1ZC", "period": "102024", "documents": [
        {"type": "invoice", "number": "S/1", "date": "2024-10-05", "series": "S/", "status": "issued", "recipient": {"kind": "registered", "gstin": "24AANFA2641L1ZF"}, "place_of_supply": "24", "supply_type": "regular",
         "reverse_charge": false, "value": "1180.00", "original": null, "lines": [{"taxable": "1000.00", "gst_rate": "18", "igst": "0", "cgst": "90.00", "sgst": "90.00", "cess": "0", "treatment": "taxable", "hsn": "8471", "uqc": "NOS", "qty": "1"}]}]})
}

#[test]
fn the_tool_answers_every_role_with_return_totals_and_explanation() {
    let company = Company::new();
    for role in ["admin", "controller", "ar_executive", "collector", "sales", "auditor", "integration"] {
        let reply = company.as_role(role).post("/v1/gst/gstr1", &told()).expect(200);
        assert_eq!(
            reply["gstr1"],
            json!({"gstin": "24AAQCA8719H1ZC", "fp": "102024",
                "b2b": [{"ctin": "24AANFA2641L1ZF", "inv": [{"inum": "S/1", "idt": "05-10-2024", "val": 1180, "pos": "24", "rchrg": "N", "inv_typ": "R", "itms": [{"num": 1801, "itm_det": {"txval": 1000, "rt": 18, "camt": 90, "samt": 90, "csamt": 0}}]}]}],
                "hsn": {"data": [{"num": 1, "hsn_sc": "8471", "uqc": "NOS", "qty": 1, "rt": 18, "txval": 1000, "iamt": 0, "camt": 90, "samt": 90, "csamt": 0}]},
                "doc_issue": {"doc_det": [{"doc_num": 1, "docs": [{"num": 1, "from": "S/1", "to": "S/1", "totnum": 1, "cancel": 0, "net_issue": 1}]}]}}),
            "{role}"
        );
        assert_eq!(reply["totals"]["b2b"], json!({"txval": 1000, "iamt": 0, "camt": 90, "samt": 90, "csamt": 0}));
        assert_eq!(reply["gstr3b"]["sup_details"]["osup_det"]["txval"], 1000);
        assert_eq!(reply["warnings"], json!([]));
        assert!(list(&reply["explanation"]).iter().any(|entry| entry["decision"] == "b2cl_limit"), "{reply}");
    }
    Client::anonymous().post("/v1/gst/gstr1", &told()).refused(401, "token_missing");
    company.assert_laws();
}

#[test]
fn the_tool_stores_nothing_and_names_what_is_wrong() {
    let company = Company::new();
    let caller = company.executive();
    let before = company.fingerprint();
    let send = |change: &dyn Fn(&mut Value)| {
        let mut body = told();
        change(&mut body);
        caller.post("/v1/gst/gstr1", &body)
    };
    let one = |pointer: &str, value: Value| send(&|body| *body.pointer_mut(pointer).expect("a member") = value.clone());
    for (pointer, value, code) in [
        ("/supplier_gstin", json!("24AAQCA8719H1ZX"), "gstin_invalid"),
        ("/documents/0/number", json!("ABCDEFGHIJKLMNOPQ"), "number_too_long"),
        ("/documents/0/place_of_supply", json!("99"), "place_of_supply_invalid"),
        ("/documents/0/lines/0/gst_rate", json!("17"), "rate_not_in_force"),
        ("/documents/0/lines/0/hsn", json!("84"), "hsn_invalid"),
        ("/documents/0/lines/0/taxable", json!("-1000.00"), "too_small"),
        ("/documents/0/lines/0/taxable", json!("9999999999999999.000001"), "amount_too_large"),
    ] {
        let problem = one(pointer, value.clone()).refusal();
        assert_eq!(problem["status"], 422, "{pointer} {value}: {problem}");
        assert!(blames(&problem, &format!("#{pointer}"), code), "{pointer} {value}: {problem}");
    }
    one("/documents/0/lines/0/taxable", json!(1000)).refused(400, "invalid_decimal");
    one("/documents/0/lines/0/taxable", json!("1e3")).refused(400, "invalid_decimal");
    one("/documents/0/date", json!("2024-13-01")).refused(400, "invalid_date");
    one("/documents/0/type", json!("proforma")).refused(422, "validation_failed");
    one("/documents/0/lines", json!({})).refused(422, "validation_failed");
    one("/documents", json!("all")).refused(422, "validation_failed");
    one("/period", json!("132024")).refused(422, "validation_failed");
    send(&|body| body["extra"] = json!(1)).refused(400, "unknown_field");
    send(&|body| body["documents"][0]["lines"] = json!(vec![body["documents"][0]["lines"][0].clone(); 10_000])).refused(422, "validation_failed");
    let largest =
        send(&|body| body["documents"][0]["lines"] = json!(vec![with(body["documents"][0]["lines"][0].clone(), json!({"taxable": "9999999999999.00"})); 1000]))
            .expect(200);
    assert_eq!(number(&largest["totals"]["b2b"]["txval"]), dec!(9999999999999000));
    assert_eq!(company.fingerprint(), before);
}

#[test]
fn the_tool_takes_thousands_of_documents() {
    let company = Company::new();
    let document = |n: usize| json!({"number": format!("S/{n}"), "date": "2024-10-05", "place_of_supply": "24", "lines": [{"taxable": "100.00", "gst_rate": "18", "cgst": "9.00", "sgst": "9.00", "hsn": "8471"}]});
    let body = json!({"supplier_gstin": "24AAQCA8719H1ZC", "period": "102024", "documents": (1..=12_000).map(document).collect::<Vec<_>>()});
    let reply = company.executive().post("/v1/gst/gstr1", &body).expect(200);
    assert_eq!(
        reply["gstr1"]["b2cs"],
        json!([{"sply_ty": "INTRA", "pos": "24", "typ": "OE", "rt": 18, "txval": 1_200_000, "camt": 108_000, "samt": 108_000, "csamt": 0}])
    );
    assert_eq!(reply["totals"]["doc_issue"], json!({"totnum": 12_000, "cancel": 0, "net_issue": 12_000}));
}

// ---------------------------------------------------------------------------------- own returns

pub fn customer(company: &Company, kind: &str, state: &str, with_gstin: bool) -> String {
    let address = json!({"line1": "1 High Street", "city": "Town", "state_code": state, "postal_code": "560001", "country": "IN"});
    let extra = if kind == "export" { json!({"line1": "1 Main Street", "city": "Dubai", "country": "AE"}) } else { address };
    let mut body = with(customer_body(), json!({"kind": kind, "billing_address": extra}));
    if with_gstin {
        body["gstin"] = json!(gstin(state));
    }
    id_of(&company.executive().post("/v1/customers", &body).expect(201))
}

pub fn goods(net: &str, rate: &str) -> Value {
    json!({"description": "Machine", "hsn_code": "84713010", "is_service": false, "quantity": "2", "unit": "NOS", "unit_price": net, "tax_rate": rate})
}

#[test]
fn a_return_is_locked_by_two_and_stays_what_was_filed() {
    let company = Company::new();
    let buyer = customer(&company, "b2b", "29", true);
    let issue = |date: &str, net: &str| {
        let body = with(invoice_body(&buyer, date, net), json!({"place_of_supply": "29", "lines": [goods(net, "18")]}));
        company.executive().post("/v1/invoices", &body).expect(201)
    };
    let (first, second) = (issue("2025-10-03", "100.00"), issue("2025-10-04", "50.00"));
    let open = gstr1(&company, "2025-10");
    assert_eq!(open["totals"]["b2b"], json!({"txval": 300, "iamt": 54, "camt": 0, "samt": 0, "csamt": 0}), "{open}");
    assert_eq!(gstr1(&company, "102025")["gstr1"], open["gstr1"], "the period may be written as the portal does");
    let path = format!("/v1/gst-returns/{}/2025-10", company.gstin);
    let file = |format: &str| company.controller().get(&format!("{path}/gstr1?format={format}"));
    let portal = file("portal");
    assert_eq!(portal.json(), open["gstr1"]);
    assert!(portal.header("content-disposition").is_some_and(|name| name.contains(&format!("GSTR1_{}_102025.json", company.gstin))));

    company.executive().post(&format!("{path}/lock"), &json!({"arn": "AA271025123456X"})).refused(403, "permission_denied");
    lock(&company, "2025-10", json!({"filed_on": "2025-10-31"})).refused(422, "validation_failed");
    lock(&company, "2025-10", json!({"expected_sha256": "0".repeat(64)})).refused(422, "validation_failed");
    lock(&company, &today().format("%Y-%m").to_string(), json!({})).refused(409, "period_running");
    company.controller().post("/v1/gst-returns/27AAPFU0939F1ZV/2025-10/lock", &json!({"arn": "AA271025123456X"})).refused(404, "not_found");

    let asked = lock(&company, "2025-10", json!({})).expect(202);
    assert_eq!((&asked["state"], &asked["fp"]), (&json!("open"), &json!("102025")), "{asked}");
    decide(&company.controller(), &asked, "approve").refused(403, "sod_self_approval");
    // Another document since: the approver would decide on another return than was asked for.
    let third = issue("2025-10-05", "10.00");
    decide(&company.another("controller"), &asked, "approve").refused(409, "approval_stale");
    decide(&company.another("controller"), &asked, "reject").expect(200);
    let kept = locked(&company, "2025-10");
    let filed = file("portal");
    let sha = duebook::platform::text::hex(&<sha2::Sha256 as sha2::Digest>::digest(&filed.bytes));
    assert_eq!((kept["sha256"].as_str(), &kept["documents"]), (Some(sha.as_str()), &json!(3)), "{kept}");
    lock(&company, "2025-10", json!({})).refused(409, "return_locked");

    let cancel = json!({"reason": "Ordered twice", "cancelled_on": "2025-11-02"});
    company.controller().change("POST", &format!("/v1/invoices/{}/cancel", id_of(&second)), "*", &cancel).expect(200);
    assert_eq!(file("portal").bytes, filed.bytes, "what was filed stays");
    let november = gstr1(&company, "2025-11");
    let row = &november["gstr1"]["b2ba"][0]["inv"][0];
    assert_eq!((&row["oinum"], &row["inum"], &row["oidt"], &row["val"]), (&second["number"], &second["number"], &json!("04-10-2025"), &json!(0)), "{november}");
    assert_eq!(row["itms"], json!([{"num": 1801, "itm_det": {"txval": 0, "rt": 18, "iamt": 0, "csamt": 0}}]));
    assert_eq!(november["totals"]["b2ba"], json!({"txval": -100, "iamt": -18, "camt": 0, "samt": 0, "csamt": 0}));
    assert_eq!(november["gstr3b"]["sup_details"]["osup_det"]["iamt"], -18);

    // One that came late, and one in its time.
    let late = issue("2025-10-30", "70.00");
    issue("2025-11-03", "5.00");
    let november = gstr1(&company, "2025-11");
    let numbers: Vec<&Value> = list(&november["gstr1"]["b2b"][0]["inv"]).iter().map(|row| &row["inum"]).collect();
    assert!(numbers.contains(&&late["number"]) && numbers.len() == 2, "{november}");
    let reconciled = company.get(&format!("/v1/gst-returns/{}/2025-11/reconciliation", company.gstin));
    assert_eq!(reconciled["difference_count"], 1, "{reconciled}");
    assert_eq!(reconciled["differences"][0]["document_number"], late["number"]);
    locked(&company, "2025-11");
    let december = gstr1(&company, "2025-12");
    assert!(december["gstr1"].get("b2ba").is_none() && december["gstr1"].get("b2b").is_none(), "told once: {december}");
    let _ = (first, third);
    company.assert_laws();
}

#[test]
fn returns_are_read_by_those_who_may_and_of_the_own_company_alone() {
    let (company, other) = (Company::new(), Company::new());
    let path = format!("/v1/gst-returns/{}/2025-10", company.gstin);
    for what in ["gstr1", "gstr3b", "reconciliation"] {
        for role in ["controller", "ar_executive", "auditor"] {
            company.as_role(role).get(&format!("{path}/{what}")).expect(200);
        }
        for role in ["admin", "collector", "sales", "integration"] {
            company.as_role(role).get(&format!("{path}/{what}")).refused(403, "permission_denied");
        }
        other.controller().get(&format!("{path}/{what}")).refused(404, "not_found");
    }
    for wrong in ["2025-13", "132025", "x", "2025-1"] {
        company.controller().get(&format!("/v1/gst-returns/{}/{wrong}/gstr1", company.gstin)).refused(404, "not_found");
    }
    company.controller().get(&format!("{path}/gstr1?format=pdf")).refused(400, "invalid_parameter");
    company.controller().get(&format!("{path}/gstr1?format=csv&table=b3b")).refused(400, "invalid_parameter");
}

#[test]
fn tables_come_as_csv_and_xlsx() {
    let company = Company::new();
    let buyer = customer(&company, "b2b", "29", true);
    let body = with(invoice_body(&buyer, "2025-10-03", "100.00"), json!({"place_of_supply": "29", "lines": [goods("100.00", "18"), goods("10.00", "5")]}));
    let invoice = company.executive().post("/v1/invoices", &body).expect(201);
    let get = |query: &str| company.controller().get(&format!("/v1/gst-returns/{}/2025-10/gstr1?{query}", company.gstin));
    let csv = get("format=csv&table=b2b");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<String> = csv.text().lines().map(str::to_owned).collect();
    assert_eq!(
        lines[0],
        "GSTIN/UIN of Recipient,Invoice Number,Invoice date,Invoice Value,Place Of Supply,Reverse Charge,Invoice Type,Applicable % of Tax Rate,Rate,Taxable Value,Integrated Tax,Central Tax,State/UT Tax,Cess Amount"
    );
    let start = format!("{},{},03-10-2025,257,29-Karnataka,N,R,", invoice["buyer_gstin"].as_str().unwrap(), invoice["number"].as_str().unwrap());
    assert_eq!((lines[1].as_str(), lines[2].as_str()), (format!("{start},5,20,1,,,0").as_str(), format!("{start},18,200,36,,,0").as_str()));
    let all = get("format=csv").text();
    for sheet in ["b2b,sez,de", "hsn(b2b)", "docs"] {
        assert!(all.contains(sheet), "{sheet} is not in {all}");
    }
    let xlsx = get("format=xlsx");
    assert_eq!(xlsx.header("content-type"), Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"));
    assert!(xlsx.bytes.starts_with(b"PK"), "a zip");
}

#[test]
fn the_tool_and_the_own_return_are_one_builder() {
    let company = Company::new();
    let (buyer, consumer) = (customer(&company, "b2b", "29", true), customer(&company, "b2c", "27", false));
    let mut made = Vec::new();
    for (of, place, date, lines) in [
        (&buyer, "29", "2025-10-03", json!([goods("100.00", "18"), goods("33.33", "5")])),
        (&consumer, "27", "2025-10-04", json!([goods("10.01", "18"), with(goods("7.00", "0"), json!({"treatment": "exempt"}))])),
        (&consumer, "29", "2025-10-05", json!([goods("60000.00", "18")])),
    ] {
        let body = with(invoice_body(of, date, "1.00"), json!({"place_of_supply": place, "lines": lines}));
        made.push(company.executive().post("/v1/invoices", &body).expect(201));
    }
    let told: Vec<Value> = made
        .iter()
        .map(|invoice| {
            let line = |line: &Value| {
                json!({"taxable": line["taxable_value"], "gst_rate": line["tax_rate"], "igst": line["igst"], "cgst": line["cgst"], "sgst": line["sgst"], "cess": line["cess"], "treatment": line["treatment"],
                    "hsn": line["hsn_code"], "uqc": line["unit"], "qty": line["quantity"]})
            };
            json!({"type": "invoice", "number": invoice["number"], "date": invoice["invoice_date"], "recipient": {"gstin": invoice["buyer_gstin"]}, "place_of_supply": invoice["place_of_supply"],
                "value": invoice["totals"]["grand_total"], "lines": list(&invoice["lines"]).iter().map(line).collect::<Vec<_>>()})
        })
        .collect();
    let tool = company.executive().post("/v1/gst/gstr1", &json!({"supplier_gstin": company.gstin, "period": "102025", "documents": told})).expect(200);
    let own = gstr1(&company, "2025-10");
    for part in ["gstr1", "totals", "gstr3b"] {
        assert_eq!(tool[part], own[part], "{part}");
    }
    assert!(own["gstr1"].get("b2cl").is_some() && own["gstr1"].get("nil").is_some() && own["gstr1"].get("b2cs").is_some(), "{own}");
}

#[test]
fn advances_are_told_when_received_and_adjusted_and_amended_when_told_late() {
    // gst.md 4.5: 590 at 18 per cent, of which 118 and 50 are applied.
    let company = Company::new();
    let customer = company.customer();
    let receive = |date: &str, amount: &str| {
        let services = json!({"gst_advance": {"supply": "services", "tax_rate": "18", "place_of_supply": "27", "hsn_code": "998313"}});
        company.executive().post("/v1/receipts", &with(receipt_body(&customer, date, amount), services)).expect(201)
    };
    let apply = |receipt: &Value, on: &str, amount: &str| {
        let invoice = company.invoice(&customer, on, on, amount);
        let body = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": on, "targets": [to_invoice(&invoice, amount)]});
        company.executive().post("/v1/allocations", &body).expect(201);
    };
    let owed = |month: &str, half: Decimal| {
        assert_eq!(ledger(&company, month), Sum([dec!(0), dec!(0), half, half, dec!(0)]), "{month}");
        let det = &gstr1(&company, month)["gstr3b"]["sup_details"]["osup_det"];
        assert_eq!((number(&det["camt"]), number(&det["samt"])), (half, half), "{month}: {det}");
        let reconciled = company.get(&format!("/v1/gst-returns/{}/{month}/reconciliation", company.gstin));
        assert_eq!(reconciled["difference_count"], 0, "{reconciled}");
    };
    let row = |ad_amt: Decimal, half: Decimal| json!([{"pos": "27", "sply_ty": "INTRA", "itms": [{"rt": 18, "ad_amt": ad_amt, "camt": half, "samt": half, "csamt": 0}]}]);
    let told = |month: &str, table: &str| {
        let reply = gstr1(&company, month);
        serde_json::from_str::<Value>(&reply["gstr1"][table].to_string()).unwrap()
    };
    let plain = |value: Value| value.to_string().replace('"', "").replace(".0", "");

    let first = receive("2025-10-10", "590.00");
    apply(&first, "2025-10-20", "118.00");
    assert_eq!(plain(told("2025-10", "at")), plain(row(dec!(400), dec!(36))), "what came less what was applied within the month");
    owed("2025-10", dec!(36));
    assert_eq!(gstr1(&company, "2025-10")["gstr1"]["doc_issue"]["doc_det"][1]["doc_num"], 6, "its receipt voucher is counted");
    locked(&company, "2025-10");

    apply(&first, "2025-11-05", "50.00");
    assert_eq!(plain(told("2025-11", "txpd")), plain(row(dec!(42.38), dec!(3.81))), "applied of what was told before");
    owed("2025-11", dec!(-3.81));

    // Money of October found after October was filed: its row is told anew in November.
    receive("2025-10-28", "118.00");
    let november = gstr1(&company, "2025-11");
    let ata = &november["gstr1"]["ata"][0];
    assert_eq!((&ata["omon"], number(&ata["itms"][0]["ad_amt"]), number(&ata["itms"][0]["camt"])), (&json!("102025"), dec!(500), dec!(45)), "{november}");
    assert_eq!(number(&november["totals"]["ata"]["txval"]), dec!(100));
    assert_eq!(number(&november["gstr3b"]["sup_details"]["osup_det"]["camt"]), dec!(9) - dec!(3.81));
    locked(&company, "2025-11");
    assert!(gstr1(&company, "2025-12")["gstr1"].get("ata").is_none(), "told once");
    company.assert_laws();
}

// --------------------------------------------------------------------------------------- a year

/// Numbers as good as random, the same each time.
struct Dice(u64);
impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// A document as the test knows it, from what the service answered when it was made.
struct Made {
    document: Value,
    path: &'static str,
    month: String,
    cancelled: bool,
}
impl Made {
    /// What it adds to value and taxes, in base currency.
    fn adds(&self) -> Sum {
        let totals = &self.document["base_totals"];
        let sum = Sum(["taxable_value", "igst", "cgst", "sgst", "cess"].map(|name| dec(&totals[name])));
        sum.times(if self.document["object"] == "credit_note" { dec!(-1) } else { dec!(1) })
    }
    fn owed(&self) -> Sum {
        if self.document["reverse_charge"] == true { Sum::default() } else { self.adds().taxes() }
    }
    fn number(&self) -> &str {
        self.document["number"].as_str().unwrap()
    }
}

/// The document an act was on, when all whose consent it needs have given it.
fn agreed(company: &Company, others: &[Client], path: &str, reply: Reply) -> Value {
    let asked = reply.json();
    let again = || company.get(&format!("/v1/{path}/{}", id_of(&asked)));
    for other in others {
        let document = again();
        if document["approval_id"].is_string() {
            decide(other, &document, "approve").expect(200);
        }
    }
    again()
}

/// Money on account for services at 18 per cent.
struct OnAccount {
    receipt: Value,
    customer: String,
    inter: bool,
    /// What is left of it, and what was when the month began.
    left: Decimal,
    before: Decimal,
}
impl OnAccount {
    /// What the month changed of value and taxes, by the tax in what is left (r.35).
    fn change(&self) -> Sum {
        let within = |gross: Decimal| {
            let tax = |rate: Decimal| (gross * rate / dec!(118)).round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
            let (igst, half) = if self.inter { (tax(dec!(18)), dec!(0)) } else { (dec!(0), tax(dec!(9))) };
            Sum([gross - igst - half - half, igst, half, half, dec!(0)])
        };
        within(self.left) - within(self.before)
    }
}

struct Year {
    company: Company,
    others: [Client; 2],
    dice: Dice,
    customers: BTreeMap<&'static str, Vec<String>>,
    made: Vec<Made>,
    on_account: Vec<OnAccount>,
    /// Invoices that money was applied to.
    applied: Vec<Value>,
}

impl Year {
    fn new(seed: u64) -> Self {
        let company = Company::new();
        let others = [company.another("controller"), company.another("controller")];
        let several = |kind: &str, state: &str, gstin: bool| (0..3).map(|_| customer(&company, kind, state, gstin)).collect::<Vec<_>>();
        let customers = BTreeMap::from([
            ("near", several("b2b", "27", true)),
            ("far", several("b2b", "29", true)),
            ("consumer", several("b2c", "27", false)),
            ("away", several("b2c", "33", false)),
            ("sez", several("sez", "27", true)),
            ("abroad", several("export", "96", false)),
        ]);
        Self { company, others, dice: Dice(seed), customers, made: Vec::new(), on_account: Vec::new(), applied: Vec::new() }
    }

    fn customer(&mut self, kind: &'static str) -> String {
        let at = usize::try_from(self.dice.below(3)).unwrap();
        self.customers[kind][at].clone()
    }

    /// Cess on these goods was levied until 21 September 2025.
    fn line(&mut self, month: &str) -> Value {
        let price = Decimal::new(i64::try_from(100 + self.dice.below(500_000)).unwrap(), 2);
        let line = with(goods(&price.to_string(), self.dice.pick(&["5", "18", "18"])), json!({"hsn_code": self.dice.pick(&["84713010", "998313", "1001"])}));
        match self.dice.below(6) {
            0 => with(line, json!({"treatment": self.dice.pick(&["exempt", "nil", "non_gst"]), "tax_rate": "0"})),
            1 => with(line, json!({"tax_inclusive": true})),
            2 if month < "2025-09" => with(line, json!({"cess_rate": "12"})),
            _ => line,
        }
    }

    fn invoice(&mut self, month: &str) {
        let day = format!("{month}-{:02}", 1 + self.dice.below(25));
        let kind = self.dice.pick(&["near", "near", "far", "far", "consumer", "away", "away", "large", "sez", "sezwop", "abroad", "usd", "deemed", "reverse"]);
        let (of, place, extra) = match kind {
            "near" => ("near", "27", json!({})),
            "far" => ("far", "29", json!({})),
            "consumer" => ("consumer", "27", json!({})),
            "away" | "large" => ("away", "33", json!({})),
            "sez" => ("sez", "27", json!({"supply_type": "SEZWP"})),
            "sezwop" => ("sez", "27", json!({"supply_type": "SEZWOP"})),
            "abroad" => ("abroad", "96", json!({"supply_type": "EXPWOP"})),
            "usd" => ("abroad", "96", json!({"supply_type": "EXPWP", "currency": "USD", "exchange_rate": "83.17"})),
            "deemed" => ("far", "29", json!({"supply_type": "DEXP"})),
            _ => ("far", "29", json!({"reverse_charge": true})),
        };
        let lines: Vec<Value> = if kind == "large" { vec![goods("43000.00", "18")] } else { (0..=self.dice.below(3)).map(|_| self.line(month)).collect() };
        let customer = self.customer(of);
        let body = with(with(invoice_body(&customer, &day, "1.00"), json!({"place_of_supply": place, "lines": lines})), extra);
        let document = self.company.executive().post("/v1/invoices", &body).expect(201);
        self.made.push(Made { document, path: "invoices", month: month.into(), cancelled: false });
    }

    /// A note on one line of a standing invoice, for a part of it.
    fn note(&mut self, month: &str, path: &'static str) {
        let day = format!("{month}-26");
        let standing: Vec<usize> = (0..self.made.len()).filter(|at| self.made[*at].path == "invoices" && !self.made[*at].cancelled).collect();
        if standing.is_empty() {
            return;
        }
        let original = &self.made[standing[usize::try_from(self.dice.below(standing.len() as u64)).unwrap()]].document;
        let line = &original["lines"][0];
        let part = (dec(&line["taxable_value"]) / dec!(10)).round_dp(2).max(dec!(0.01));
        let line = json!({"description": "A part of it", "hsn_code": line["hsn_code"], "is_service": line["is_service"], "quantity": "1", "unit": line["unit"], "unit_price": part.to_string(), "tax_rate": line["tax_rate"],
            "cess_rate": line["cess_rate"], "treatment": line["treatment"]});
        let body = json!({"external_id": fresh(), "original_invoice_id": original["id"], "note_date": day, "reason_code": "sales_return", "issue": true, "lines": [line]});
        let reply = self.company.controller().post(&format!("/v1/{path}"), &body);
        // A part of a line may come to more than what is left of it at its rate after several notes.
        if reply.status == 422 {
            return;
        }
        let document = agreed(&self.company, &self.others, path, reply);
        assert_eq!(document["status"], "issued", "{document}");
        self.made.push(Made { document, path, month: month.into(), cancelled: false });
    }

    /// Money comes on account.
    fn advance(&mut self, month: &str) {
        let (of, place) = if self.dice.below(2) == 0 { ("near", "27") } else { ("far", "29") };
        let customer = self.customer(of);
        let amount = Decimal::new(i64::try_from(10_000 + self.dice.below(90_000)).unwrap(), 2);
        let services = json!({"gst_advance": {"supply": "services", "tax_rate": "18", "place_of_supply": place, "hsn_code": "998313"}});
        let body = with(receipt_body(&customer, &format!("{month}-02"), &amount.to_string()), services);
        let receipt = self.company.executive().post("/v1/receipts", &body).expect(201);
        self.on_account.push(OnAccount { receipt, customer, inter: place == "29", left: amount, before: dec!(0) });
    }

    /// A part of the money of each is applied to an invoice of its customer, where there is one of the month.
    fn apply(&mut self, month: &str) {
        for at in 0..self.on_account.len() {
            let of = &self.on_account[at];
            let may = |made: &&Made| {
                made.path == "invoices"
                    && made.month == month
                    && !made.cancelled
                    && made.document["customer_id"] == json!(of.customer)
                    && !self.applied.contains(&made.document["id"])
            };
            let Some(invoice) = self.made.iter().find(may).map(|made| made.document.clone()) else { continue };
            let part = (dec(&invoice["totals"]["grand_total"]) / dec!(3)).round_dp(2).min(of.left);
            if part <= dec!(0) {
                continue;
            }
            let body = json!({"source_type": "receipt", "source_id": of.receipt["id"], "allocated_on": format!("{month}-26"), "targets": [to_invoice(&invoice, &part.to_string())]});
            self.company.executive().post("/v1/allocations", &body).expect(201);
            self.on_account[at].left -= part;
            self.applied.push(invoice["id"].clone());
        }
    }

    /// Cancels a document without notes on it and without money, on a day of `month`.
    fn cancel(&mut self, of: &str, month: &str) -> Option<usize> {
        let corrected: Vec<Value> = self.made.iter().filter(|made| !made.cancelled).map(|made| made.document["original_invoice_id"].clone()).collect();
        let may = |made: &Made| {
            made.month == of
                && !made.cancelled
                && !corrected.contains(&made.document["id"])
                && !self.applied.contains(&made.document["id"])
                && made.path != "credit-notes"
        };
        let candidates: Vec<usize> = (0..self.made.len()).filter(|at| may(&self.made[*at])).collect();
        let at = *candidates.get(usize::try_from(self.dice.below(candidates.len().max(1) as u64)).unwrap())?;
        let made = &self.made[at];
        let body = json!({"reason": "Ordered twice", "cancelled_on": format!("{month}-27")});
        let reply = self.company.controller().change("POST", &format!("/v1/{}/{}/cancel", made.path, id_of(&made.document)), "*", &body);
        let document = agreed(&self.company, &self.others, made.path, reply);
        assert_eq!(document["status"], "cancelled", "{document}");
        self.made[at].cancelled = true;
        Some(at)
    }
}

#[test]
fn in_a_year_of_random_documents_return_documents_and_ledger_agree_every_month() {
    let mut year = Year::new(20_251_001);
    let months = ["2025-04", "2025-05", "2025-06", "2025-07", "2025-08", "2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03"];
    // The rows of table 7 as last told, by month, place and rate.
    let mut told: BTreeMap<(String, String, String), Sum> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, month) in months.iter().enumerate() {
        for _ in 0..14 {
            year.invoice(month);
        }
        year.advance(month);
        year.advance(month);
        year.apply(month);
        for path in ["credit-notes", "credit-notes", "debit-notes"] {
            year.note(month, path);
        }
        // Within its month, so that it is in no return; and of the month before, which is filed.
        let own: Vec<usize> = year.cancel(month, month).into_iter().collect();
        let filed: Vec<usize> =
            at.checked_sub(1).into_iter().flat_map(|before| [year.cancel(months[before], month), year.cancel(months[before], month)]).flatten().collect();

        // What the documents say.
        let mut expected = Sum::default();
        let mut owed = Sum::default();
        for made in year.made.iter().filter(|made| made.month == *month && !made.cancelled) {
            expected += made.adds();
            owed += made.owed();
        }
        for one in &filed {
            expected += year.made[*one].adds().times(dec!(-1));
            owed += year.made[*one].owed().times(dec!(-1));
        }

        // What the rows of the return come to; amendments by what they change.
        let reply = gstr1(&year.company, month);
        let rows = &reply["gstr1"];
        let mut sum = tables(rows);
        let mut of_others = reverse_charged(rows);
        let by_number = |number: &Value| year.made.iter().find(|made| made.number() == number.as_str().unwrap()).unwrap();
        for (table, list_name, number) in [("b2ba", "inv", "oinum"), ("b2cla", "inv", "oinum"), ("expa", "inv", "oinum"), ("cdnra", "nt", "ont_num")] {
            for row in list(&rows[table]).iter().flat_map(|group| list(&group[list_name])) {
                let former = by_number(&row[number]);
                assert!(filed.iter().any(|one| year.made[*one].number() == former.number()), "{row}");
                assert_eq!(of_row(row), Sum::default(), "{row}");
                let taxable = taxable_part(&former.document);
                sum += taxable.times(dec!(-1));
                if former.document["reverse_charge"] == true {
                    of_others += taxable.times(dec!(-1));
                }
                *seen.entry(table.into()).or_default() += 1;
            }
        }
        for row in list(&rows["cdnura"]) {
            sum += taxable_part(&by_number(&row["ont_num"]).document).times(dec!(-1));
        }
        for row in list(&rows["b2csa"]) {
            for item in list(&row["itms"]) {
                let key = (row["omon"].as_str().unwrap().to_owned(), row["pos"].to_string(), item["rt"].to_string());
                let before = told.insert(key, amounts(item)).unwrap_or_default();
                sum += amounts(item) - before;
                *seen.entry("b2csa".into()).or_default() += 1;
            }
        }
        for row in list(&rows["b2cs"]) {
            told.insert((rows["fp"].as_str().unwrap().into(), row["pos"].to_string(), row["rt"].to_string()), amounts(row));
        }
        for table in rows.as_object().unwrap().keys() {
            *seen.entry(table.clone()).or_default() += 1;
        }
        assert_eq!(sum, expected, "{month}: rows and documents: {reply}");
        assert_eq!(hsn(rows), expected, "{month}: table 12 and documents: {reply}");

        // Money on account: what it changed, by what came and went of it.
        let mut advances = Sum::default();
        for (table, sign) in [("at", dec!(1)), ("txpd", dec!(-1))] {
            for item in list(&rows[table]).iter().flat_map(|place| list(&place["itms"])) {
                advances += Sum(["ad_amt", "iamt", "camt", "samt", "csamt"].map(|name| number(&item[name]))).times(sign);
            }
        }
        let mut changed = Sum::default();
        for of in &mut year.on_account {
            changed += of.change();
            of.before = of.left;
        }
        assert_eq!(advances, changed, "{month}: tables 11A and 11B: {reply}");

        // The ledger, and GSTR-3B.
        assert_eq!(sum.taxes() - of_others.taxes(), owed, "{month}");
        owed += advances.taxes();
        assert_eq!(ledger(&year.company, month), owed, "{month}: ledger and documents: {reply}");
        let gstr3b = year.company.get(&format!("/v1/gst-returns/{}/{month}/gstr3b", year.company.gstin));
        assert_eq!(gstr3b, reply["gstr3b"]);
        let (det, zero) = (amounts(&gstr3b["sup_details"]["osup_det"]), amounts(&gstr3b["sup_details"]["osup_zero"]));
        let mut of_3b = det;
        of_3b += zero;
        assert_eq!(of_3b.taxes(), owed, "{month}: {gstr3b}");
        let exempt = number(&gstr3b["sup_details"]["osup_nil_exmp"]["txval"]) + number(&gstr3b["sup_details"]["osup_nongst"]["txval"]);
        assert_eq!(of_3b.0[0] + exempt, expected.0[0] - of_others.0[0] + advances.0[0], "{month}: values of {gstr3b}");
        let reconciled = year.company.get(&format!("/v1/gst-returns/{}/{month}/reconciliation", year.company.gstin));
        assert_eq!((&reconciled["difference_count"], &reconciled["difference"]["igst"]), (&json!(0), &json!("0.00")), "{month}: {reconciled}");

        // Numbers: every one of the month, cancelled ones as such.
        let of_month = year.made.iter().filter(|made| made.month == *month).count();
        // And two receipt vouchers.
        assert_eq!(reply["totals"]["doc_issue"], json!({"totnum": of_month + 2, "cancel": own.len(), "net_issue": of_month + 2 - own.len()}), "{month}");
        assert!(list(&reply["warnings"]).iter().all(|warning| warning["code"] == "tax_differs"), "{month}: {}", reply["warnings"]);

        let before = gstr1(&year.company, month);
        locked(&year.company, month);
        let after = gstr1(&year.company, month);
        assert_eq!((&after["gstr1"], &after["totals"]), (&before["gstr1"], &before["totals"]), "{month}: as it was when it was locked");
    }
    for table in ["b2b", "b2cl", "b2cs", "exp", "cdnr", "nil", "hsn", "doc_issue", "b2ba", "b2csa", "at", "txpd"] {
        assert!(seen.contains_key(table), "the year had nothing for {table}: {seen:?}");
    }
    year.company.assert_laws();
}

/// Signed value and taxes of the lines that are in the tables of taxable supplies.
fn taxable_part(document: &Value) -> Sum {
    let rate = dec(&document["exchange_rate"]);
    let mut sum = Sum::default();
    if rate == dec!(1) {
        // Zero-rated whatever they are (IGST Act s.16(2)).
        let zero_rated = ["EXP", "SEZ"].iter().any(|kind| document["supply_type"].as_str().unwrap().starts_with(kind));
        for line in list(&document["lines"]).iter().filter(|line| zero_rated || line["treatment"] == "taxable") {
            sum += Sum(["taxable_value", "igst", "cgst", "sgst", "cess"].map(|name| dec(&line[name])));
        }
    } else {
        let totals = &document["base_totals"];
        sum = Sum(["taxable_value", "igst", "cgst", "sgst", "cess"].map(|name| dec(&totals[name])));
    }
    sum.times(if document["object"] == "credit_note" { dec!(-1) } else { dec!(1) })
}
