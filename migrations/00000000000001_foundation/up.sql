-- Roles, helpers, companies, identity, idempotency, audit.

-- The role the service works under: it owns nothing and cannot change what is posted.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'duebook_app') THEN
        CREATE ROLE duebook_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO duebook_app;
-- So that the owner's connections may step down to it.
GRANT duebook_app TO CURRENT_USER;

-- Money: NUMERIC(20,4) within bounds. BETWEEN also refuses NaN, which CHECK (x > 0) lets pass.
CREATE DOMAIN money_amount AS numeric(20, 4) CHECK (VALUE BETWEEN -9999999999999.9999 AND 9999999999999.9999);

-- Refuses a change of what is posted, for every role.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'duebook: % is append-only', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only', HINT = 'Correct it with a new, dated entry.';
END $$;

-- Makes a table append-only for everybody, and for the application also by its rights: it may not
-- say when a row was recorded or in which transaction.
CREATE PROCEDURE make_append_only(tab regclass) LANGUAGE plpgsql AS $$
DECLARE columns text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
    WHERE attrelid = tab AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('recorded_at', 'xid', 'sealed_at');
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION refuse_change()', tab);
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', tab);
    EXECUTE format('REVOKE ALL ON %s FROM duebook_app', tab);
    EXECUTE format('GRANT SELECT, INSERT (%s) ON %s TO duebook_app', columns, tab);
END $$;

-- The second lock: rows of other companies do not exist. The setting lives as long as its transaction.
CREATE PROCEDURE isolate_company(tab regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tab);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tab);
    EXECUTE format($p$CREATE POLICY company ON %s USING (company_id = nullif(current_setting('app.company_id', true), '')::uuid)$p$, tab);
END $$;

-- As above for a table of customers' rows: a person with a portfolio sees assigned customers only.
CREATE PROCEDURE isolate_portfolio(tab regclass, customer_column text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($p$CREATE POLICY portfolio ON %s AS RESTRICTIVE USING (
        (SELECT nullif(current_setting('app.portfolio', true), '')) IS NULL
        OR %I IN (SELECT pc.customer_id FROM portfolio_customer pc
                  WHERE pc.company_id = nullif(current_setting('app.company_id', true), '')::uuid
                    AND pc.user_id = nullif(current_setting('app.portfolio', true), '')::uuid))$p$, tab, customer_column);
END $$;

-- Identity tables are also open to the log-in, which does not know its company yet.
CREATE PROCEDURE isolate_identity(tab regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tab);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tab);
    EXECUTE format($p$CREATE POLICY identity ON %s USING (
        coalesce(current_setting('app.identity', true), '') = 'on'
        OR company_id = nullif(current_setting('app.company_id', true), '')::uuid)$p$, tab);
END $$;

CREATE TABLE company (
    id uuid PRIMARY KEY,
    company_id uuid GENERATED ALWAYS AS (id) STORED UNIQUE,
    legal_name text NOT NULL CHECK (length(legal_name) BETWEEN 1 AND 200),
    pan text,
    base_currency text NOT NULL DEFAULT 'INR' CHECK (base_currency ~ '^[A-Z]{3}$'),
    time_zone text NOT NULL DEFAULT 'Asia/Kolkata',
    fiscal_year_start integer NOT NULL DEFAULT 4 CHECK (fiscal_year_start BETWEEN 1 AND 12),
    -- Whether invoice totals are rounded to the currency's whole unit on a line of their own.
    round_to_unit boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CALL isolate_identity('company');
GRANT SELECT, INSERT ON company TO duebook_app;
GRANT UPDATE (legal_name, round_to_unit, version, updated_at) ON company TO duebook_app;

-- People. One person may work in several companies.
CREATE TABLE app_user (
    id uuid PRIMARY KEY,
    email text NOT NULL CONSTRAINT app_user_email_key UNIQUE CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE membership (
    company_id uuid NOT NULL REFERENCES company (id),
    user_id uuid NOT NULL REFERENCES app_user (id),
    roles text[] NOT NULL CHECK (cardinality(roles) BETWEEN 1 AND 7),
    active boolean NOT NULL DEFAULT true,
    last_login_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, user_id)
);
CREATE INDEX membership_user ON membership (user_id);
CALL isolate_identity('membership');
GRANT SELECT, INSERT, UPDATE ON membership TO duebook_app;

ALTER TABLE app_user ENABLE ROW LEVEL SECURITY;
ALTER TABLE app_user FORCE ROW LEVEL SECURITY;
CREATE POLICY identity ON app_user USING (
    coalesce(current_setting('app.identity', true), '') = 'on'
    OR EXISTS (SELECT FROM membership m WHERE m.user_id = app_user.id AND m.company_id = nullif(current_setting('app.company_id', true), '')::uuid));
GRANT SELECT, INSERT ON app_user TO duebook_app;
GRANT UPDATE (name, password_hash) ON app_user TO duebook_app;

-- Refresh tokens: one row a token, rotated on use; a family is one log-in.
CREATE TABLE refresh_token (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES app_user (id),
    family_id uuid NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT refresh_token_hash_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    family_started_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (company_id, id)
);
CREATE INDEX refresh_token_family ON refresh_token (family_id);
CALL isolate_identity('refresh_token');
GRANT SELECT, INSERT, UPDATE (used_at), DELETE ON refresh_token TO duebook_app;

-- Access tokens of a subject or session issued before the instant are void. Read every second.
CREATE TABLE revocation (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    subject uuid NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (company_id, id)
);
CREATE INDEX revocation_recent ON revocation (revoked_at);
CALL isolate_identity('revocation');
GRANT SELECT, INSERT, DELETE ON revocation TO duebook_app;

-- Machines.
CREATE TABLE api_client (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL CONSTRAINT api_client_id_key UNIQUE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scopes text[] NOT NULL,
    secret_hash bytea NOT NULL,
    active boolean NOT NULL DEFAULT true,
    last_used_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id)
);
CALL isolate_identity('api_client');
GRANT SELECT, INSERT, UPDATE ON api_client TO duebook_app;

-- Written in the transaction of the effect; a failed request leaves no row.
CREATE TABLE idempotency_key (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    scope text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL,
    request_id text NOT NULL,
    reply text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT idempotency_key_once UNIQUE (company_id, scope, key)
) WITH (fillfactor = 70);
CREATE INDEX idempotency_key_age ON idempotency_key (company_id, created_at);
CALL isolate_company('idempotency_key');
GRANT SELECT, INSERT, UPDATE (reply), DELETE ON idempotency_key TO duebook_app;

-- Who did what when, before and after, why. `body` is the truth that is hashed; the rest is for finding.
-- The same rows are the event feed.
CREATE TABLE audit_event (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    -- Ordered with xid below the snapshot's xmin, so that a late committer is never skipped. A bigint, as
    -- xid8 has no leakproof operators and row-level security would keep it out of the index.
    xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    action text NOT NULL,
    object text NOT NULL,
    object_id uuid NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (company_id, id)
);
CREATE INDEX audit_event_order ON audit_event (company_id, xid, id);
CREATE INDEX audit_event_object ON audit_event (company_id, object_id);
CALL isolate_company('audit_event');
CALL make_append_only('audit_event');

-- The sealed log: one leaf an event, RFC 6962 hashes, one tree a company.
CREATE TABLE audit_leaf (
    company_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    event_id uuid NOT NULL,
    leaf_hash bytea NOT NULL CHECK (length(leaf_hash) = 32),
    PRIMARY KEY (company_id, seq),
    CONSTRAINT audit_leaf_once UNIQUE (company_id, event_id),
    FOREIGN KEY (company_id, event_id) REFERENCES audit_event (company_id, id)
);
CALL isolate_company('audit_leaf');
CALL make_append_only('audit_leaf');

-- Signed heads: tree size, root, signature. The newest also holds the right edge, from which the tree grows.
CREATE TABLE audit_checkpoint (
    company_id uuid NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    edge bytea NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now(),
    last_xid bigint NOT NULL,
    PRIMARY KEY (company_id, size)
);
CALL isolate_company('audit_checkpoint');
CALL make_append_only('audit_checkpoint');
