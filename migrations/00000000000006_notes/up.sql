-- Credit and debit notes beside invoices, documents in foreign currency with dated rates, terms of settlement.

-- Dated exchange rates: units of the base currency for one unit. A correction is a newer row of the same date.
CREATE TABLE exchange_rate (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    rate_date date NOT NULL,
    rate numeric(20, 8) NOT NULL CHECK (rate BETWEEN 0.00000001 AND 99999999),
    source text NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (company_id, id)
);
CREATE INDEX exchange_rate_latest ON exchange_rate (company_id, currency, rate_date, recorded_at);
CREATE INDEX exchange_rate_date ON exchange_rate (company_id, rate_date, id);
CALL isolate_company('exchange_rate');
CALL make_append_only('exchange_rate');

-- Early payment: so many per cent off when paid within so many days of the document's date.
ALTER TABLE payment_terms
    ADD COLUMN discount_percent numeric(9, 4) NOT NULL DEFAULT 0 CHECK (discount_percent BETWEEN 0 AND 99.999),
    ADD COLUMN discount_days integer NOT NULL DEFAULT 0 CHECK (discount_days BETWEEN 0 AND 3650);

ALTER TABLE company
    -- A difference up to the lesser of both closes an item; 0 in either is off.
    ADD COLUMN payment_tolerance_percent numeric(9, 4) NOT NULL DEFAULT 0 CHECK (payment_tolerance_percent BETWEEN 0 AND 100),
    ADD COLUMN payment_tolerance_amount money_amount NOT NULL DEFAULT 0 CHECK (payment_tolerance_amount >= 0),
    ADD COLUMN discount_grace_days integer NOT NULL DEFAULT 0 CHECK (discount_grace_days BETWEEN 0 AND 365),
    ADD COLUMN late_discount text NOT NULL DEFAULT 'decline' CHECK (late_discount IN ('accept', 'decline')),
    ADD COLUMN partial_discount boolean NOT NULL DEFAULT false,
    ADD COLUMN exchange_rate_max_age_days integer NOT NULL DEFAULT 1 CHECK (exchange_rate_max_age_days BETWEEN 0 AND 3650);
GRANT UPDATE (payment_tolerance_percent, payment_tolerance_amount, discount_grace_days, late_discount, partial_discount, exchange_rate_max_age_days) ON company TO duebook_app;

-- One table for the three documents that are billed.
ALTER TABLE invoice
    ADD COLUMN kind text NOT NULL DEFAULT 'invoice' CHECK (kind IN ('invoice', 'credit_note', 'debit_note')),
    ADD COLUMN original_invoice_id uuid,
    ADD COLUMN reason_code text,
    ADD COLUMN tax_effect text NOT NULL DEFAULT 'gst' CHECK (tax_effect IN ('gst', 'financial')),
    -- Where it differs from the document's date: posted late.
    ADD COLUMN posting_date date,
    ADD COLUMN exchange_rate numeric(20, 8) NOT NULL DEFAULT 1 CHECK (exchange_rate BETWEEN 0.00000001 AND 99999999),
    -- As stamped on the open items at issue.
    ADD COLUMN settlement_terms jsonb,
    ADD CONSTRAINT invoice_original FOREIGN KEY (company_id, original_invoice_id) REFERENCES invoice (company_id, id),
    ADD CONSTRAINT invoice_kind_says CHECK (CASE kind WHEN 'invoice' THEN original_invoice_id IS NULL AND reason_code IS NULL AND tax_effect = 'gst' ELSE reason_code IS NOT NULL END),
    DROP CONSTRAINT invoice_external_id_key,
    ADD CONSTRAINT invoice_external_id_key UNIQUE (company_id, kind, external_id),
    DROP CONSTRAINT invoice_status_check,
    ADD CONSTRAINT invoice_status_check CHECK (status IN ('draft', 'pending_approval', 'issued', 'cancelled')),
    DROP CONSTRAINT invoice_check,
    ADD CONSTRAINT invoice_numbered CHECK ((status IN ('draft', 'pending_approval')) = (number IS NULL)),
    DROP CONSTRAINT invoice_check1,
    ADD CONSTRAINT invoice_posted CHECK ((status IN ('draft', 'pending_approval')) = (entry_id IS NULL));
CREATE INDEX invoice_original ON invoice (company_id, original_invoice_id) WHERE original_invoice_id IS NOT NULL;
DROP INDEX invoice_date;
DROP INDEX invoice_due;
DROP INDEX invoice_total;
CREATE INDEX invoice_date ON invoice (company_id, kind, invoice_date, id);
CREATE INDEX invoice_due ON invoice (company_id, kind, due_date, id);
CREATE INDEX invoice_total ON invoice (company_id, kind, grand_total, id);

-- Nothing of an issued document changes but that it is cancelled; what waits for approval is still a draft.
CREATE OR REPLACE FUNCTION invoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status NOT IN ('draft', 'pending_approval') THEN
            RAISE EXCEPTION 'duebook: an issued document is never deleted' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status = 'cancelled' OR (OLD.status = 'issued' AND (
        NEW.status <> 'cancelled' OR
        to_jsonb(NEW) - ARRAY['status', 'cancelled_on', 'cancel_reason', 'version', 'updated_at']
        IS DISTINCT FROM to_jsonb(OLD) - ARRAY['status', 'cancelled_on', 'cancel_reason', 'version', 'updated_at'])) THEN
        RAISE EXCEPTION 'duebook: an issued document never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;

-- What says it is issued is posted for its total, and what says it is cancelled is taken back; credit
-- never exceeds the invoice it corrects, nor what that bears at a rate, and no invoice is cancelled under its
-- notes. Judged at commit.
CREATE OR REPLACE FUNCTION invoice_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'cancelled' AND EXISTS (SELECT FROM invoice n WHERE n.company_id = NEW.company_id AND n.original_invoice_id = NEW.id AND n.status IN ('pending_approval', 'issued'))
       OR NEW.status = 'issued' AND EXISTS (SELECT FROM invoice o WHERE o.company_id = NEW.company_id AND o.id = NEW.original_invoice_id AND o.status <> 'issued') THEN
        RAISE EXCEPTION 'duebook: notes against an invoice stand only while it stands (%)', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'notes_stand_on_invoice';
    END IF;
    IF NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.id = NEW.entry_id AND e.document_id = NEW.id
                   AND e.document_kind = NEW.kind AND e.posting_date = coalesce(NEW.posting_date, NEW.invoice_date))
       OR (SELECT coalesce(sum(o.amount), 0) FROM open_item o WHERE o.company_id = NEW.company_id AND o.entry_id = NEW.entry_id
           AND o.side = CASE NEW.kind WHEN 'credit_note' THEN 'credit' ELSE 'debit' END) <> NEW.grand_total
       OR NEW.status = 'cancelled' AND NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.reverses_id = NEW.entry_id) THEN
        RAISE EXCEPTION 'duebook: document % does not stand in the books as it says', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_is_posted';
    END IF;
    IF NEW.kind = 'credit_note' AND NEW.original_invoice_id IS NOT NULL AND NEW.status = 'issued'
       AND (SELECT sum(n.grand_total) FROM invoice n WHERE n.company_id = NEW.company_id AND n.original_invoice_id = NEW.original_invoice_id AND n.kind = 'credit_note' AND n.status = 'issued')
         > (SELECT o.grand_total FROM invoice o WHERE o.company_id = NEW.company_id AND o.id = NEW.original_invoice_id) THEN
        RAISE EXCEPTION 'duebook: more is credited than invoice % came to', NEW.original_invoice_id USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_within_original';
    END IF;
    IF NEW.kind = 'credit_note' AND NEW.original_invoice_id IS NOT NULL AND NEW.status = 'issued' AND NEW.tax_effect = 'gst' AND EXISTS (
        SELECT FROM (SELECT l.treatment, l.tax_rate, sum(l.taxable_value) AS taxable, sum(l.cgst) AS cgst, sum(l.sgst) AS sgst, sum(l.igst) AS igst, sum(l.cess) AS cess
                     FROM invoice n JOIN invoice_line l ON l.company_id = n.company_id AND l.invoice_id = n.id
                     WHERE n.company_id = NEW.company_id AND n.original_invoice_id = NEW.original_invoice_id AND n.kind = 'credit_note' AND n.status = 'issued' AND n.tax_effect = 'gst'
                     GROUP BY l.treatment, l.tax_rate) AS back
        LEFT JOIN (SELECT l.treatment, l.tax_rate, sum(l.taxable_value) AS taxable, sum(l.cgst) AS cgst, sum(l.sgst) AS sgst, sum(l.igst) AS igst, sum(l.cess) AS cess
                   FROM invoice_line l WHERE l.company_id = NEW.company_id AND l.invoice_id = NEW.original_invoice_id GROUP BY l.treatment, l.tax_rate) AS charged USING (treatment, tax_rate)
        WHERE charged.taxable IS NULL OR back.taxable > charged.taxable OR back.cgst > charged.cgst OR back.sgst > charged.sgst OR back.igst > charged.igst OR back.cess > charged.cess) THEN
        RAISE EXCEPTION 'duebook: more tax is taken back than invoice % bears at a rate', NEW.original_invoice_id USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_within_original';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER is_posted ON invoice;
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON invoice DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status IN ('issued', 'cancelled')) EXECUTE FUNCTION invoice_is_posted();

CREATE OR REPLACE FUNCTION invoice_line_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR nullif(current_setting('app.company_id', true), '')::uuid IS DISTINCT FROM OLD.company_id
       OR EXISTS (SELECT FROM invoice i WHERE i.company_id = OLD.company_id AND i.id = OLD.invoice_id AND i.status NOT IN ('draft', 'pending_approval')) THEN
        RAISE EXCEPTION 'duebook: lines of an issued document never change' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE FUNCTION invoice_line_joins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT company_id, invoice_id FROM added) AS a
               LEFT JOIN invoice i ON i.company_id = a.company_id AND i.id = a.invoice_id
               LEFT JOIN journal_entry e ON e.company_id = i.company_id AND e.id = i.entry_id
               WHERE i.id IS NULL OR i.status NOT IN ('draft', 'pending_approval') AND e.xid IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'duebook: the document is already issued' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NULL;
END $$;
