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

-- A counter takes as many numbers at once as documents are stored with it; that none is left out is a law
-- `duebook verify` asks after.
CREATE OR REPLACE FUNCTION number_series_goes_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next_number NOT BETWEEN OLD.next_number AND OLD.next_number + 1000 THEN
        RAISE EXCEPTION 'duebook: a number series only goes up' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
