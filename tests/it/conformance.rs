//! Every operation that needs an Idempotency-Key, by one table (api.md 4.8): an answer that was lost, two at the same moment,
//! another body, another caller, a connection that dies between the work and its commit, a key that was purged.

use crate::einvoices;
use crate::matrix::{Operation, operations};
use crate::rig::*;
use duebook::platform::http::Problem;
use duebook::platform::postgres::Pool;
use duebook::platform::unit_of_work::{Doors, Gate, purge_idempotency_keys};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is left out, and why.
const ASIDE: &[(&str, &str)] = &[("cancelJob", "a job may be over before it is asked to stop")];

/// One request that would do something, and another body for the same operation.
struct Call {
    role: &'static str,
    path: String,
    body: Vec<u8>,
    other: Vec<u8>,
    media: &'static str,
}

impl Call {
    fn send(&self, client: &Client, key: &str, body: &[u8]) -> Reply {
        client.send("POST", &self.path, &[("content-type", self.media), ("if-match", "*"), ("idempotency-key", key)], Some(body))
    }
}

/// A company in which every call finds something fresh to be about.
struct Stage {
    company: Company,
    customer: String,
    user: Value,
    others: RefCell<HashMap<&'static str, Client>>,
    months: Cell<i32>,
}

impl Stage {
    fn new() -> Self {
        let company = einvoices::seller();
        let customer = company.customer();
        let email = format!("{}@example.test", fresh());
        let person = json!({"email": email, "name": "Only Here", "roles": ["sales"], "password": "correct horse battery staple 9"});
        let user = company.as_role("admin").post("/v1/users", &person).expect(201);
        Self { company, customer, user, others: RefCell::default(), months: Cell::new(0) }
    }
    /// Another person of the same role.
    fn other(&self, role: &'static str) -> Client {
        self.others.borrow_mut().entry(role).or_insert_with(|| self.company.another(role)).clone()
    }
    /// A month nobody asked for before.
    fn month(&self) -> String {
        let n = self.months.replace(self.months.get() + 1);
        format!("{}-{:02}", 2018 + n / 12, n % 12 + 1)
    }
    fn made(&self, role: &'static str, path: &str, body: Value) -> Value {
        let made = self.company.as_role(role).change("POST", path, "*", &body);
        assert!(matches!(made.status, 200..=202), "{path}: {}", made.text());
        made.json()
    }
    fn approved(&self, asked: Value) -> Value {
        decide(&self.other("controller"), &asked, "approve").expect(200);
        asked
    }
    fn invoice(&self) -> Value {
        self.company.invoice(&self.customer, "2025-01-10", "2025-02-09", "100.00")
    }
    fn draft(&self) -> String {
        id_of(&self.made("ar_executive", "/v1/invoices", with(invoice_body(&self.customer, "2025-01-10", "50.00"), json!({"issue": false}))))
    }
    fn note(&self, extra: Value) -> Value {
        with(note_body(&self.invoice(), "2025-01-12", "5.00"), extra)
    }
    fn receipt(&self, extra: Value) -> Value {
        self.made("ar_executive", "/v1/receipts", with(receipt_body(&self.customer, "2025-01-15", "50.00"), extra))
    }
    /// An order of a customer who pays cash only: its hold.
    fn held(&self) -> String {
        let customer = self.company.customer();
        self.approved(self.made("ar_executive", &format!("/v1/customers/{customer}/credit-limit"), json!({"amount": "0.00", "reason": "Cash only"})));
        let check = self.made("ar_executive", "/v1/credit-checks", json!({"customer_id": customer, "order_id": fresh(), "amount": "10.00"}));
        check["hold_id"].as_str().expect("a hold").to_owned()
    }
    /// Of a customer of its own: each is appraised once at a time.
    fn appraisal(&self) -> Value {
        json!({"external_id": fresh(), "customer_id": self.company.customer(), "kind": "new", "requested_limit": "10.00"})
    }
    fn opening(&self) -> Value {
        json!({"external_id": fresh(), "customer_id": self.customer, "number": &fresh()[..12], "document_type": "invoice", "document_date": "2024-02-10", "original_amount": "10.00", "posting_date": "2024-04-01"})
    }
    fn refund(&self) -> Value {
        let beneficiary = json!({"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678"});
        json!({"source_type": "receipt", "source_id": id_of(&self.receipt(json!({}))), "amount": "10.00", "reason": "Paid twice", "beneficiary": beneficiary})
    }
    fn write_off(&self) -> Value {
        let items = json!([{"target_type": "invoice", "target_id": id_of(&self.invoice()), "amount": "100.00"}]);
        json!({"customer_id": self.customer, "written_off_on": "2025-01-20", "reason": "Customer is insolvent", "items": items})
    }
    fn certificate(&self) -> Value {
        json!({"customer_id": self.customer, "certificate_number": &fresh()[..10], "certificate_date": "2025-01-20", "section": "194C", "fiscal_year": "2023-24", "quarter": 4, "amount": "10.00"})
    }
    fn journal() -> Value {
        let lines = json!([{"account_code": "5100", "debit": "10.00"}, {"account_code": "1000", "credit": "10.00"}]);
        json!({"external_id": fresh(), "journal_date": "2025-01-20", "narration": "Charges", "lines": lines})
    }
    fn adjustment(&self) -> Value {
        json!({"target_type": "invoice", "target_id": id_of(&self.invoice()), "amount": "-1.00", "adjusted_on": "2025-01-20", "reason": "Rounding agreed"})
    }
    /// A document the portal may register today.
    fn sale(&self) -> Value {
        einvoices::sale(&self.company, &einvoices::buyer(&self.company, "27"), &today().to_string(), json!({}))
    }

    /// A request for an operation that has not been made yet.
    fn call(&self, operation: &str) -> Call {
        let to = |role: &'static str, path: String, body: Value| {
            // The first of these that it has is another in the other body.
            let changes = [
                ("reason", json!("For another reason")),
                ("external_id", json!(fresh())),
                ("name", json!("Another")),
                ("legal_name", json!("Another Pvt Ltd")),
            ];
            let other = changes.into_iter().find(|(name, _)| body.get(name).is_some()).map(|(name, value)| with(body.clone(), json!({name: value})));
            Call { role, path, body: body.to_string().into(), other: other.unwrap_or(Value::Null).to_string().into(), media: "application/json" }
        };
        let else_than = |call: Call, change: Value| {
            let body: Value = serde_json::from_slice(&call.body).unwrap();
            Call { other: with(body, change).to_string().into(), ..call }
        };
        let (customer, reason) = (&self.customer, json!({"reason": "It was a mistake"}));
        match operation {
            "createAdjustment" => to("controller", "/v1/adjustments".into(), self.adjustment()),
            "clearSmallBalances" => {
                let body = json!({"as_of": "2025-02-01", "max_amount": "1.00", "max_total": "5.00", "side": "both", "reason": "Monthly clearing", "customer_id": customer});
                to("controller", "/v1/adjustments/clear-small-balances".into(), body)
            }
            "reverseAdjustment" => {
                to("controller", format!("/v1/adjustments/{}/reverse", id_of(&self.made("controller", "/v1/adjustments", self.adjustment()))), reason)
            }
            "createAllocations" => {
                let (receipt, invoice) = (self.receipt(json!({})), self.invoice());
                let body = |amount: &str| json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-01-20", "targets": [to_invoice(&invoice, amount)]});
                else_than(to("ar_executive", "/v1/allocations".into(), body("10.00")), body("11.00"))
            }
            "reverseAllocation" => {
                let placed = self.receipt(json!({"allocations": [to_invoice(&self.invoice(), "10.00")]}));
                to("controller", format!("/v1/allocations/{}/reverse", placed["allocations"][0]["id"].as_str().unwrap()), reason)
            }
            "createApiClient" => to("admin", "/v1/api-clients".into(), json!({"name": "Test machine", "scopes": ["customers:read"]})),
            "rotateApiClientSecret" => {
                let client = self.company.api_client(&["customers:read"]);
                else_than(to("admin", format!("/v1/api-clients/{}/rotate-secret", id_of(&client)), json!({"overlap_hours": 24})), json!({"overlap_hours": 23}))
            }
            "approveRequest" | "rejectRequest" | "withdrawRequest" => {
                let asked = self.made("ar_executive", "/v1/refunds", self.refund());
                let verb = operation.trim_end_matches("Request");
                let role = if verb == "withdraw" { "ar_executive" } else { "controller" };
                to(role, format!("/v1/approvals/{}/{verb}", asked["approval_id"].as_str().unwrap()), reason)
            }
            "createCompany" => to("admin", "/v1/companies".into(), json!({"legal_name": "Further Pvt Ltd", "gstin": gstin("27")})),
            "createCreditNote" => to("controller", "/v1/credit-notes".into(), self.note(json!({}))),
            "createDebitNote" => to("controller", "/v1/debit-notes".into(), self.note(json!({}))),
            "issueCreditNote" | "issueDebitNote" | "cancelCreditNote" | "cancelDebitNote" => {
                let kind = if operation.contains("Credit") { "credit-notes" } else { "debit-notes" };
                let issue = operation.starts_with("issue");
                let note = self.made(
                    "controller",
                    &format!("/v1/{kind}"),
                    self.note(json!({"issue": !issue, "apply_to_original": if issue || kind == "debit-notes" { Value::Null } else { json!(false) }})),
                );
                let path = format!("/v1/{kind}/{}/{}", id_of(&note), if issue { "issue" } else { "cancel" });
                if issue { else_than(to("controller", path, json!({})), json!({"expected_total": "5.00"})) } else { to("controller", path, reason) }
            }
            "addPayer" => {
                let body = json!({"payer_id": self.company.customer(), "valid_from": "2025-01-01"});
                else_than(to("ar_executive", format!("/v1/customers/{customer}/payers"), body), json!({"valid_from": "2025-01-02"}))
            }
            "endPayer" => {
                let link = self.made(
                    "ar_executive",
                    &format!("/v1/customers/{customer}/payers"),
                    json!({"payer_id": self.company.customer(), "valid_from": "2025-01-01"}),
                );
                let path = format!("/v1/customers/{customer}/payers/{}/end", id_of(&link));
                else_than(to("ar_executive", path, json!({"ends_on": "2025-06-30"})), json!({"ends_on": "2025-07-31"}))
            }
            "registerEinvoice" => {
                let sale = self.sale();
                let response = einvoices::answer(&einvoices::payload(&self.company, &sale), &einvoices::year(), einvoices::now());
                else_than(to("ar_executive", format!("/v1/einvoices/{}/registration", id_of(&sale)), json!({"response": response})), json!({"ack_no": "1"}))
            }
            "cancelEinvoice" => {
                let sale = self.sale();
                einvoices::register(&self.company, &sale, einvoices::now());
                let body = json!({"reason_code": "1", "remarks": "Ordered twice"});
                else_than(to("controller", format!("/v1/einvoices/{}/cancellation", id_of(&sale)), body), json!({"reason_code": "2"}))
            }
            "lockGstReturn" => {
                let month = self.month();
                let path = format!("/v1/gst-returns/{}/{month}/lock", self.company.gstin);
                else_than(to("controller", path, json!({"arn": format!("AA27{}", month.replace('-', ""))})), json!({"reason": "Filed late"}))
            }
            "runCreditCheck" => {
                let order = |amount: &str| json!({"customer_id": customer, "order_id": fresh(), "amount": amount});
                else_than(to("ar_executive", "/v1/credit-checks".into(), order("10.00")), json!({"amount": "11.00"}))
            }
            "confirmCreditCheck" => {
                let order = json!({"customer_id": customer, "order_id": fresh(), "amount": "10.00"});
                let path = format!("/v1/credit-checks/{}/confirm", id_of(&self.made("ar_executive", "/v1/credit-checks", order)));
                else_than(to("ar_executive", path, json!({"outcome": "delivered"})), json!({"outcome": "cancelled"}))
            }
            "proposeCreditLimit" => to("ar_executive", format!("/v1/customers/{customer}/credit-limit"), json!({"amount": "10.00", "reason": "Agreed"})),
            "releaseOrderHold" | "rejectOrderHold" | "escalateOrderHold" => {
                let verb = operation.trim_end_matches("OrderHold");
                to(if verb == "escalate" { "ar_executive" } else { "controller" }, format!("/v1/order-holds/{}/{verb}", self.held()), reason)
            }
            "createCreditAppraisal" => to("ar_executive", "/v1/credit-appraisals".into(), self.appraisal()),
            "submitCreditAppraisal" => {
                let made = self.made("ar_executive", "/v1/credit-appraisals", self.appraisal());
                to("ar_executive", format!("/v1/credit-appraisals/{}/submit", id_of(&made)), json!({"limit": "10.00", "reason": "Good figures"}))
            }
            "runCreditScores" => else_than(to("ar_executive", "/v1/credit-scores/run".into(), json!({"as_of": "2025-01-31"})), json!({"as_of": "2025-02-28"})),
            "createInvoice" => to("ar_executive", "/v1/invoices".into(), invoice_body(customer, "2025-01-10", "10.00")),
            "createInvoicesInBulk" => {
                let body = json!({"mode": "per_item", "items": [invoice_body(customer, "2025-01-10", "10.00"), invoice_body(customer, "2025-01-11", "20.00")]});
                else_than(to("ar_executive", "/v1/invoices/bulk".into(), body), json!({"mode": "atomic"}))
            }
            "issueInvoice" => else_than(to("controller", format!("/v1/invoices/{}/issue", self.draft()), json!({})), json!({"expected_total": "50.00"})),
            "cancelInvoice" => to("controller", format!("/v1/invoices/{}/cancel", id_of(&self.invoice())), reason),
            "recordShippingBill" => {
                let abroad = json!({"line1": "1 Main St", "city": "Austin", "postal_code": "73301", "country": "US"});
                let buyer = self.made("ar_executive", "/v1/customers", with(customer_body(), json!({"kind": "export", "billing_address": abroad})));
                let goods = with(line("1000.00", "18"), json!({"hsn_code": "8471", "is_service": false}));
                let extra = json!({"place_of_supply": null, "supply_type": "EXPWOP", "lines": [goods]});
                let export = self.made("ar_executive", "/v1/invoices", with(invoice_body(&id_of(&buyer), "2025-10-01", "1.00"), extra));
                let body = json!({"number": "7896542", "date": "2025-10-07", "port_code": "INNSA1"});
                else_than(to("ar_executive", format!("/v1/invoices/{}/shipping-bill", id_of(&export)), body), json!({"number": "7896543"}))
            }
            "confirmStatement" => {
                let statement = self.made("ar_executive", "/v1/statements", json!({"customer_id": customer, "to": "2025-01-31"}));
                let body = json!({"result": "differs", "stated_balance": "5.00", "contact": "R. Iyer"});
                else_than(to("ar_executive", format!("/v1/statements/{}/confirm", id_of(&statement)), body), json!({"contact": "Meera Nair"}))
            }
            "createJournal" => to("controller", "/v1/journals".into(), Self::journal()),
            "reverseJournal" => {
                let posted = self.approved(self.made("controller", "/v1/journals", Self::journal()));
                to("controller", format!("/v1/journals/{}/reverse", id_of(&posted)), reason)
            }
            "createOpeningItem" => to("controller", "/v1/opening-items".into(), self.opening()),
            "createOpeningItemsInBulk" => {
                let body = json!({"mode": "per_item", "items": [self.opening(), self.opening()]});
                else_than(to("controller", "/v1/opening-items/bulk".into(), body), json!({"mode": "atomic"}))
            }
            "certifyOpeningItems" => {
                let body = json!({"cut_over_on": "2024-04-01", "control_total": "10.00"});
                else_than(to("controller", "/v1/opening-items/certificate".into(), body), json!({"control_total": "11.00"}))
            }
            "reverseOpeningItem" => {
                to("controller", format!("/v1/opening-items/{}/reverse", id_of(&self.made("controller", "/v1/opening-items", self.opening()))), reason)
            }
            "closePeriod" => {
                else_than(to("controller", format!("/v1/periods/{}/close", self.month()), json!({"level": "soft"})), json!({"reason": "Early close"}))
            }
            "reopenPeriod" => {
                let month = self.month();
                self.made("controller", &format!("/v1/periods/{month}/close"), json!({"level": "soft"}));
                to("controller", format!("/v1/periods/{month}/reopen"), reason)
            }
            "recordReceipt" => to("ar_executive", "/v1/receipts".into(), receipt_body(customer, "2025-01-15", "10.00")),
            "recordReceiptsInBulk" => {
                let body = json!({"mode": "per_item", "items": [receipt_body(customer, "2025-01-15", "10.00"), receipt_body(customer, "2025-01-15", "20.00")]});
                else_than(to("ar_executive", "/v1/receipts/bulk".into(), body), json!({"mode": "atomic"}))
            }
            "bounceReceipt" => {
                let cheque = self.receipt(json!({"method": "cheque"}));
                to(
                    "ar_executive",
                    format!("/v1/receipts/{}/bounce", id_of(&cheque)),
                    json!({"bounced_on": "2025-01-20", "reason": "Funds insufficient", "fee": "5.00"}),
                )
            }
            "clearReceipt" => {
                let cheque = self.receipt(json!({"method": "cheque"}));
                self.made("ar_executive", &format!("/v1/receipts/{}/deposit", id_of(&cheque)), json!({"deposited_on": "2025-01-16"}));
                else_than(
                    to("ar_executive", format!("/v1/receipts/{}/clear", id_of(&cheque)), json!({"cleared_on": "2025-01-20"})),
                    json!({"cleared_on": "2025-01-21"}),
                )
            }
            "depositReceipt" => {
                let cheque = self.receipt(json!({"method": "cheque", "cheque_date": "2025-01-18"}));
                else_than(
                    to("ar_executive", format!("/v1/receipts/{}/deposit", id_of(&cheque)), json!({"deposited_on": "2025-01-20"})),
                    json!({"deposited_on": "2025-01-21"}),
                )
            }
            "identifyReceipt" => {
                let unknown = self.receipt(json!({"customer_id": null, "unidentified": true}));
                let body = json!({"customer_id": customer, "identified_on": "2025-01-20"});
                else_than(to("ar_executive", format!("/v1/receipts/{}/identify", id_of(&unknown)), body), json!({"identified_on": "2025-01-21"}))
            }
            "reverseReceipt" => to(
                "controller",
                format!("/v1/receipts/{}/reverse", id_of(&self.receipt(json!({})))),
                json!({"reversed_on": "2025-01-20", "reason": "Typed in twice"}),
            ),
            "requestRefund" => to("ar_executive", "/v1/refunds".into(), self.refund()),
            "cancelRefund" => to("ar_executive", format!("/v1/refunds/{}/cancel", id_of(&self.made("ar_executive", "/v1/refunds", self.refund()))), reason),
            "failRefund" | "markRefundPaid" => {
                let refund = id_of(&self.approved(self.made("ar_executive", "/v1/refunds", self.refund())));
                let paid = json!({"utr": fresh(), "paid_on": "2025-01-20"});
                if operation == "failRefund" {
                    self.made("controller", &format!("/v1/refunds/{refund}/mark-paid"), paid);
                    return to("controller", format!("/v1/refunds/{refund}/fail"), json!({"failed_on": "2025-01-21", "reason": "Account closed"}));
                }
                else_than(to("controller", format!("/v1/refunds/{refund}/mark-paid"), paid), json!({"paid_on": "2025-01-21"}))
            }
            "createRevaluation" => {
                let month = self.month();
                else_than(to("controller", "/v1/revaluations".into(), json!({"as_of": format!("{month}-28")})), json!({"as_of": format!("{month}-27")}))
            }
            "createWaiver" => {
                let body = json!({"rule": "SOD-02", "user_id": self.user["id"], "reason": "Two people run the office", "expires_on": today()});
                to("admin", "/v1/sod-waivers".into(), body)
            }
            "createStatement" => {
                else_than(to("ar_executive", "/v1/statements".into(), json!({"customer_id": customer, "to": "2025-01-31"})), json!({"to": "2025-02-28"}))
            }
            "createStatementsInBulk" => {
                let body = json!({"mode": "per_item", "items": [{"customer_id": customer, "to": "2025-01-31"}]});
                else_than(to("ar_executive", "/v1/statements/bulk".into(), body), json!({"mode": "atomic"}))
            }
            "recordTdsCertificate" => else_than(to("ar_executive", "/v1/tds-certificates".into(), self.certificate()), json!({"amount": "11.00"})),
            "recordTdsSighting" => {
                let certificate = self.made("ar_executive", "/v1/tds-certificates", self.certificate());
                let body = json!({"seen_on": "2025-01-25", "amount": "10.00"});
                else_than(to("ar_executive", format!("/v1/tds-certificates/{}/26as", id_of(&certificate)), body), json!({"seen_on": "2025-01-26"}))
            }
            "recordTaxOfficeLine" => {
                let certificate = self.made("ar_executive", "/v1/tds-certificates", self.certificate());
                let (mut body, named) = (json!({"seen_on": "2025-01-25", "amount": "10.00"}), certificate["certificate_number"].clone());
                for name in ["customer_id", "section", "fiscal_year", "quarter"] {
                    body[name] = certificate[name].clone();
                }
                else_than(
                    to("ar_executive", "/v1/tds-certificates/26as".into(), with(body, json!({"certificate_number": named}))),
                    json!({"seen_on": "2025-01-26"}),
                )
            }
            "matchTdsCertificate" => {
                let tds = json!([{"kind": "tds", "section": "194C", "amount": "10.00"}]);
                let paid = self.receipt(json!({"deductions": tds, "allocations": [to_invoice(&self.invoice(), "60.00")]}));
                let certificate = self.made("ar_executive", "/v1/tds-certificates", self.certificate());
                let body = json!({"deductions": [{"receipt_id": paid["id"], "line_no": 1}]});
                else_than(
                    to("ar_executive", format!("/v1/tds-certificates/{}/match", id_of(&certificate)), body),
                    json!({"deductions": [{"receipt_id": paid["id"], "line_no": 2}]}),
                )
            }
            "requestWriteOff" => to("ar_executive", "/v1/write-offs".into(), self.write_off()),
            "recoverWriteOff" | "reverseWriteOff" => {
                let done = self.approved(self.made("ar_executive", "/v1/write-offs", self.write_off()));
                if operation == "reverseWriteOff" {
                    return to(
                        "controller",
                        format!("/v1/write-offs/{}/reverse", id_of(&done)),
                        json!({"reversed_on": "2025-01-25", "reason": "He paid after all"}),
                    );
                }
                let body = json!({"receipt_id": id_of(&self.receipt(json!({}))), "amount": "5.00", "recovered_on": "2025-01-25"});
                else_than(to("ar_executive", format!("/v1/write-offs/{}/recover", id_of(&done)), body), json!({"amount": "6.00"}))
            }
            "createExport" => else_than(to("controller", "/v1/exports".into(), json!({"type": "sod_report", "format": "csv"})), json!({"format": "jsonl"})),
            "createWebhookEndpoint" | "rotateWebhookSecret" | "replayEvents" => {
                // Nobody listens there, and nothing of this kind is told after it.
                let body = json!({"url": "http://127.0.0.1:9/", "event_types": ["period.reopened"]});
                if operation == "createWebhookEndpoint" {
                    return else_than(to("admin", "/v1/webhook-endpoints".into(), body), json!({"ordered": true}));
                }
                let endpoint = id_of(&self.made("admin", "/v1/webhook-endpoints", body));
                match operation {
                    "replayEvents" => {
                        let path = format!("/v1/webhook-endpoints/{endpoint}/replay");
                        else_than(to("admin", path, json!({"from_sequence": 1, "to_sequence": 2})), json!({"to_sequence": 3}))
                    }
                    _ => else_than(
                        to("admin", format!("/v1/webhook-endpoints/{endpoint}/rotate-secret"), json!({"overlap_hours": 24})),
                        json!({"overlap_hours": 23}),
                    ),
                }
            }
            "createImport" => {
                let file =
                    |name: &str| format!("code,name,is_service,hsn_code,unit_price,tax_rate\n{},{name},true,998313,10.00,18\n", &fresh()[..12]).into_bytes();
                Call { role: "ar_executive", path: "/v1/imports?type=items".into(), body: file("One"), other: file("Another"), media: "text/csv" }
            }
            "commitImport" => {
                let upload = self.call("createImport");
                let executive = self.company.executive();
                let job = Self::finished(&executive, upload.send(&executive, &fresh(), &upload.body).expect(202));
                else_than(to("ar_executive", format!("/v1/imports/{}/commit", id_of(&job)), json!({"mode": "all"})), json!({"mode": "valid_only"}))
            }
            other => panic!("{other} needs an Idempotency-Key: write a call of it for this table"),
        }
    }

    /// A job when it is over, as what it does must not be taken for an effect of what comes after.
    fn finished(client: &Client, answer: Value) -> Value {
        if answer["object"] != "job" {
            return answer;
        }
        let path = format!("/v1/jobs/{}?wait_s=20", id_of(&answer));
        until("the job to end", Duration::from_secs(120), || {
            let job = client.get(&path).expect(200);
            job["finished_at"].is_string().then_some(job)
        })
    }
}

fn keyed() -> Vec<Operation> {
    let all = operations().into_iter().filter(|op| op.spec["x-idempotency"] == "required");
    all.filter(|op| !ASIDE.iter().any(|(aside, _)| op.spec["operationId"] == *aside)).collect()
}

fn name(op: &Operation) -> &str {
    op.spec["operationId"].as_str().expect("an operation id")
}

/// As it is kept: what is shown once is not in it.
fn without_secrets(reply: &Reply) -> Value {
    with(reply.json(), json!({"client_secret": null, "initial_password": null, "secret": null}))
}

#[test]
fn every_answer_that_was_lost_is_given_again_and_nothing_is_done_twice() {
    let stage = Stage::new();
    let mut kept = Vec::new();
    for op in keyed() {
        let (what, call, key) = (name(&op).to_owned(), stage.call(name(&op)), fresh());
        let client = stage.company.as_role(call.role);
        let first = call.send(&client, &key, &call.body);
        assert!(matches!(first.status, 200..=207) && first.header("idempotent-replayed").is_none(), "{what}: {} {}", first.status, first.text());
        Stage::finished(&client, first.json());
        let before = stage.company.fingerprint();
        let again = call.send(&client, &key, &call.body);
        assert_eq!((again.status, again.header("idempotent-replayed")), (first.status, Some("true")), "{what}: {}", again.text());
        assert_eq!(again.header("idempotency-original-request-id"), first.header("request-id"), "{what}");
        assert_eq!(without_secrets(&again), without_secrets(&first), "{what}");
        for header in ["etag", "location"] {
            assert_eq!(again.header(header), first.header(header), "{what} {header}");
        }
        call.send(&client, &key, &call.other).refused(422, "idempotency_key_reused");
        assert_eq!(stage.company.fingerprint(), before, "{what}");
        // The same key of somebody else is another key: done anew where that is possible, never answered from memory.
        let other = stage.other(call.role);
        let theirs = call.send(&other, &key, &call.body);
        assert!(theirs.status < 500 && theirs.header("idempotent-replayed").is_none(), "{what}: {}", theirs.text());
        Stage::finished(&other, theirs.json());
        kept.push((what, call, key));
    }
    assert!(kept.len() >= 50, "only {} operations", kept.len());
    // Thirty days later, in the database's clock, so that nobody waits.
    let company = &stage.company.id;
    Db::owner().run(&format!("UPDATE idempotency_key SET created_at = created_at - interval '31 days' WHERE company_id = '{company}'")).unwrap();
    let refuse = |_: &str, _| Err(Problem::not_found("principal"));
    let doors = Doors::new(Pool::new(&database_url("app_url"), 1).expect("a pool"), Gate::new(1, 1), Box::new(refuse), event_key());
    purge_idempotency_keys(&doors).expect("purged");
    assert!(stage.company.sql("SELECT 1 FROM idempotency_key WHERE company_id = {c}").is_empty());
    for (what, call, key) in kept {
        let client = stage.company.as_role(call.role);
        let late = call.send(&client, &key, &call.body);
        assert!(late.status < 500 && late.header("idempotent-replayed").is_none(), "{what}: {}", late.text());
        // What the caller's own id, the bank's reference or the state protects is protected still.
        let guarded =
            ["recordReceipt", "createInvoice", "createOpeningItem", "createJournal", "issueInvoice", "bounceReceipt", "approveRequest", "markRefundPaid"];
        assert!(!guarded.contains(&what.as_str()) || late.status == 409, "{what}: {} {}", late.status, late.text());
        Stage::finished(&client, late.json());
    }
    stage.company.assert_laws();
}

#[test]
fn of_twins_at_the_same_moment_one_acts() {
    const ROUNDS: usize = 2;
    let stage = Stage::new();
    for op in keyed() {
        for _ in 0..ROUNDS {
            let (what, call, key) = (name(&op), stage.call(name(&op)), fresh());
            let client = stage.company.as_role(call.role);
            let replies = in_parallel(2, 2, |_| call.send(&client, &key, &call.body));
            let acted = replies.iter().filter(|reply| matches!(reply.status, 200..=207) && reply.header("idempotent-replayed").is_none()).count();
            let said: Vec<String> =
                replies.iter().map(|reply| format!("{} {:?} {}", reply.status, reply.header("idempotent-replayed"), reply.text())).collect();
            assert_eq!(acted, 1, "{what}: {said:?}");
            let first = replies.iter().find(|reply| matches!(reply.status, 200..=207) && reply.header("idempotent-replayed").is_none()).expect("one acted");
            // The other is told the same, or that its twin is at work still.
            for reply in replies.iter().filter(|reply| reply.header("idempotent-replayed").is_some()) {
                assert_eq!(without_secrets(reply), without_secrets(first), "{what}");
            }
            assert!(replies.iter().all(|reply| matches!(reply.status, 200..=207) || reply.status == 409), "{what}: {said:?}");
            assert_eq!(without_secrets(&call.send(&client, &key, &call.body)), without_secrets(first), "{what}");
            Stage::finished(&client, first.json());
        }
    }
    stage.company.assert_laws();
}

/// Ends whatever transaction of the company is at work, again and again, until it is told to stop.
fn kill_connections(company: &str, enough: &AtomicBool) -> usize {
    let (mut db, mut killed) = (Db::owner(), 0);
    while !enough.load(Ordering::Relaxed) && killed < 3 {
        let found = db.rows(&format!(
            "SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE application_name = 'duebook {company}' AND pid <> pg_backend_pid()"
        ));
        killed += found.len();
    }
    killed
}

#[test]
fn a_connection_that_dies_before_the_commit_leaves_one_effect_or_none() {
    let stage = Stage::new();
    let mut killed = 0;
    for op in keyed() {
        let (what, call, key) = (name(&op), stage.call(name(&op)), fresh());
        let client = stage.company.as_role(call.role);
        let enough = AtomicBool::new(false);
        let first = std::thread::scope(|scope| {
            let killer = scope.spawn(|| kill_connections(&stage.company.id, &enough));
            // Told to come back, the caller does, with the same key.
            let reply = call.send(&client, &key, &call.body);
            enough.store(true, Ordering::Relaxed);
            killed += killer.join().expect("the killer ends");
            reply
        });
        assert!(matches!(first.status, 200..=207), "{what}: {} {}", first.status, first.text());
        let again = call.send(&client, &key, &call.body);
        assert_eq!((again.status, again.header("idempotent-replayed")), (first.status, Some("true")), "{what}: {}", again.text());
        assert_eq!(without_secrets(&again), without_secrets(&first), "{what}");
        let request = again.header("idempotency-original-request-id").expect("the request that did it").to_owned();
        let keys = stage.company.sql(&format!("SELECT 1 FROM idempotency_key WHERE company_id = {{c}} AND key = '{key}'"));
        let events = stage.company.sql(&format!("SELECT 1 FROM audit_event WHERE company_id = {{c}} AND request_id = '{request}'"));
        assert!(keys.len() == 1 && !events.is_empty(), "{what}: {} keys, {} events", keys.len(), events.len());
        Stage::finished(&client, first.json());
    }
    assert!(killed > 20, "only {killed} connections died");
    stage.company.assert_laws();
}
