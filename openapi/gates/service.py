"""A Duebook to try things on: starts the demo, signs people in, fills a company with an object in every state.

Standard library only. `python3 service.py BINARY` starts one, fills it, prints where it is, and stops it at the end of
standard input.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


class Caller:
    """Somebody with a token, or nobody."""

    def __init__(self, base_url, token=None):
        self.base_url, self.token = base_url, token

    def send(self, method, path, body=None, headers=None, expect=None):
        sent = {"Accept": "*/*", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = None
        if isinstance(body, bytes):
            data = body
        elif body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        for _ in range(60):
            request = urllib.request.Request(self.base_url + path, data, sent, method=method)
            try:
                with urllib.request.urlopen(request, timeout=90) as reply:
                    status, text = reply.status, reply.read()
            except urllib.error.HTTPError as refusal:
                status, text = refusal.code, refusal.read()
                wait = int(refusal.headers.get("Retry-After") or 0)
                if status in (429, 503) and 0 < wait <= 5:
                    time.sleep(wait)
                    continue
            break
        if expect and status not in expect:
            raise SystemExit(f"{method} {path}: {status} {text.decode(errors='replace')}\n{json.dumps(body)}")
        try:
            return json.loads(text) if text else None
        except ValueError:
            return text

    def get(self, path):
        return self.send("GET", path, expect=(200,))

    def post(self, path, body, expect=(200, 201, 202, 207)):
        return self.send("POST", path, body, {"Idempotency-Key": uuid.uuid4().hex, "If-Match": "*"}, expect)

    def change(self, method, path, body, expect=(200, 202)):
        return self.send(method, path, body, {"If-Match": "*"}, expect)


class Service:
    """A demo company of a process of its own."""

    def __init__(self, binary, directory, samples=False):
        self.directory = directory
        command = [binary, "demo", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--data-dir", directory]
        self.log = open(os.path.join(directory, "server.log"), "w")
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        environment.setdefault("DUEBOOK_REQUESTS_PER_MINUTE", "0")
        self.process = subprocess.Popen(command + ([] if samples else ["--empty"]), stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, env=environment)
        for _ in range(600):
            if self.process.poll() is not None:
                raise SystemExit(f"the service ended:\n{open(self.log.name).read()}")
            try:
                self.demo = json.load(open(os.path.join(directory, "demo.json")))
                Caller(self.demo["base_url"]).send("GET", "/readyz", expect=(200,))
                break
            except (OSError, ValueError, SystemExit):
                time.sleep(0.2)
        else:
            raise SystemExit("the service is not ready after two minutes")
        self.base_url = self.demo["base_url"]

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def person(self, role):
        user = self.demo["users"][role]
        return self.sign_in(user["email"], user["password"])

    def sign_in(self, email, password):
        pair = Caller(self.base_url).send("POST", "/v1/auth/login", {"email": email, "password": password}, expect=(200,))
        return Caller(self.base_url, pair["access_token"])

    def machine(self):
        client = self.demo["client"]
        basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        reply = Caller(self.base_url).send("POST", "/v1/oauth/token", b"grant_type=client_credentials", headers, expect=(200,))
        return Caller(self.base_url, reply["access_token"])

    def another(self, role):
        """A second person in a role, for what needs two."""
        email, password = f"{uuid.uuid4().hex}@demo.test", "correct horse battery staple 9"
        self.person("admin").post("/v1/users", {"email": email, "name": "Another", "roles": [role], "password": password})
        return self.sign_in(email, password)


def fill(service):
    """Brings every kind of thing into every state it can be in."""
    admin, controller, executive = (service.person(role) for role in ("admin", "controller", "ar_executive"))
    second, third = service.another("controller"), service.another("controller")
    fresh = lambda: uuid.uuid4().hex[:16]
    address = {"line1": "1 MG Road", "city": "Pune", "state_code": "27", "postal_code": "411001", "country": "IN"}
    new_customer = lambda **more: executive.post("/v1/customers", {"external_id": fresh(), "legal_name": "Acme Retail Pvt Ltd", "kind": "b2b", "currency": "INR", "payment_terms_days": 30, "billing_address": address, **more})
    line = lambda price, rate="18": {"description": "Support", "hsn_code": "998313", "is_service": True, "quantity": "1", "unit": "NOS", "unit_price": price, "tax_rate": rate}
    customer = new_customer(gstin="27AABCA9876F1ZD")["id"]
    parent = new_customer()["id"]

    def decide(document, verb="approve", by=second):
        return by.post(f"/v1/approvals/{document['approval_id']}/{verb}", {"reason": "Looked at it"})

    def invoice(price="1000.00", issue=True, **more):
        return executive.post("/v1/invoices", {"external_id": fresh(), "customer_id": customer, "invoice_date": "2025-01-10", "currency": "INR", "issue": issue, "lines": [line(price)], **more})

    def receipt(amount, *paid, **more):
        allocations = [{"target_type": "invoice", "target_id": one["id"], "amount": part, "kind": "cash"} for one, part in paid]
        return executive.post("/v1/receipts", {"external_id": fresh(), "customer_id": customer, "receipt_date": "2025-01-20", "method": "neft", "currency": "INR", "utr": fresh(), "amount_received": amount, "allocations": allocations, **more})

    act = lambda by, kind, one, verb, body: by.post(f"/v1/{kind}/{one['id']}/{verb}", body)

    executive.post(f"/v1/customers/{customer}/contacts", {"name": "Ravi Iyer", "email": "ravi@example.com"})
    executive.post(f"/v1/customers/{customer}/addresses", {"kind": "shipping", **address})
    payer = executive.post(f"/v1/customers/{customer}/payers", {"payer_id": parent, "valid_from": "2025-01-01"})
    executive.post(f"/v1/customers/{customer}/payers/{payer['id']}/end", {"ends_on": "2025-06-30"})
    executive.post(f"/v1/customers/{customer}/payers", {"payer_id": parent, "valid_from": "2025-07-01"})
    executive.post("/v1/items", {"code": fresh(), "name": "Support", "is_service": True, "hsn_code": "998313", "unit_price": "10.00", "tax_rate": "18"})
    controller.post("/v1/payment-terms", {"code": fresh()[:12], "name": "Ten days", "instalments": [{"share": "100", "days": 10}]})
    for day in ("2025-01-10", "2025-01-31"):
        controller.post("/v1/exchange-rates", {"currency": "USD", "rate_date": day, "rate": "83.00"})

    # Invoices: draft, unpaid, partly paid, paid, cancelled, in another currency.
    invoice(issue=False)
    unpaid, partly, paid, gone = invoice(), invoice(), invoice(), invoice()
    act(controller, "invoices", gone, "cancel", {"reason": "Never delivered", "cancelled_on": "2025-01-10"})
    # Receipts: unapplied, partly applied, applied, unidentified, held, bounced, reversed; an advance of GST.
    settled = receipt("1180.00", (paid, "1180.00"))
    half = receipt("700.00", (partly, "500.00"))
    free = receipt("900.00")
    receipt("250.00", customer_id=None, unidentified=True, payer_name="Somebody")
    receipt("90.00", method="cheque", cheque_number="000123", cheque_date="2025-01-22")
    cheque = receipt("80.00", method="cheque", cheque_number="000124")
    act(executive, "receipts", cheque, "bounce", {"bounced_on": "2025-01-25", "reason": "Funds insufficient"})
    act(controller, "receipts", receipt("70.00"), "reverse", {"reason": "Entered twice", "reversed_on": "2025-01-21"})
    receipt("1180.00", gst_advance={"supply": "services", "tax_rate": "18", "hsn_code": "998313"})
    receipt("98.00", (unpaid, "98.00"), deductions=[{"kind": "tds", "section": "194C", "rate": "2", "amount": "2.00"}])
    # Allocations: active, reversed.
    once = executive.post("/v1/allocations", {"source_type": "receipt", "source_id": free["id"], "allocated_on": "2025-01-21", "targets": [{"target_type": "invoice", "target_id": unpaid["id"], "amount": "10.00", "kind": "cash"}]})
    act(controller, "allocations", once["data"][0], "reverse", {"reversed_on": "2025-01-22", "reason": "Wrong invoice"})
    # Notes: draft, unapplied, applied, cancelled, waiting.
    for kind in ("credit-notes", "debit-notes"):
        note = lambda by=controller, **more: by.post(f"/v1/{kind}", {"external_id": fresh(), "original_invoice_id": partly["id"], "note_date": "2025-01-15", "reason_code": "sales_return", "issue": True, "lines": [line("5.00")], **more})
        note(issue=False)
        note()
        loose = note(**({"apply_to_original": False} if kind == "credit-notes" else {}))
        act(controller, kind, note(**({"apply_to_original": False} if kind == "credit-notes" else {})), "cancel", {"reason": "Agreed otherwise", "cancelled_on": "2025-01-15"})
        asked = act(executive, kind, note(issue=False), "issue", {})
        assert loose and asked
    # Write-offs: waiting, posted, rejected, withdrawn, reversed, recovered.
    bad = invoice("500.00")
    off = lambda amount: executive.post("/v1/write-offs", {"customer_id": customer, "written_off_on": "2025-01-20", "reason": "Customer is insolvent", "items": [{"target_type": "invoice", "target_id": bad["id"], "amount": amount}]})
    decide(off("50.00"))
    posted = off("40.00")
    decide(posted)
    act(controller, "write-offs", posted, "reverse", {"reason": "They paid after all", "reversed_on": "2025-01-21"})
    decide(off("30.00"), "reject")
    decide(off("20.00"), "withdraw", executive)
    off("10.00")
    # Refunds: waiting, approved, paid, failed, cancelled.
    refund = lambda: executive.post("/v1/refunds", {"source_type": "receipt", "source_id": half["id"], "amount": "10.00", "reason": "Paid twice", "beneficiary": {"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678", "ifsc": "HDFC0000123"}})
    for steps in ((), (("mark-paid", {"utr": fresh(), "paid_on": "2025-01-25"}),), (("mark-paid", {"utr": fresh(), "paid_on": "2025-01-25"}), ("fail", {"reason": "Account closed"}))):
        asked = refund()
        decide(asked)
        for verb, body in steps:
            act(third, "refunds", asked, verb, body)
    act(executive, "refunds", refund(), "cancel", {"reason": "Not needed"})
    refund()
    # Adjustments, opening items, journals, revaluation, tax deducted.
    adjust = lambda by: by.post("/v1/adjustments", {"target_type": "invoice", "target_id": unpaid["id"], "amount": "-1.00", "adjusted_on": "2025-01-20", "reason": "Rounding agreed"})
    act(controller, "adjustments", adjust(controller), "reverse", {"reason": "Wrong one", "reversed_on": "2025-01-21"})
    adjust(controller)
    adjust(executive)
    opening = lambda: controller.post("/v1/opening-items", {"external_id": fresh(), "customer_id": customer, "number": fresh()[:12], "document_type": "invoice", "document_date": "2024-02-10", "original_amount": "10.00", "posting_date": "2024-04-01"})
    act(controller, "opening-items", opening(), "reverse", {"reason": "Taken over twice"})
    opening()
    journal = lambda by: by.post("/v1/journals", {"journal_date": "2025-01-20", "narration": "Bank charges", "lines": [{"account_code": "5100", "debit": "10.00"}, {"account_code": "1000", "credit": "10.00"}]})
    decide(journal(controller))
    reversed_journal = journal(controller)
    decide(reversed_journal)
    act(controller, "journals", reversed_journal, "reverse", {"reason": "Wrong month", "reversed_on": "2025-01-21"})
    journal(executive)
    controller.post("/v1/revaluations", {"as_of": "2025-01-31"})
    certificate = executive.post("/v1/tds-certificates", {"customer_id": customer, "certificate_number": fresh()[:10], "certificate_date": "2025-01-20", "section": "194C", "fiscal_year": "2024-25", "quarter": 4, "amount": "2.00"})
    act(executive, "tds-certificates", certificate, "26as", {"amount": "2.00", "seen_on": "2025-02-01"})
    # Months: open, soft closed, closed. A return that was filed. Statements. People, machines, waivers.
    controller.post("/v1/periods/2010-02/close", {"level": "soft"})
    executive.post("/v1/statements", {"customer_id": customer, "to": "2025-01-31"})
    admin.post("/v1/api-clients", {"name": "Another machine", "scopes": ["customers:read"]})
    controller.change("PUT", "/v1/approval-policies/policies", {"bands": [{"steps": 2}], "reason": "Board resolution"})
    return {"customer": customer, "paid": paid["id"], "settled": settled["id"]}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        running = Service(sys.argv[1], directory)
        fill(running)
        print(json.dumps({"base_url": running.base_url, "directory": directory}), flush=True)
        sys.stdin.read()
        running.stop()
