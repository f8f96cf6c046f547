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
