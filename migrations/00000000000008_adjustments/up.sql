-- Write-offs, refunds, adjustments, opening items, and what becomes of tax deducted by customers.

-- A document that moves through states: which moves there are, and which columns they may change.
-- Arguments: 'from>to,…', 'column,…'.
CREATE FUNCTION moves_as_allowed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NOT (OLD.status || '>' || NEW.status) = ANY (string_to_array(TG_ARGV[0], ','))
       OR to_jsonb(NEW) - string_to_array(TG_ARGV[1], ',') IS DISTINCT FROM to_jsonb(OLD) - string_to_array(TG_ARGV[1], ',') THEN
        RAISE EXCEPTION 'duebook: % % never changes so', TG_TABLE_NAME, OLD.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;

-- What says it is posted stands in the books with its amount (debits less credits, whichever way); judged
-- at commit. Argument: what its entries and items are called.
CREATE FUNCTION correction_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(CASE i.side WHEN 'debit' THEN i.amount ELSE -i.amount END), 0) FROM open_item i
        WHERE i.company_id = NEW.company_id AND i.document_id = NEW.id AND i.document_kind = TG_ARGV[0]) NOT IN (NEW.amount, -NEW.amount)
       OR NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.document_id = NEW.id AND e.document_kind = TG_ARGV[0]) THEN
        RAISE EXCEPTION 'duebook: % % does not stand in the books as it says', TG_TABLE_NAME, NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'correction_is_posted';
    END IF;
    RETURN NULL;
END $$;

CREATE TABLE write_off (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    number text,
    registration_id uuid,
    fiscal_year integer,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    written_off_on date NOT NULL,
    reason_code text,
    reason text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
    amount money_amount NOT NULL CHECK (amount > 0),
    base_amount money_amount NOT NULL CHECK (base_amount > 0),
    status text NOT NULL CHECK (status IN ('pending_approval', 'posted', 'rejected')),
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT write_off_number_key UNIQUE (company_id, registration_id, fiscal_year, number),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id),
    CHECK ((status = 'posted') = (number IS NOT NULL))
);
CREATE INDEX write_off_customer ON write_off (company_id, customer_id, written_off_on);
CREATE INDEX write_off_date ON write_off (company_id, written_off_on, id);
CALL isolate_company('write_off');
CALL isolate_portfolio('write_off', 'customer_id');
GRANT SELECT, INSERT, UPDATE (status, number, registration_id, fiscal_year, base_amount, version) ON write_off TO duebook_app;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON write_off FOR EACH ROW
    EXECUTE FUNCTION moves_as_allowed('pending_approval>posted,pending_approval>rejected', 'status,number,registration_id,fiscal_year,base_amount,version');
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON write_off FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON write_off DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'posted') EXECUTE FUNCTION correction_is_posted('write_off');

CREATE TABLE write_off_line (
    company_id uuid NOT NULL,
    write_off_id uuid NOT NULL,
    line_no integer NOT NULL,
    target_kind text NOT NULL,
    target_id uuid NOT NULL,
    target_number text NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    PRIMARY KEY (company_id, write_off_id, line_no),
    CONSTRAINT write_off_line_target_key UNIQUE (company_id, write_off_id, target_id),
    FOREIGN KEY (company_id, write_off_id) REFERENCES write_off (company_id, id)
);
CALL isolate_company('write_off_line');
CALL make_append_only('write_off_line');

-- Money that came after all, from the unapplied part of a receipt.
CREATE TABLE recovery (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    write_off_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    recovered_on date NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, write_off_id) REFERENCES write_off (company_id, id),
    FOREIGN KEY (company_id, receipt_id) REFERENCES receipt (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CREATE INDEX recovery_write_off ON recovery (company_id, write_off_id);
CALL isolate_company('recovery');
CALL isolate_portfolio('recovery', 'customer_id');
CALL make_append_only('recovery');
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT ON recovery DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION correction_is_posted('recovery');

CREATE TABLE refund (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    number text,
    registration_id uuid,
    fiscal_year integer,
    customer_id uuid NOT NULL,
    source_kind text NOT NULL,
    source_id uuid NOT NULL,
    source_number text NOT NULL,
    currency text NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
    beneficiary_name text NOT NULL,
    account_number text NOT NULL,
    ifsc text,
    status text NOT NULL CHECK (status IN ('pending_approval', 'approved', 'paid', 'failed', 'cancelled')),
    utr text,
    utr_key text GENERATED ALWAYS AS (upper(utr)) STORED,
    paid_on date,
    paid_by text,
    bank_account_id uuid,
    ended_on date,
    end_reason text,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT refund_number_key UNIQUE (company_id, registration_id, fiscal_year, number),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, bank_account_id) REFERENCES bank_account (company_id, id),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id),
    CHECK ((status IN ('paid', 'failed')) = (number IS NOT NULL)),
    CHECK ((number IS NULL) = (utr IS NULL)),
    CHECK (paid_by IS NULL OR paid_by <> created_by)
);
CREATE INDEX refund_source ON refund (company_id, source_id);
CREATE INDEX refund_customer ON refund (company_id, customer_id, created_at);
CREATE INDEX refund_created ON refund (company_id, created_at, id);
-- A transfer is one payment.
CREATE UNIQUE INDEX refund_utr_once ON refund (company_id, utr_key, bank_account_id) NULLS NOT DISTINCT WHERE status = 'paid';
CALL isolate_company('refund');
CALL isolate_portfolio('refund', 'customer_id');
GRANT SELECT, INSERT (company_id, id, customer_id, source_kind, source_id, source_number, currency, amount, reason, beneficiary_name, account_number, ifsc, status, created_by, created_at),
    UPDATE (status, number, registration_id, fiscal_year, utr, paid_on, paid_by, bank_account_id, ended_on, end_reason, version) ON refund TO duebook_app;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON refund FOR EACH ROW
    EXECUTE FUNCTION moves_as_allowed('pending_approval>approved,pending_approval>cancelled,approved>paid,approved>cancelled,paid>failed',
                                      'status,number,registration_id,fiscal_year,utr,utr_key,paid_on,paid_by,bank_account_id,ended_on,end_reason,version');
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON refund FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON refund DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status IN ('paid', 'failed')) EXECUTE FUNCTION correction_is_posted('refund');

CREATE TABLE adjustment (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    -- What is approved together: a run over small balances, or the adjustment itself.
    batch_id uuid NOT NULL,
    cause text NOT NULL CHECK (cause IN ('adjustment', 'small_balance')),
    number text,
    registration_id uuid,
    fiscal_year integer,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    adjusted_on date NOT NULL,
    reason_code text,
    reason text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
    -- Σ of the lines: what the customer owes more.
    amount money_amount NOT NULL,
    base_amount money_amount NOT NULL,
    status text NOT NULL CHECK (status IN ('pending_approval', 'posted', 'rejected')),
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT adjustment_number_key UNIQUE (company_id, registration_id, fiscal_year, number),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id),
    CHECK ((status = 'posted') = (number IS NOT NULL))
);
CREATE INDEX adjustment_customer ON adjustment (company_id, customer_id, adjusted_on);
CREATE INDEX adjustment_date ON adjustment (company_id, adjusted_on, id);
CREATE INDEX adjustment_batch ON adjustment (company_id, batch_id);
CALL isolate_company('adjustment');
CALL isolate_portfolio('adjustment', 'customer_id');
GRANT SELECT, INSERT, UPDATE (status, number, registration_id, fiscal_year, base_amount, version) ON adjustment TO duebook_app;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON adjustment FOR EACH ROW
    EXECUTE FUNCTION moves_as_allowed('pending_approval>posted,pending_approval>rejected', 'status,number,registration_id,fiscal_year,base_amount,version');
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON adjustment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON adjustment DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'posted') EXECUTE FUNCTION correction_is_posted('adjustment');

CREATE TABLE adjustment_line (
    company_id uuid NOT NULL,
    adjustment_id uuid NOT NULL,
    line_no integer NOT NULL,
    item_id uuid NOT NULL,
    -- Positive: more is owed.
    amount money_amount NOT NULL CHECK (amount <> 0),
    base_amount money_amount NOT NULL,
    -- What was open when it was asked for.
    open_amount money_amount NOT NULL,
    PRIMARY KEY (company_id, adjustment_id, line_no),
    CONSTRAINT adjustment_line_item_key UNIQUE (company_id, adjustment_id, item_id),
    FOREIGN KEY (company_id, adjustment_id) REFERENCES adjustment (company_id, id),
    FOREIGN KEY (company_id, item_id) REFERENCES open_item (company_id, id)
);
CALL isolate_company('adjustment_line');
CALL make_append_only('adjustment_line');

-- What was open in another system at the cut-over.
CREATE TABLE opening_item (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    external_id text,
    customer_id uuid NOT NULL,
    document_type text NOT NULL CHECK (document_type IN ('invoice', 'credit')),
    number text NOT NULL,
    document_date date NOT NULL,
    due_date date NOT NULL,
    posting_date date NOT NULL CHECK (posting_date >= document_date),
    currency text NOT NULL,
    exchange_rate numeric(20, 8) NOT NULL,
    original_amount money_amount NOT NULL,
    paid_before money_amount NOT NULL CHECK (paid_before >= 0),
    amount money_amount NOT NULL CHECK (amount > 0 AND amount = original_amount - paid_before),
    status text NOT NULL CHECK (status IN ('pending_approval', 'posted', 'rejected')),
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CREATE UNIQUE INDEX opening_item_external_id_key ON opening_item (company_id, external_id) WHERE status <> 'rejected';
CREATE UNIQUE INDEX opening_item_number_key ON opening_item (company_id, number) WHERE status <> 'rejected';
CREATE INDEX opening_item_customer ON opening_item (company_id, customer_id, posting_date);
CREATE INDEX opening_item_posting ON opening_item (company_id, posting_date, id);
CALL isolate_company('opening_item');
CALL isolate_portfolio('opening_item', 'customer_id');
GRANT SELECT, INSERT, UPDATE (status, version) ON opening_item TO duebook_app;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON opening_item FOR EACH ROW EXECUTE FUNCTION moves_as_allowed('pending_approval>posted,pending_approval>rejected', 'status,version');
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON opening_item FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON opening_item DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'posted') EXECUTE FUNCTION correction_is_posted('opening');

-- What was taken over, counted against the total the other system gave.
CREATE TABLE opening_certificate (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    cut_over_on date NOT NULL,
    -- As it was answered, and its hash.
    content text NOT NULL,
    sha256 text NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id)
);
CREATE INDEX opening_certificate_day ON opening_certificate (company_id, cut_over_on, recorded_at);
CALL isolate_company('opening_certificate');
CALL make_append_only('opening_certificate');

-- What a customer certifies (Form 16A, from 2026 Form 131) of the tax it deducted.
CREATE TABLE tds_certificate (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    certificate_number text NOT NULL,
    certificate_date date NOT NULL,
    section text NOT NULL,
    fiscal_year integer NOT NULL,
    quarter integer NOT NULL CHECK (quarter BETWEEN 1 AND 4),
    amount money_amount NOT NULL CHECK (amount >= 0),
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT tds_certificate_number_key UNIQUE (company_id, customer_id, certificate_number),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CREATE INDEX tds_certificate_date ON tds_certificate (company_id, certificate_date, id);
CALL isolate_company('tds_certificate');
CALL isolate_portfolio('tds_certificate', 'customer_id');
CALL make_append_only('tds_certificate');

-- Which deductions a certificate is about.
CREATE TABLE tds_certificate_line (
    company_id uuid NOT NULL,
    certificate_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    line_no integer NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, receipt_id, line_no),
    FOREIGN KEY (company_id, certificate_id) REFERENCES tds_certificate (company_id, id),
    FOREIGN KEY (company_id, receipt_id, line_no) REFERENCES receipt_deduction (company_id, receipt_id, line_no)
);
ALTER TABLE tds_certificate_line RENAME CONSTRAINT tds_certificate_line_pkey TO tds_certificate_line_once;
CREATE INDEX tds_certificate_line_certificate ON tds_certificate_line (company_id, certificate_id);
CALL isolate_company('tds_certificate_line');
CALL make_append_only('tds_certificate_line');

-- What the tax office shows of a certificate (Form 26AS, from 2026 Form 168); the newest counts.
CREATE TABLE tds_sighting (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    certificate_id uuid NOT NULL,
    seen_on date NOT NULL,
    amount money_amount NOT NULL CHECK (amount >= 0),
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, certificate_id) REFERENCES tds_certificate (company_id, id)
);
CREATE INDEX tds_sighting_certificate ON tds_sighting (company_id, certificate_id, id);
CALL isolate_company('tds_sighting');
CALL make_append_only('tds_sighting');

-- Tax that was deducted but is not certified or shown: owed again.
CREATE TABLE tds_shortfall (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    certificate_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    posted_on date NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, certificate_id) REFERENCES tds_certificate (company_id, id)
);
CREATE INDEX tds_shortfall_certificate ON tds_shortfall (company_id, certificate_id);
CALL isolate_company('tds_shortfall');
CALL isolate_portfolio('tds_shortfall', 'customer_id');
CALL make_append_only('tds_shortfall');
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT ON tds_shortfall DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION correction_is_posted('tds_shortfall');
