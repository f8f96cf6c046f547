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
CREATE FUNCTION gl_account_stays() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- Journals by hand. One waits for its approval and is then posted as it stands.
CREATE TABLE manual_journal (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    external_id text,
    status text NOT NULL CHECK (status IN ('pending_approval', 'posted', 'rejected')),
    number text,
    registration_id uuid,
    journal_date date NOT NULL,
    post_late boolean NOT NULL,
    narration text NOT NULL,
    -- [{"account_id": "…", "customer_id": null, "debit": "…", "credit": "0", "due_date": "…"}, …] in base currency.
    lines jsonb NOT NULL,
    total money_amount NOT NULL CHECK (total > 0),
    to_control boolean NOT NULL,
    entry_id uuid,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT manual_journal_external_id_key UNIQUE (company_id, external_id),
    CONSTRAINT manual_journal_number_key UNIQUE (company_id, registration_id, number),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id),
    FOREIGN KEY (company_id, entry_id) REFERENCES journal_entry (company_id, id),
    CHECK ((status = 'posted') = (number IS NOT NULL)),
    CHECK ((number IS NULL) = (registration_id IS NULL)),
    CHECK ((status = 'posted') = (entry_id IS NOT NULL))
);
CREATE INDEX manual_journal_date ON manual_journal (company_id, journal_date, id);
CREATE INDEX manual_journal_entry ON manual_journal (company_id, entry_id);
CALL isolate_company('manual_journal');
GRANT SELECT, INSERT, UPDATE (status, number, registration_id, entry_id, version, updated_at) ON manual_journal TO duebook_app;
CREATE FUNCTION manual_journal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'pending_approval'
       OR to_jsonb(NEW) - ARRAY['status', 'number', 'registration_id', 'entry_id', 'version', 'updated_at']
          IS DISTINCT FROM to_jsonb(OLD) - ARRAY['status', 'number', 'registration_id', 'entry_id', 'version', 'updated_at'] THEN
        RAISE EXCEPTION 'duebook: a journal is posted or rejected as it was asked for' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON manual_journal FOR EACH ROW EXECUTE FUNCTION manual_journal_stays();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON manual_journal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- What says it is posted is posted for its total; judged at commit.
CREATE FUNCTION manual_journal_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(l.base_debit), 0) FROM journal_line l JOIN journal_entry e ON e.company_id = l.company_id AND e.id = l.entry_id
        WHERE e.company_id = NEW.company_id AND e.id = NEW.entry_id AND e.document_id = NEW.id AND e.document_kind = 'journal') <> NEW.total THEN
        RAISE EXCEPTION 'duebook: journal % does not stand in the books as it says', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'manual_journal_is_posted';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER is_posted AFTER INSERT OR UPDATE ON manual_journal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'posted') EXECUTE FUNCTION manual_journal_is_posted();

-- What open items in other currencies were worth at a close. A run posts what differs from the runs before it
-- of the same day, and takes it back the next day; the items keep their own rates.
CREATE TABLE revaluation (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    as_of date NOT NULL,
    -- Null where nothing differed.
    entry_id uuid,
    reversal_entry_id uuid,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, entry_id) REFERENCES journal_entry (company_id, id),
    FOREIGN KEY (company_id, reversal_entry_id) REFERENCES journal_entry (company_id, id),
    CHECK ((entry_id IS NULL) = (reversal_entry_id IS NULL))
);
CREATE INDEX revaluation_day ON revaluation (company_id, as_of, id);
CALL isolate_company('revaluation');
CALL make_append_only('revaluation');
CREATE TABLE revaluation_line (
    company_id uuid NOT NULL,
    revaluation_id uuid NOT NULL,
    currency text NOT NULL,
    rate numeric(20, 8) NOT NULL,
    -- Debits less credits, in the currency and in base currency at the items' own rates.
    open_amount numeric(20, 4) NOT NULL,
    open_base numeric(20, 4) NOT NULL,
    -- At the rate of the day.
    value numeric(20, 4) NOT NULL,
    -- What this run posted of value − open_base.
    posted numeric(20, 4) NOT NULL,
    PRIMARY KEY (company_id, revaluation_id, currency),
    FOREIGN KEY (company_id, revaluation_id) REFERENCES revaluation (company_id, id)
);
CALL isolate_company('revaluation_line');
CALL make_append_only('revaluation_line');
