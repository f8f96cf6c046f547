-- Partners: what a machine may do from where and how often, and two secrets while one takes over from the other.

ALTER TABLE api_client
    -- Addresses and networks it may call from; null: any.
    ADD COLUMN allowed_ips text[] CHECK (cardinality(allowed_ips) BETWEEN 1 AND 100),
    -- Null: the installation's limit.
    ADD COLUMN requests_per_minute integer CHECK (requests_per_minute BETWEEN 1 AND 1000000),
    -- The secret before this one, while it is still taken.
    ADD COLUMN previous_secret_hash bytea,
    ADD COLUMN previous_secret_until timestamptz,
    -- Whether anybody has the present secret: one that was lost on its way is not kept beside the next.
    ADD COLUMN secret_used_at timestamptz,
    ADD COLUMN last_used_ip text,
    -- For good; who is only inactive may come back.
    ADD COLUMN revoked_at timestamptz,
    ADD CONSTRAINT api_client_secrets CHECK ((previous_secret_hash IS NULL) = (previous_secret_until IS NULL)),
    ADD CONSTRAINT api_client_revoked CHECK (revoked_at IS NULL OR NOT active);
-- Read every second, by every process.
CREATE INDEX api_client_changed ON api_client (updated_at);

CALL govern('[
    {"table": "api_client", "aside": ["last_used_at", "last_used_ip", "secret_used_at"],
     "late": ["allowed_ips", "requests_per_minute", "previous_secret_hash", "previous_secret_until", "revoked_at"]}
]');

-- Receipts nothing tells apart: looked through when another comes, and by what comes with a reference.
CREATE INDEX receipt_unreferenced ON receipt (company_id, customer_id, receipt_date)
    WHERE utr IS NULL AND external_id IS NULL AND cheque_number IS NULL AND NOT duplicate_allowed AND state NOT IN ('reversed', 'bounced');

-- Files of many rows: taken in, validated row by row, looked at, and committed. What comes of a row has events of its own; these
-- tables only hold what is on its way.
CREATE TABLE import (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    type text NOT NULL,
    status text NOT NULL DEFAULT 'validating' CHECK (status IN ('validating', 'validated', 'failed', 'committing', 'committed', 'partially_committed')),
    format text NOT NULL CHECK (format IN ('csv', 'jsonl', 'xlsx')),
    dates text NOT NULL CHECK (dates IN ('iso', 'dmy', 'mdy')),
    name text,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    columns text[],
    rows_total bigint,
    rows_valid bigint,
    rows_invalid bigint,
    -- [{"currency", "amount"}] of the valid rows.
    totals jsonb NOT NULL DEFAULT '[]',
    -- Why the file cannot be read.
    problem jsonb,
    -- The job at work on it, or the last one that was.
    job_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CHECK ((status = 'failed') = (problem IS NOT NULL))
);
CREATE INDEX import_created ON import (company_id, created_at, id);
CALL isolate_company('import');
GRANT SELECT, INSERT ON import TO duebook_app;
GRANT UPDATE (status, columns, rows_total, rows_valid, rows_invalid, totals, problem, job_id, version, updated_at) ON import TO duebook_app;

CREATE TABLE import_piece (
    company_id uuid NOT NULL,
    import_id uuid NOT NULL,
    n integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (company_id, import_id, n),
    FOREIGN KEY (company_id, import_id) REFERENCES import (company_id, id)
);
CALL isolate_company('import_piece');
GRANT SELECT, INSERT, DELETE ON import_piece TO duebook_app;

CREATE TABLE import_row (
    company_id uuid NOT NULL,
    import_id uuid NOT NULL,
    -- The row of the file it begins in.
    n integer NOT NULL,
    status text NOT NULL CHECK (status IN ('valid', 'invalid', 'committed', 'failed')),
    external_id text,
    -- The body the row stands for.
    input text NOT NULL,
    problem text,
    object_id uuid,
    PRIMARY KEY (company_id, import_id, n),
    FOREIGN KEY (company_id, import_id) REFERENCES import (company_id, id),
    CHECK ((status IN ('invalid', 'failed')) = (problem IS NOT NULL) AND (status = 'committed') = (object_id IS NOT NULL))
);
CREATE INDEX import_row_status ON import_row (company_id, import_id, status, n);
CALL isolate_company('import_row');
GRANT SELECT, INSERT, DELETE ON import_row TO duebook_app;
GRANT UPDATE (status, problem, object_id) ON import_row TO duebook_app;

-- The client's own id on what else partners ask for.
ALTER TABLE write_off ADD COLUMN external_id text, ADD CONSTRAINT write_off_external_id_key UNIQUE (company_id, external_id);
ALTER TABLE adjustment ADD COLUMN external_id text, ADD CONSTRAINT adjustment_external_id_key UNIQUE (company_id, external_id);
ALTER TABLE refund ADD COLUMN external_id text, ADD CONSTRAINT refund_external_id_key UNIQUE (company_id, external_id);
GRANT INSERT (external_id) ON refund TO duebook_app;
CALL govern('[
    {"table": "write_off", "late": ["external_id"], "children": [{"table": "write_off_line", "of": "write_off_id", "order": "line_no"}]},
    {"table": "adjustment", "late": ["external_id"], "children": [{"table": "adjustment_line", "of": "adjustment_id", "order": "line_no"}]},
    {"table": "refund", "late": ["external_id"]}
]');
