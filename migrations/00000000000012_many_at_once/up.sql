-- What many postings of one transaction share is judged once for all of them.

-- As in step 7, with the states told here: a function of SQL would be planned anew on every call.
CREATE OR REPLACE FUNCTION require_open_period(company uuid, day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_state text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(books_lock(company));
    SELECT state INTO found_state FROM period
    WHERE company_id = company AND starts_on = date_trunc('month', day)::date FOR SHARE;
    IF found_state IS DISTINCT FROM 'open' AND (found_state IS NULL OR NOT takes_postings(company, found_state)) THEN
        RAISE EXCEPTION 'duebook: period is %', coalesce(found_state, 'missing')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'period_open',
                  DETAIL = format('The period %s is %s; choose a date in an open one.', to_char(day, 'YYYY-MM'), coalesce(replace(found_state, '_', ' '), 'not part of the books')),
                  -- What the refusal tells besides: the months that take postings, the nearest 240 of them.
                  HINT = jsonb_build_object('open_periods', coalesce((
                      SELECT jsonb_agg(to_char(n.starts_on, 'YYYY-MM') ORDER BY n.starts_on)
                      FROM (SELECT p.starts_on FROM period p WHERE p.company_id = company AND takes_postings(company, p.state)
                            ORDER BY abs(p.starts_on - day) LIMIT 240) AS n), '[]'));
    END IF;
    -- Rows carry the start of their transaction. One that began before a snapshot was taken would be found in it
    -- later although it was not there: it has to begin again.
    IF EXISTS (SELECT FROM period_snapshot s WHERE s.company_id = company AND s.known_at >= now() AND s.as_of >= day) THEN
        RAISE EXCEPTION 'duebook: a month was closed meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
END $$;

-- The months of entries are asked once a statement and day.
CREATE FUNCTION guard_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_open_period(d.company_id, d.posting_date) FROM (SELECT DISTINCT company_id, posting_date FROM added ORDER BY company_id, posting_date) AS d;
    RETURN NULL;
END $$;
DROP TRIGGER period_open ON journal_entry;
DROP FUNCTION guard_entry();
CREATE TRIGGER period_open AFTER INSERT ON journal_entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_entries();

-- A counter takes as many numbers at once as documents are stored with it; judged when the transaction commits.
CREATE OR REPLACE FUNCTION number_series_goes_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next_number NOT BETWEEN OLD.next_number AND OLD.next_number + 1000 THEN
        RAISE EXCEPTION 'duebook: a number series only goes up' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION numbers_are_used() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE CONSTRAINT TRIGGER numbers_are_used AFTER UPDATE OF next_number ON number_series DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.next_number <> OLD.next_number) EXECUTE FUNCTION numbers_are_used();

-- Aging reads a million balances in one pass: the dates an item is aged by stand beside what is open of it, and the
-- sums it is checked against come from indexes alone.
ALTER TABLE open_item_balance ADD COLUMN due_date date, ADD COLUMN document_date date, ADD COLUMN original_due_date date;
ALTER TABLE open_item NO FORCE ROW LEVEL SECURITY;
ALTER TABLE open_item_balance NO FORCE ROW LEVEL SECURITY;
UPDATE open_item_balance b SET due_date = i.due_date, document_date = i.document_date, original_due_date = i.original_due_date
FROM open_item i WHERE i.company_id = b.company_id AND i.id = b.item_id;
ALTER TABLE open_item FORCE ROW LEVEL SECURITY;
ALTER TABLE open_item_balance FORCE ROW LEVEL SECURITY;
ALTER TABLE open_item_balance ALTER COLUMN due_date SET NOT NULL, ALTER COLUMN document_date SET NOT NULL, ALTER COLUMN original_due_date SET NOT NULL;

CREATE OR REPLACE FUNCTION open_item_opens() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO open_item_balance (company_id, item_id, customer_id, side, amount, open_amount, open_base, due_date, document_date, original_due_date)
    SELECT company_id, id, customer_id, side, amount, amount, base_amount, due_date, document_date, original_due_date FROM added;
    UPDATE customer_balance b
    SET receivable = b.receivable + s.debit, unapplied = b.unapplied + s.credit
    FROM (SELECT company_id, customer_id, coalesce(sum(base_amount) FILTER (WHERE side = 'debit'), 0) AS debit,
                 coalesce(sum(base_amount) FILTER (WHERE side = 'credit'), 0) AS credit
          FROM added GROUP BY company_id, customer_id) AS s
    WHERE b.company_id = s.company_id AND b.customer_id = s.customer_id;
    RETURN NULL;
END $$;

DROP INDEX open_item_posting, journal_line_account;
CREATE INDEX open_item_posting ON open_item (company_id, posting_date) INCLUDE (side, base_amount, recorded_at, customer_id);
CREATE INDEX journal_line_account ON journal_line (company_id, account_id, posting_date) INCLUDE (base_debit, base_credit, recorded_at, customer_id);
