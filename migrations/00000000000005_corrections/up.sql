-- Corrections: settlements that move the books themselves (exchange differences, money of one customer
-- for another's invoice), terms of settlement stamped on items, approvals.

ALTER TABLE number_series DROP CONSTRAINT number_series_document_kind_check;
ALTER TABLE number_series ADD CONSTRAINT number_series_document_kind_check
    CHECK (document_kind IN ('invoice', 'credit_note', 'debit_note', 'receipt', 'refund', 'write_off', 'adjustment', 'journal'));
ALTER TABLE allocation DROP CONSTRAINT allocation_kind_check;
ALTER TABLE allocation ADD CONSTRAINT allocation_kind_check
    CHECK (kind IN ('cash', 'tds', 'discount', 'charge', 'retention', 'credit', 'round_off', 'write_off', 'adjustment', 'refund', 'recovery', 'reversal'));

-- Accounts of the new roles for companies that stand already.
DO $$
DECLARE home uuid;
BEGIN
    PERFORM set_config('app.identity', 'on', true);
    FOR home IN SELECT id FROM company LOOP
        PERFORM set_config('app.company_id', home::text, true);
        INSERT INTO gl_account (company_id, id, code, name, class, role)
        SELECT home, gen_random_uuid(), t.code || CASE WHEN EXISTS (SELECT FROM gl_account x WHERE x.company_id = home AND x.code = t.code) THEN '-D' ELSE '' END, t.name, t.class, t.role
        FROM (VALUES ('1110', 'Receivable revaluation', 'asset', 'receivable_revaluation'), ('2200', 'Unidentified receipts', 'liability', 'unidentified_receipts'),
                     ('3900', 'Opening balances', 'equity', 'opening_balances'), ('4100', 'Sales returns', 'income', 'sales_returns'), ('4200', 'Other income', 'income', 'other_income'),
                     ('4300', 'Bad debts recovered', 'income', 'bad_debts_recovered'), ('4800', 'Exchange gain', 'income', 'fx_gain'),
                     ('4810', 'Unrealised exchange difference', 'income', 'unrealised_fx'), ('5210', 'Payment tolerance', 'expense', 'payment_tolerance'),
                     ('5300', 'Bad debts', 'expense', 'bad_debts'), ('5400', 'Exchange loss', 'expense', 'fx_loss'), ('5900', 'Receivable adjustments', 'expense', 'adjustments'))
             AS t(code, name, class, role)
        WHERE NOT EXISTS (SELECT FROM gl_account a WHERE a.company_id = home AND a.role = t.role);
    END LOOP;
    PERFORM set_config('app.identity', '', true), set_config('app.company_id', '', true);
END $$;

-- What was agreed about settling an item, fixed when it is opened, in its currency: a discount for payment
-- by a day (by a later one where the company accepts late discounts), and what may be missing or too much.
ALTER TABLE open_item
    ADD COLUMN discount money_amount NOT NULL DEFAULT 0 CHECK (discount BETWEEN 0 AND amount),
    ADD COLUMN discount_until date,
    ADD COLUMN grace_until date,
    ADD COLUMN tolerance money_amount NOT NULL DEFAULT 0 CHECK (tolerance BETWEEN 0 AND amount);
GRANT INSERT (discount, discount_until, grace_until, tolerance) ON open_item TO duebook_app;
CREATE INDEX open_item_entry ON open_item (company_id, entry_id);

-- entry_id: the entry that posts what this settlement changes in the books. because_of: the allocation
-- for whose sake this one was made (a discount granted for a payment); it is taken back with it.
ALTER TABLE allocation
    ADD COLUMN entry_id uuid,
    ADD COLUMN because_of uuid,
    ADD FOREIGN KEY (company_id, entry_id) REFERENCES journal_entry (company_id, id),
    ADD FOREIGN KEY (company_id, because_of) REFERENCES allocation (company_id, id);
GRANT INSERT (entry_id, because_of) ON allocation TO duebook_app;
CREATE INDEX allocation_entry ON allocation (company_id, entry_id) WHERE entry_id IS NOT NULL;
CREATE INDEX allocation_because ON allocation (company_id, because_of) WHERE because_of IS NOT NULL;

-- Control account = open items + settlements, for each entry and customer.
CREATE OR REPLACE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE lines bigint; difference numeric; base_difference numeric; strays bigint; odd text;
BEGIN
    SELECT count(*), sum(l.debit - l.credit), sum(l.base_debit - l.base_credit), count(*) FILTER (WHERE l.posting_date <> NEW.posting_date)
    INTO lines, difference, base_difference, strays
    FROM journal_line l WHERE l.company_id = NEW.company_id AND l.entry_id = NEW.id;
    SELECT string_agg(format('customer %s by %s', customer_id, moved), ', ') INTO odd FROM (
        SELECT customer_id, sum(moved) AS moved FROM (
            SELECT l.customer_id, l.base_debit - l.base_credit AS moved
            FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id
            WHERE l.company_id = NEW.company_id AND l.entry_id = NEW.id AND a.is_control
            UNION ALL SELECT o.customer_id, CASE WHEN o.side = 'debit' THEN -o.base_amount ELSE o.base_amount END
            FROM open_item o WHERE o.company_id = NEW.company_id AND o.entry_id = NEW.id
            UNION ALL SELECT s.customer_id, s.debit_base FROM allocation s WHERE s.company_id = NEW.company_id AND s.entry_id = NEW.id
            UNION ALL SELECT c.customer_id, -s.credit_base
            FROM allocation s JOIN open_item c ON c.company_id = s.company_id AND c.id = s.credit_item_id WHERE s.company_id = NEW.company_id AND s.entry_id = NEW.id
        ) AS moves GROUP BY customer_id HAVING sum(moved) <> 0) AS differing;
    IF lines <> NEW.line_count OR difference <> 0 OR base_difference <> 0 OR strays <> 0 OR odd IS NOT NULL THEN
        RAISE EXCEPTION 'duebook: entry % does not balance', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_balances',
                  DETAIL = format('%s of %s lines, difference %s, base difference %s, control account beside items: %s', lines, NEW.line_count, difference, base_difference, odd);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION allocation_settles() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE wrong record; day record; moved bigint;
BEGIN
    -- What changes a customer's balance in the books needs an entry of this transaction and day.
    SELECT a.id INTO wrong FROM added a
    LEFT JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id
    LEFT JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
    LEFT JOIN journal_entry e ON e.company_id = a.company_id AND e.id = a.entry_id
    WHERE c.id IS NULL OR d.id IS NULL OR c.side <> 'credit' OR d.side <> 'debit' OR c.currency <> d.currency
       OR d.customer_id <> a.customer_id OR a.effective_on < greatest(c.posting_date, d.posting_date)
       OR sign(a.credit_base) <> sign(a.amount) OR sign(a.debit_base) <> sign(a.amount)
       OR (a.entry_id IS NOT NULL) <> (c.customer_id <> d.customer_id OR a.credit_base <> a.debit_base)
       OR a.entry_id IS NOT NULL AND (e.xid IS DISTINCT FROM pg_current_xact_id() OR e.posting_date <> a.effective_on)
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
    FROM (SELECT company_id, customer_id, sum(debit) AS debit, sum(credit) AS credit
          FROM (SELECT a.company_id, a.customer_id, a.debit_base AS debit, 0 AS credit FROM added a
                UNION ALL SELECT a.company_id, c.customer_id, 0, a.credit_base FROM added a JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id) AS sides
          GROUP BY company_id, customer_id) AS s
    WHERE b.company_id = s.company_id AND b.customer_id = s.customer_id;
    RETURN NULL;
END $$;

-- Who may decide from which amount on. Bands ascend: [{"up_to": "500000", "steps": 0}, {"up_to": null, "steps": 1}].
CREATE TABLE approval_policy (
    company_id uuid NOT NULL REFERENCES company (id),
    kind text NOT NULL,
    bands jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, kind)
);
CALL isolate_company('approval_policy');
GRANT SELECT, INSERT, UPDATE (bands, version, updated_by, updated_at) ON approval_policy TO duebook_app;

-- Every act that is under approval, also those within the zero band, which need nobody: the rolling sums
-- are taken from here.
CREATE TABLE approval (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    action text NOT NULL,
    subject_id uuid NOT NULL,
    -- The version the requester and the approvers saw.
    subject_version bigint NOT NULL,
    customer_id uuid,
    amount money_amount NOT NULL CHECK (amount >= 0),
    -- With what the same person asked for the customer within 30 days.
    rolling_amount money_amount NOT NULL,
    steps integer NOT NULL CHECK (steps BETWEEN 0 AND 5),
    state text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'withdrawn', 'stale')),
    requested_by text NOT NULL,
    -- Actors who may not decide: requester, makers and editors of the subject, owner of the client.
    barred text[] NOT NULL,
    reason text,
    before jsonb NOT NULL DEFAULT 'null',
    after jsonb NOT NULL DEFAULT 'null',
    payload jsonb NOT NULL DEFAULT 'null',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    CHECK ((state = 'pending') = (decided_at IS NULL))
);
CREATE INDEX approval_subject ON approval (company_id, subject_id);
CREATE INDEX approval_rolling ON approval (company_id, requested_by, kind, created_at);
CREATE INDEX approval_created ON approval (company_id, created_at, id);
CREATE UNIQUE INDEX approval_pending ON approval (company_id, subject_id, action) WHERE state = 'pending';
CALL isolate_company('approval');
CALL isolate_portfolio('approval', 'customer_id');
GRANT SELECT, INSERT, UPDATE (state, version, decided_at) ON approval TO duebook_app;
CREATE FUNCTION approval_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'pending'
       OR to_jsonb(NEW) - ARRAY['state', 'version', 'decided_at'] IS DISTINCT FROM to_jsonb(OLD) - ARRAY['state', 'version', 'decided_at'] THEN
        RAISE EXCEPTION 'duebook: a decided approval never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON approval FOR EACH ROW EXECUTE FUNCTION approval_stays();

CREATE TABLE approval_decision (
    company_id uuid NOT NULL,
    approval_id uuid NOT NULL,
    step integer NOT NULL CHECK (step > 0),
    decision text NOT NULL CHECK (decision IN ('approve', 'reject', 'withdraw')),
    actor text NOT NULL,
    reason text,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, approval_id, step),
    -- One person decides once.
    CONSTRAINT approval_decision_once UNIQUE (company_id, approval_id, actor),
    FOREIGN KEY (company_id, approval_id) REFERENCES approval (company_id, id)
);
CALL isolate_company('approval_decision');
CALL make_append_only('approval_decision');
-- Nobody decides what they asked for or made (SOD-01), whatever the service says.
CREATE FUNCTION approval_maker_is_not_checker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.decision <> 'withdraw' AND NOT EXISTS (
        SELECT FROM approval a WHERE a.company_id = NEW.company_id AND a.id = NEW.approval_id AND NOT NEW.actor = ANY (a.barred) AND a.requested_by <> NEW.actor) THEN
        RAISE EXCEPTION 'duebook: maker and checker are one' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_maker_is_not_checker';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER maker_is_not_checker BEFORE INSERT ON approval_decision FOR EACH ROW EXECUTE FUNCTION approval_maker_is_not_checker();

-- A rule of segregation set aside for a while, for a reason: small firms cannot keep them all. Listed in every audit pack.
CREATE TABLE sod_waiver (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    rule text NOT NULL CHECK (rule IN ('SOD-02', 'SOD-16')),
    user_id uuid NOT NULL REFERENCES app_user (id),
    reason text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
    expires_on date NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id)
);
CREATE INDEX sod_waiver_user ON sod_waiver (company_id, user_id, rule);
CALL isolate_company('sod_waiver');
CALL make_append_only('sod_waiver');
