-- E-invoices: what the seller is (turnovers, what excludes it), where its registrations are, and what the Invoice
-- Registration Portal answered to each document.

ALTER TABLE company
    -- Aggregate turnover on the PAN in rupees, by the calendar year its fiscal year starts in: {"2023": "60000000.00"}.
    ADD COLUMN turnover jsonb CHECK (jsonb_typeof(turnover) = 'object'),
    -- The kind of seller that registers nothing, such as bank; null for all others.
    ADD COLUMN einvoice_excluded_as text;
GRANT UPDATE (turnover, einvoice_excluded_as) ON company TO duebook_app;

ALTER TABLE gst_registration
    ADD COLUMN trade_name text,
    -- {"line1", "line2", "city", "postal_code"}; its State is that of the GSTIN.
    ADD COLUMN address jsonb CHECK (jsonb_typeof(address) = 'object'),
    ADD COLUMN phone text,
    ADD COLUMN email text,
    -- Where consumers pay by UPI.
    ADD COLUMN vpa text;

CREATE TABLE einvoice (
    company_id uuid NOT NULL,
    document_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('failed', 'registered', 'cancelled')),
    irn text CHECK (irn ~ '^[0-9a-f]{64}$'),
    ack_no text CHECK (ack_no ~ '^[0-9]{1,20}$'),
    ack_at timestamptz,
    -- As the portal signed them.
    signed_invoice text,
    signed_qr text,
    eway_bill_no text,
    -- Of what failed last.
    error_code text,
    error_detail text,
    cancelled_at timestamptz,
    -- 1 duplicate, 2 data entry mistake, 3 order cancelled, 4 others.
    cancel_code integer CHECK (cancel_code BETWEEN 1 AND 4),
    cancel_remarks text,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, document_id),
    CONSTRAINT einvoice_irn_key UNIQUE (company_id, irn),
    FOREIGN KEY (company_id, document_id) REFERENCES invoice (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    CHECK (status = 'failed' OR irn IS NOT NULL AND ack_no IS NOT NULL AND ack_at IS NOT NULL),
    CHECK (status <> 'registered' OR signed_qr IS NOT NULL),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL) AND (cancelled_at IS NULL) = (cancel_code IS NULL)),
    CHECK (cancelled_at >= ack_at)
);
CREATE INDEX einvoice_customer ON einvoice (company_id, customer_id);
CALL isolate_company('einvoice');
CALL isolate_portfolio('einvoice', 'customer_id');

-- What the portal answered is not unsaid: from failed to registered to cancelled, and an IRN stays what it is.
CREATE FUNCTION einvoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE cancelling text[] := ARRAY['status', 'cancelled_at', 'cancel_code', 'cancel_remarks', 'version', 'updated_at'];
BEGIN
    IF TG_OP = 'DELETE' OR NEW.version <> OLD.version + 1 OR OLD.status = 'cancelled'
       OR (NEW.company_id, NEW.document_id, NEW.customer_id, NEW.created_by, NEW.created_at) IS DISTINCT FROM (OLD.company_id, OLD.document_id, OLD.customer_id, OLD.created_by, OLD.created_at)
       OR OLD.irn IS NOT NULL AND NEW.irn IS DISTINCT FROM OLD.irn
       OR OLD.status = 'registered' AND (NEW.status <> 'cancelled' OR to_jsonb(NEW) - cancelling IS DISTINCT FROM to_jsonb(OLD) - cancelling) THEN
        RAISE EXCEPTION 'duebook: what the portal answered never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON einvoice FOR EACH ROW EXECUTE FUNCTION einvoice_stays();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON einvoice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT, UPDATE (status, irn, ack_no, ack_at, signed_invoice, signed_qr, eway_bill_no, error_code, error_detail, cancelled_at, cancel_code, cancel_remarks, version, updated_at)
    ON einvoice TO duebook_app;

-- A document the portal knows is cancelled there first.
CREATE FUNCTION einvoice_cancelled_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM einvoice e WHERE e.company_id = NEW.company_id AND e.document_id = NEW.id AND e.irn IS NOT NULL AND e.status <> 'cancelled') THEN
        RAISE EXCEPTION 'duebook: document % is registered with the portal', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'einvoice_cancelled_first';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER einvoice_cancelled_first AFTER UPDATE OF status ON invoice DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'cancelled') EXECUTE FUNCTION einvoice_cancelled_first();

CALL govern('[
    {"table": "einvoice", "id": "r.document_id"},
    {"table": "gst_registration", "late": ["trade_name", "address", "phone", "email", "vpa"]},
    {"table": "company", "late": ["turnover", "einvoice_excluded_as"]}
]');
