CALL govern('[{"table": "receipt", "aside": ["advance"], "children": [{"table": "receipt_deduction", "of": "receipt_id", "order": "line_no"}]}]');
DROP VIEW state_gst_advance;
DROP TABLE gst_advance;
DROP FUNCTION gst_advance_holds, touch_gst_advance, touch_gst_advance_added;
ALTER TABLE receipt DROP COLUMN advance;
-- Without the table that is gone.
CALL govern('[{"table": "receipt", "children": [{"table": "receipt_deduction", "of": "receipt_id", "order": "line_no"}]}]');
CREATE OR REPLACE FUNCTION receipt_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moving text[] := ARRAY['state', 'clearing', 'customer_id', 'item_id', 'entry_id', 'deposited_on', 'cleared_on', 'identified_on', 'ended_on', 'end_reason', 'on_account',
    'fee_note_id', 'posting_date', 'bank_account_id', 'payer_name',
    -- Generated, so not known yet in a trigger before the row.
    'bank_key', 'utr_key', 'exchange_rate', 'metadata', 'input', 'version', 'updated_at'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'duebook: a receipt is never deleted' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    IF to_jsonb(NEW) - moving IS DISTINCT FROM to_jsonb(OLD) - moving OR NEW.version <> OLD.version + 1
       OR OLD.state IN ('reversed', 'bounced')
       OR OLD.state = 'recorded' AND NEW.state NOT IN ('recorded', 'reversed', 'bounced')
       OR OLD.state = 'unidentified' AND NEW.state = 'held' OR OLD.state = 'held' AND NEW.state = 'unidentified'
       OR OLD.customer_id IS NOT NULL AND NEW.customer_id IS DISTINCT FROM OLD.customer_id
       OR OLD.item_id IS NOT NULL AND NEW.item_id IS DISTINCT FROM OLD.item_id
       OR OLD.entry_id IS NOT NULL AND NEW.entry_id IS DISTINCT FROM OLD.entry_id
       OR OLD.state <> 'held' AND NEW.bank_account_id IS DISTINCT FROM OLD.bank_account_id
       -- A held cheque is worth what its currency is worth on the day of its deposit.
       OR OLD.state <> 'held' AND NEW.exchange_rate IS DISTINCT FROM OLD.exchange_rate
       -- A cheque goes to the bank, then clears or comes back, and that is that.
       OR array_position(ARRAY['received', 'deposited', 'cleared'], NEW.clearing) < array_position(ARRAY['received', 'deposited', 'cleared'], OLD.clearing)
       OR OLD.clearing IN ('cleared', 'bounced') AND NEW.clearing IS DISTINCT FROM OLD.clearing
       OR OLD.posting_date IS NOT NULL AND NEW.posting_date IS DISTINCT FROM OLD.posting_date THEN
        RAISE EXCEPTION 'duebook: what a receipt says never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
DELETE FROM number_series WHERE document_kind IN ('receipt_voucher', 'refund_voucher');
CREATE OR REPLACE FUNCTION numbers_are_used() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE taken text[]; used bigint;
BEGIN
    taken := ARRAY(SELECT NEW.prefix || lpad(n::text, greatest(NEW.width, length(n::text)), '0') FROM generate_series(OLD.next_number, NEW.next_number - 1) AS n);
    CASE NEW.document_kind
        WHEN 'receipt' THEN SELECT count(*) INTO used FROM receipt WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND fiscal_year = NEW.fiscal_year AND number = ANY (taken);
        WHEN 'journal' THEN SELECT count(*) INTO used FROM manual_journal WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND number = ANY (taken);
        WHEN 'write_off' THEN SELECT count(*) INTO used FROM write_off WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND fiscal_year = NEW.fiscal_year AND number = ANY (taken);
        WHEN 'adjustment' THEN SELECT count(*) INTO used FROM adjustment WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND fiscal_year = NEW.fiscal_year AND number = ANY (taken);
        WHEN 'refund' THEN SELECT count(*) INTO used FROM refund WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND fiscal_year = NEW.fiscal_year AND number = ANY (taken);
        ELSE SELECT count(*) INTO used FROM invoice WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND fiscal_year = NEW.fiscal_year AND kind = NEW.document_kind AND number = ANY (taken);
    END CASE;
    IF used <> cardinality(taken) THEN
        RAISE EXCEPTION 'duebook: of the numbers % some have no document', taken USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_are_used';
    END IF;
    RETURN NULL;
END $$;
ALTER TABLE number_series DROP CONSTRAINT number_series_document_kind_check;
ALTER TABLE number_series ADD CONSTRAINT number_series_document_kind_check
    CHECK (document_kind IN ('invoice', 'credit_note', 'debit_note', 'receipt', 'refund', 'write_off', 'adjustment', 'journal'));
