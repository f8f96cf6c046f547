-- Periods that close, snapshots of what they held, the chart as a thing to be changed, journals by hand,
-- revaluation.

-- Roles that may still post into a soft-closed month.
ALTER TABLE company ADD COLUMN soft_close_roles text[] NOT NULL DEFAULT '{controller}';
GRANT UPDATE (soft_close_roles) ON company TO duebook_app;

ALTER TABLE period
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN closed_by text,
    ADD CONSTRAINT period_id_key UNIQUE (company_id, id);

-- What a month held when it was closed: every account, customer and age, with its hash. Kept for ever; a month
-- closed again gets another version. All of it can be computed again from the rows recorded until `known_at`.
CREATE TABLE period_snapshot (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    period_starts_on date NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    as_of date NOT NULL,
    known_at timestamptz NOT NULL,
    entries bigint NOT NULL,
    receivable money_amount NOT NULL,
    unapplied money_amount NOT NULL,
    content text NOT NULL,
    sha256 bytea NOT NULL,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT period_snapshot_version_key UNIQUE (company_id, period_starts_on, version),
    FOREIGN KEY (company_id, period_starts_on) REFERENCES period (company_id, starts_on),
    CONSTRAINT period_snapshot_hash CHECK (sha256 = sha256(convert_to(content, 'UTF8')))
);
CREATE INDEX period_snapshot_known ON period_snapshot (company_id, known_at);
CALL isolate_company('period_snapshot');
CALL make_append_only('period_snapshot');

-- Postings of a company share this lock, a close takes it alone: when it has it, nothing is in flight, and
-- all that was recorded until then can be seen.
CREATE FUNCTION books_lock(company uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT hashtextextended('books ' || $1::text, 0) $$;

-- Whether a month in this state takes postings from the caller whose roles the session carries.
CREATE FUNCTION takes_postings(company uuid, period_state text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce($2 = 'open', false) OR coalesce($2 = 'soft_closed', false) AND EXISTS (
        SELECT FROM company c WHERE c.id = $1 AND c.soft_close_roles && string_to_array(current_setting('app.roles', true), ','))
$$;

-- One guard for everything dated into the books. The share locks make a close wait for postings in flight.
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

-- The only way the service moves a period: legal steps, one version at a time, and closed only with the
-- snapshot of this transaction.
CREATE FUNCTION move_period(month date, wanted text, seen bigint, who text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE home uuid := nullif(current_setting('app.company_id', true), '')::uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(books_lock(home));
    IF wanted = 'closed' AND NOT EXISTS (SELECT FROM period_snapshot s WHERE s.company_id = home AND s.period_starts_on = month AND s.xid = pg_current_xact_id()) THEN
        RAISE EXCEPTION 'duebook: a month is closed with its snapshot' USING ERRCODE = 'check_violation', CONSTRAINT = 'period_closed_with_snapshot';
    END IF;
    UPDATE period SET state = wanted, version = version + 1,
        closed_at = CASE WHEN wanted <> 'open' THEN now() END, closed_by = CASE WHEN wanted <> 'open' THEN who END
    WHERE company_id = home AND starts_on = month AND version = seen
      AND (state, wanted) IN (('open', 'soft_closed'), ('open', 'closed'), ('soft_closed', 'closed'), ('soft_closed', 'open'), ('closed', 'open'));
    RETURN FOUND;
END $$;

-- Accounts: a company renames, renumbers and adds; what an account was posted as stays what it was.
ALTER TABLE gl_account
    ADD COLUMN active boolean NOT NULL DEFAULT true,
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD CONSTRAINT gl_account_role_active CHECK (active OR role IS NULL),
    ADD CONSTRAINT gl_account_code_form CHECK (length(code) BETWEEN 1 AND 20),
    ADD CONSTRAINT gl_account_name_form CHECK (length(name) BETWEEN 1 AND 200);
GRANT UPDATE (role, is_control, active, version, updated_at) ON gl_account TO duebook_app;
CREATE FUNCTION gl_account_stays() RETURNS trigger LANGUAGE plpgsql SET app.portfolio = '' AS $$
BEGIN
    -- Σ control accounts = Σ open items: an account is control from its first line on, or never.
    IF NEW.is_control IS DISTINCT FROM OLD.is_control
       AND (OLD.is_control OR EXISTS (SELECT FROM journal_line l WHERE l.company_id = OLD.company_id AND l.account_id = OLD.id)) THEN
        RAISE EXCEPTION 'duebook: an account that was posted to does not become or cease to be a control account'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'gl_account_control_stays';
    END IF;
    IF (NEW.company_id, NEW.id, NEW.class) IS DISTINCT FROM (OLD.company_id, OLD.id, OLD.class) THEN
        RAISE EXCEPTION 'duebook: the class of an account never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON gl_account FOR EACH ROW EXECUTE FUNCTION gl_account_stays();
