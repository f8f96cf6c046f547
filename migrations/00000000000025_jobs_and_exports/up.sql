-- Long work done behind a request, exports, and how long people may work in a company.

-- Work waits here until a worker takes it. A lease that is not renewed lets another worker take it again, so that no
-- crash loses any.
CREATE TABLE job (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    input jsonb NOT NULL,
    -- For whom: the work is done with the rights they had when they asked for it.
    behalf jsonb NOT NULL,
    created_by text NOT NULL,
    done bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
    total bigint CHECK (total >= 0),
    result jsonb,
    problem jsonb,
    cancel_requested boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    -- Of the worker that has it, and until when nobody else may take it.
    lease uuid,
    leased_until timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (company_id, id),
    CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK ((status = 'failed') = (problem IS NOT NULL))
);
CREATE INDEX job_waiting ON job (created_at) WHERE status IN ('queued', 'running');
CREATE INDEX job_own ON job (company_id, created_by, created_at, id);
CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL;
-- Workers look for work of every company; they do it as the company it belongs to.
CALL isolate_identity('job');
GRANT SELECT, INSERT, DELETE ON job TO duebook_app;
GRANT UPDATE (status, done, total, result, problem, cancel_requested, attempts, lease, leased_until, version, started_at, finished_at) ON job TO duebook_app;

-- What was taken away: the manifest, word for word, for ever; its files lie in the data directory for a while.
CREATE TABLE export (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    type_version integer NOT NULL CHECK (type_version > 0),
    format text NOT NULL CHECK (format IN ('csv', 'jsonl', 'xlsx')),
    as_of date NOT NULL,
    filters jsonb NOT NULL,
    manifest text NOT NULL,
    files text[] NOT NULL,
    rows bigint NOT NULL CHECK (rows >= 0),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    requested_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id)
);
CREATE INDEX export_newest ON export (company_id, recorded_at, id);
CALL isolate_company('export');
CALL make_append_only('export');

-- Time-boxed access: the first and the last day somebody may work in the company, in its zone.
ALTER TABLE membership
    ADD COLUMN valid_from date,
    ADD COLUMN valid_to date,
    ADD CONSTRAINT membership_span CHECK (valid_from <= valid_to);

CALL govern('[{"table": "export"}, {"table": "membership", "id": "r.user_id", "aside": ["last_login_at"], "late": ["valid_from", "valid_to"]}]');

-- Searching the log: by person or machine, by what was done, by request, by time (which goes with the order of rows).
CREATE INDEX audit_event_actor ON audit_event (company_id, actor, recorded_at);
CREATE INDEX audit_event_action ON audit_event (company_id, action, recorded_at);
CREATE INDEX audit_event_request ON audit_event (company_id, request_id);
CREATE INDEX audit_event_time ON audit_event USING brin (recorded_at);
