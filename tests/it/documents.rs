//! PDFs over HTTP: what CGST rules 46, 46A, 48 to 51 and 53 want on them, and that they stay the same bytes.

use crate::rig::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The words of a PDF without blanks, as they are drawn one after the other. A glyph that only shows a part of a syllable says
/// nothing of its own.
fn words(bytes: &[u8]) -> String {
    let document = lopdf::Document::load_mem(bytes).expect("a PDF");
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    document.extract_text(&pages).expect("text").chars().filter(|c| !c.is_whitespace() && *c != '\u{fffd}').collect()
}

fn pages(bytes: &[u8]) -> usize {
    lopdf::Document::load_mem(bytes).expect("a PDF").get_pages().len()
}

#[track_caller]
fn pdf(client: &Client, path: &str) -> Vec<u8> {
    let reply = client.get(path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/pdf"));
    assert!(reply.header("content-disposition").is_some_and(|name| name.starts_with("inline; filename=\"") && name.ends_with(".pdf\"")));
    assert!(reply.header("etag").is_some_and(|tag| tag.starts_with('"')));
    reply.bytes
}

/// Asserts that each of the texts is in the document, whatever blanks are between.
#[track_caller]
fn says(bytes: &[u8], expected: &[&str]) {
    let words = words(bytes);
    for text in expected {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(words.contains(&text), "{text} is not in {words}");
    }
}

fn path_of(document: &Value) -> String {
    let kind = match document["object"].as_str().unwrap() {
        "invoice" => "invoices",
        "credit_note" => "credit-notes",
        "debit_note" => "debit-notes",
        other => panic!("{other}"),
    };
    format!("/v1/{kind}/{}/pdf", id_of(document))
}

fn goods(price: &str, rate: &str) -> Value {
    json!({"description": "Ball bearing 6204", "hsn_code": "84821011", "is_service": false, "quantity": "12.5", "unit": "NOS", "unit_price": price, "tax_rate": rate})
}

fn buyer(company: &Company, extra: Value) -> String {
    id_of(&company.executive().post("/v1/customers", &with(customer_body(), extra)).expect(201))
}

fn address(line1: &str, city: &str, state: &str, pin: &str) -> Value {
    json!({"line1": line1, "city": city, "state_code": state, "postal_code": pin, "country": "IN"})
}

#[test]
fn a_tax_invoice_has_every_particular_of_rule_46() {
    let company = Company::new();
    let number = gstin("29");
    let customer = buyer(
        &company,
        json!({"legal_name": "Deccan Machines & Söhne <Pvt> Ltd", "gstin": number, "billing_address": address("7 Brigade Road", "Bengaluru", "29", "560001"),
               "shipping_address": address("Plot 9, Hosur Road", "Bengaluru", "29", "560100")}),
    );
    company
        .controller()
        .change(
            "PUT",
            "/v1/document-settings",
            "*",
            &json!({"signatory": "A. Shah, Director", "terms": ["Interest at 18% a year on what is paid late."],
        "bank": {"bank_name": "Demo Bank", "account_number": "50200012345678", "ifsc": "DEMO0000001"}}),
        )
        .expect(200);
    let registration = company.get("/v1/gst-registrations")["data"][0].clone();
    let place = json!({"trade_name": "Demo Bearings", "address": {"line1": "1 Marine Drive", "line2": "Fort", "city": "Mumbai", "postal_code": "400002"}, "phone": "2240000000"});
    company.controller().change("PATCH", &format!("/v1/gst-registrations/{}", id_of(&registration)), "*", &place).expect(200);
    let body = with(
        invoice_body(&customer, "2025-11-15", "0"),
        json!({"place_of_supply": null, "po_reference": "PO-7781", "lines": [goods("1000", "18"), with(goods("40.5", "5"), json!({"description": "Grease", "hsn_code": "34031900", "discount": "6.25"}))]}),
    );
    let invoice = company.executive().post("/v1/invoices", &body).expect(201);
    let bytes = pdf(&company.executive(), &path_of(&invoice));
    says(
        &bytes,
        &[
            // (a) supplier, (b) number, (c) date
            "Tax Invoice",
            "ORIGINAL FOR RECIPIENT",
            &company.gstin,
            "Demo Bearings",
            registration["legal_name"].as_str().unwrap(),
            "1 Marine Drive, Fort, Mumbai 400002",
            "2240000000",
            "Maharashtra (27)",
            invoice["number"].as_str().unwrap(),
            "15-Nov-2025",
            // (d) recipient, (f) delivery
            "Deccan Machines & Söhne <Pvt> Ltd",
            &number,
            "7 Brigade Road",
            "Bengaluru 560001",
            "DELIVERY ADDRESS",
            "Plot 9, Hosur Road",
            // (g) HSN, (h) description, (i) quantity and unit, (j) value, (k) taxable value after discount
            "84821011",
            "34031900",
            "Ball bearing 6204",
            "12.5",
            "NOS",
            "12,500.00",
            "6.25",
            "500.00",
            // (l) rates, (m) amounts of tax: 2,250.00 at 18 and 25.00 at 5 per cent
            "18%",
            "5%",
            "IGST",
            "2,250.00",
            "25.00",
            "2,275.00",
            // (n) place of supply, (p) reverse charge, (q) signature
            "Place of supply",
            "Karnataka (29)",
            "Reverse charge",
            "No",
            "Authorised signatory",
            "A. Shah, Director",
            // The total, in figures and words.
            "15,275.00",
            "Rupees Fifteen Thousand Two Hundred Seventy Five Only",
            "50200012345678",
            "DEMO0000001",
            "PO-7781",
            "₹",
            "Page 1 of 1",
        ],
    );
    assert!(!words(&bytes).contains("CGST"), "an inter-State supply bears IGST only");
    assert_eq!(pages(&bytes), 1);
    company.assert_laws();
}

#[test]
fn an_intra_state_supply_shows_both_halves_and_a_territory_its_own_tax() {
    let company = Company::new();
    let customer = buyer(&company, json!({"gstin": gstin("27")}));
    let body = with(invoice_body(&customer, "2025-11-15", "0"), json!({"lines": [goods("80", "18")]}));
    let invoice = company.executive().post("/v1/invoices", &body).expect(201);
    let bytes = pdf(&company.executive(), &format!("{}?copies=all", path_of(&invoice)));
    says(&bytes, &["CGST", "SGST", "9%", "90.00", "1,180.00", "ORIGINAL FOR RECIPIENT", "DUPLICATE FOR TRANSPORTER", "TRIPLICATE FOR SUPPLIER"]);
    assert_eq!(pages(&bytes), 3);
    let text = words(&bytes);
    assert!(!text.contains("IGST") && !text.contains("UTGST"));
    // Of services there are two copies.
    let service = company.invoice(&customer, "2025-11-15", "2025-11-20", "100.00");
    let bytes = pdf(&company.executive(), &format!("{}?copy=duplicate", path_of(&service)));
    says(&bytes, &["DUPLICATE FOR SUPPLIER", "Description of services", "998313"]);
    let problem = company.executive().get(&format!("{}?copies=triplicate", path_of(&service))).refused(400, "invalid_parameter");
    assert_eq!(problem["errors"][0]["parameter"], "copies");
    for wrong in ["copies=fourth", "copies=", "copies=original,,duplicate", "copie=original", "copies=original&copies=original"] {
        assert_eq!(company.executive().get(&format!("{}?{wrong}", path_of(&service))).status, 400, "{wrong}");
    }
    company.assert_laws();
}

#[test]
fn exempt_supplies_have_a_bill_of_supply_and_mixed_ones_to_consumers_both_in_one() {
    let company = Company::new();
    let consumer = buyer(&company, json!({"kind": "b2c"}));
    let exempt = with(line("500", "0"), json!({"treatment": "exempt", "description": "Milk", "hsn_code": "0401", "is_service": false}));
    let bill = company.executive().post("/v1/invoices", &with(invoice_body(&consumer, "2025-11-15", "0"), json!({"lines": [exempt]}))).expect(201);
    let bytes = pdf(&company.executive(), &path_of(&bill));
    says(&bytes, &["Bill of Supply", "Milk", "0401", "500.00", "Unregistered recipient"]);
    let text = words(&bytes);
    assert!(!text.contains("GST%") && !text.contains("CGST") && !text.contains("TaxInvoice"), "{text}");
    let both =
        company.executive().post("/v1/invoices", &with(invoice_body(&consumer, "2025-11-15", "0"), json!({"lines": [exempt, goods("10", "18")]}))).expect(201);
    says(&pdf(&company.executive(), &path_of(&both)), &["Invoice-cum-Bill of Supply", "Exempt", "18%"]);
    company.assert_laws();
}

#[test]
fn exports_zones_and_reverse_charge_carry_their_sentences() {
    let company = Company::new();
    company.controller().change("PUT", "/v1/document-settings", "*", &json!({"lut": "AD270425000123A"})).expect(200);
    let abroad = buyer(
        &company,
        json!({"kind": "export", "billing_address": {"line1": "1 Main Street", "city": "Springfield", "postal_code": "62701", "country": "US"}}),
    );
    let body = with(
        invoice_body(&abroad, "2025-11-15", "0"),
        json!({"currency": "USD", "exchange_rate": "88.5", "place_of_supply": "96", "supply_type": "EXPWOP", "lines": [with(goods("1000", "18"), json!({"quantity": "1"}))]}),
    );
    let export = company.executive().post("/v1/invoices", &body).expect(201);
    says(
        &pdf(&company.executive(), &path_of(&export)),
        &[
            "SUPPLY MEANT FOR EXPORT/SUPPLY TO SEZ UNIT OR SEZ DEVELOPER FOR AUTHORISED OPERATIONS UNDER BOND OR LETTER OF UNDERTAKING WITHOUT PAYMENT OF INTEGRATED TAX",
            "LUT ARN AD270425000123A",
            "United States",
            "Outside India (96)",
            "1 USD = 88.50 INR",
            "USD 1,000.00",
            "88,500.00",
            "Eighty Eight Thousand Five Hundred",
        ],
    );
    let zone = buyer(&company, json!({"kind": "sez", "gstin": gstin("27")}));
    let body = with(invoice_body(&zone, "2025-11-15", "0"), json!({"supply_type": "SEZWP", "lines": [goods("80", "18")]}));
    let zone = company.executive().post("/v1/invoices", &body).expect(201);
    says(&pdf(&company.executive(), &path_of(&zone)), &["FOR AUTHORISED OPERATIONS ON PAYMENT OF INTEGRATED TAX", "IGST", "180.00"]);
    let registered = buyer(&company, json!({"gstin": gstin("27")}));
    let body = with(invoice_body(&registered, "2025-11-15", "0"), json!({"reverse_charge": true, "lines": [line("1000", "5")]}));
    let reverse = company.executive().post("/v1/invoices", &body).expect(201);
    assert_eq!(reverse["totals"]["grand_total"], "1000.00");
    says(
        &pdf(&company.executive(), &path_of(&reverse)),
        &["Reverse charge Yes", "Tax on this supply is payable by the recipient under reverse charge", "25.00", "(payable by recipient)", "1,000.00"],
    );
    company.assert_laws();
}

#[test]
fn notes_name_what_they_correct() {
    let company = Company::new();
    let customer = buyer(&company, json!({"gstin": gstin("27")}));
    let invoice =
        company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-11-01", "0"), json!({"lines": [goods("80", "18")]}))).expect(201);
    let lines = json!([with(goods("80", "18"), json!({"quantity": "1"}))]);
    let credit = company.controller().post("/v1/credit-notes", &with(note_body(&invoice, "2025-11-10", "0"), json!({"lines": lines}))).expect(201);
    let original = invoice["number"].as_str().unwrap();
    says(
        &pdf(&company.executive(), &path_of(&credit)),
        &[
            "Credit Note",
            credit["number"].as_str().unwrap(),
            "10-Nov-2025",
            "Against invoice",
            original,
            "of 01-Nov-2025",
            "Goods returned",
            "7.20",
            "94.40",
            "Total credit",
            "Authorised signatory",
        ],
    );
    let body = with(note_body(&invoice, "2025-11-11", "0"), json!({"lines": lines, "reason_code": "correction_in_invoice"}));
    let debit = company.controller().post("/v1/debit-notes", &body).expect(201);
    says(&pdf(&company.executive(), &path_of(&debit)), &["Debit Note", original, "Correction of the invoice", "94.40", "Total payable", "Due date"]);
    // After the last day for its tax a note is a commercial one.
    let body = with(
        note_body(&invoice, "2025-11-12", "0"),
        json!({"lines": [with(line("10", "0"), json!({"hsn_code": "84821011", "is_service": false}))], "tax_effect": "financial"}),
    );
    let commercial = company.controller().post("/v1/credit-notes", &body).expect(201);
    says(&pdf(&company.executive(), &path_of(&commercial)), &["Commercial credit without change of tax"]);
    company.assert_laws();
}

#[test]
fn an_issued_document_is_the_same_bytes_whatever_changes_later() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-11-15", "2025-12-15", "1000.00");
    let other = company.invoice(&customer, "2025-11-16", "2025-12-15", "1000.00");
    let executive = company.executive();
    let first = executive.get(&path_of(&invoice));
    let (etag, bytes) = (first.header("etag").unwrap().to_owned(), first.bytes);
    assert_eq!(pdf(&executive, &path_of(&invoice)), bytes);
    assert_eq!(executive.send("GET", &path_of(&invoice), &[("if-none-match", &etag)], None).status, 304);
    // Kept once, on record, whoever asks again.
    assert_eq!(company.sql("SELECT * FROM document_print WHERE company_id = {c}").len(), 1);
    assert_eq!(company.sql("SELECT id FROM audit_event WHERE company_id = {c} AND action = 'document_print.kept' AND actor = 'system'").len(), 1);
    // Name, address, logo, settings and template change.
    let controller = company.controller();
    let version = |path: &str| controller.get(path).header("etag").unwrap().to_owned();
    let path = format!("/v1/customers/{customer}");
    controller.change("PATCH", &path, &version(&path), &json!({"legal_name": "Another Name Ltd"})).expect(200);
    controller
        .post(&format!("{path}/addresses"), &json!({"kind": "billing", "line1": "99 New Street", "city": "Nagpur", "state_code": "27", "country": "IN"}))
        .expect(201);
    controller.change("PATCH", "/v1/company", &version("/v1/company"), &json!({"legal_name": "Renamed Traders Ltd"})).expect(200);
    controller.change("PUT", "/v1/document-logo", "*", &json!({"content": STANDARD.encode(PNG)})).expect(200);
    controller.change("PUT", "/v1/document-settings", "*", &json!({"signatory": "Somebody Else"})).expect(200);
    let own = "<document><text size=\"20\">{{ title }} by us: {{ number }} for {{ buyer.name }}, {{ seller.gstin }}</text><image/><text>{{ signatory }}</text></document>";
    controller.change("PUT", "/v1/document-templates/tax_invoice", "*", &json!({"source": own})).expect(200);
    assert_eq!(pdf(&executive, &path_of(&invoice)), bytes);
    assert_eq!(pdf(&company.as_role("auditor"), &path_of(&invoice)), bytes);
    // What was not made yet is made with what there is now; its name is that of its issue.
    let fresh = pdf(&executive, &path_of(&other));
    let number = other["number"].as_str().unwrap();
    says(&fresh, &[&format!("Tax Invoice by us: {number} for {}", other["customer_name"].as_str().unwrap()), "Somebody Else", &company.gstin]);
    assert!(fresh.windows(6).any(|w| w == b"/Image"));
    // And stays so, when the template goes back to that of the service.
    let back = controller.change("PUT", "/v1/document-templates/tax_invoice", "*", &json!({})).expect(200);
    assert_eq!((&back["built_in"], &back["version"]), (&json!(true), &json!(2)));
    assert_eq!(pdf(&executive, &path_of(&other)), fresh);
    company.assert_laws();
}

#[test]
fn drafts_and_cancelled_documents_are_marked_as_such() {
    let company = Company::new();
    let customer = company.customer();
    let draft = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-11-15", "1000"), json!({"issue": false}))).expect(201);
    says(&pdf(&company.executive(), &path_of(&draft)), &["DRAFT", "(not issued)"]);
    assert!(company.sql("SELECT * FROM document_print WHERE company_id = {c}").is_empty(), "a draft is made anew each time");
    let invoice = company.invoice(&customer, "2025-11-15", "2025-12-15", "1000.00");
    let before = pdf(&company.executive(), &path_of(&invoice));
    assert!(!words(&before).contains("DRAFT") && !words(&before).contains("CANCELLED"));
    let path = format!("/v1/invoices/{}", id_of(&invoice));
    company.controller().change("POST", &format!("{path}/cancel"), "*", &json!({"reason": "Ordered twice"})).expect(200);
    let after = pdf(&company.executive(), &path_of(&invoice));
    says(&after, &["CANCELLED", invoice["number"].as_str().unwrap()]);
    assert_eq!(pdf(&company.executive(), &path_of(&invoice)), after);
    company.assert_laws();
}

#[test]
fn long_documents_carry_their_totals_from_page_to_page() {
    let company = Company::new();
    let customer = buyer(&company, json!({"legal_name": "A very long name of a customer ".repeat(6).trim(), "gstin": gstin("27")}));
    // Huge, small and with long words.
    let mut lines: Vec<Value> =
        (0..120).map(|n| with(goods("1000", "18"), json!({"quantity": "1", "description": format!("Part {n} {}", "x".repeat(n * 3))}))).collect();
    lines.push(with(goods("99999999999", "18"), json!({"quantity": "1", "description": "W".repeat(500)})));
    let invoice = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-11-15", "0"), json!({"lines": lines}))).expect(201);
    let bytes = pdf(&company.executive(), &path_of(&invoice));
    let count = pages(&bytes);
    assert!(count > 4, "{count}");
    says(&bytes, &["Carried forward", "Brought forward", &format!("Page {count} of {count}"), "99,99,99,99,999.00", "1,18,00,01,41,598.82"]);
    company.assert_laws();
}

#[test]
fn the_voucher_of_a_refund_says_what_for_and_of_which_registration() {
    // Rule 51: the supplier's GSTIN (a), number and date of the receipt voucher (e), the description of the services (f), amount, rate
    // and tax (g, h, i). 118 of 590 is 100 + 18.
    let company = Company::new();
    let customer = company.customer();
    let body = format!("29{}1Z", &company.gstin[2..12]);
    let elsewhere = format!("{body}{}", duebook::tax::gst::gstin::check_character(&body).unwrap());
    let registration = company.as_role("admin").post("/v1/gst-registrations", &json!({"gstin": elsewhere})).expect(201);
    let services = json!({"supply": "services", "tax_rate": "18", "place_of_supply": "27", "hsn_code": "998313", "gst_registration_id": registration["id"]});
    let receipt =
        company.executive().post("/v1/receipts", &with(receipt_body(&customer, "2025-04-20", "590.00"), json!({"gst_advance": services}))).expect(201);
    let refund = crate::refunds::approved(&company, &receipt, "118.00");
    let payer = company.another("controller");
    crate::refunds::act(&payer, &refund, "mark-paid", &crate::refunds::payment("2025-05-01")).expect(200);
    let bytes = pdf(&company.executive(), &format!("/v1/refunds/{}/voucher", id_of(&refund)));
    let of = receipt["gst_advance"]["voucher_number"].as_str().unwrap();
    says(
        &bytes,
        &[
            "Refund Voucher",
            &elsewhere,
            &format!("{of} of 20-Apr-2025"),
            "Refund of advance for services, HSN/SAC 998313",
            "100.00",
            "IGST",
            "18%",
            "18.00",
            "118.00",
        ],
    );
    assert!(!words(&bytes).contains(&company.gstin), "the registration that received it");
    company.assert_laws();
}

#[test]
fn vouchers_say_what_was_received_and_paid_back() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "1000.00");
    let receipt = company.receipt(&customer, "2025-04-20", "1500.00", json!([to_invoice(&invoice, "1000.00")]));
    let path = format!("/v1/receipts/{}/voucher", id_of(&receipt));
    let bytes = pdf(&company.executive(), &path);
    says(
        &bytes,
        &[
            "Receipt",
            receipt["number"].as_str().unwrap(),
            "20-Apr-2025",
            "NEFT",
            "1,500.00",
            "Rupees One Thousand Five Hundred Only",
            &company.gstin,
            "Authorised signatory",
        ],
    );
    assert_eq!(pdf(&company.executive(), &path), bytes);
    let refund = json!({"source_type": "receipt", "source_id": receipt["id"], "amount": "500.00", "reason": "Paid twice",
        "beneficiary": {"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678", "ifsc": "HDFC0000123"}});
    let asked = company.executive().post("/v1/refunds", &refund).expect(201);
    let path = format!("/v1/refunds/{}/voucher", id_of(&asked));
    company.executive().get(&path).refused(409, "not_printable");
    decide(&company.controller(), &asked, "approve").expect(200);
    let payment = json!({"utr": "HDFCN52025050100000042", "paid_on": "2025-05-01"});
    let paid = company.another("controller").change("POST", &format!("/v1/refunds/{}/mark-paid", id_of(&asked)), "*", &payment).expect(200);
    let bytes = pdf(&company.executive(), &path);
    says(&bytes, &["Refund", paid["number"].as_str().unwrap(), "01-May-2025", "XXXX5678", "500.00", receipt["number"].as_str().unwrap(), "Paid twice"]);
    assert!(!words(&bytes).contains("50200012345678"));
    // An advance for services: the tax in it, and a number of its own (rule 50); 590 = 500 + 45 + 45.
    let advance = with(
        receipt_body(&customer, "2025-04-10", "590.00"),
        json!({"gst_advance": {"supply": "services", "tax_rate": "18", "place_of_supply": "27", "hsn_code": "998313"}}),
    );
    let advance = company.executive().post("/v1/receipts", &advance).expect(201);
    let bytes = pdf(&company.executive(), &format!("/v1/receipts/{}/voucher", id_of(&advance)));
    let number = advance["gst_advance"]["voucher_number"].as_str().unwrap();
    says(
        &bytes,
        &[
            "Receipt Voucher",
            number,
            "10-Apr-2025",
            "Advance for services",
            "998313",
            "Place of supply",
            "Maharashtra (27)",
            "Reverse charge",
            "500.00",
            "9%",
            "45.00",
            "CGST",
            "SGST",
            "590.00",
            "Rupees Five Hundred Ninety Only",
            advance["number"].as_str().unwrap(),
            &company.gstin,
            "Authorised signatory",
        ],
    );
    // A reversed receipt says so.
    let wrong = company.receipt(&customer, "2025-04-21", "10.00", json!(null));
    company
        .controller()
        .change("POST", &format!("/v1/receipts/{}/reverse", id_of(&wrong)), "*", &json!({"reason": "Posted to the wrong customer"}))
        .expect(200);
    says(&pdf(&company.executive(), &format!("/v1/receipts/{}/voucher", id_of(&wrong))), &["REVERSED"]);
    company.assert_laws();
}

#[test]
fn a_statement_says_what_the_books_said_and_stays_so() {
    let company = Company::new();
    let customer = company.customer();
    let first = company.invoice(&customer, "2025-03-10", "2025-04-09", "1000.00");
    let second = company.invoice(&customer, "2025-04-10", "2025-05-10", "2500.50");
    company.receipt(&customer, "2025-04-20", "400.00", json!([to_invoice(&first, "400.00")]));
    let body = json!({"customer_id": customer, "from": "2025-04-01", "to": "2025-04-30"});
    let running = company.executive().post("/v1/statements", &body).expect(201);
    // By hand: 1,000.00 + 2,500.50 - 400.00; of the first 600.00 is 21 days overdue.
    assert_includes(&running, &json!({"style": "running", "opening_balance": "1000.00", "closing_balance": "3100.50", "overdue": "600.00", "currency": "INR"}));
    let pdf_of = |statement: &Value| pdf(&company.executive(), &format!("/v1/statements/{}/pdf", id_of(statement)));
    let bytes = pdf_of(&running);
    says(
        &bytes,
        &[
            "Statement of Account",
            "01-Apr-2025 to 30-Apr-2025",
            "Opening balance",
            "1,000.00",
            second["number"].as_str().unwrap(),
            "2,500.50",
            "3,500.50",
            "400.00",
            "Closing balance",
            "3,100.50",
            "1–30 days",
            "600.00",
            "Not due",
        ],
    );
    let open = company.executive().post("/v1/statements", &with(body.clone(), json!({"style": "open_item"}))).expect(201);
    says(
        &pdf_of(&open),
        &["Open items on 30-Apr-2025", first["number"].as_str().unwrap(), "09-Apr-2025", "21", "600.00", "Balance on 30-Apr-2025", "3,100.50"],
    );
    // What is recorded later, also of those days, is not in it.
    company.receipt(&customer, "2025-04-25", "3100.50", json!(null));
    let path = format!("/v1/customers/{customer}");
    let etag = company.controller().get(&path).header("etag").unwrap().to_owned();
    company.controller().change("PATCH", &path, &etag, &json!({"legal_name": "Another Name Ltd"})).expect(200);
    assert_eq!(pdf_of(&running), bytes);
    let later = company.executive().post("/v1/statements", &body).expect(201);
    assert_eq!(later["closing_balance"], "0.00");
    says(&pdf_of(&later), &["Another Name Ltd", "Unapplied"]);
    // The list, the run of a month, and what is wrong with one.
    assert_eq!(company.get(&format!("/v1/statements?customer_id={customer}"))["data"].as_array().unwrap().len(), 3);
    let run =
        json!({"mode": "per_item", "items": [body, {"customer_id": customer, "from": "2025-05-01", "to": "2025-04-30"}, {}, {"customer_code": "NOBODY"}]});
    let run = company.executive().post("/v1/statements/bulk", &run).expect(207);
    assert_eq!(run["items"].as_array().unwrap().iter().map(|row| row["status"].as_u64().unwrap()).collect::<Vec<_>>(), [201, 422, 422, 404], "{run}");
    let problem = company.executive().post("/v1/statements", &json!({"customer_id": customer, "to": "2999-01-01"})).refused(422, "date_in_future");
    assert!(blames(&problem, "#/to", "date_in_future"));
    company.assert_laws();
}

#[test]
fn templates_logos_and_settings_are_judged_before_they_are_kept() {
    let company = Company::new();
    let controller = company.controller();
    let before = company.fingerprint();
    let put = |path: &str, body: &Value| controller.change("PUT", path, "*", body);
    let template = "/v1/document-templates/tax_invoice";
    let problem = put(template, &json!({"source": "<document>\n<text>{{ title }}</texx></document>"})).refused(422, "template_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("line 2"), "{problem}");
    assert!(blames(&problem, "#/source", "template_invalid"));
    for hostile in [
        "<stack>".repeat(9_000),
        format!("<document>{}</document>", "<stack each=\"a in lines\">".repeat(8) + &"</stack>".repeat(8)),
        "<document><text>{{ 'x' * 100000000 }}</text></document>".into(),
        "<document><text>{{ range(100000000) | join('x') }}</text></document>".into(),
        format!("<document><text>{}</text></document>", "{{ declaration }}".repeat(3_000)),
        "<document><text size=\"-1\">x</text></document>".into(),
        "<document><text size=\"1e9\">x</text></document>".into(),
        "<document><space height=\"99999999999999999999999999999999\"/></document>".into(),
        "\u{0}".into(),
    ] {
        let reply = put(template, &json!({"source": hostile}));
        assert!((400..500).contains(&reply.status), "{}: {}", &hostile[..hostile.len().min(60)], reply.text());
    }
    put(template, &json!({"source": "x".repeat(70_000)})).refused(422, "validation_failed");
    put(template, &json!({"source": 5})).refusal();
    put(template, &json!({"sauce": "x"})).refused(400, "unknown_field");
    assert_eq!(put("/v1/document-templates/unknown", &json!({})).status, 404);
    for content in ["not base64!", "", &STANDARD.encode("GIF89a"), &STANDARD.encode([&PNG[..30], b"broken"].concat()), &STANDARD.encode(huge_png())] {
        let reply = put("/v1/document-logo", &json!({"content": content}));
        assert_eq!(reply.status, 422, "{content:.40}: {}", reply.text());
    }
    for wrong in
        [json!({"accent": "red"}), json!({"terms": ["x".repeat(500)]}), json!({"bank": {"bank_name": "x"}}), json!({"colour": "#000000"}), json!({"cin": "1"})]
    {
        assert!((400..500).contains(&put("/v1/document-settings", &wrong).status), "{wrong}");
    }
    assert_eq!(company.fingerprint(), before);
    // Versions: a change on another one than the current is refused.
    assert_eq!(put("/v1/document-logo", &json!({"content": STANDARD.encode(PNG)})).expect(200)["version"], 1);
    controller.change("PUT", "/v1/document-logo", "\"v0\"", &json!({})).refused(412, "version_mismatch");
    let none = controller.change("PUT", "/v1/document-logo", "\"v1\"", &json!({})).expect(200);
    assert_eq!((&none["version"], &none["content"]), (&json!(2), &json!(null)));
    assert_eq!(company.get("/v1/document-templates")["data"].as_array().unwrap().len(), 7);
    // Who may not manage the company changes nothing.
    company.executive().change("PUT", template, "*", &json!({})).refused(403, "permission_denied");
    company.assert_laws();
}

#[test]
fn consumers_pay_by_a_code_and_businesses_do_not() {
    let company = Company::new();
    let registration = id_of(&company.get("/v1/gst-registrations")["data"][0]);
    company.controller().change("PATCH", &format!("/v1/gst-registrations/{registration}"), "*", &json!({"vpa": "demotraders@okbank"})).expect(200);
    let (consumer, business) = (buyer(&company, json!({"kind": "b2c"})), buyer(&company, json!({"gstin": gstin("27")})));
    let printed = |customer: &str| {
        let invoice =
            company.executive().post("/v1/invoices", &with(invoice_body(customer, "2025-11-15", "0"), json!({"lines": [goods("80", "18")]}))).expect(201);
        pdf(&company.executive(), &path_of(&invoice))
    };
    says(&printed(&consumer), &["Scan to pay by UPI"]);
    assert!(!words(&printed(&business)).contains("UPI"));
    company.assert_laws();
}

#[test]
fn files_come_to_those_who_take_them() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-11-15", "2025-12-15", "1000.00");
    let executive = company.executive();
    let asked = |path: &str, accept: &str| executive.send("GET", path, &[("accept", accept)], None);
    let path = path_of(&invoice);
    for accept in ["application/pdf", "application/*", "*/*", "text/html, application/pdf;q=0.9"] {
        assert_eq!(asked(&path, accept).status, 200, "{accept}");
    }
    asked(&path, "application/json").refused(406, "not_acceptable");
    asked(&path, "text/html").refused(406, "not_acceptable");
    asked(&format!("/v1/invoices/{}", id_of(&invoice)), "application/pdf").refused(406, "not_acceptable");
    // Of nobody and of another company.
    executive.get(&format!("/v1/invoices/{}/pdf", uuid::Uuid::now_v7())).refused(404, "not_found");
    executive.get("/v1/invoices/x/pdf").refused(404, "not_found");
    Company::new().executive().get(&path).refused(404, "not_found");
    executive.get(&format!("/v1/credit-notes/{}/pdf", id_of(&invoice))).refused(404, "not_found");
    company.as_role("admin").get(&path).refused(403, "permission_denied");
    company.assert_laws();
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_stopped() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-11-15", "2025-12-15", "1000.00");
    let executive = company.executive();
    let path = path_of(&invoice);
    let asked = |headers: &[(&str, &str)]| executive.send("GET", &path, headers, None);
    // Whatever encodings a caller takes: the bytes are those of the file.
    let whole = asked(&[("accept-encoding", "gzip, zstd")]);
    let (length, etag) = (whole.bytes.len(), whole.header("etag").unwrap().to_owned());
    assert_eq!((whole.status, whole.header("accept-ranges"), whole.header("content-encoding")), (200, Some("bytes"), None));
    assert!(whole.bytes.starts_with(b"%PDF"));
    let first = asked(&[("range", "bytes=0-999"), ("accept-encoding", "gzip")]);
    assert_eq!((first.status, first.header("content-range")), (206, Some(&*format!("bytes 0-999/{length}"))));
    assert_eq!((first.header("etag"), first.header("repr-digest")), (Some(&*etag), whole.header("repr-digest")));
    let rest = asked(&[("range", "bytes=1000-"), ("if-range", &etag)]);
    assert_eq!((rest.status, rest.header("content-range")), (206, Some(&*format!("bytes 1000-{}/{length}", length - 1))));
    assert_eq!([first.bytes, rest.bytes].concat(), whole.bytes);
    let end = asked(&[("range", "bytes=-5")]);
    assert_eq!((end.status, &*end.bytes), (206, &whole.bytes[length - 5..]));
    // Of another version all of it; what is no range is none.
    for headers in
        [[("range", "bytes=10-"), ("if-range", "\"other\"")], [("range", "bytes=0-1,5-6"), ("accept", "*/*")], [("range", "pages=1-2"), ("accept", "*/*")]]
    {
        let reply = asked(&headers);
        assert_eq!((reply.status, reply.bytes.len()), (200, length), "{headers:?}");
    }
    let beyond = asked(&[("range", &format!("bytes={length}-"))]);
    assert_eq!(beyond.header("content-range"), Some(&*format!("bytes */{length}")));
    beyond.refused(416, "range_not_satisfiable");
    company.assert_laws();
}

#[test]
fn hindi_is_written_as_it_is_read() {
    let company = Company::new();
    let customer = buyer(&company, json!({"legal_name": "श्री गणेश ट्रेडर्स"}));
    let line = with(goods("80", "18"), json!({"description": "बासमती चावल, 25 kg की बोरी"}));
    let invoice = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-11-15", "0"), json!({"lines": [line]}))).expect(201);
    says(&pdf(&company.executive(), &path_of(&invoice)), &["चावल", "25 kg", "गणेश ट्रेडर्स"]);
    company.assert_laws();
}

/// CGST rule 46(s): who is above the turnover says why an invoice is not registered.
#[test]
fn an_invoice_that_need_not_be_registered_says_so_where_others_must() {
    const WORDS: &str = "I/We hereby declare that though our aggregate turnover in any preceding financial year from 2017-18 onwards is more than the aggregate turnover notified \
        under sub-rule (4) of rule 48, we are not required to prepare an invoice in terms of the provisions of the said sub-rule.";
    let company = Company::new();
    let (consumer, business) = (buyer(&company, json!({"kind": "b2c"})), buyer(&company, json!({"gstin": gstin("27")})));
    let printed = |customer: &str, date: &str, line: Value| {
        let body = with(invoice_body(customer, date, "0"), json!({"lines": [line]}));
        let invoice = company.executive().post("/v1/invoices", &body).expect(201);
        words(&pdf(&company.executive(), &path_of(&invoice)))
    };
    let declared = WORDS.replace(' ', "");
    assert!(!printed(&consumer, "2025-11-15", goods("80", "18")).contains(&declared), "of a small seller");
    let turnover = json!([{"fiscal_year": "2022-23", "amount": "60000000.00"}]);
    company.controller().change("PATCH", "/v1/company", "*", &json!({"turnover": turnover})).expect(200);
    assert!(printed(&consumer, "2025-11-15", goods("80", "18")).contains(&declared));
    assert!(!printed(&business, "2025-11-15", goods("80", "18")).contains(&declared), "it has to be registered");
    assert!(!printed(&consumer, "2023-07-31", goods("80", "18")).contains(&declared), "the limit was higher");
    let exempt = with(line("500", "0"), json!({"treatment": "exempt", "description": "Milk", "hsn_code": "0401", "is_service": false}));
    assert!(!printed(&consumer, "2025-11-15", exempt).contains(&declared), "a bill of supply");
    company.assert_laws();
}

/// CGST rules 5(1)(f) and 49, and section 9(5): who collects no tax says so.
#[test]
fn composition_dealers_and_operators_who_pay_are_named() {
    let company = Company::new();
    let consumer = buyer(&company, json!({"kind": "b2c"}));
    let operator = json!({"operator": {"gstin": gstin("27"), "section": "9(5)"}, "lines": [line("1000", "5")]});
    let sold = company.executive().post("/v1/invoices", &with(invoice_body(&consumer, "2025-11-15", "0"), operator.clone())).expect(201);
    assert_eq!(sold["totals"]["grand_total"], "1000.00");
    says(
        &pdf(&company.executive(), &path_of(&sold)),
        &["E-commerce operator", operator["operator"]["gstin"].as_str().unwrap(), "payable by the e-commerce operator (CGST Act s.9(5))", "25.00", "1,000.00"],
    );
    let registration = id_of(&company.get("/v1/gst-registrations")["data"][0]);
    company.controller().change("PATCH", &format!("/v1/gst-registrations/{registration}"), "*", &json!({"type": "composition"})).expect(200);
    let mut plain = goods("80", "18");
    plain.as_object_mut().unwrap().remove("tax_rate");
    let sold = company.executive().post("/v1/invoices", &with(invoice_body(&consumer, "2025-11-15", "0"), json!({"lines": [plain]}))).expect(201);
    let bytes = pdf(&company.executive(), &path_of(&sold));
    says(&bytes, &["Bill of Supply", "COMPOSITION TAXABLE PERSON, NOT ELIGIBLE TO COLLECT TAX ON SUPPLIES", "1,000.00"]);
    let text = words(&bytes);
    assert!(!text.contains("TaxInvoice") && !text.contains("CGST") && !text.contains("IGST"), "{text}");
    company.assert_laws();
}

#[test]
fn what_a_customer_answers_to_a_statement_is_kept() {
    let company = Company::new();
    let customer = company.customer();
    company.invoice(&customer, "2025-10-15", "2025-11-15", "1000.00");
    let executive = company.executive();
    let made = executive.post("/v1/statements", &json!({"customer_id": customer, "from": "2025-10-01", "to": "2025-10-31"})).expect(201);
    let ours = made["closing_balance"].as_str().unwrap().to_owned();
    assert_eq!(made["confirmation"], json!(null));
    let path = format!("/v1/statements/{}", id_of(&made));
    let bytes = pdf(&executive, &format!("{path}/pdf"));
    let confirm = |extra: Value| executive.post(&format!("{path}/confirm"), &with(json!({"contact": "R. Iyer", "confirmed_on": "2025-11-05"}), extra));
    let before = company.fingerprint();
    for (wrong, pointer, code) in [
        (json!({"result": "differs"}), "#/stated_balance", "required"),
        (json!({"result": "differs", "stated_balance": ours}), "#/stated_balance", "invalid_value"),
        (json!({"result": "differs", "stated_balance": "10.001"}), "#/stated_balance", "amount_precision"),
        (json!({"result": "agreed", "stated_balance": "1.00"}), "#/stated_balance", "invalid_value"),
        (json!({"result": "agreed", "confirmed_on": "2025-10-30"}), "#/confirmed_on", "before_document"),
        (json!({"result": "agreed", "confirmed_on": "2999-01-01"}), "#/confirmed_on", "date_in_future"),
        (json!({"result": "perhaps"}), "#/result", ""),
        (json!({"result": "agreed", "contact": "x"}), "#/contact", ""),
        (json!({"result": "agreed", "evidence_sha256": "abc"}), "#/evidence_sha256", ""),
    ] {
        let reply = confirm(wrong.clone());
        assert!(matches!(reply.status, 400 | 422), "{wrong}: {}", reply.status);
        let problem = reply.refusal();
        assert!(problem["errors"].as_array().unwrap().iter().any(|e| e["pointer"] == pointer && (code.is_empty() || e["code"] == code)), "{wrong}: {problem}");
    }
    assert_eq!(company.fingerprint(), before);
    let answer = json!({"result": "differs", "stated_balance": "400.00", "evidence": "E-mail <1@acme.test>", "evidence_sha256": "a".repeat(64), "note": "One invoice is missing."});
    let differs = confirm(answer).expect(200);
    let difference = dec(&made["closing_balance"]) - dec(&json!("400.00"));
    assert_includes(
        &differs["confirmation"],
        &json!({"result": "differs", "stated_balance": "400.00", "confirmed_on": "2025-11-05", "contact": "R. Iyer", "evidence": "E-mail <1@acme.test>", "note": "One invoice is missing."}),
    );
    assert_eq!(dec(&differs["confirmation"]["difference"]), difference);
    let found = |answer: &str| company.get(&format!("/v1/statements?confirmation={answer}"))["data"].as_array().unwrap().len();
    assert_eq!((found("none"), found("differs"), found("agreed")), (0, 1, 0));
    // Later they agree; the newest counts, and the paper is what it was.
    let agreed = confirm(json!({"result": "agreed", "confirmed_on": "2025-11-09"})).expect(200);
    assert_includes(&agreed["confirmation"], &json!({"result": "agreed", "stated_balance": ours, "difference": "0.00", "evidence": null}));
    assert_eq!(company.get(&path), agreed);
    assert_eq!((found("none"), found("differs"), found("agreed"), found("none,agreed")), (0, 0, 1, 1));
    assert_eq!(pdf(&executive, &format!("{path}/pdf")), bytes);
    // Answers go to the auditor, too (SA 505), who makes no statements.
    let auditor = company.as_role("auditor");
    let told = auditor.post(&format!("{path}/confirm"), &json!({"result": "agreed", "confirmed_on": "2025-11-10", "contact": "R. Iyer"})).expect(200);
    assert_eq!(told["confirmation"]["created_by"], format!("user:{}", company.user_id("auditor")));
    let wanted = json!({"customer_id": customer, "to": "2025-10-31"});
    assert_eq!(auditor.post("/v1/statements", &wanted).refused(403, "role_read_only")["required_permission"], "statements:run");
    auditor.post("/v1/statements/bulk", &json!({"mode": "per_item", "items": [wanted]})).refused(403, "role_read_only");
    Company::new().executive().post(&format!("{path}/confirm"), &json!({"result": "agreed", "contact": "R. Iyer"})).refused(404, "not_found");
    company.assert_laws();
}

#[test]
fn the_first_callers_at_once_get_the_same_bytes() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-11-15", "2025-12-15", "1000.00");
    let executive = company.executive();
    let all = in_parallel(8, 8, |_| pdf(&executive, &path_of(&invoice)));
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(company.sql("SELECT * FROM document_print WHERE company_id = {c}").len(), 1);
    company.assert_laws();
}

/// One pixel.
const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0,
    0, 0x0d, b'I', b'D', b'A', b'T', 0x78, 0xda, 0x63, 0x64, 0xf8, 0xcf, 0x50, 0x0f, 0x00, 0x03, 0x86, 0x01, 0x80, 0x5a, 0x34, 0x7d, 0x6b, 0, 0, 0, 0, b'I',
    b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// A head that promises 60,000 by 60,000 pixels.
fn huge_png() -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    bytes
}
