-- Receipts from the first sight of the money to its last: unidentified, held (a cheque of a later date),
-- recorded, reversed, bounced; clearing of cheques; who may pay for whom.

ALTER TABLE receipt
    ALTER COLUMN customer_id DROP NOT NULL,
    ALTER COLUMN item_id DROP NOT NULL,
    ALTER COLUMN entry_id DROP NOT NULL,
    ADD COLUMN state text NOT NULL DEFAULT 'recorded' CHECK (state IN ('held', 'unidentified', 'recorded', 'reversed', 'bounced')),
    ADD COLUMN clearing text CHECK (clearing IN ('received', 'deposited', 'cleared', 'bounced')),
    ADD COLUMN cheque_number text,
    ADD COLUMN cheque_date date,
    ADD COLUMN deposited_on date,
    ADD COLUMN cleared_on date,
    ADD COLUMN identified_on date,
    ADD COLUMN ended_on date,
    ADD COLUMN end_reason text,
    -- Waits on purpose.
    ADD COLUMN on_account boolean NOT NULL DEFAULT false,
    -- The debit note for the bank's fee of a bounced cheque.
    ADD COLUMN fee_note_id uuid,
    -- The accounting day; null while held and on receipts recorded before it was kept, where it is the receipt date.
    ADD COLUMN posting_date date,
    -- What the money settles in, where that is another currency than it came in; gross_settled and the deductions are in it.
    ADD COLUMN settlement_currency text,
    ADD COLUMN settlement_amount money_amount CHECK (settlement_amount > 0),
    -- Base units for one unit of the currency it settles in.
    ADD COLUMN exchange_rate numeric(20, 8) NOT NULL DEFAULT 1 CHECK (exchange_rate BETWEEN 0.00000001 AND 99999999),
    -- What a held cheque shall settle, as the caller sent it.
    ADD COLUMN input jsonb,
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    DROP CONSTRAINT receipt_check,
    ADD CONSTRAINT receipt_settles CHECK (gross_settled > 0 AND gross_settled >= coalesce(settlement_amount, amount_received)),
    ADD CONSTRAINT receipt_payer_known CHECK ((customer_id IS NULL) = (state = 'unidentified') OR state IN ('reversed', 'bounced'));

DROP INDEX receipt_utr_once;
-- A bank reference stands once at a time; what was reversed may be recorded again.
CREATE UNIQUE INDEX receipt_utr_once ON receipt (company_id, utr_key, bank_key) WHERE NOT duplicate_allowed AND state NOT IN ('reversed', 'bounced');
CREATE INDEX receipt_waiting ON receipt (company_id, state, receipt_date) WHERE state IN ('held', 'unidentified');

-- The facts of a receipt never change; its state goes forward only.
DROP TRIGGER append_only ON receipt;
CREATE FUNCTION receipt_stays() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON receipt FOR EACH ROW EXECUTE FUNCTION receipt_stays();
GRANT INSERT (state, clearing, cheque_number, cheque_date, deposited_on, posting_date, settlement_currency, settlement_amount, exchange_rate, input, on_account) ON receipt TO duebook_app;
GRANT UPDATE (state, clearing, customer_id, item_id, entry_id, deposited_on, cleared_on, identified_on, ended_on, end_reason, on_account, fee_note_id, posting_date, bank_account_id,
    payer_name, metadata, input, exchange_rate, version, updated_at) ON receipt TO duebook_app;

-- A receipt stands in the books as its state says; judged at commit.
CREATE FUNCTION receipt_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE standing bigint; held numeric; now_state text; now_item uuid;
BEGIN
    SELECT state, item_id INTO now_state, now_item FROM receipt WHERE company_id = NEW.company_id AND id = NEW.id;
    SELECT count(*) INTO standing FROM journal_entry e
    WHERE e.company_id = NEW.company_id AND e.document_id = NEW.id AND e.document_kind = 'receipt'
      AND NOT EXISTS (SELECT FROM journal_entry r WHERE r.company_id = e.company_id AND r.reverses_id = e.id);
    SELECT sum(o.amount) INTO held FROM open_item o WHERE o.company_id = NEW.company_id AND o.id = now_item AND o.document_id = NEW.id AND o.side = 'credit';
    IF now_state = 'recorded' AND (standing = 0 OR held IS DISTINCT FROM NEW.gross_settled)
       OR now_state = 'unidentified' AND (standing <> 1 OR now_item IS NOT NULL)
       OR now_state = 'held' AND (standing <> 0 OR now_item IS NOT NULL)
       OR now_state IN ('reversed', 'bounced') AND standing <> 0 THEN
        RAISE EXCEPTION 'duebook: receipt % does not stand in the books as it says', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_is_posted';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON receipt DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION receipt_is_posted();

-- Who pays for whom, from when to when: a parent for its children.
CREATE TABLE customer_payer (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, payer_id) REFERENCES customer (company_id, id),
    CHECK (customer_id <> payer_id),
    CHECK (valid_to >= valid_from)
);
CREATE INDEX customer_payer_customer ON customer_payer (company_id, customer_id, payer_id);
CREATE INDEX customer_payer_payer ON customer_payer (company_id, payer_id);
CALL isolate_company('customer_payer');
CALL isolate_portfolio('customer_payer', 'customer_id');
GRANT SELECT, INSERT (company_id, id, customer_id, payer_id, valid_from, valid_to, created_by), UPDATE (valid_to) ON customer_payer TO duebook_app;
