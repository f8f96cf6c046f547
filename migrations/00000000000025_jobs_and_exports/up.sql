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
