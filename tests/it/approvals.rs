//! Maker and checker, shown on the approval policies, which are under approval themselves.

use crate::rig::*;
use serde_json::{Value, json};

fn ask(company: &Company) -> Value {
    let body = json!({"bands": [{"up_to": "1000.00", "steps": 1}, {"steps": 2}], "reason": "Board resolution"});
    company.controller().change("PUT", "/v1/approval-policies/policies", "\"v0\"", &body).expect(200)
}

fn decide(client: &Client, approval: &Value, verb: &str, version: &str) -> Reply {
    client.change("POST", &format!("/v1/approvals/{}/{verb}", id_of(approval)), version, &json!({"reason": "Looked at it"}))
}

#[test]
fn nobody_approves_their_own_request_and_the_attempt_leaves_a_trace() {
    let company = Company::new();
    let asked = ask(&company);
    assert_includes(
        &asked,
        &json!({"status": "pending", "action": "approval_policy.change", "steps_required": 1, "steps_done": 0, "allowed_actions": ["withdraw"]}),
    );
    let before = company.get("/v1/approval-policies");
    decide(&company.controller(), &asked, "approve", "\"v1\"").refused(403, "sod_self_approval");
    decide(&company.controller(), &asked, "reject", "\"v1\"").refused(403, "sod_self_approval");
    decide(&company.executive(), &asked, "approve", "\"v1\"").refused(403, "permission_denied");
    decide(&company.as_role("auditor"), &asked, "approve", "\"v1\"").refused(403, "role_read_only");
    assert_eq!(company.get("/v1/approval-policies"), before);
    let blocked = company.sql("SELECT body FROM audit_event WHERE company_id = {c} AND action = 'control.violation_blocked'");
    assert_eq!(blocked.len(), 2);
    // Nor does the database take it, whatever the service says.
    let (id, me) = (id_of(&asked), format!("user:{}", company.user_id("controller")));
    let row = format!("INSERT INTO approval_decision (company_id, approval_id, step, decision, actor) VALUES ('{}', '{id}', 1, 'approve', '{me}')", company.id);
    assert!(Db::app().commit_in(&company.id, &row).unwrap_err().contains("maker and checker"));
    company.assert_laws();
}

#[test]
fn another_person_approves_exactly_the_version_they_saw() {
    let company = Company::new();
    let (asked, second) = (ask(&company), company.another("controller"));
    let to_decide = second.get("/v1/approvals?mine=to_decide").expect(200);
    assert_eq!(to_decide["data"][0]["id"], asked["id"]);
    assert_eq!(company.controller().get("/v1/approvals?mine=to_decide").expect(200)["data"], json!([]));
    decide(&second, &asked, "approve", "\"v7\"").refused(412, "version_mismatch");
    let path = format!("/v1/approvals/{}/approve", id_of(&asked));
    second.post(&path, &json!({})).refused(428, "if_match_required");
    let done = decide(&second, &asked, "approve", "\"v1\"").expect(200);
    assert_includes(&done, &json!({"status": "approved", "steps_done": 1, "version": 2, "allowed_actions": []}));
    let policies = company.get("/v1/approval-policies");
    let policy = policies["data"].as_array().unwrap().iter().find(|p| p["kind"] == "policies").unwrap();
    assert_eq!((&policy["version"], &policy["bands"][0]), (&json!(1), &json!({"up_to": "1000.00", "steps": 1})));
    decide(&second, &asked, "approve", "*").refused(409, "invalid_state");
    company.assert_laws();
}

#[test]
fn only_who_asked_withdraws_and_what_is_decided_stays() {
    let company = Company::new();
    let (asked, second) = (ask(&company), company.another("controller"));
    decide(&second, &asked, "withdraw", "*").refused(403, "permission_denied");
    assert_eq!(decide(&company.controller(), &asked, "withdraw", "*").expect(200)["status"], "withdrawn");
    decide(&second, &asked, "approve", "*").refused(409, "invalid_state");
    let asked = ask(&company);
    assert_eq!(decide(&second, &asked, "reject", "*").expect(200)["status"], "rejected");
    let change = format!("UPDATE approval SET state = 'approved', version = 9 WHERE id = '{}'", id_of(&asked));
    assert!(Db::app().commit_in(&company.id, &change).unwrap_err().contains("never changes"));
    company.assert_laws();
}

#[test]
fn what_changed_while_a_request_waited_is_not_approved() {
    let company = Company::new();
    let (asked, second, third) = (ask(&company), company.another("controller"), company.another("controller"));
    // The database is asked to hold one request of a kind at a time.
    let body = json!({"bands": [{"steps": 3}], "reason": "Another board resolution"});
    second.change("PUT", "/v1/approval-policies/policies", "*", &body).refused(409, "approval_pending");
    // A change behind the scenes moves the version of the subject.
    let change = "INSERT INTO approval_policy (company_id, kind, bands, updated_by) VALUES ({c}, 'policies', '[{\"steps\": 1}]', 'system')";
    Db::app().commit_in(&company.id, &change.replace("{c}", &format!("'{}'", company.id))).unwrap();
    decide(&third, &asked, "approve", "*").refused(409, "approval_stale");
    let found = company.controller().post("/v1/audit/verify", &json!({})).expect(200);
    assert_eq!(found["findings"][0]["record"], "approval_policy", "it is noticed: {found}");
    Db::owner().commit_in(&company.id, &format!("DELETE FROM approval_policy WHERE company_id = '{}'", company.id)).unwrap();
    company.assert_laws();
}

#[test]
fn bands_that_make_no_sense_are_named() {
    let company = Company::new();
    let put = |bands: Value| company.controller().change("PUT", "/v1/approval-policies/policies", "*", &json!({"bands": bands, "reason": "Board resolution"}));
    let problem = put(json!([{"up_to": "5.00", "steps": 2}, {"steps": 1}])).refused(422, "validation_failed");
    assert!(blames(&problem, "#/bands/1/steps", "band_order"));
    let problem = put(json!([{"up_to": "5.00", "steps": 1}])).refused(422, "validation_failed");
    assert!(blames(&problem, "#/bands/0/up_to", "band_limit"));
    company.controller().change("PUT", "/v1/approval-policies/nothing", "*", &json!({"bands": [{"steps": 1}], "reason": "None"})).refused(404, "not_found");
    company.assert_laws();
}

#[test]
fn a_small_firm_may_waive_conflicting_roles_for_a_while_but_not_for_oneself() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let email = format!("{}@example.test", fresh());
    let user =
        admin.post("/v1/users", &json!({"email": email, "name": "Both", "roles": ["controller"], "password": "correct horse battery staple 9"})).expect(201);
    let both = json!({"roles": ["controller", "ar_executive"]});
    let path = format!("/v1/users/{}/roles", id_of(&user));
    admin.change("PUT", &path, "*", &both).refused(409, "role_conflict");
    let waiver = json!({"rule": "SOD-16", "user_id": user["id"], "reason": "Two people run the office", "expires_on": today()});
    let own = with(waiver.clone(), json!({"user_id": company.user_id("admin")}));
    assert!(blames(&admin.post("/v1/sod-waivers", &own).refused(422, "validation_failed"), "#/user_id", "self_waiver"));
    let late = with(waiver.clone(), json!({"expires_on": "2099-01-01"}));
    assert!(blames(&admin.post("/v1/sod-waivers", &late).refused(422, "validation_failed"), "#/expires_on", "expiry_out_of_range"));
    let bad = with(waiver.clone(), json!({"rule": "SOD-01"}));
    admin.post("/v1/sod-waivers", &bad).refusal();
    assert_eq!(admin.post("/v1/sod-waivers", &waiver).expect(201)["active"], true);
    assert_eq!(admin.change("PUT", &path, "*", &both).expect(200)["roles"], json!(["controller", "ar_executive"]));
    assert_eq!(company.as_role("auditor").get("/v1/sod-waivers").expect(200)["data"][0]["user_id"], user["id"]);
    company.assert_laws();
}

/// A new executive; gives id, e-mail and a session.
fn executive_hired(company: &Company) -> (String, String, Client) {
    let email = format!("{}@example.test", fresh());
    let body = json!({"email": email, "name": "Rising", "roles": ["ar_executive"], "password": PASSWORD});
    let user = company.as_role("admin").post("/v1/users", &body).expect(201);
    let session = Client::bearer(log_in(&email, PASSWORD, &company.id)["access_token"].as_str().unwrap().to_owned());
    (id_of(&user), email, session)
}
const PASSWORD: &str = "correct horse battery staple 9";

/// The same person, a controller from now on.
fn promoted(company: &Company, id: &str, email: &str) -> Client {
    let path = format!("/v1/users/{id}/roles");
    company.as_role("admin").change("PUT", &path, "*", &json!({"roles": ["controller"]})).expect(200);
    Client::bearer(log_in(email, PASSWORD, &company.id)["access_token"].as_str().unwrap().to_owned())
}

/// An executive asks for a document of the customer to be written off.
fn ask_to_write_off(company: &Company, customer: &str, amount: &str) -> Value {
    let invoice = company.invoice(customer, "2025-01-01", "2025-01-31", amount);
    let items = json!([{"target_type": "invoice", "target_id": invoice["id"]}]);
    let body = json!({"customer_id": customer, "written_off_on": "2025-03-01", "reason": "Customer is insolvent", "reason_code": "insolvency", "items": items});
    company.executive().post("/v1/write-offs", &body).expect(201)
}

fn status(company: &Company, asked: &Value) -> Value {
    company.get(&format!("/v1/approvals/{}", asked["approval_id"].as_str().unwrap_or_else(|| panic!("nothing waits: {asked}"))))["status"].clone()
}

#[test]
fn what_went_stale_is_asked_for_again() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let receipt = company.receipt(&customer, "2025-01-10", "100.00", json!([]));
    let (path, wanted) = (format!("/v1/receipts/{}/reverse", id_of(&receipt)), json!({"reversed_on": "2025-01-12", "reason": "Posted twice"}));
    let first = executive.post(&path, &wanted).expect(202);
    executive.post(&path, &wanted).refused(409, "approval_pending");
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "40.00");
    let placed = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-01-11", "targets": [to_invoice(&invoice, "40.00")]});
    executive.post("/v1/allocations", &placed).expect(201);
    crate::rig::decide(&company.controller(), &first, "approve").refused(409, "approval_stale");
    let second = executive.post(&path, &wanted).expect(202);
    assert_ne!(first["approval_id"], second["approval_id"]);
    assert_eq!((status(&company, &first), status(&company, &second)), (json!("stale"), json!("pending")));
    crate::rig::decide(&company.controller(), &second, "approve").expect(200);
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["status"], "reversed");
    company.assert_laws();
}

#[test]
fn nobody_is_asked_about_what_is_taken_back_meanwhile() {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    let reason = json!({"reason": "Posted twice"});
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "40.00");
    let receipt = company.receipt(&customer, "2025-01-10", "100.00", json!([to_invoice(&invoice, "40.00")]));
    let (document, allocation) =
        (format!("/v1/receipts/{}/reverse", id_of(&receipt)), format!("/v1/allocations/{}/reverse", id_of(&receipt["allocations"][0])));
    let (of_document, of_allocation) = (executive.post(&document, &reason).expect(202), executive.post(&allocation, &reason).expect(202));
    // The whole document goes, and its allocations with it.
    controller.post(&document, &reason).expect(200);
    assert_eq!((status(&company, &of_document), status(&company, &of_allocation)), (json!("stale"), json!("stale")));
    let path = format!("/v1/invoices/{}/cancel", id_of(&invoice));
    let asked = executive.change("POST", &path, "*", &reason).expect(202);
    controller.change("POST", &path, "*", &reason).expect(200);
    assert_eq!(status(&company, &asked), "stale");
    assert_eq!(company.get("/v1/approvals?status=pending")["data"], json!([]));
    crate::rig::decide(&controller, &asked, "approve").refused(409, "approval_stale");
    company.assert_laws();
}

#[test]
fn no_bands_make_one_person_enough_for_policies_and_reopening() {
    let company = Company::new();
    let put = |kind: &str, bands: Value| {
        company.controller().change("PUT", &format!("/v1/approval-policies/{kind}"), "*", &json!({"bands": bands, "reason": "Board resolution"}))
    };
    for kind in ["policies", "periods"] {
        let problem = put(kind, json!([{"up_to": "5.00", "steps": 0}, {"steps": 1}])).refused(422, "validation_failed");
        assert!(blames(&problem, "#/bands/0/steps", "too_small"), "{problem}");
        assert!(blames(&put(kind, json!([{"steps": 0}])).refused(422, "validation_failed"), "#/bands/0/steps", "too_small"));
    }
    // Where a company may let one person do it, it may.
    put("write_offs", json!([{"steps": 0}])).expect(200);
    company.assert_laws();
}

#[test]
fn changes_of_two_policies_wait_side_by_side_and_two_of_one_do_not() {
    let company = Company::new();
    let second = company.another("controller");
    let put = |kind: &str, limit: &str| {
        let body = json!({"bands": [{"up_to": limit, "steps": 1}, {"steps": 2}], "reason": "Board resolution"});
        company.controller().change("PUT", &format!("/v1/approval-policies/{kind}"), "*", &body)
    };
    let (of_refunds, of_write_offs) = (put("refunds", "100.00").expect(200), put("write_offs", "200.00").expect(200));
    put("refunds", "300.00").refused(409, "approval_pending");
    assert_ne!(of_refunds["subject_id"], of_write_offs["subject_id"]);
    for asked in [&of_refunds, &of_write_offs] {
        decide(&second, asked, "approve", "*").expect(200);
    }
    let policies = company.get("/v1/approval-policies");
    let limit = |kind: &str| policies["data"].as_array().unwrap().iter().find(|p| p["kind"] == kind).unwrap()["bands"][0]["up_to"].clone();
    assert_eq!((limit("refunds"), limit("write_offs")), (json!("100.00"), json!("200.00")));
    company.assert_laws();
}

#[test]
fn who_recorded_money_before_anybody_knew_whose_it_was_decides_nothing_for_the_customer() {
    let company = Company::new();
    let executive = company.executive();
    let unidentified = |customer: &str, who: &Client| {
        let body = with(receipt_body(customer, "2025-01-10", "100.00"), json!({"customer_id": null, "unidentified": true}));
        let receipt = who.post("/v1/receipts", &body).expect(201);
        executive.post(&format!("/v1/receipts/{}/identify", id_of(&receipt)), &json!({"customer_id": customer, "identified_on": "2025-01-12"})).expect(200);
    };
    let held = |customer: &str, who: &Client| {
        let body = with(receipt_body(customer, "2025-01-10", "100.00"), json!({"method": "cheque", "cheque_number": "000123", "cheque_date": "2025-02-01"}));
        let receipt = who.post("/v1/receipts", &body).expect(201);
        assert_eq!(receipt["status"], "held");
        executive.post(&format!("/v1/receipts/{}/deposit", id_of(&receipt)), &json!({"deposited_on": "2025-02-03"})).expect(200);
    };
    let ways: [&dyn Fn(&str, &Client); 2] = [&unidentified, &held];
    for record in ways {
        let (customer, (id, email, who)) = (company.customer(), executive_hired(&company));
        record(&customer, &who);
        let now = promoted(&company, &id, &email);
        let asked = ask_to_write_off(&company, &customer, "50.00");
        assert_eq!(crate::rig::decide(&now, &asked, "approve").refused(403, "sod_conflict")["rule"], "SOD-02");
        // For another customer the same person decides.
        let other = ask_to_write_off(&company, &company.customer(), "50.00");
        crate::rig::decide(&now, &other, "approve").expect(200);
    }
    company.assert_laws();
}

#[test]
fn what_one_decided_is_no_longer_theirs_to_decide() {
    let company = Company::new();
    let asked = ask_to_write_off(&company, &company.customer(), "2000000.00");
    let (second, third) = (company.another("controller"), company.another("controller"));
    let inbox = |client: &Client| client.get("/v1/approvals?mine=to_decide").expect(200)["data"].as_array().unwrap().len();
    assert_eq!((inbox(&second), inbox(&third)), (1, 1));
    let once = crate::rig::decide(&second, &asked, "approve").expect(200);
    assert_includes(&once, &json!({"status": "pending", "steps_required": 2, "steps_done": 1, "allowed_actions": []}));
    assert_eq!((inbox(&second), inbox(&third)), (0, 1));
    crate::rig::decide(&third, &asked, "approve").expect(200);
    assert_eq!((inbox(&second), inbox(&third)), (0, 0));
    company.assert_laws();
}

#[test]
fn a_reason_says_something() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    let receipt = company.receipt(&customer, "2025-01-10", "100.00", json!([]));
    let asked = ask_to_write_off(&company, &customer, "50.00");
    let second = company.another("controller");
    let waiver = json!({"rule": "SOD-02", "user_id": company.user_id("controller"), "expires_on": today()});
    let (admin, policy) = (company.as_role("admin"), "/v1/approval-policies/refunds");
    let before = company.fingerprint();
    let approval = asked["approval_id"].as_str().unwrap();
    for blank in ["", "   ", "\t\n\r  ", " a b ", "\u{a0}\u{a0}\u{2003}x\u{3000}"] {
        let reason = json!({"reason": blank});
        let refusals = [
            admin.post("/v1/sod-waivers", &with(waiver.clone(), reason.clone())),
            controller.post(&format!("/v1/receipts/{}/reverse", id_of(&receipt)), &reason),
            controller.change("PUT", policy, "*", &with(json!({"bands": [{"steps": 1}]}), reason.clone())),
            controller.change("POST", &format!("/v1/approvals/{approval}/reject"), "*", &reason),
            controller.change("POST", &format!("/v1/approvals/{approval}/approve"), "*", &reason),
            controller.change("POST", "/v1/periods/2025-01/close", "*", &with(json!({"level": "soft"}), reason.clone())),
        ];
        for reply in refusals {
            let problem = reply.refused(422, "validation_failed");
            assert!(blames(&problem, "#/reason", "too_short"), "{problem}");
        }
    }
    assert_eq!(company.fingerprint(), before);
    admin.post("/v1/sod-waivers", &with(waiver, json!({"reason": " a b\nc "}))).expect(201);
    crate::rig::decide(&second, &asked, "reject").expect(200);
    company.assert_laws();
}

#[test]
fn every_reason_of_the_contract_says_something() {
    let schemas = CONTRACT["components"]["schemas"].as_object().unwrap();
    let reasons: Vec<_> = schemas.iter().filter(|(_, schema)| schema["properties"]["reason"]["minLength"].is_u64()).collect();
    assert!(reasons.len() > 10, "{}", reasons.len());
    for (name, schema) in reasons {
        let reason = &schema["properties"]["reason"];
        assert!(reason["pattern"].is_string() && reason["minLength"] == 3, "{name}: {reason}");
    }
}
