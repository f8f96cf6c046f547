DROP TRIGGER numbers_are_used ON number_series;
DROP FUNCTION numbers_are_used();
CREATE OR REPLACE FUNCTION number_series_goes_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next_number NOT IN (OLD.next_number, OLD.next_number + 1) THEN
        RAISE EXCEPTION 'duebook: a number series goes up one by one' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER period_open ON journal_entry;
DROP FUNCTION guard_entries();
CREATE FUNCTION guard_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_open_period(NEW.company_id, NEW.posting_date);
    RETURN NEW;
END $$;
CREATE TRIGGER period_open BEFORE INSERT ON journal_entry FOR EACH ROW EXECUTE FUNCTION guard_entry();
CREATE OR REPLACE FUNCTION require_open_period(company uuid, day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_state text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(books_lock(company));
    SELECT state INTO found_state FROM period
    WHERE company_id = company AND starts_on = date_trunc('month', day)::date FOR SHARE;
    IF NOT takes_postings(company, found_state) THEN
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
DROP INDEX open_item_posting, journal_line_account;
CREATE INDEX open_item_posting ON open_item (company_id, posting_date);
CREATE INDEX journal_line_account ON journal_line (company_id, account_id, posting_date);
CREATE OR REPLACE FUNCTION open_item_opens() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
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
ALTER TABLE open_item_balance DROP COLUMN due_date, DROP COLUMN document_date, DROP COLUMN original_due_date;
