-- Money received before the invoice. Of services the tax falls due on receipt (CGST Act s.13(2)): the register holds,
-- movement by movement, what is received on account, what of it is adjusted in an invoice, paid back or kept.

ALTER TABLE number_series DROP CONSTRAINT number_series_document_kind_check;
ALTER TABLE number_series ADD CONSTRAINT number_series_document_kind_check
    CHECK (document_kind IN ('invoice', 'credit_note', 'debit_note', 'receipt', 'refund', 'write_off', 'adjustment', 'journal', 'receipt_voucher', 'refund_voucher'));

-- What the money is an advance for, as decided when the payer was known; null where it is none.
ALTER TABLE receipt ADD COLUMN advance jsonb;
GRANT INSERT (advance), UPDATE (advance) ON receipt TO duebook_app;

CREATE TABLE gst_advance (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    registration_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    -- The credit the money is: its open amount in base currency is what the register holds of it.
    item_id uuid NOT NULL,
    moved_on date NOT NULL,
    -- kept: settled without invoice or refund, so the tax stays due. What takes a movement back is a row of its kind with
    -- negative amounts.
    kind text NOT NULL CHECK (kind IN ('received', 'adjusted', 'refunded', 'kept')),
    -- The allocation that moved it; null for the receipt of the money.
    because uuid,
    -- The movement it takes back.
    reverses_id uuid,
    place_of_supply text NOT NULL CHECK (place_of_supply ~ '^[0-9]{2}$'),
    inter boolean NOT NULL,
    rate numeric(9, 4) NOT NULL CHECK (rate BETWEEN 0 AND 100),
    cess_rate numeric(9, 4) NOT NULL CHECK (cess_rate BETWEEN 0 AND 1000),
    -- In base currency. The money includes the tax.
    gross money_amount NOT NULL,
    taxable money_amount NOT NULL,
    cgst money_amount NOT NULL,
    sgst money_amount NOT NULL,
    igst money_amount NOT NULL,
    cess money_amount NOT NULL,
    -- Of the receipt voucher (CGST rule 50) or refund voucher (rule 51).
    fiscal_year integer NOT NULL CHECK (fiscal_year BETWEEN 1900 AND 2999),
    number text,
    -- The entry that posts its tax; null where that is nothing.
    entry_id uuid,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT gst_advance_once UNIQUE (company_id, because),
    CONSTRAINT gst_advance_reversed_once UNIQUE (company_id, reverses_id),
    CONSTRAINT gst_advance_number_key UNIQUE (company_id, registration_id, fiscal_year, number),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, item_id) REFERENCES open_item (company_id, id),
    FOREIGN KEY (company_id, because) REFERENCES allocation (company_id, id),
    FOREIGN KEY (company_id, reverses_id) REFERENCES gst_advance (company_id, id),
    FOREIGN KEY (company_id, entry_id) REFERENCES journal_entry (company_id, id),
    CONSTRAINT gst_advance_adds_up CHECK (gross = taxable + cgst + sgst + igst + cess),
    CONSTRAINT gst_advance_split CHECK (CASE WHEN inter THEN cgst = 0 AND sgst = 0 ELSE cgst = sgst AND igst = 0 END),
    -- Every receipt of an advance and every refund of it has its voucher.
    CONSTRAINT gst_advance_voucher CHECK ((number IS NOT NULL) = (kind IN ('received', 'refunded') AND gross > 0)),
    CHECK (because IS NOT NULL OR kind = 'received' AND gross >= 0),
    CHECK (reverses_id IS NULL OR gross < 0)
);
CREATE INDEX gst_advance_item ON gst_advance (company_id, item_id);
-- How the money became an advance, once.
CREATE UNIQUE INDEX gst_advance_head ON gst_advance (company_id, item_id) WHERE because IS NULL;
CREATE INDEX gst_advance_receipt ON gst_advance (company_id, receipt_id);
CREATE INDEX gst_advance_month ON gst_advance (company_id, registration_id, moved_on);
CREATE INDEX gst_advance_customer ON gst_advance (company_id, customer_id);
CALL isolate_company('gst_advance');
CALL isolate_portfolio('gst_advance', 'customer_id');
CALL make_append_only('gst_advance');

-- The register holds what is open of the money, and neither more tax than that nor less than none; judged at commit.
CREATE FUNCTION gst_advance_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE held record; open numeric;
BEGIN
    SELECT sum(s * gross) AS gross, least(sum(s * cgst), sum(s * sgst), sum(s * igst), sum(s * cess), sum(s * taxable)) AS smallest INTO held
    FROM (SELECT CASE kind WHEN 'received' THEN 1 ELSE -1 END AS s, gross, taxable, cgst, sgst, igst, cess FROM gst_advance WHERE company_id = NEW.company_id AND item_id = NEW.item_id) AS moved;
    SELECT open_base INTO open FROM open_item_balance WHERE company_id = NEW.company_id AND item_id = NEW.item_id;
    IF held.gross IS DISTINCT FROM open OR held.smallest < 0 THEN
        RAISE EXCEPTION 'duebook: of the advance % the register holds %, open is %', NEW.receipt_id, held.gross, open USING ERRCODE = 'check_violation', CONSTRAINT = 'gst_advance_holds';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER holds AFTER INSERT ON gst_advance DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gst_advance_holds();

-- As in step 12, with the vouchers.
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
        WHEN 'receipt_voucher' THEN SELECT count(*) INTO used FROM gst_advance WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND fiscal_year = NEW.fiscal_year AND kind = 'received' AND number = ANY (taken);
        WHEN 'refund_voucher' THEN SELECT count(*) INTO used FROM gst_advance WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND fiscal_year = NEW.fiscal_year AND kind = 'refunded' AND number = ANY (taken);
        ELSE SELECT count(*) INTO used FROM invoice WHERE company_id = NEW.company_id AND registration_id = NEW.registration_id AND fiscal_year = NEW.fiscal_year AND kind = NEW.document_kind AND number = ANY (taken);
    END CASE;
    IF used <> cardinality(taken) THEN
        RAISE EXCEPTION 'duebook: of the numbers % some have no document', taken USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_are_used';
    END IF;
    RETURN NULL;
END $$;

-- As in step 9: what the money is an advance for is said once.
CREATE OR REPLACE FUNCTION receipt_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moving text[] := ARRAY['state', 'clearing', 'customer_id', 'item_id', 'entry_id', 'deposited_on', 'cleared_on', 'identified_on', 'ended_on', 'end_reason', 'on_account',
    'fee_note_id', 'posting_date', 'bank_account_id', 'payer_name', 'advance',
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
       OR OLD.state NOT IN ('held', 'unidentified') AND NEW.advance IS DISTINCT FROM OLD.advance
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

CALL govern('[
    {"table": "gst_advance", "owner": "r.receipt_id"},
    {"table": "receipt", "late": ["advance"], "children": [{"table": "receipt_deduction", "of": "receipt_id", "order": "line_no"}]}
]');
