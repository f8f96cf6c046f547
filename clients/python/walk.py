"""The walk of a day with the generated client: a customer, an invoice, the money, and the books that agree.

Usage: walk.py BASE_URL EMAIL PASSWORD
"""

import datetime
import sys
import uuid

from duebook_client import AuthenticatedClient, Client
from duebook_client.api.auth import login
from duebook_client.api.customers import create_customer
from duebook_client.api.general_ledger import get_ar_gl_reconciliation
from duebook_client.api.invoices import create_invoice, get_invoice
from duebook_client.api.receipts import record_receipt
from duebook_client.models import AutoApply, CustomerKind, DeductionKind, Login, Method, NewAddressPart, NewCustomer, NewDeduction, NewInvoice, NewInvoiceLine, NewReceipt
from duebook_client.models.problem import Problem


def must(answer):
    """The answer, or an error that says what the problem document says."""
    if answer.parsed is None or isinstance(answer.parsed, Problem):
        raise SystemExit(f"{answer.status_code}: {answer.content.decode()}")
    return answer.parsed


def main(base_url, email, password):
    pair = must(login.sync_detailed(client=Client(base_url), body=Login(email=email, password=password)))
    client = AuthenticatedClient(base_url, token=pair.access_token)
    # One key for each business intent: a retry of the same intent takes the same key.
    key = lambda name: f"{name}-{uuid.uuid4()}"

    address = NewAddressPart(line1="1 MG Road", city="Pune", state_code="27", postal_code="411001", country="IN")
    customer = must(
        create_customer.sync_detailed(
            client=client,
            idempotency_key=key("customer"),
            body=NewCustomer(legal_name="Acme Retail Pvt Ltd", kind=CustomerKind.B2B, currency="INR", payment_terms_days=30, billing_address=address),
        )
    )
    line = NewInvoiceLine(description="Annual support plan", hsn_code="998313", is_service=True, quantity="2", unit="NOS", unit_price="50000.00", tax_rate="18")
    invoice = must(
        create_invoice.sync_detailed(
            client=client,
            idempotency_key=key("invoice"),
            body=NewInvoice(customer_id=customer.id, invoice_date=datetime.date(2025, 10, 1), currency="INR", issue=True, lines=[line]),
        )
    )
    # Money stays text all the way: no figure passes through a float.
    assert invoice.totals.grand_total == "118000.00", invoice.totals
    receipt = must(
        record_receipt.sync_detailed(
            client=client,
            idempotency_key=key("receipt"),
            body=NewReceipt(
                customer_id=customer.id,
                receipt_date=datetime.date(2025, 10, 20),
                method=Method.NEFT,
                currency="INR",
                amount_received="116000.00",
                deductions=[NewDeduction(kind=DeductionKind.TDS, section="194C", amount="2000.00")],
                auto_apply=AutoApply.OLDEST_FIRST,
            ),
        )
    )
    paid = must(get_invoice.sync_detailed(invoice.id, client=client))
    assert paid.payment_status == "paid", paid.payment_status
    books = must(get_ar_gl_reconciliation.sync_detailed(client=client))
    assert books.difference == "0.00", books.difference
    print(f"invoice {invoice.number}, receipt {receipt.number}")


if __name__ == "__main__":
    main(*sys.argv[1:])
