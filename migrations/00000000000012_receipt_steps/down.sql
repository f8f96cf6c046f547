REVOKE UPDATE (exchange_rate) ON receipt FROM duebook_app;
CREATE OR REPLACE FUNCTION receipt_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moving text[] := ARRAY['state', 'clearing', 'customer_id', 'item_id', 'entry_id', 'deposited_on', 'cleared_on', 'identified_on', 'ended_on', 'end_reason', 'on_account',
    'fee_note_id', 'posting_date', 'bank_account_id', 'payer_name',
    -- Generated, so not known yet in a trigger before the row.
    'bank_key', 'utr_key', 'metadata', 'input', 'version', 'updated_at'];
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
       OR OLD.posting_date IS NOT NULL AND NEW.posting_date IS DISTINCT FROM OLD.posting_date THEN
        RAISE EXCEPTION 'duebook: what a receipt says never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
