DO $$
DECLARE tab text;
BEGIN
    FOR tab IN SELECT c.table_name FROM information_schema.columns c
               WHERE c.table_schema = 'public' AND c.column_name = 'recorded_at' AND c.column_default = 'recorded_now()' LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN recorded_at SET DEFAULT now()', tab);
    END LOOP;
END $$;
CREATE OR REPLACE FUNCTION keep_former_name() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    -- Of two transactions the later to get the row may have begun first; its name still counts from after the other's.
    INSERT INTO former_name (company_id, object_id, until, code, name)
    SELECT OLD.company_id, OLD.id, greatest(now(), max(f.until) + interval '1 microsecond'), OLD.code, to_jsonb(OLD) ->> TG_ARGV[0]
    FROM former_name f WHERE f.company_id = OLD.company_id AND f.object_id = OLD.id;
    RETURN NULL;
END $$;
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
DROP FUNCTION settled_until;
DROP FUNCTION recorded_now;
