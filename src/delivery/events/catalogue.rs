//! What other programs are told: every type of event, who may hear of it, and which entries of the log it is made of.

use serde_json::{Value, json};
use strsim::damerau_levenshtein;

/// A type of event.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub name: &'static str,
    /// Whoever may read the thing may hear of it.
    pub permission: &'static str,
    pub about: &'static str,
}

macro_rules! kinds {
    ($($permission:literal { $($name:literal: $about:literal,)* })*) => {
        /// Every type, by what they are about.
        pub const KINDS: &[Kind] = &[$($(Kind { name: $name, permission: $permission, about: $about },)*)*];
    };
}

kinds! {
    "customers:read" {
        "customer.created": "A customer was added.",
        "customer.updated": "A customer was changed.",
        "payer.added": "Another customer may pay for this one.",
        "payer.ended": "Another customer no longer pays for this one.",
    }
    "credit:read" {
        "customer_credit.changed": "Class, flags or review of a customer's credit were set.",
        "risk_class.changed": "The risk class of a customer changed.",
        "credit_scorecard.changed": "The scorecard changed.",
        "credit_score_run.completed": "Customers were scored.",
        "credit_appraisal.created": "An appraisal was begun, or a review was opened.",
        "credit_appraisal.updated": "A draft appraisal was changed.",
        "credit_appraisal.submitted": "An appraisal waits for approval.",
        "credit_appraisal.returned": "An appraisal was rejected or withdrawn and is a draft again.",
        "credit_appraisal.approved": "An appraisal was approved, and its limit, class, terms and review set.",
        "credit_limit.proposed": "A credit limit was proposed.",
        "credit_limit.approved": "A credit limit was approved.",
        "credit_limit.rejected": "A proposed credit limit was rejected.",
        "credit_limit.superseded": "Another credit limit took the place of one.",
        "credit_limit.expired": "The last day of a credit limit has passed.",
        "credit_policy.changed": "Another version of the credit policy was set.",
        "credit_check.passed": "An order may go out on account; its amount is held free.",
        "credit_check.held": "An order may not go out on account.",
        "credit_check.confirmed": "An order stands, was delivered, billed or closed.",
        "credit_check.expired": "What was held free for an order came free.",
        "order_hold.opened": "An order waits for a decision.",
        "order_hold.released": "A held order may go.",
        "order_hold.escalated": "A held order was handed to those who may release more.",
        "order_hold.returned": "The release of an escalated order was refused; it waits on.",
        "order_hold.rejected": "A held order was refused.",
        "order_hold.expired": "A held order was checked again or closed, or its release ended.",
    }
    "invoices:read" {
        "invoice.created": "A draft was kept.",
        "invoice.updated": "A draft was changed, sent for approval or sent back; or what had settled an invoice was taken back.",
        "invoice.deleted": "A draft was thrown away.",
        "invoice.issued": "An invoice was issued.",
        "invoice.partially_paid": "Part of an invoice is settled.",
        "invoice.paid": "Nothing is left to be paid of an invoice.",
        "invoice.written_off": "What was left of an invoice was written off.",
        "invoice.overdue": "An invoice was not paid by its due date.",
        "invoice.cancelled": "An invoice was cancelled.",
    }
    "notes:read" {
        "note.created": "A draft of a credit or debit note was kept.",
        "note.updated": "A draft of a note was changed, sent for approval or sent back; or its application was taken back.",
        "note.deleted": "A draft of a note was thrown away.",
        "note.issued": "A credit or debit note was issued.",
        "note.applied": "A credit note settles something.",
        "note.partially_paid": "Part of a debit note is settled.",
        "note.paid": "Nothing is left to be paid of a debit note.",
        "note.cancelled": "A credit or debit note was cancelled.",
    }
    "einvoices:read" {
        "einvoice.pending": "A document was issued that has to be registered.",
        "einvoice.deadline_near": "A document that has to be registered is not, and the portal takes it for a week at most.",
        "einvoice.registered": "The portal registered a document.",
        "einvoice.failed": "The portal refused a document.",
        "einvoice.cancelled": "A registration was cancelled.",
    }
    "receipts:read" {
        "receipt.recorded": "Money came in.",
        "receipt.identified": "It is known who paid.",
        "receipt.updated": "A receipt was changed, or what it settled was taken back.",
        "receipt.deposited": "A cheque went to the bank.",
        "receipt.cleared": "A cheque was paid.",
        "receipt.allocated": "Money of a receipt settles something.",
        "receipt.reversed": "A receipt was taken back.",
        "receipt.bounced": "A cheque was returned unpaid.",
    }
    "allocations:read" {
        "allocation.created": "A credit was set against a debit.",
        "allocation.reversed": "An allocation was taken back.",
        "open_items.changed": "What is left of documents changed that no other event is about.",
    }
    "tds:read" {
        "tds.certificate_recorded": "A certificate of tax deducted was recorded.",
        "tds.certificate_matched": "A certificate was set against deductions.",
        "tds.certificate_seen": "The tax office's record of a certificate was noted.",
        "tds.difference": "A certificate shows less tax than was deducted.",
        "tds.difference_reversed": "The difference of a certificate was taken back.",
    }
    "refunds:read" {
        "refund.requested": "A refund was asked for.",
        "refund.approved": "A refund may be paid.",
        "refund.paid": "A refund was paid.",
        "refund.failed": "The payment of a refund failed.",
        "refund.cancelled": "A refund will not be paid.",
    }
    "write_offs:read" {
        "write_off.requested": "A write-off was asked for.",
        "write_off.posted": "An amount was written off.",
        "write_off.rejected": "A write-off was rejected.",
        "write_off.reversed": "A write-off was taken back.",
        "write_off.recovered": "Money came in for what was written off.",
    }
    "adjustments:read" {
        "adjustment.requested": "An adjustment was asked for.",
        "adjustment.posted": "A balance was adjusted.",
        "adjustment.rejected": "An adjustment was rejected.",
        "adjustment.reversed": "An adjustment was taken back.",
        "opening_item.created": "An item of another system was recorded.",
        "opening_item.posted": "An item of another system was approved.",
        "opening_item.rejected": "An item of another system was rejected.",
        "opening_item.reversed": "An item of another system was taken back.",
    }
    "gl:read" {
        "journal.created": "A journal by hand was prepared.",
        "journal.posted": "A journal by hand was posted.",
        "journal.reversed": "A journal by hand was taken back.",
        "revaluation.posted": "Balances in foreign currency were revalued.",
        "gl_account.created": "A ledger account was added.",
        "gl_account.updated": "A ledger account was changed.",
    }
    "periods:read" {
        "period.soft_closed": "A month takes postings of few only.",
        "period.closed": "A month takes no postings any more.",
        "period.reopened": "A month takes postings again.",
    }
    "gst:read" {
        "gst_return.locked": "A return was filed.",
    }
    "approvals:read" {
        "approval.requested": "Something waits for a second person.",
        "approval.decided": "Somebody approved, rejected or withdrew a request.",
        "approval_policy.changed": "The rules of approval changed.",
    }
    "statements:read" {
        "statement.ready": "A statement of account was made.",
        "statement.confirmed": "A customer answered a statement of account.",
    }
    "items:read" {
        "item.created": "An item was added.",
        "item.updated": "An item was changed.",
    }
    "company:read" {
        "company.created": "The company was set up.",
        "company.updated": "The company was changed.",
        "gst_registration.created": "A registration was added.",
        "gst_registration.updated": "A registration was changed.",
        "number_series.created": "A number series was added.",
        "payment_terms.created": "Payment terms were added.",
        "exchange_rate.created": "An exchange rate was recorded.",
        "document_template.changed": "A template of documents was changed.",
        "document_logo.changed": "The logo on documents was changed.",
        "document_settings.changed": "What documents show was changed.",
    }
    "users:read" {
        "user.created": "A person was added.",
        "user.updated": "A person was changed.",
        "user.roles_changed": "A person's roles changed.",
        "api_client.created": "An API client was added.",
        "api_client.revoked": "An API client was revoked.",
        "sod_waiver.created": "A rule of segregation was set aside for somebody.",
    }
    "audit:read" {
        "control.violation_blocked": "Somebody tried what segregation of duties forbids.",
    }
    "events:read" {
        "webhook_endpoint.created": "A webhook endpoint was added.",
        "webhook_endpoint.updated": "A webhook endpoint was changed.",
        "webhook_endpoint.disabled": "A webhook endpoint gets nothing any more.",
        "webhook_endpoint.deleted": "A webhook endpoint was removed.",
    }
}

/// The events as the contract shows them: what a receiver is sent (OpenAPI 3.1 `webhooks`), and the components they share.
#[must_use]
pub fn webhooks() -> (Value, Value) {
    let headers = ["WebhookId", "WebhookTimestamp", "WebhookSignature"].map(|name| json!({"$ref": format!("#/components/parameters/{name}")}));
    let gone = json!({"description": "Send nothing more; why is not read.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
    let of = |kind: &Kind| {
        let words: Vec<&str> = kind.name.split(['.', '_']).collect();
        let id = words.iter().map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>();
        let operation = json!({
            "tags": ["Events"], "operationId": format!("on{id}"), "x-event-type": kind.name, "summary": kind.about.trim_end_matches('.'), "x-permission": kind.permission, "security": [],
            "description": format!("{} Answer with 2xx once it is kept; anything else is sent again, and 410 ends all deliveries.", kind.about),
            "parameters": headers,
            "requestBody": {"$ref": "#/components/requestBodies/Event"},
            "responses": {"204": {"description": "Kept."}, "410": gone}
        });
        (words.join("-"), json!({"post": operation}))
    };
    let header = |name: &str, about: &str, example: &str| json!({"name": name, "in": "header", "required": true, "description": about, "schema": {"type": "string", "maxLength": 400, "pattern": r"^[\x21-\x7e ]+$"}, "example": example});
    let shared = json!({
        "parameters": {
            "WebhookId": header("webhook-id", "The same on every attempt and replay.", "msg_0196f9d40d107f008000000000000731"),
            "WebhookTimestamp": header("webhook-timestamp", "When it was sent, in seconds since 1970.", "1763447469"),
            "WebhookSignature": header("webhook-signature", "Of `id.timestamp.body`, by each secret that holds.", "v1,XGFpvLIn04I4muz/C74EH38ux5RvtxNSfh8aqN1/hbs=")
        },
        "requestBodies": {"Event": {"required": true, "description": "The event.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}}}
    });
    (Value::Object(KINDS.iter().map(of).collect()), shared)
}

/// Sent to try an endpoint; not part of the feed.
pub const PING: &str = "ping";

/// Types that are told of what an entry did to documents; never the entry's own.
const DERIVED: [&str; 11] = [
    "einvoice.pending",
    "invoice.partially_paid",
    "invoice.paid",
    "invoice.written_off",
    "note.applied",
    "note.partially_paid",
    "note.paid",
    "receipt.allocated",
    "allocation.created",
    "allocation.reversed",
    "open_items.changed",
];

/// Entries that are told under another name.
const NAMES: &[(&str, &str)] = &[
    ("invoice.requested", "invoice.updated"),
    ("invoice.returned", "invoice.updated"),
    ("invoice.cancel_requested", "invoice.updated"),
    ("invoice.shipping_bill_recorded", "invoice.updated"),
    ("credit_note.created", "note.created"),
    ("credit_note.updated", "note.updated"),
    ("credit_note.deleted", "note.deleted"),
    ("credit_note.requested", "note.updated"),
    ("credit_note.returned", "note.updated"),
    ("credit_note.cancel_requested", "note.updated"),
    ("credit_note.issued", "note.issued"),
    ("credit_note.cancelled", "note.cancelled"),
    ("debit_note.created", "note.created"),
    ("debit_note.updated", "note.updated"),
    ("debit_note.deleted", "note.deleted"),
    ("debit_note.requested", "note.updated"),
    ("debit_note.returned", "note.updated"),
    ("debit_note.cancel_requested", "note.updated"),
    ("debit_note.issued", "note.issued"),
    ("debit_note.cancelled", "note.cancelled"),
    ("receipt.reversal_requested", "receipt.updated"),
    ("tds_certificate.recorded", "tds.certificate_recorded"),
    ("tds_certificate.matched", "tds.certificate_matched"),
    ("tds_certificate.seen", "tds.certificate_seen"),
    ("tds_shortfall.posted", "tds.difference"),
    ("tds_shortfall.reversed", "tds.difference_reversed"),
    ("approval.approved", "approval.decided"),
    ("approval.rejected", "approval.decided"),
    ("approval.withdrawn", "approval.decided"),
    ("statement.created", "statement.ready"),
];

/// The type of a name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// What an entry of the log is told as; most of what concerns sign-in, proofs and printing is not.
#[must_use]
pub fn told_as(action: &str) -> Option<&'static Kind> {
    let name = NAMES.iter().find(|(of, _)| *of == action).map_or(action, |(_, name)| name);
    kind(name).filter(|_| !DERIVED.contains(&action))
}

/// Whether `receipt.allocated`, `receipt.*` or `*` stands for a type.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    pattern == "*" || pattern == name || pattern.strip_suffix(".*").is_some_and(|object| name.split_once('.').is_some_and(|(of, _)| of == object))
}

/// Whether a pattern stands for any type at all.
#[must_use]
pub fn is_known(pattern: &str) -> bool {
    KINDS.iter().any(|kind| matches(pattern, kind.name))
}

/// The type a wrong name may have meant.
#[must_use]
pub fn nearest(pattern: &str) -> Option<&'static str> {
    let pattern: String = pattern.chars().take(64).collect();
    KINDS.iter().map(|kind| (damerau_levenshtein(&pattern, kind.name), kind.name)).min().filter(|(distance, _)| *distance <= 8).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_lower_case_and_every_other_name_leads_to_one() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert!(
                kind.name
                    .split_once('.')
                    .is_some_and(|(object, action)| [object, action].iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')))
            );
            assert!(kind.about.ends_with('.') && KINDS[at + 1..].iter().all(|other| other.name != kind.name), "{}", kind.name);
            assert!(crate::platform::unit_of_work::permissions::grant(kind.permission).is_some(), "{}", kind.permission);
        }
        for (action, name) in NAMES {
            assert!(kind(name).is_some() && kind(action).is_none(), "{action} {name}");
        }
        assert!(DERIVED.iter().all(|name| kind(name).is_some()));
    }

    #[test]
    fn patterns_stand_for_one_type_those_of_an_object_or_all() {
        assert!(matches("receipt.allocated", "receipt.allocated") && matches("receipt.*", "receipt.allocated") && matches("*", "receipt.allocated"));
        assert!(!matches("receipt", "receipt.allocated") && !matches("receipt.*", "receipts.allocated") && !matches("rec*", "receipt.allocated"));
        assert!(is_known("invoice.*") && is_known("*") && !is_known("invoices.*") && !is_known(""));
        assert_eq!(nearest("reciept.allocated"), Some("receipt.allocated"));
    }

    #[test]
    fn signing_in_is_told_to_nobody() {
        assert!(
            ["session.started", "audit.adopted", "document_print.kept", "receipt.allocated", "discount.granted"].iter().all(|action| told_as(action).is_none())
        );
        assert_eq!(told_as("credit_note.issued").map(|kind| kind.name), Some("note.issued"));
    }
}
