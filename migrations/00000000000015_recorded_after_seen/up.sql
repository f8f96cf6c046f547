-- When a row was recorded, told so that a reader can know what it has not seen. A transaction shows that it is about
-- to look at the clock, looks, and shows what it saw. Who asks what is settled looks first at the clock, then at what
-- others show: who shows nothing yet will see a later time.
CREATE FUNCTION recorded_now() RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE at text := current_setting('app.recorded_at', true); shown text;
BEGIN
    IF at IS NULL OR at = '' THEN
        shown := concat('duebook ', current_setting('app.company_id', true));
        PERFORM set_config('application_name', concat(shown, ' ?'), true);
        at := clock_timestamp()::text;
        PERFORM set_config('application_name', concat(shown, ' ', (extract(epoch FROM at::timestamptz) * 1000000)::bigint), true);
        PERFORM set_config('app.recorded_at', at, true);
    END IF;
    RETURN at::timestamptz;
END $$;

-- The last millisecond of which everything recorded in a company is visible to a snapshot taken after this call. It
-- never goes back.
CREATE FUNCTION settled_until(company text) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE looking boolean; earliest bigint; asked timestamptz := statement_timestamp();
BEGIN
    LOOP
        SELECT coalesce(bool_or(seen = '?'), false), min(nullif(seen, '?')::bigint) INTO looking, earliest
        FROM (SELECT substr(application_name, length(company) + 10) AS seen FROM pg_stat_get_activity(NULL) WHERE starts_with(application_name, concat('duebook ', company, ' '))) AS shown;
        EXIT WHEN NOT looking;
        PERFORM pg_sleep(0.0005), pg_stat_clear_snapshot();
    END LOOP;
    RETURN date_trunc('milliseconds', least(asked, timestamptz 'epoch' + earliest * interval '1 microsecond') - interval '1 microsecond');
END $$;

-- Events keep the start of their transaction, which their states repeat.
DO $$
DECLARE tab text;
BEGIN
    FOR tab IN SELECT c.table_name FROM information_schema.columns c
               WHERE c.table_schema = 'public' AND c.column_name = 'recorded_at' AND c.column_default = 'now()' AND c.table_name <> 'audit_event' LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN recorded_at SET DEFAULT recorded_now()', tab);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION keep_former_name() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    -- Of two transactions the later to get the row may have begun first; its name still counts from after the other's.
    INSERT INTO former_name (company_id, object_id, until, code, name)
    SELECT OLD.company_id, OLD.id, greatest(recorded_now(), max(f.until) + interval '1 microsecond'), OLD.code, to_jsonb(OLD) ->> TG_ARGV[0]
    FROM former_name f WHERE f.company_id = OLD.company_id AND f.object_id = OLD.id;
    RETURN NULL;
END $$;

-- As in step 12, by the instant rows will carry.
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
    -- Rows carry one instant of their transaction. One that had it before a snapshot was taken would be found in
    -- it later although it was not there: it has to begin again.
    IF EXISTS (SELECT FROM period_snapshot s WHERE s.company_id = company AND s.known_at >= recorded_now() AND s.as_of >= day) THEN
        RAISE EXCEPTION 'duebook: a month was closed meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
END $$;
