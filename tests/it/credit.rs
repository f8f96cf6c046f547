//! Limits and exposure: what of a customer is at risk, and up to what amount it may be.

use crate::rig::{Company, Db, assert_includes, dec, fresh, id_of, today, with};
use chrono::Days;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};

/// Proposes a limit as the executive and approves it as the controller; gives the limit as listed.
pub fn set_limit(company: &Company, customer: &str, body: Value) -> Value {
    let proposed = company.executive().post(&format!("/v1/customers/{customer}/credit-limit"), &with(json!({"reason": "Agreed"}), body)).expect(201);
    assert_eq!(proposed["status"], "pending_approval");
    let approval = proposed["approval_id"].as_str().expect("a request");
    company.controller().change("POST", &format!("/v1/approvals/{approval}/approve"), "*", &json!({})).expect(200);
    let listed = company.get(&format!("/v1/credit-limits?customer_id={customer}&limit=200"));
    listed["data"].as_array().unwrap().iter().find(|limit| limit["id"] == proposed["id"]).expect("listed").clone()
}

pub fn credit(company: &Company, customer: &str) -> Value {
    company.get(&format!("/v1/customers/{customer}/credit"))
}

/// The amount of a component of exposure, as it goes into the total.
pub fn part(credit: &Value, name: &str) -> Decimal {
    dec(&credit["exposure"]["components"].as_array().unwrap().iter().find(|part| part["component"] == name).expect(name)["amount"])
}

#[test]
fn a_limit_holds_when_another_person_approved_it_and_a_temporary_one_only_on_its_days() {
    let company = Company::new();
    let customer = company.customer();
    assert_eq!(credit(&company, &customer)["limit"], Value::Null);
    let lasting = set_limit(&company, &customer, json!({"amount": "100000.00"}));
    assert_includes(&lasting, &json!({"status": "active", "amount": "100000.00", "currency": "INR", "scope": "own", "temporary": false}));
    assert_includes(&credit(&company, &customer), &json!({"available": "100000.00", "over_limit": false, "watch": false, "used_percent": "0.00"}));
    // A temporary one for three days, and a planned lasting one after a month.
    let (soon, later) = (today() + Days::new(2), today() + Days::new(30));
    set_limit(&company, &customer, json!({"amount": "150000.00", "temporary": true, "valid_to": soon}));
    set_limit(&company, &customer, json!({"amount": "80000.00", "valid_from": later}));
    assert_eq!(credit(&company, &customer)["limit"]["amount"], "150000.00");
    let on = |day: chrono::NaiveDate| company.get(&format!("/v1/customers/{customer}/credit?as_of={day}"))["limit"]["amount"].clone();
    assert_eq!(on(soon), "150000.00");
    assert_eq!(on(soon + Days::new(1)), "100000.00");
    assert_eq!(on(later), "80000.00");
    assert_eq!(on(today() - Days::new(1)), Value::Null, "there was none yesterday");
    // Cash only is not the same as no check.
    set_limit(&company, &customer, json!({"amount": "0.00", "temporary": true, "valid_to": today()}));
    assert_includes(&credit(&company, &customer), &json!({"available": "0.00", "over_limit": false, "used_percent": null}));
    let other = company.customer();
    set_limit(&company, &other, json!({}));
    assert_includes(&credit(&company, &other), &json!({"available": null, "over_limit": false}));
    company.assert_laws();
}

#[test]
fn nobody_approves_a_limit_they_proposed_nor_one_of_a_customer_they_sell_to() {
    let company = Company::new();
    let customer = company.customer();
    let path = format!("/v1/customers/{customer}/credit-limit");
    let body = json!({"amount": "50000.00", "reason": "Agreed"});
    let mine = company.controller().post(&path, &body).expect(201);
    let decide = |limit: &Value| format!("/v1/approvals/{}/approve", limit["approval_id"].as_str().unwrap());
    let refused = company.controller().change("POST", &decide(&mine), "*", &json!({})).refused(403, "sod_self_approval");
    assert_eq!(refused["rule"], "SOD-01");
    // A second controller may, unless the customer is theirs.
    let (email, password) = (format!("{}@example.test", fresh()), "correct horse battery staple 9");
    let user =
        company.as_role("admin").post("/v1/users", &json!({"email": email, "name": "Seller", "roles": ["controller"], "password": password})).expect(201);
    let second = crate::rig::Client::bearer(crate::rig::log_in(&email, password, &company.id)["access_token"].as_str().unwrap().to_owned());
    let version = |customer: &str| format!("\"v{}\"", company.get(&format!("/v1/customers/{customer}"))["version"]);
    company.executive().change("PATCH", &format!("/v1/customers/{customer}"), &version(&customer), &json!({"salesperson_id": user["id"]})).expect(200);
    let refused = second.change("POST", &decide(&mine), "*", &json!({})).refused(403, "sod_conflict");
    assert_eq!(refused["rule"], "SOD-04");
    company.executive().change("PATCH", &format!("/v1/customers/{customer}"), &version(&customer), &json!({"salesperson_id": null})).expect(200);
    second.change("POST", &decide(&mine), "*", &json!({})).expect(200);
    assert_eq!(credit(&company, &customer)["limit"]["amount"], "50000.00");
    // A rejected proposal leaves what was.
    let more = company.executive().post(&path, &json!({"amount": "90000.00", "reason": "More"})).expect(201);
    company.controller().change("POST", &decide(&more).replace("/approve", "/reject"), "*", &json!({"reason": "Not now"})).expect(200);
    assert_eq!(credit(&company, &customer)["limit"]["amount"], "50000.00");
    assert_eq!(company.get(&format!("/v1/credit-limits?customer_id={customer}&status=rejected"))["data"].as_array().unwrap().len(), 1);
    company.assert_laws();
}

#[test]
fn small_raises_of_one_person_add_up_to_the_band_of_their_sum() {
    let company = Company::new();
    let customer = company.customer();
    // The house's first band ends at ten million; what is added counts, for thirty days (SOD-17).
    let ask =
        |amount: &str| company.executive().post(&format!("/v1/customers/{customer}/credit-limit"), &json!({"amount": amount, "reason": "More"})).expect(201);
    let approval = |limit: &Value| company.get(&format!("/v1/approvals/{}", limit["approval_id"].as_str().unwrap()));
    let first = ask("6000000.00");
    assert_includes(&approval(&first), &json!({"amount": "6000000.00", "rolling_amount": "6000000.00", "steps_required": 1}));
    company.controller().change("POST", &format!("/v1/approvals/{}/approve", first["approval_id"].as_str().unwrap()), "*", &json!({})).expect(200);
    let second = ask("10500000.00");
    assert_includes(&approval(&second), &json!({"amount": "4500000.00", "rolling_amount": "10500000.00", "steps_required": 2}));
    // Less credit adds nothing; giving up the check takes the most persons.
    assert_includes(&approval(&ask("1000.00")), &json!({"amount": "0.00"}));
    let unchecked = company.controller().post(&format!("/v1/customers/{customer}/credit-limit"), &json!({"reason": "State body"})).expect(201);
    assert_eq!(approval(&unchecked)["steps_required"], 2);
    company.assert_laws();
}

#[test]
fn what_is_wrong_with_a_limit_is_named() {
    let company = Company::new();
    let customer = company.customer();
    let path = format!("/v1/customers/{customer}/credit-limit");
    let yesterday = today() - Days::new(1);
    let before = company.fingerprint();
    let wrong = json!({"amount": "10.001", "valid_from": yesterday, "temporary": true, "reason": "Agreed", "cover": [{"kind": "insurance", "amount": "0"}]});
    let problem = company.executive().post(&path, &wrong).refused(422, "validation_failed");
    for (pointer, code) in [("#/amount", "amount_precision"), ("#/valid_from", "before_today"), ("#/valid_to", "required"), ("#/cover/0/amount", "too_small")] {
        assert!(crate::rig::blames(&problem, pointer, code), "{pointer} {code} in {problem}");
    }
    company.executive().post(&path, &json!({"amount": "-1.00", "reason": "Agreed"})).refusal();
    company.executive().post(&path, &json!({"amount": "1.00", "currency": "USD", "reason": "Agreed"})).refused(422, "exchange_rate_missing");
    company
        .executive()
        .post(&format!("/v1/customers/{}/credit-limit", uuid::Uuid::now_v7()), &json!({"amount": "1.00", "reason": "Agreed"}))
        .refused(404, "not_found");
    company.as_role("auditor").post(&path, &json!({"amount": "1.00", "reason": "Agreed"})).refused(403, "role_read_only");
    assert_eq!(before, company.fingerprint());
}

#[test]
fn every_component_of_exposure_is_told_and_counts_as_the_policy_says() {
    let company = Company::new();
    let customer = company.customer();
    let (day, due) = ((today() - Days::new(40)).to_string(), (today() - Days::new(10)).to_string());
    let invoice = company.invoice(&customer, &day, &due, "1000.00");
    company.executive().post("/v1/invoices", &with(crate::rig::invoice_body(&customer, &day, "500.00"), json!({"due_date": today()}))).expect(201);
    company.receipt(&customer, &day, "300.00", json!([crate::rig::to_invoice(&invoice, "200.00")]));
    let cheque = with(crate::rig::receipt_body(&customer, &day, "50.00"), json!({"method": "cheque", "cheque_number": "000123", "cheque_date": day}));
    company.executive().post("/v1/receipts", &cheque).expect(201);
    set_limit(
        &company,
        &customer,
        json!({"amount": "1300.00", "cover": [{"kind": "insurance", "amount": "120.00"}, {"kind": "guarantee", "amount": "7.00", "valid_to": today() - Days::new(1)}]}),
    );
    let now = credit(&company, &customer);
    for (name, amount) in [
        ("open_items", dec!(1300)),
        ("credit_notes", dec!(0)),
        ("unapplied_cash", dec!(-150)),
        ("uncleared_cash", dec!(50)),
        ("orders", dec!(0)),
        ("deliveries", dec!(0)),
        ("reservations", dec!(0)),
        ("cover", dec!(-120)),
    ] {
        assert_eq!(part(&now, name), amount, "{name}");
    }
    assert_includes(
        &now,
        &json!({"overdue": "800.00", "days_overdue": 10, "available": "220.00", "over_limit": false, "watch": false, "used_percent": "83.08"}),
    );
    assert_eq!(now["exposure"]["total"], "1080.00");
    // As of today from the rows it is the same, and before anything came it is nothing.
    let today_from_rows = company.get(&format!("/v1/customers/{customer}/credit?as_of={}", today()));
    assert_eq!(today_from_rows["exposure"], now["exposure"]);
    assert_eq!(company.get(&format!("/v1/customers/{customer}/credit?as_of={}", today() - Days::new(41)))["exposure"]["total"], "0.00");
    // A policy that takes cheques for money, and leaves cover and money on account out.
    let policy = json!({"exposure": {"uncleared_cash": false, "unapplied_cash": false, "cover": false}, "watch_percent": "99.99", "reason": "Tighter"});
    let set = company.controller().change("PUT", "/v1/credit-policy", "\"v0\"", &policy).expect(200);
    assert_includes(&set, &json!({"version": 1, "reservation_hours": 72}));
    let now = credit(&company, &customer);
    assert_includes(&now, &json!({"policy_version": 1, "available": "0.00", "watch": true, "over_limit": false}));
    assert_eq!(now["exposure"]["total"], "1300.00");
    company.controller().change("PUT", "/v1/credit-policy", "\"v0\"", &policy).refused(412, "version_mismatch");
    company.assert_laws();
}

#[test]
fn a_group_shares_a_limit_and_each_of_it_keeps_its_own() {
    let company = Company::new();
    let parent = company.customer();
    let child = id_of(&company.executive().post("/v1/customers", &with(crate::rig::customer_body(), json!({"parent_id": parent}))).expect(201));
    let loner = company.customer();
    set_limit(&company, &parent, json!({"scope": "group", "amount": "1000.00"}));
    set_limit(&company, &child, json!({"amount": "800.00"}));
    let day = today().to_string();
    company.invoice(&parent, &day, &day, "700.00");
    company.invoice(&child, &day, &day, "100.00");
    company.invoice(&loner, &day, &day, "5000.00");
    let seen = credit(&company, &child);
    assert_includes(&seen, &json!({"available": "200.00"}));
    assert_includes(&seen["group"], &json!({"parent_id": parent, "members": 2, "available": "200.00", "over_limit": false}));
    assert_eq!(seen["group"]["exposure"]["total"], "800.00");
    assert_eq!(credit(&company, &parent)["available"], "200.00");
    assert_eq!(credit(&company, &loner)["group"], Value::Null);
    // Groups have one level, and only a parent's limit is shared.
    let version = |customer: &str| format!("\"v{}\"", company.get(&format!("/v1/customers/{customer}"))["version"]);
    let join = |who: &str, parent: &str| company.executive().change("PATCH", &format!("/v1/customers/{who}"), &version(who), &json!({"parent_id": parent}));
    for (who, under) in [(&loner, &child), (&parent, &loner), (&loner, &loner)] {
        let problem = join(who, under).refused(422, "validation_failed");
        assert!(crate::rig::blames(&problem, "#/parent_id", "group_has_one_level"), "{problem}");
    }
    company
        .executive()
        .post(&format!("/v1/customers/{child}/credit-limit"), &json!({"scope": "group", "amount": "1.00", "reason": "Agreed"}))
        .refused(422, "validation_failed");
    join(&loner, &parent).expect(200);
    assert_includes(&credit(&company, &child)["group"], &json!({"members": 3, "available": "-4800.00", "over_limit": true}));
    // The database holds it too.
    let refused = Db::app().commit_in(&company.id, &format!("UPDATE customer SET parent_id = '{child}' WHERE id = '{loner}'"));
    assert!(refused.is_err_and(|error| error.contains("a parent has no parent")));
    company.assert_laws();
}
