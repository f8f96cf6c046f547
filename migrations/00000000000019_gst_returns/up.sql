-- Returns as they were filed.

-- One GSTR-1 of a registration and month, word for word. What changes later is amended in the next open one.
CREATE TABLE gst_return (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    registration_id uuid NOT NULL,
    gstin text NOT NULL,
    period date NOT NULL CHECK (period = date_trunc('month', period)::date),
    -- The portal's acknowledgement.
    arn text NOT NULL,
    filed_on date NOT NULL,
    -- The JSON as it was uploaded, and what came with it; text, so that it stays what it was to the byte.
    gstr1 text NOT NULL,
    sha256 text NOT NULL CHECK (sha256 = encode(sha256(convert_to(gstr1, 'UTF8')), 'hex')),
    totals text NOT NULL,
    gstr3b text NOT NULL,
    warnings text NOT NULL,
    locked_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT gst_return_locked_once UNIQUE (company_id, registration_id, period),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id)
);
CALL isolate_company('gst_return');
CALL make_append_only('gst_return');

-- What the return holds: each document, and each movement of an advance, that was reported or amended in it.
CREATE TABLE gst_return_document (
    company_id uuid NOT NULL,
    return_id uuid NOT NULL,
    -- An invoice or note, or a movement of an advance.
    document_id uuid NOT NULL,
    -- What the ledger posts it under: the document itself, or the receipt of the advance.
    posted_under uuid NOT NULL,
    -- The table, as the JSON calls it; doc_issue where only the number is reported.
    section text NOT NULL,
    -- Reported in an earlier return, changed here.
    amends boolean NOT NULL,
    -- What it adds to the return, negative where it takes away; taxes only where the supplier pays them.
    txval money_amount NOT NULL,
    iamt money_amount NOT NULL,
    camt money_amount NOT NULL,
    samt money_amount NOT NULL,
    csamt money_amount NOT NULL,
    PRIMARY KEY (company_id, return_id, document_id),
    FOREIGN KEY (company_id, return_id) REFERENCES gst_return (company_id, id)
);
CREATE INDEX gst_return_document_of ON gst_return_document (company_id, document_id);
CALL isolate_company('gst_return_document');
CALL make_append_only('gst_return_document');

-- The documents of a return by date, and what of the filed ones was cancelled since.
CREATE INDEX invoice_return ON invoice (company_id, registration_id, invoice_date, id) WHERE status IN ('issued', 'cancelled');
CREATE INDEX invoice_cancelled ON invoice (company_id, registration_id, invoice_date) WHERE status = 'cancelled';

CALL govern('[{"table": "gst_return", "children": [{"table": "gst_return_document", "of": "return_id", "order": "document_id"}]}]');
