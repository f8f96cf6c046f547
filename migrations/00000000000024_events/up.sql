-- Events: the audit log as a numbered feed for other programs, and webhooks that bring it to them.

-- How far the order of events was drawn: the sealer must know it before it looks who still runs.
GRANT SELECT ON SEQUENCE audit_order TO duebook_app;

-- What a transaction did to documents that are owed, as they stand at its end: each document of which it opened an item
-- or settled one. Put into the body of its events, so that whoever reads those knows every balance. `others` are the
-- documents on the other side, by which the event of a settlement is found.
CREATE FUNCTION moved_documents(company uuid, entries uuid[], made uuid[]) RETURNS TABLE (document uuid, others uuid[], state text)
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH moved AS MATERIALIZED (
        SELECT o.document_kind, o.document_id, o.side, 0::numeric AS by, NULL::uuid AS other, NULL::text AS kind, true AS opened
        FROM unnest(entries) AS e(id) JOIN open_item o ON o.company_id = company AND o.entry_id = e.id
        UNION ALL
        SELECT o.document_kind, o.document_id, o.side, a.amount, c.document_id, a.kind, false
        FROM unnest(made) AS m(id) JOIN allocation a ON a.company_id = company AND a.id = m.id
        CROSS JOIN LATERAL (VALUES (a.credit_item_id, a.debit_item_id), (a.debit_item_id, a.credit_item_id)) AS s(item, counter)
        JOIN open_item o ON o.company_id = company AND o.id = s.item
        JOIN open_item c ON c.company_id = company AND c.id = s.counter
    ), documents AS (
        SELECT m.document_kind, m.document_id, m.side, sum(m.by) AS by, array_agg(DISTINCT m.other) FILTER (WHERE m.other IS NOT NULL) AS others,
               coalesce(array_agg(DISTINCT m.kind) FILTER (WHERE m.kind IS NOT NULL), '{}') AS kinds, bool_or(m.opened) AS opened
        FROM moved m GROUP BY 1, 2, 3
    )
    SELECT d.document_id, d.others,
           json_build_object('object', d.document_kind, 'id', d.document_id, 'number', t.number, 'external_id', coalesce(i.external_id, r.external_id), 'customer_id', t.customer_id,
               'side', d.side, 'currency', t.currency, 'amount', t.amount::text, 'open_amount', t.open::text, 'by', d.by::text, 'opened', d.opened, 'kinds', d.kinds,
               'state', coalesce(i.status, r.state), 'on_account', r.on_account, 'received', CASE WHEN r.currency = t.currency THEN r.amount_received::text END, 'due_date', t.due_date,
               'version', coalesce(i.version + coalesce(e.version, 0), r.version) + t.moves)::text
    FROM documents d
    CROSS JOIN LATERAL (
        SELECT min(o.document_number) AS number, min(o.customer_id::text) AS customer_id, min(o.currency) AS currency, sum(b.amount) AS amount, sum(b.open_amount) AS open,
               min(o.due_date) FILTER (WHERE b.open_amount > 0) AS due_date,
               sum((SELECT count(*) FROM allocation x WHERE d.side = 'debit' AND x.company_id = company AND x.debit_item_id = o.id AND x.kind <> 'reversal')
                 + (SELECT count(*) FROM allocation x WHERE d.side = 'credit' AND x.company_id = company AND x.credit_item_id = o.id AND x.kind <> 'reversal'))::bigint AS moves
        FROM open_item o JOIN open_item_balance b ON b.company_id = o.company_id AND b.item_id = o.id
        WHERE o.company_id = company AND o.document_id = d.document_id AND o.document_kind = d.document_kind AND o.side = d.side) AS t
    LEFT JOIN invoice i ON i.company_id = company AND i.id = d.document_id AND i.kind = d.document_kind
    LEFT JOIN einvoice e ON e.company_id = i.company_id AND e.document_id = i.id
    LEFT JOIN receipt r ON r.company_id = company AND r.id = d.document_id AND d.document_kind = 'receipt';
END $$;

-- What other programs are told, numbered without a gap in the order of the sealed log. `body` is the text that is sent,
-- for ever the same.
CREATE TABLE event (
    company_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    id uuid NOT NULL,
    type text NOT NULL,
    object_id uuid NOT NULL,
    object_sequence bigint NOT NULL CHECK (object_sequence > 0),
    occurred_at timestamptz NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (company_id, sequence),
    CONSTRAINT event_id_key UNIQUE (company_id, id),
    CONSTRAINT event_object_order UNIQUE (company_id, object_id, object_sequence)
);
CREATE INDEX event_type ON event (company_id, type, sequence);
CALL isolate_company('event');
CALL make_append_only('event');

-- How far the log was told, and on which day overdue invoices were looked for last.
CREATE TABLE event_feed (
    company_id uuid PRIMARY KEY REFERENCES company (id),
    audit_seq bigint NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    overdue_told date
);
CALL isolate_company('event_feed');
GRANT SELECT, INSERT, UPDATE (audit_seq, sequence, overdue_told) ON event_feed TO duebook_app;

-- Where events are sent. Secrets are derived from a key outside the database, the endpoint and `generation`.
CREATE TABLE webhook_endpoint (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    description text CHECK (length(description) <= 200),
    -- 'receipt.allocated', 'receipt.*' or '*'.
    event_types text[] NOT NULL CHECK (cardinality(event_types) BETWEEN 1 AND 200),
    ordered boolean NOT NULL,
    signature text NOT NULL CHECK (signature IN ('v1', 'v1a')),
    generation integer NOT NULL DEFAULT 1 CHECK (generation > 0),
    -- Until then the secret before signs too.
    previous_until timestamptz,
    active boolean NOT NULL DEFAULT true,
    disabled_reason text,
    deleted_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- How it does, as last seen.
    failing_since timestamptz,
    failures integer NOT NULL DEFAULT 0,
    last_attempt_at timestamptz,
    last_success_at timestamptz,
    last_status integer,
    paused_until timestamptz,
    PRIMARY KEY (company_id, id),
    CHECK (active = (disabled_reason IS NULL))
);
-- Also read by the courier, which looks at every company.
CALL isolate_identity('webhook_endpoint');
GRANT SELECT, INSERT (company_id, id, url, description, event_types, ordered, signature, created_by) ON webhook_endpoint TO duebook_app;
GRANT UPDATE (url, description, event_types, ordered, generation, previous_until, active, disabled_reason, deleted_at, version, updated_at, failing_since, failures, last_attempt_at,
    last_success_at, last_status, paused_until) ON webhook_endpoint TO duebook_app;

-- One event for one endpoint, until it is delivered or given up.
CREATE TABLE webhook_delivery (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    -- Null for a ping, which is not an event of the feed and brings its text along.
    sequence bigint,
    body text,
    object_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'parked')),
    attempts integer NOT NULL DEFAULT 0,
    -- Of those, how many the plan of retries counts: those asked for by hand begin it anew.
    tries integer NOT NULL DEFAULT 0,
    -- When it is due; while somebody is at it, when another may take over.
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, endpoint_id) REFERENCES webhook_endpoint (company_id, id),
    CHECK ((sequence IS NULL) = (body IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX webhook_delivery_due ON webhook_delivery (company_id, endpoint_id, due_at) WHERE state = 'pending';
CREATE INDEX webhook_delivery_object ON webhook_delivery (company_id, endpoint_id, object_id, id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_created ON webhook_delivery (company_id, created_at, id);
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (company_id, endpoint_id, created_at, id);
CREATE INDEX webhook_delivery_event ON webhook_delivery (company_id, event_id);
CREATE INDEX webhook_delivery_state ON webhook_delivery (company_id, state, created_at, id);
CREATE INDEX webhook_delivery_age ON webhook_delivery (created_at) WHERE state <> 'pending';
CALL isolate_identity('webhook_delivery');
GRANT SELECT, INSERT, DELETE, UPDATE (state, attempts, tries, due_at, ended_at) ON webhook_delivery TO duebook_app;

CREATE TABLE webhook_attempt (
    company_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    attempted_at timestamptz NOT NULL,
    status_code integer,
    latency_ms integer NOT NULL,
    error text,
    -- The first kilobyte of what was answered.
    reply text,
    PRIMARY KEY (company_id, delivery_id, number),
    FOREIGN KEY (company_id, delivery_id) REFERENCES webhook_delivery (company_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_attempt_time ON webhook_attempt (company_id, attempted_at);
CALL isolate_identity('webhook_attempt');
GRANT SELECT, INSERT, DELETE ON webhook_attempt TO duebook_app;

CALL govern('[{"table": "webhook_endpoint", "aside": ["failing_since", "failures", "last_attempt_at", "last_success_at", "last_status", "paused_until"]}]');
