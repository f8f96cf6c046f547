DROP TRIGGER is_posted ON invoice;
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON invoice DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status <> 'draft') EXECUTE FUNCTION invoice_is_posted();
CREATE OR REPLACE FUNCTION invoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION invoice_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.id = NEW.entry_id AND e.document_id = NEW.id AND e.posting_date = NEW.invoice_date)
       OR (SELECT coalesce(sum(o.amount), 0) FROM open_item o WHERE o.company_id = NEW.company_id AND o.entry_id = NEW.entry_id AND o.side = 'debit') <> NEW.grand_total
       OR NEW.status = 'cancelled' AND NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.reverses_id = NEW.entry_id) THEN
        RAISE EXCEPTION 'duebook: invoice % does not stand in the books as it says', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_is_posted';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION invoice_line_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR nullif(current_setting('app.company_id', true), '')::uuid IS DISTINCT FROM OLD.company_id OR EXISTS (SELECT FROM invoice i WHERE i.company_id = OLD.company_id AND i.id = OLD.invoice_id AND i.status <> 'draft') THEN
        RAISE EXCEPTION 'duebook: lines of an issued invoice never change' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE FUNCTION invoice_line_joins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT company_id, invoice_id FROM added) AS a
               LEFT JOIN invoice i ON i.company_id = a.company_id AND i.id = a.invoice_id
               LEFT JOIN journal_entry e ON e.company_id = i.company_id AND e.id = i.entry_id
               WHERE i.id IS NULL OR i.status <> 'draft' AND e.xid IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'duebook: the invoice is already issued' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NULL;
END $$;
DROP INDEX invoice_date;
DROP INDEX invoice_due;
DROP INDEX invoice_total;
ALTER TABLE invoice
    DROP CONSTRAINT invoice_external_id_key,
    ADD CONSTRAINT invoice_external_id_key UNIQUE (company_id, external_id),
    DROP CONSTRAINT invoice_status_check,
    ADD CONSTRAINT invoice_status_check CHECK (status IN ('draft', 'issued', 'cancelled')),
    DROP CONSTRAINT invoice_numbered,
    ADD CONSTRAINT invoice_check CHECK ((status = 'draft') = (number IS NULL)),
    DROP CONSTRAINT invoice_posted,
    ADD CONSTRAINT invoice_check1 CHECK ((status = 'draft') = (entry_id IS NULL)),
    DROP CONSTRAINT invoice_kind_says,
    DROP CONSTRAINT invoice_original,
    DROP COLUMN settlement_terms, DROP COLUMN exchange_rate, DROP COLUMN posting_date, DROP COLUMN tax_effect,
    DROP COLUMN reason_code, DROP COLUMN original_invoice_id, DROP COLUMN kind;
CREATE INDEX invoice_date ON invoice (company_id, invoice_date, id);
CREATE INDEX invoice_due ON invoice (company_id, due_date, id);
CREATE INDEX invoice_total ON invoice (company_id, grand_total, id);
ALTER TABLE company
    DROP COLUMN exchange_rate_max_age_days, DROP COLUMN partial_discount, DROP COLUMN late_discount, DROP COLUMN discount_grace_days,
    DROP COLUMN payment_tolerance_amount, DROP COLUMN payment_tolerance_percent;
ALTER TABLE payment_terms DROP COLUMN discount_days, DROP COLUMN discount_percent;
DROP TABLE exchange_rate;
