-- Invoices and receipts. A draft may change; what is issued or recorded may not.

CREATE TABLE invoice (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    external_id text,
    status text NOT NULL CHECK (status IN ('draft', 'issued', 'cancelled')),
    number text,
    registration_id uuid NOT NULL,
    seller_gstin text NOT NULL,
    fiscal_year integer NOT NULL,
    customer_id uuid NOT NULL,
    customer_name text NOT NULL,
    buyer_gstin text,
    currency text NOT NULL,
    invoice_date date NOT NULL,
    due_date date NOT NULL,
    payment_terms_id uuid,
    -- [{"instalment_no": 1, "due_date": "…", "amount": "…"}, …]: amounts, not percentages; they add up to grand_total.
    instalments jsonb NOT NULL,
    place_of_supply text NOT NULL,
    place_of_supply_basis text NOT NULL,
    supply_type text NOT NULL,
    reverse_charge boolean NOT NULL,
    po_reference text,
    taxable_value money_amount NOT NULL,
    cgst money_amount NOT NULL,
    sgst money_amount NOT NULL,
    igst money_amount NOT NULL,
    cess money_amount NOT NULL,
    round_off money_amount NOT NULL,
    grand_total money_amount NOT NULL CHECK (grand_total >= 0),
    entry_id uuid,
    metadata jsonb NOT NULL DEFAULT '{}',
    -- As the caller sent it, so that a draft can be changed and priced again.
    input jsonb NOT NULL,
    cancelled_on date,
    cancel_reason text,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT invoice_external_id_key UNIQUE (company_id, external_id),
    CONSTRAINT invoice_number_key UNIQUE (company_id, registration_id, fiscal_year, number),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id),
    FOREIGN KEY (company_id, entry_id) REFERENCES journal_entry (company_id, id),
    CHECK ((status = 'draft') = (number IS NULL)),
    CHECK ((status = 'draft') = (entry_id IS NULL)),
    CONSTRAINT invoice_adds_up CHECK (grand_total = taxable_value + round_off + CASE WHEN reverse_charge THEN 0 ELSE cgst + sgst + igst + cess END)
) WITH (fillfactor = 90);
CREATE INDEX invoice_date ON invoice (company_id, invoice_date, id);
CREATE INDEX invoice_due ON invoice (company_id, due_date, id);
CREATE INDEX invoice_customer ON invoice (company_id, customer_id, invoice_date);
CREATE INDEX invoice_number ON invoice (company_id, number text_pattern_ops);
CREATE INDEX invoice_total ON invoice (company_id, grand_total, id);
CALL isolate_company('invoice');
CALL isolate_portfolio('invoice', 'customer_id');

-- Nothing of an issued invoice changes but that it is cancelled.
CREATE FUNCTION invoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION 'duebook: an issued invoice is never deleted' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status = 'cancelled' OR (OLD.status = 'issued' AND (
        NEW.status <> 'cancelled' OR
        to_jsonb(NEW) - ARRAY['status', 'cancelled_on', 'cancel_reason', 'version', 'updated_at']
        IS DISTINCT FROM to_jsonb(OLD) - ARRAY['status', 'cancelled_on', 'cancel_reason', 'version', 'updated_at'])) THEN
        RAISE EXCEPTION 'duebook: an issued invoice never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_stays();

-- What says it is issued is posted for its total, and what says it is cancelled is taken back; judged at commit.
CREATE FUNCTION invoice_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.id = NEW.entry_id AND e.document_id = NEW.id AND e.posting_date = NEW.invoice_date)
       OR (SELECT coalesce(sum(o.amount), 0) FROM open_item o WHERE o.company_id = NEW.company_id AND o.entry_id = NEW.entry_id AND o.side = 'debit') <> NEW.grand_total
       OR NEW.status = 'cancelled' AND NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.reverses_id = NEW.entry_id) THEN
        RAISE EXCEPTION 'duebook: invoice % does not stand in the books as it says', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_is_posted';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON invoice DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status <> 'draft') EXECUTE FUNCTION invoice_is_posted();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON invoice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT, UPDATE, DELETE ON invoice TO duebook_app;

CREATE TABLE invoice_line (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    line_no integer NOT NULL,
    item_id uuid,
    description text NOT NULL,
    hsn_code text NOT NULL,
    is_service boolean NOT NULL,
    quantity numeric(20, 6) NOT NULL,
    unit text NOT NULL,
    unit_price numeric(20, 6) NOT NULL,
    discount money_amount NOT NULL,
    tax_inclusive boolean NOT NULL,
    treatment text NOT NULL,
    tax_rate numeric(9, 4) NOT NULL,
    cess_rate numeric(9, 4) NOT NULL,
    taxable_value money_amount NOT NULL,
    cgst money_amount NOT NULL,
    sgst money_amount NOT NULL,
    igst money_amount NOT NULL,
    cess money_amount NOT NULL,
    line_total money_amount NOT NULL,
    PRIMARY KEY (company_id, id),
    CONSTRAINT invoice_line_no_key UNIQUE (company_id, invoice_id, line_no),
    FOREIGN KEY (company_id, invoice_id) REFERENCES invoice (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, item_id) REFERENCES item (company_id, id)
);
CALL isolate_company('invoice_line');
-- Lines go only with their draft. Deleting a draft cascades after the draft is gone.
CREATE FUNCTION invoice_line_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR nullif(current_setting('app.company_id', true), '')::uuid IS DISTINCT FROM OLD.company_id OR EXISTS (SELECT FROM invoice i WHERE i.company_id = OLD.company_id AND i.id = OLD.invoice_id AND i.status <> 'draft') THEN
        RAISE EXCEPTION 'duebook: lines of an issued invoice never change' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON invoice_line FOR EACH ROW EXECUTE FUNCTION invoice_line_stays();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON invoice_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- No line joins an invoice that was issued before.
CREATE FUNCTION invoice_line_joins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT company_id, invoice_id FROM added) AS a
               LEFT JOIN invoice i ON i.company_id = a.company_id AND i.id = a.invoice_id
               LEFT JOIN journal_entry e ON e.company_id = i.company_id AND e.id = i.entry_id
               WHERE i.id IS NULL OR i.status <> 'draft' AND e.xid IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'duebook: the invoice is already issued' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER joins AFTER INSERT ON invoice_line REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION invoice_line_joins();
GRANT SELECT, INSERT, DELETE ON invoice_line TO duebook_app;

CREATE TABLE receipt (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    external_id text,
    number text NOT NULL,
    registration_id uuid NOT NULL,
    fiscal_year integer NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    receipt_date date NOT NULL,
    value_date date NOT NULL,
    method text NOT NULL,
    bank_account_id uuid,
    utr text,
    -- What makes a bank reference unique. Columns of their own, as row-level security keeps functions
    -- that are not leakproof (upper) out of an index search.
    utr_key text GENERATED ALWAYS AS (upper(utr)) STORED,
    bank_key uuid NOT NULL GENERATED ALWAYS AS (coalesce(bank_account_id, '00000000-0000-0000-0000-000000000000')) STORED,
    payer_name text,
    amount_received money_amount NOT NULL CHECK (amount_received >= 0),
    gross_settled money_amount NOT NULL CHECK (gross_settled > 0 AND gross_settled >= amount_received),
    item_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    -- Recorded although it looks like another one, for a reason.
    duplicate_allowed boolean NOT NULL DEFAULT false,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT receipt_external_id_key UNIQUE (company_id, external_id),
    CONSTRAINT receipt_number_key UNIQUE (company_id, registration_id, fiscal_year, number),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, bank_account_id) REFERENCES bank_account (company_id, id),
    FOREIGN KEY (company_id, item_id) REFERENCES open_item (company_id, id),
    FOREIGN KEY (company_id, entry_id) REFERENCES journal_entry (company_id, id)
);
CREATE INDEX receipt_date ON receipt (company_id, receipt_date, id);
CREATE INDEX receipt_customer ON receipt (company_id, customer_id, receipt_date);
CREATE INDEX receipt_utr ON receipt (company_id, utr) WHERE utr IS NOT NULL;
-- A bank reference is recorded once, for ever: the last guard after idempotency keys have been purged.
CREATE UNIQUE INDEX receipt_utr_once ON receipt (company_id, utr_key, bank_key) WHERE NOT duplicate_allowed;
CREATE INDEX receipt_amount ON receipt (company_id, amount_received, id);
CREATE INDEX receipt_item ON receipt (company_id, item_id);
CALL isolate_company('receipt');
CALL isolate_portfolio('receipt', 'customer_id');
CALL make_append_only('receipt');

CREATE TABLE receipt_deduction (
    company_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    line_no integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('tds', 'charges', 'discount', 'retention')),
    section text,
    rate numeric(9, 4),
    amount money_amount NOT NULL CHECK (amount > 0),
    PRIMARY KEY (company_id, receipt_id, line_no),
    FOREIGN KEY (company_id, receipt_id) REFERENCES receipt (company_id, id)
);
CALL isolate_company('receipt_deduction');
CALL make_append_only('receipt_deduction');
