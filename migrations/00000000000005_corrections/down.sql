DROP TABLE sod_waiver, approval_decision, approval, approval_policy;
DROP FUNCTION approval_stays, approval_maker_is_not_checker;
CREATE OR REPLACE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION allocation_settles() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
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
ALTER TABLE allocation DROP COLUMN entry_id, DROP COLUMN because_of;
DROP INDEX open_item_entry;
ALTER TABLE open_item DROP COLUMN discount, DROP COLUMN discount_until, DROP COLUMN grace_until, DROP COLUMN tolerance;
ALTER TABLE allocation DROP CONSTRAINT allocation_kind_check;
ALTER TABLE allocation ADD CONSTRAINT allocation_kind_check
    CHECK (kind IN ('cash', 'tds', 'discount', 'charge', 'retention', 'credit', 'round_off', 'write_off', 'reversal'));
ALTER TABLE number_series DROP CONSTRAINT number_series_document_kind_check;
ALTER TABLE number_series ADD CONSTRAINT number_series_document_kind_check CHECK (document_kind IN ('invoice', 'credit_note', 'debit_note', 'receipt'));
