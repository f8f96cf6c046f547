-- The ledger: entries, open items, allocations, and the caches that are provable from them.
-- ledger.md gives the reasons. Posted rows are never changed; the caches move by triggers alone.

CREATE TABLE gl_account (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    -- Which way the balance normally lies, for reports.
    class text NOT NULL CHECK (class IN ('asset', 'liability', 'equity', 'income', 'expense')),
    -- The posting engine finds accounts by role, so a company may rename or renumber them.
    role text,
    is_control boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT gl_account_code_key UNIQUE (company_id, code),
    CONSTRAINT gl_account_role_key UNIQUE (company_id, role)
);
CALL isolate_company('gl_account');
GRANT SELECT, INSERT ON gl_account TO duebook_app;
GRANT UPDATE (code, name) ON gl_account TO duebook_app;
ALTER TABLE bank_account ADD CONSTRAINT bank_account_gl FOREIGN KEY (company_id, account_id) REFERENCES gl_account (company_id, id);

CREATE TABLE period (
    company_id uuid NOT NULL REFERENCES company (id),
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'soft_closed', 'closed')),
    version bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (company_id, starts_on),
    CHECK (starts_on = date_trunc('month', starts_on)::date),
    CHECK (ends_on = (date_trunc('month', starts_on) + interval '1 month - 1 day')::date)
);
CALL isolate_company('period');
GRANT SELECT, INSERT ON period TO duebook_app;
-- Enough to lock a row; closing is not the application's yet.
GRANT UPDATE (version) ON period TO duebook_app;

-- One guard for everything dated into the books. The share lock makes a close wait for postings in flight.
CREATE FUNCTION require_open_period(company uuid, day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_state text;
BEGIN
    SELECT state INTO found_state FROM period
    WHERE company_id = company AND starts_on = date_trunc('month', day)::date FOR SHARE;
    IF found_state IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'duebook: period is %', coalesce(found_state, 'missing')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'period_open',
                  DETAIL = format('The period %s is %s; choose a date in an open one.', to_char(day, 'YYYY-MM'), coalesce(replace(found_state, '_', ' '), 'not part of the books'));
    END IF;
END $$;

-- Gapless numbers: one counter row a series and fiscal year, taken last in its transaction.
CREATE TABLE number_series (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    registration_id uuid NOT NULL,
    document_kind text NOT NULL CHECK (document_kind IN ('invoice', 'credit_note', 'debit_note', 'receipt')),
    fiscal_year integer NOT NULL CHECK (fiscal_year BETWEEN 1900 AND 2999),
    -- CGST rule 46(b): at most 16 characters of A-Z 0-9 / -, not beginning with 0, / or - (e-invoice);
    -- not ending in a digit, so that no two series can print the same number.
    prefix text NOT NULL CHECK (prefix ~ '^([A-Z]|[A-Z1-9][A-Z0-9/-]{0,10}[A-Z/-])$'),
    width integer NOT NULL CHECK (width BETWEEN 1 AND 8 AND length(prefix) + width <= 16),
    next_number bigint NOT NULL DEFAULT 1 CHECK (next_number > 0),
    is_default boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT number_series_prefix_key UNIQUE (company_id, registration_id, fiscal_year, prefix),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX number_series_default ON number_series (company_id, registration_id, document_kind, fiscal_year) WHERE is_default;
CALL isolate_company('number_series');
GRANT SELECT, INSERT ON number_series TO duebook_app;
GRANT UPDATE (next_number, version) ON number_series TO duebook_app;
-- A counter only ever goes up, one by one.
CREATE FUNCTION number_series_goes_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next_number NOT IN (OLD.next_number, OLD.next_number + 1) THEN
        RAISE EXCEPTION 'duebook: a number series goes up one by one' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER goes_up BEFORE UPDATE ON number_series FOR EACH ROW EXECUTE FUNCTION number_series_goes_up();

CREATE TABLE journal_entry (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    document_kind text NOT NULL,
    document_id uuid NOT NULL,
    document_number text NOT NULL,
    document_date date NOT NULL,
    posting_date date NOT NULL,
    currency text NOT NULL,
    exchange_rate numeric(20, 8) NOT NULL CHECK (exchange_rate BETWEEN 0.00000001 AND 99999999),
    narration text NOT NULL DEFAULT '',
    line_count integer NOT NULL CHECK (line_count BETWEEN 2 AND 10000),
    reverses_id uuid,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT journal_entry_reversed_once UNIQUE (company_id, reverses_id),
    FOREIGN KEY (company_id, reverses_id) REFERENCES journal_entry (company_id, id)
);
CREATE INDEX journal_entry_document ON journal_entry (company_id, document_id);
CREATE INDEX journal_entry_posting ON journal_entry (company_id, posting_date, id);

CREATE TABLE journal_line (
    company_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    line_no integer NOT NULL,
    account_id uuid NOT NULL,
    customer_id uuid,
    -- The entry's posting date, so that balances need no join.
    posting_date date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    debit money_amount NOT NULL DEFAULT 0 CHECK (debit >= 0),
    credit money_amount NOT NULL DEFAULT 0 CHECK (credit >= 0),
    base_debit money_amount NOT NULL DEFAULT 0 CHECK (base_debit >= 0),
    base_credit money_amount NOT NULL DEFAULT 0 CHECK (base_credit >= 0),
    PRIMARY KEY (company_id, entry_id, line_no),
    FOREIGN KEY (company_id, entry_id) REFERENCES journal_entry (company_id, id),
    FOREIGN KEY (company_id, account_id) REFERENCES gl_account (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    CHECK (debit = 0 OR credit = 0)
);
CREATE INDEX journal_line_account ON journal_line (company_id, account_id, posting_date);
CREATE INDEX journal_line_customer ON journal_line (company_id, customer_id, posting_date) WHERE customer_id IS NOT NULL;

CREATE FUNCTION guard_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_open_period(NEW.company_id, NEW.posting_date);
    RETURN NEW;
END $$;
CREATE TRIGGER period_open BEFORE INSERT ON journal_entry FOR EACH ROW EXECUTE FUNCTION guard_entry();

-- Balance, completeness and agreement with the open items are judged when the transaction commits, once
-- an entry. Guards see the whole company whatever portfolio the session has set, and what they cannot
-- see (another company's setting) they take for a fault.
CREATE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE lines bigint; difference numeric; base_difference numeric; strays bigint; control numeric; items numeric;
BEGIN
    SELECT count(*), sum(l.debit - l.credit), sum(l.base_debit - l.base_credit), count(*) FILTER (WHERE l.posting_date <> NEW.posting_date),
           coalesce(sum(l.base_debit - l.base_credit) FILTER (WHERE a.is_control), 0)
    INTO lines, difference, base_difference, strays, control
    FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id WHERE l.company_id = NEW.company_id AND l.entry_id = NEW.id;
    SELECT coalesce(sum(CASE WHEN side = 'debit' THEN base_amount ELSE -base_amount END), 0) INTO items
    FROM open_item WHERE company_id = NEW.company_id AND entry_id = NEW.id;
    IF lines <> NEW.line_count OR difference <> 0 OR base_difference <> 0 OR strays <> 0 OR control <> items THEN
        RAISE EXCEPTION 'duebook: entry % does not balance', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_balances',
                  DETAIL = format('%s of %s lines, difference %s, base difference %s, control account %s, open items %s', lines, NEW.line_count, difference, base_difference, control, items);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON journal_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_balances();

-- No line or item joins an entry of an earlier transaction: a balanced pair could be slipped in otherwise.
CREATE FUNCTION no_late_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT company_id, entry_id, posting_date FROM added) AS a
               LEFT JOIN journal_entry e ON e.company_id = a.company_id AND e.id = a.entry_id
               WHERE e.xid IS DISTINCT FROM pg_current_xact_id() OR e.posting_date <> a.posting_date) THEN
        RAISE EXCEPTION 'duebook: the entry is already posted' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER no_late_lines AFTER INSERT ON journal_line REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION no_late_rows();

CALL isolate_company('journal_entry');
CALL make_append_only('journal_entry');
CALL isolate_company('journal_line');
CALL isolate_portfolio('journal_line', 'customer_id');
CALL make_append_only('journal_line');

-- What a customer owes or is owed. Facts only; what is left of them is in open_item_balance.
CREATE TABLE open_item (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    document_kind text NOT NULL,
    document_id uuid NOT NULL,
    document_number text NOT NULL,
    instalment_no integer NOT NULL DEFAULT 1,
    side text NOT NULL CHECK (side IN ('debit', 'credit')),
    currency text NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    base_amount money_amount NOT NULL CHECK (base_amount > 0),
    document_date date NOT NULL,
    posting_date date NOT NULL,
    due_date date NOT NULL,
    original_due_date date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, entry_id) REFERENCES journal_entry (company_id, id)
);
CREATE INDEX open_item_document ON open_item (company_id, document_id);
CREATE INDEX open_item_customer ON open_item (company_id, customer_id, due_date);
CREATE INDEX open_item_posting ON open_item (company_id, posting_date);

-- The cache: only triggers write it.
CREATE TABLE open_item_balance (
    company_id uuid NOT NULL,
    item_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    side text NOT NULL,
    amount money_amount NOT NULL,
    open_amount money_amount NOT NULL,
    open_base money_amount NOT NULL,
    -- The day the item was last settled in full; null while anything is open.
    closed_on date,
    PRIMARY KEY (company_id, item_id),
    FOREIGN KEY (company_id, item_id) REFERENCES open_item (company_id, id),
    CONSTRAINT open_item_not_overdrawn CHECK (open_amount BETWEEN 0 AND amount),
    CONSTRAINT open_item_base_agrees CHECK ((open_amount = 0) = (open_base = 0)),
    CONSTRAINT open_item_closed_when_empty CHECK ((open_amount = 0) = (closed_on IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX open_item_balance_open ON open_item_balance (company_id, customer_id) WHERE open_amount > 0;

CREATE TABLE customer_balance (
    company_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    receivable money_amount NOT NULL DEFAULT 0 CHECK (receivable >= 0),
    unapplied money_amount NOT NULL DEFAULT 0 CHECK (unapplied >= 0),
    PRIMARY KEY (company_id, customer_id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
) WITH (fillfactor = 80);

-- The row every posting for a customer locks first exists from the customer's creation.
CREATE FUNCTION customer_gets_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO customer_balance (company_id, customer_id) VALUES (NEW.company_id, NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER gets_balance AFTER INSERT ON customer FOR EACH ROW EXECUTE FUNCTION customer_gets_balance();

-- Settlement: so much of a credit item against so much of a debit item. A reversal is a negative row.
CREATE TABLE allocation (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    credit_item_id uuid NOT NULL,
    debit_item_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cash', 'tds', 'discount', 'charge', 'retention', 'credit', 'round_off', 'write_off', 'reversal')),
    amount money_amount NOT NULL CHECK (amount <> 0),
    credit_base money_amount NOT NULL,
    debit_base money_amount NOT NULL,
    effective_on date NOT NULL,
    -- Which rule placed the money, with what it saw.
    rule text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}',
    reverses_id uuid,
    reason text,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT allocation_reversed_once UNIQUE (company_id, reverses_id),
    FOREIGN KEY (company_id, reverses_id) REFERENCES allocation (company_id, id),
    FOREIGN KEY (company_id, credit_item_id) REFERENCES open_item (company_id, id),
    FOREIGN KEY (company_id, debit_item_id) REFERENCES open_item (company_id, id),
    CHECK ((amount < 0) = (reverses_id IS NOT NULL))
);
CREATE INDEX allocation_debit ON allocation (company_id, debit_item_id, effective_on) INCLUDE (amount, recorded_at);
CREATE INDEX allocation_credit ON allocation (company_id, credit_item_id, effective_on) INCLUDE (amount, recorded_at);
CREATE INDEX allocation_customer ON allocation (company_id, customer_id, effective_on);
CREATE INDEX allocation_day ON allocation (company_id, effective_on);

CREATE TRIGGER no_late_items AFTER INSERT ON open_item REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION no_late_rows();

CREATE FUNCTION open_item_opens() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO open_item_balance (company_id, item_id, customer_id, side, amount, open_amount, open_base)
    SELECT company_id, id, customer_id, side, amount, amount, base_amount FROM added;
    UPDATE customer_balance b
    SET receivable = b.receivable + s.debit, unapplied = b.unapplied + s.credit
    FROM (SELECT company_id, customer_id, coalesce(sum(base_amount) FILTER (WHERE side = 'debit'), 0) AS debit,
                 coalesce(sum(base_amount) FILTER (WHERE side = 'credit'), 0) AS credit
          FROM added GROUP BY company_id, customer_id) AS s
    WHERE b.company_id = s.company_id AND b.customer_id = s.customer_id;
    RETURN NULL;
END $$;
CREATE TRIGGER opens AFTER INSERT ON open_item REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION open_item_opens();

-- Moves the caches; the CHECKs above refuse an overdraw whoever writes the row.
CREATE FUNCTION allocation_settles() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE wrong record; day record; moved bigint;
BEGIN
    SELECT a.id INTO wrong FROM added a
    LEFT JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id
    LEFT JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
    WHERE c.id IS NULL OR d.id IS NULL OR c.side <> 'credit' OR d.side <> 'debit' OR c.currency <> d.currency
       OR c.customer_id <> a.customer_id OR d.customer_id <> a.customer_id
       OR a.effective_on < greatest(c.posting_date, d.posting_date)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'duebook: allocation % joins what does not belong together', wrong.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_fits';
    END IF;
    SELECT a.id INTO wrong FROM added a JOIN allocation o ON o.company_id = a.company_id AND o.id = a.reverses_id
    WHERE o.amount <> -a.amount OR o.credit_base <> -a.credit_base OR o.debit_base <> -a.debit_base
       OR o.credit_item_id <> a.credit_item_id OR o.debit_item_id <> a.debit_item_id OR o.kind <> a.kind
       OR a.effective_on < o.effective_on OR o.reverses_id IS NOT NULL
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'duebook: allocation % does not mirror what it reverses', wrong.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_fits';
    END IF;
    -- After an item's last reversal its open amount only falls, so what fits at the end fits on every day
    -- between. Before it, the same money could be settled twice over.
    SELECT a.id INTO wrong FROM added a
    WHERE a.amount > 0
      AND (EXISTS (SELECT FROM allocation r WHERE r.company_id = a.company_id AND r.debit_item_id = a.debit_item_id AND r.effective_on > a.effective_on AND r.amount < 0)
        OR EXISTS (SELECT FROM allocation r WHERE r.company_id = a.company_id AND r.credit_item_id = a.credit_item_id AND r.effective_on > a.effective_on AND r.amount < 0))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'duebook: allocation % counts before a reversal on the same item', wrong.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_fits';
    END IF;
    FOR day IN SELECT DISTINCT company_id, effective_on FROM added LOOP
        PERFORM require_open_period(day.company_id, day.effective_on);
    END LOOP;
    UPDATE open_item_balance b
    SET open_amount = b.open_amount - s.amount,
        open_base = b.open_base - s.base,
        closed_on = CASE WHEN b.open_amount = s.amount THEN
            -- "+ 0" keeps the planner from walking all days of the company for a maximum.
            greatest(s.effective_on, (SELECT max(x.effective_on + 0) FROM allocation x WHERE x.company_id = b.company_id AND x.debit_item_id = b.item_id),
                                     (SELECT max(x.effective_on + 0) FROM allocation x WHERE x.company_id = b.company_id AND x.credit_item_id = b.item_id))
            END
    FROM (SELECT company_id, item_id, sum(amount) AS amount, sum(base) AS base, max(effective_on) AS effective_on
          FROM (SELECT company_id, debit_item_id AS item_id, amount, debit_base AS base, effective_on FROM added
                UNION ALL SELECT company_id, credit_item_id, amount, credit_base, effective_on FROM added) AS sides
          GROUP BY company_id, item_id) AS s
    WHERE b.company_id = s.company_id AND b.item_id = s.item_id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> (SELECT count(DISTINCT i) FROM (SELECT debit_item_id AS i FROM added UNION ALL SELECT credit_item_id FROM added) AS both_sides) THEN
        RAISE EXCEPTION 'duebook: an allocation moved % balances', moved USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_fits';
    END IF;
    UPDATE customer_balance b
    SET receivable = b.receivable - s.debit, unapplied = b.unapplied - s.credit
    FROM (SELECT company_id, customer_id, sum(debit_base) AS debit, sum(credit_base) AS credit FROM added GROUP BY company_id, customer_id) AS s
    WHERE b.company_id = s.company_id AND b.customer_id = s.customer_id;
    RETURN NULL;
END $$;
CREATE TRIGGER settles AFTER INSERT ON allocation REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION allocation_settles();

CALL isolate_company('open_item');
CALL isolate_portfolio('open_item', 'customer_id');
CALL make_append_only('open_item');
CALL isolate_company('allocation');
CALL isolate_portfolio('allocation', 'customer_id');
CALL make_append_only('allocation');
CALL isolate_company('open_item_balance');
CALL isolate_portfolio('open_item_balance', 'customer_id');
CALL isolate_company('customer_balance');
-- UPDATE (…) on one key column lets the service lock rows; it cannot change a figure.
GRANT SELECT, UPDATE (item_id) ON open_item_balance TO duebook_app;
GRANT SELECT, UPDATE (customer_id) ON customer_balance TO duebook_app;
CREATE FUNCTION refuse_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.company_id, to_jsonb(NEW) -> TG_ARGV[0]) IS DISTINCT FROM (OLD.company_id, to_jsonb(OLD) -> TG_ARGV[0]) THEN
        RAISE EXCEPTION 'duebook: a balance belongs to what it was made for' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER key_stays BEFORE UPDATE OF item_id ON open_item_balance FOR EACH ROW EXECUTE FUNCTION refuse_key_change('item_id');
CREATE TRIGGER key_stays BEFORE UPDATE OF customer_id ON customer_balance FOR EACH ROW EXECUTE FUNCTION refuse_key_change('customer_id');
