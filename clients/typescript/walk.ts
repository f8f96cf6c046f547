// The walk of a day: a customer, an invoice, the money, and the books that agree.
// Types come from the contract: what does not compile here would not be accepted there.
import createClient from "openapi-fetch";
import type { components, paths } from "./duebook.js";

const [baseUrl, email, password] = process.argv.slice(2);
if (!baseUrl || !email || !password) throw new Error("usage: walk BASE_URL EMAIL PASSWORD");

const api = createClient<paths>({ baseUrl });

/** The answer, or an error that says what the problem document says. */
function must<T>(reply: { data?: T; error?: unknown; response: Response }): T {
  if (reply.data === undefined) throw new Error(`${reply.response.status} ${JSON.stringify(reply.error)}`);
  return reply.data;
}

const pair = must(await api.POST("/v1/auth/login", { body: { email, password } }));
api.use({
  onRequest: ({ request }) => {
    request.headers.set("Authorization", `Bearer ${pair.access_token}`);
    return request;
  },
});

// One key for each business intent: a retry of the same intent takes the same key.
const intent = (name: string) => ({ header: { "Idempotency-Key": `${name}-${crypto.randomUUID()}` } });

const customer = must(
  await api.POST("/v1/customers", {
    params: intent("customer"),
    body: {
      legal_name: "Acme Retail Pvt Ltd",
      kind: "b2b",
      currency: "INR",
      payment_terms_days: 30,
      billing_address: { line1: "1 MG Road", city: "Pune", state_code: "27", postal_code: "411001", country: "IN" },
    },
  }),
);

const line: components["schemas"]["NewInvoiceLine"] = {
  description: "Annual support plan",
  hsn_code: "998313",
  is_service: true,
  quantity: "2",
  unit: "NOS",
  unit_price: "50000.00",
  tax_rate: "18",
};
const invoice = must(
  await api.POST("/v1/invoices", {
    params: intent("invoice"),
    body: { customer_id: customer.id, invoice_date: "2025-10-01", currency: "INR", issue: true, lines: [line] },
  }),
);
// Only a preview has no id.
const id = invoice.id ?? "";
if (invoice.totals.grand_total !== "118000.00") throw new Error(`the invoice comes to ${invoice.totals.grand_total}`);

const receipt = must(
  await api.POST("/v1/receipts", {
    params: intent("receipt"),
    body: {
      customer_id: customer.id,
      receipt_date: "2025-10-20",
      method: "neft",
      currency: "INR",
      amount_received: "116000.00",
      deductions: [{ kind: "tds", section: "194C", amount: "2000.00" }],
      auto_apply: "oldest_first",
    },
  }),
);

const paid = must(await api.GET("/v1/invoices/{id}", { params: { path: { id } } }));
if (!("payment_status" in paid) || paid.payment_status !== "paid") throw new Error("the invoice is not paid");

const books = must(await api.GET("/v1/reconciliations/ar-gl", {})) as components["schemas"]["ArGl"];
if (books.difference !== "0.00") throw new Error(`AR and GL differ by ${books.difference}`);

// A refusal is data too.
const wrong = { customer_id: customer.id, receipt_date: "2025-10-21", method: "neft", amount_received: "1e3" } as const;
const refused = await api.POST("/v1/receipts", { params: intent("wrong"), body: wrong });
if (refused.error?.code === undefined) throw new Error("the refusal has no code");
console.log(`invoice ${invoice.number}, receipt ${receipt.number}, refused with ${refused.error.code}`);
