//! The evidence of a document: complete, signed, provable without the service.

use crate::exports::{hexadecimal, signed};
use crate::rig::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

fn unpacked(bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a ZIP");
    (0..archive.len())
        .map(|at| {
            let mut file = archive.by_index(at).expect("a file");
            let mut content = Vec::new();
            file.read_to_end(&mut content).expect("its bytes");
            (file.name().expect("a name").into_owned(), content)
        })
        .collect()
}

fn parsed(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Value {
    serde_json::from_slice(&files[name]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// RFC 9162 section 2.1.3.2, written here by itself: the root that a leaf and its path lead to.
fn root(leaf: Vec<u8>, mut index: u64, size: u64, path: &[Vec<u8>]) -> Vec<u8> {
    let node = |left: &[u8], right: &[u8]| Sha256::digest([&[1][..], left, right].concat()).to_vec();
    let (mut last, mut hash) = (size - 1, leaf);
    for step in path {
        if index % 2 == 1 || index == last {
            hash = node(step, &hash);
            while index.is_multiple_of(2) && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, step);
        }
        index >>= 1;
        last >>= 1;
    }
    hash
}

fn bytes_of(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("hexadecimal");
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

#[test]
fn the_evidence_of_an_invoice_proves_itself() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "100.00");
    let receipt = company.receipt(&customer, "2025-01-20", "60.00", json!([to_invoice(&invoice, "60.00")]));
    let auditor = company.as_role("auditor");
    auditor.post("/v1/audit/verify", &json!({})).expect(200);
    let path = format!("/v1/audit/evidence/{}", id_of(&invoice));
    let reply = auditor.get(&path);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/zip")));
    assert!(reply.header("content-disposition").is_some_and(|text| text.contains("evidence-invoice-")), "{:?}", reply.headers);
    let files = unpacked(reply.bytes);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["approvals.json", "audit_entries.jsonl", "checkpoint.txt", "document.pdf", "entries.json", "manifest.json", "record.json", "settlements.json"]
    );
    let manifest = parsed(&files, "manifest.json");
    assert!(signed(&manifest), "{manifest}");
    assert_eq!(manifest["document"], json!({"type": "invoice", "id": invoice["id"], "number": invoice["number"]}));
    assert_eq!(manifest["files"].as_array().unwrap().len(), files.len() - 1);
    for listed in manifest["files"].as_array().unwrap() {
        let content = &files[listed["name"].as_str().unwrap()];
        assert_eq!(
            (listed["sha256"].as_str(), listed["bytes"].as_u64()),
            (Some(hexadecimal(&Sha256::digest(content)).as_str()), Some(content.len() as u64)),
            "{listed}"
        );
    }
    assert!(files["document.pdf"].starts_with(b"%PDF"));
    assert_eq!(files["document.pdf"], auditor.get(&format!("/v1/invoices/{}/pdf", id_of(&invoice))).bytes);
    let record = parsed(&files, "record.json");
    assert_eq!(record[0]["state"]["row"]["number"], invoice["number"]);
    let entries = parsed(&files, "entries.json");
    assert_eq!((entries.as_array().unwrap().len(), &entries[0]["id"]), (1, &invoice["gl_journal_id"]));
    let settled = parsed(&files, "settlements.json");
    assert_eq!((settled[0]["source_id"].clone(), settled[0]["target_id"].clone()), (receipt["id"].clone(), invoice["id"].clone()));

    // The event of its issue is in the log whose head was signed, and it binds the record as it stands.
    let lines: Vec<Value> = String::from_utf8(files["audit_entries.jsonl"].clone()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let issued = lines.iter().find(|line| line["resource_id"] == invoice["id"] && !line["inclusion_proof"].is_null()).expect("its event, proved");
    assert!(lines.iter().any(|line| line["resource_id"] == receipt["id"]), "and that of the receipt that paid it");
    let text = format!("{}\n{}", issued["body"].as_str().unwrap(), issued["states"].as_str().unwrap());
    let leaf = Sha256::digest([b"\0", text.as_bytes()].concat()).to_vec();
    assert_eq!(bytes_of(&issued["leaf_hash"]), leaf);
    let proof: Vec<Vec<u8>> = issued["inclusion_proof"].as_array().unwrap().iter().map(bytes_of).collect();
    let computed = root(leaf, issued["seq"].as_u64().unwrap() - 1, issued["tree_size"].as_u64().unwrap(), &proof);
    let head = String::from_utf8(files["checkpoint.txt"].clone()).unwrap();
    assert_eq!(head.lines().nth(2), Some(STANDARD.encode(computed).as_str()));
    let bound = format!("invoice {} {}", id_of(&invoice), record[0]["sha256"].as_str().unwrap());
    assert!(issued["states"].as_str().unwrap().lines().any(|line| line == bound), "{bound} in {issued}");
    company.assert_laws();
}

#[test]
fn other_documents_have_evidence_too_and_drafts_have_none() {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "100.00");
    let receipt = company.receipt(&customer, "2025-01-20", "60.00", Value::Null);
    let items = json!([{"target_type": "invoice", "target_id": invoice["id"], "amount": "10.00"}]);
    let written = json!({"customer_id": customer, "written_off_on": "2025-01-20", "reason": "Customer is insolvent", "items": items});
    let write_off = executive.post("/v1/write-offs", &written).expect(201);
    decide(&controller, &write_off, "approve").expect(200);
    for (document, kind, approvals) in [(&receipt, "receipt", 0), (&write_off, "write_off", 1)] {
        let files = unpacked(controller.get(&format!("/v1/audit/evidence/{}", id_of(document))).bytes);
        let manifest = parsed(&files, "manifest.json");
        assert!(signed(&manifest));
        assert_eq!(manifest["document"]["type"], kind);
        assert_eq!(parsed(&files, "approvals.json").as_array().unwrap().len(), approvals, "{kind}");
        assert!(!parsed(&files, "entries.json").as_array().unwrap().is_empty(), "{kind}");
    }
    let draft = executive.post("/v1/invoices", &with(invoice_body(&customer, "2025-01-10", "5.00"), json!({"issue": false}))).expect(201);
    controller.get(&format!("/v1/audit/evidence/{}", id_of(&draft))).refused(404, "not_found");
    controller.get(&format!("/v1/audit/evidence/{}", uuid::Uuid::now_v7())).refused(404, "not_found");
    executive.get(&format!("/v1/audit/evidence/{}", id_of(&invoice))).refused(403, "permission_denied");
    company.assert_laws();
}
