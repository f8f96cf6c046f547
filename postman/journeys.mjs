// The journeys of the callers, as steps that Postman shows and newman runs. Each begins from a company of any state.

const signIn = (role) => ({
  name: `Sign in as ${role}`,
  operation: "login",
  body: { email: `{{email_${role}}}`, password: `{{password_${role}}}` },
  status: 200,
  keep: { [`token_${role}`]: "answer.access_token" },
});

const key = (name) => ({ "Idempotency-Key": name });
const once = key("{{$guid}}");
const address = { line1: "1 MG Road", city: "Pune", state_code: "27", postal_code: "411001", country: "IN" };
const line = (price) => ({ description: "Support", hsn_code: "998313", is_service: true, quantity: "1", unit: "NOS", unit_price: price, tax_rate: "0" });

// A PAN-based GSTIN nobody has yet, with its check character.
const newGstin = `
const letters = () => String.fromCharCode(65 + Math.floor(Math.random() * 26));
const stem = "27" + letters() + letters() + letters() + "C" + letters() + String(Math.floor(1000 + Math.random() * 9000)) + letters() + "1Z";
const sum = [...stem].map((c, at) => parseInt(c, 36) * (at % 2 ? 2 : 1)).reduce((all, p) => all + Math.floor(p / 36) + (p % 36), 0);
pm.environment.set("gstin", stem + ((36 - (sum % 36)) % 36).toString(36).toUpperCase());
pm.environment.set("utr", "HDFC" + Date.now() + Math.floor(Math.random() * 1000000));
`;

const newCustomer = (as, more) => ({
  name: "A customer",
  operation: "createCustomer",
  as,
  headers: once,
  body: { external_id: "{{$guid}}", legal_name: "Acme Retail Pvt Ltd", kind: "b2b", currency: "INR", payment_terms_days: 30, billing_address: address, ...more },
  status: 201,
  keep: { customer: "answer.id" },
});
const newInvoice = (name, price) => ({
  name: `An invoice over ${price}`,
  operation: "createInvoice",
  as: "ar_executive",
  headers: once,
  body: { external_id: "{{$guid}}", customer_id: "{{customer}}", invoice_date: "2025-04-10", due_date: "2025-05-10", place_of_supply: "27", currency: "INR", issue: true, lines: [line(price)] },
  status: 201,
  keep: { [name]: "answer.id", [`${name}_number`]: "answer.number" },
});

const payments = {
  mode: "per_item",
  items: [
    {
      external_id: "{{utr}}", customer_id: "{{customer}}", receipt_date: "2025-05-02", method: "neft", currency: "INR", utr: "{{utr}}", amount_received: "1500.00",
      allocations: [
        { target_type: "invoice", target_id: "{{invoice}}", amount: "1000.00", kind: "cash" },
        { target_type: "invoice", target_id: "{{second}}", amount: "500.00", kind: "cash" },
      ],
    },
    { external_id: "{{utr}}-wrong", customer_id: "{{customer}}", receipt_date: "2025-05-02", method: "neft", currency: "INR", amount_received: "1e3" },
  ],
};

const partner = {
  name: "1. A partner posts payments",
  description: "Open items by GSTIN, payments in bulk, a reply that is lost, the same call again.",
  steps: [
    signIn("ar_executive"),
    { ...newCustomer("ar_executive", { gstin: "{{gstin}}" }), before: newGstin },
    newInvoice("invoice", "1000.00"),
    newInvoice("second", "800.00"),
    {
      name: "The partner's token", operation: "clientToken", basic: ["{{client_id}}", "{{client_secret}}"], body: { grant_type: "client_credentials" }, status: 200,
      keep: { token_partner: "answer.access_token" },
      test: { "has the scopes it was granted": 'pm.expect(answer.scope.split(" ")).to.include.members(["receipts:write", "customers:read"]);' },
    },
    {
      name: "Who has this GSTIN", operation: "listCustomers", as: "partner", query: { gstin: "{{gstin}}" }, status: 200,
      test: { "exactly the customer": 'pm.expect(answer.data.map((row) => row.id)).to.eql([pm.environment.get("customer")]);' },
    },
    {
      name: "What is open", operation: "listCustomerOpenItems", as: "partner", path: { id: "{{customer}}" }, status: 200,
      test: { "both invoices": 'pm.expect(answer.totals.balance).to.eql("1800.00"); pm.expect(answer.data).to.have.lengthOf(2);' },
    },
    {
      name: "Payments in bulk; the reply is lost", operation: "recordReceiptsInBulk", as: "partner", headers: key("{{utr}}"), body: payments, status: 207,
      keep: { first_reply: "pm.response.text()", first_request: 'pm.response.headers.get("Request-Id")' },
      test: {
        "good rows are kept and bad ones are told": "pm.expect(answer.summary).to.eql({ total: 2, succeeded: 1, failed: 1 });",
        "the bad row says what is wrong": 'pm.expect(answer.items[1].problem.errors[0].code).to.eql("invalid_decimal");',
      },
    },
    {
      name: "The same call again", operation: "recordReceiptsInBulk", as: "partner", headers: key("{{utr}}"), body: payments, status: 207,
      test: {
        "is the stored reply": 'pm.expect(pm.response.headers.get("Idempotent-Replayed")).to.eql("true"); pm.expect(pm.response.text()).to.eql(pm.environment.get("first_reply"));',
        "of the first request": 'pm.expect(pm.response.headers.get("Idempotency-Original-Request-Id")).to.eql(pm.environment.get("first_request")); pm.expect(answer.summary.succeeded).to.eql(1);',
      },
    },
    {
      name: "Another body under the same key", operation: "recordReceiptsInBulk", as: "partner", headers: key("{{utr}}"), body: { ...payments, items: payments.items.slice(0, 1) }, status: 422,
      test: { "is refused": 'pm.expect(answer.code).to.eql("idempotency_key_reused");' },
    },
    {
      name: "The outcome by the partner's own id", operation: "listReceipts", as: "partner", query: { external_id: "{{utr}}" }, status: 200,
      test: { "one receipt, all of it applied": 'pm.expect(answer.data.map((row) => row.status)).to.eql(["applied"]);' },
    },
    {
      name: "What is left", operation: "listCustomerOpenItems", as: "partner", path: { id: "{{customer}}" }, status: 200,
      test: { "of the second invoice": 'pm.expect(answer.data.map((row) => row.open_amount)).to.eql(["300.00"]);' },
    },
    {
      name: "The partner cannot take money back", operation: "reverseReceipt", as: "partner", path: { id: "{{invoice}}" }, headers: { ...once, "If-Match": "*" }, body: { reason: "Trying" }, status: 403,
      test: { "and is told what it lacks": 'pm.expect(answer.required_permission).to.eql("receipts:reverse");' },
    },
  ],
};

const clearing = {
  name: "2. Cash is cleared",
  description: "Money without a name is identified and applied, a short payment becomes a credit note that a second person approves, nothing stays unapplied.",
  steps: [
    signIn("ar_executive"),
    signIn("controller"),
    { ...newCustomer("ar_executive", { gstin: "{{gstin}}" }), before: newGstin },
    newInvoice("invoice", "1000.00"),
    {
      name: "Money comes in without a name", operation: "recordReceipt", as: "ar_executive", headers: once, status: 201,
      body: { external_id: "{{utr}}", unidentified: true, payer_name: "ACME RETAIL PVT LTD", receipt_date: "2025-05-02", method: "neft", currency: "INR", utr: "{{utr}}", amount_received: "900.00" },
      keep: { receipt: "answer.id", receipt_tag: 'pm.response.headers.get("ETag")' },
      test: { "unidentified": 'pm.expect(answer.status).to.eql("unidentified"); pm.expect(answer.allowed_actions).to.include("identify");' },
    },
    {
      name: "It is identified and applied", operation: "identifyReceipt", as: "ar_executive", path: { id: "{{receipt}}" }, headers: { ...once, "If-Match": "{{receipt_tag}}" },
      body: { customer_id: "{{customer}}", identified_on: "2025-05-03", auto_apply: "oldest_first" }, status: 200,
      test: { "all of it": 'pm.expect(answer.status).to.eql("applied"); pm.expect(answer.totals.unapplied).to.eql("0.00");' },
    },
    {
      name: "A stale tag is refused", operation: "identifyReceipt", as: "ar_executive", path: { id: "{{receipt}}" }, headers: { ...once, "If-Match": "{{receipt_tag}}" },
      body: { customer_id: "{{customer}}", identified_on: "2025-05-03" }, status: 412,
      test: { "with the version it has": "pm.expect(answer.current.version).to.be.above(1);" },
    },
    {
      name: "The short payment becomes a credit note", operation: "createCreditNote", as: "ar_executive", headers: once, status: 201,
      body: { original_invoice_id: "{{invoice}}", note_date: "2025-05-05", reason_code: "deficiency_in_services", issue: false, lines: [line("100.00")], apply_to_original: true },
      keep: { note: "answer.id", note_tag: 'pm.response.headers.get("ETag")' },
    },
    {
      name: "Issuing it is only asked for", operation: "issueCreditNote", as: "ar_executive", path: { id: "{{note}}" }, headers: { ...once, "If-Match": "{{note_tag}}" }, body: {}, status: 200,
      keep: { approval: "answer.approval_id" },
      test: { "it waits": "pm.expect(answer.approval_id).to.be.a('string');" },
    },
    {
      name: "Who asks does not approve", operation: "approveRequest", as: "ar_executive", path: { id: "{{approval}}" }, headers: { ...once, "If-Match": "*" }, body: {}, status: 403,
      test: { "refused": 'pm.expect(answer.code).to.be.oneOf(["permission_denied", "sod_self_approval"]);' },
    },
    {
      name: "What is to be decided", operation: "getApproval", as: "controller", path: { id: "{{approval}}" }, status: 200,
      keep: { approval_tag: 'pm.response.headers.get("ETag")' },
      test: { "the note": 'pm.expect(answer.status).to.eql("pending"); pm.expect(answer.allowed_actions).to.include("approve");' },
    },
    {
      name: "Another person approves what they saw", operation: "approveRequest", as: "controller", path: { id: "{{approval}}" }, headers: { ...once, "If-Match": "{{approval_tag}}" }, body: { reason: "Agreed with the customer" }, status: 200,
      test: { "approved": 'pm.expect(answer.status).to.eql("approved");' },
    },
    {
      name: "The invoice is paid", operation: "getInvoice", as: "ar_executive", path: { id: "{{invoice}}" }, status: 200,
      test: { "in full": 'pm.expect(answer.payment_status).to.eql("paid"); pm.expect(answer.amounts.balance_due).to.eql("0.00");' },
    },
    {
      name: "Nothing of the customer is open", operation: "listCustomerOpenItems", as: "ar_executive", path: { id: "{{customer}}" }, status: 200,
      test: { "neither owed nor unapplied": 'pm.expect(answer.data).to.eql([]); pm.expect(answer.totals.balance).to.eql("0.00");' },
    },
    {
      name: "The books agree", operation: "getArGlReconciliation", as: "controller", status: 200,
      test: { "to the paisa": 'pm.expect(answer.difference).to.eql("0.00"); pm.expect(answer.differences).to.eql([]);' },
    },
  ],
};

const auditor = {
  name: "3. An auditor looks",
  description: "Reads everything, changes nothing, and proves that the log was not touched.",
  steps: [
    signIn("auditor"),
    {
      name: "Who may do what", operation: "listRoles", as: "auditor", status: 200,
      test: { "an auditor reads and takes copies": 'const mine = answer.data.find((row) => row.role === "auditor"); pm.expect(mine.permissions.filter((p) => !/:(read|create|run)$/.test(p))).to.eql([]);' },
    },
    {
      name: "The aging of a past day", operation: "getAging", as: "auditor", query: { as_of: "2025-03-31" }, status: 200,
      test: { "agrees with the general ledger": 'pm.expect(answer.check.difference).to.eql("0.00");' },
    },
    {
      name: "The trial balance of that day", operation: "getTrialBalance", as: "auditor", query: { as_of: "2025-03-31" }, status: 200,
      test: { "debits are credits": "pm.expect(answer.totals.debit).to.eql(answer.totals.credit);" },
    },
    {
      name: "What was done", operation: "listAuditEntries", as: "auditor", query: { limit: 5, sort: "-seq" }, status: 200,
      test: { "who, what and when": "for (const entry of answer.data) pm.expect(entry).to.include.keys('actor', 'action', 'recorded_at', 'request_id');" },
    },
    {
      name: "Everything from order to cash, as it stood", operation: "createExport", as: "auditor", headers: once, body: { type: "audit_o2c", as_of: "2025-03-31", format: "csv" }, status: 202,
      keep: { job: "answer.id" },
    },
    {
      name: "Wait for it", operation: "getJob", as: "auditor", path: { id: "{{job}}" }, query: { wait_s: 30 }, status: 200,
      test: { "it is done": 'pm.expect(answer.status).to.eql("succeeded");' }, keep: { export: "answer.result.export_id" },
    },
    {
      name: "What it says of itself", operation: "getExportManifest", as: "auditor", path: { id: "{{export}}" }, status: 200,
      test: { "every control holds": "for (const control of answer.controls) pm.expect(control.passed, control.name).to.eql(true);" },
      keep: { file: "answer.files[0].name", file_sha256: "answer.files[0].sha256" },
    },
    {
      name: "A download that breaks off", operation: "getExportFile", as: "auditor", path: { id: "{{export}}", name: "{{file}}" }, headers: { Range: "bytes=0-49" }, status: 206, text: true,
      keep: { half: "answer" },
    },
    {
      name: "Goes on where it broke off", operation: "getExportFile", as: "auditor", path: { id: "{{export}}", name: "{{file}}" }, headers: { Range: "bytes=50-" }, status: 206, text: true,
      test: { "and is what was promised": 'pm.expect(require("crypto-js").SHA256(pm.environment.get("half") + answer).toString()).to.eql(pm.environment.get("file_sha256"));' },
    },
    {
      name: "An auditor is seen", operation: "listAuditEntries", as: "auditor", query: { action: "record.read", limit: 5, sort: "-seq" }, status: 200,
      test: { "reading": "pm.expect(answer.data.length).to.be.above(0);" },
    },
    {
      name: "The log proves itself", operation: "verifyAudit", as: "auditor", body: {}, status: 200,
      test: { "untouched": "pm.expect(answer.verified).to.eql(true);" },
    },
    {
      name: "An auditor writes nothing", operation: "createCustomer", as: "auditor", headers: once, body: { legal_name: "No Ltd", kind: "b2b" }, status: 403,
      test: { "by role": 'pm.expect(answer.code).to.eql("role_read_only");' },
    },
  ],
};

export const journeys = [partner, clearing, auditor];
