-- What filed returns told of shipping bills. Customs gives the bill after the invoice, often after its return: a bill that
-- came, or was mended, since then amends the export in the next open return (GSTR-1 table 9A).

CREATE TABLE gst_return_shipping (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    return_id uuid NOT NULL,
    document_id uuid NOT NULL,
    -- Port, number, date.
    told text NOT NULL,
    PRIMARY KEY (company_id, id),
    CONSTRAINT gst_return_shipping_once UNIQUE (company_id, return_id, document_id),
    FOREIGN KEY (company_id, return_id, document_id) REFERENCES gst_return_document (company_id, return_id, document_id)
);
CREATE INDEX gst_return_shipping_of ON gst_return_shipping (company_id, document_id);
CALL isolate_company('gst_return_shipping');
CALL make_append_only('gst_return_shipping');

-- The exports of which a shipping bill is known.
CREATE INDEX invoice_shipped ON invoice (company_id, registration_id, invoice_date) WHERE shipping_bill_number IS NOT NULL;

CALL govern('[{"table": "gst_return_shipping", "owner": "r.return_id"}]');
