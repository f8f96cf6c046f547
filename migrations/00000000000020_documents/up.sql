-- Documents people can send: templates, logo and settings as versions that are only added, what an issued document was
-- first made with, and statements of account.

CREATE TABLE document_template (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('tax_invoice', 'bill_of_supply', 'credit_note', 'debit_note', 'receipt_voucher', 'refund_voucher', 'statement')),
    version bigint NOT NULL CHECK (version > 0),
    -- Null: the one that comes with the service, again.
    source text CHECK (octet_length(source) <= 65536),
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT document_template_version UNIQUE (company_id, kind, version)
);
CALL isolate_company('document_template');
CALL make_append_only('document_template');

CREATE TABLE document_logo (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    -- All null: no logo from here on.
    media_type text CHECK (media_type IN ('image/png', 'image/jpeg')),
    width integer CHECK (width BETWEEN 1 AND 4000),
    height integer CHECK (height BETWEEN 1 AND 4000),
    content bytea CHECK (octet_length(content) BETWEEN 1 AND 262144),
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT document_logo_version UNIQUE (company_id, version),
    CHECK (num_nulls(media_type, width, height, content) IN (0, 4))
);
CALL isolate_company('document_logo');
CALL make_append_only('document_logo');

CREATE TABLE document_settings (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    registration_id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    content jsonb NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT document_settings_version UNIQUE (company_id, registration_id, version),
    FOREIGN KEY (company_id, registration_id) REFERENCES gst_registration (company_id, id)
);
CALL isolate_company('document_settings');
CALL make_append_only('document_settings');

CREATE TABLE statement (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    style text NOT NULL CHECK (style IN ('open_item', 'running')),
    from_date date NOT NULL,
    to_date date NOT NULL,
    -- What was recorded by then is what it says, for ever.
    known_at timestamptz NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    opening_balance money_amount NOT NULL,
    closing_balance money_amount NOT NULL,
    overdue money_amount NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    CHECK (from_date <= to_date)
);
CREATE INDEX statement_customer ON statement (company_id, customer_id);
CALL isolate_company('statement');
CALL isolate_portfolio('statement', 'customer_id');
CALL make_append_only('statement');

-- What the PDF of a document is made with, kept when it is made first.
CREATE TABLE document_print (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    document_kind text NOT NULL CHECK (document_kind IN ('invoice', 'credit_note', 'debit_note', 'receipt', 'refund', 'statement')),
    document_id uuid NOT NULL,
    -- Null: a receipt nobody is known to have paid.
    customer_id uuid,
    -- A template of the company's, or the name of one that comes with the service.
    template_id uuid,
    built_in text CHECK (built_in ~ '^[a-z_]+\.[0-9]+$'),
    logo_id uuid,
    -- Names, addresses and settings as they were.
    facts jsonb NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT document_print_once UNIQUE (company_id, document_id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, template_id) REFERENCES document_template (company_id, id),
    FOREIGN KEY (company_id, logo_id) REFERENCES document_logo (company_id, id),
    CHECK ((template_id IS NULL) <> (built_in IS NULL))
);
CREATE INDEX document_print_customer ON document_print (company_id, customer_id);
CALL isolate_company('document_print');
CALL isolate_portfolio('document_print', 'customer_id');
CALL make_append_only('document_print');

CALL govern('[{"table": "document_template"}, {"table": "document_logo"}, {"table": "document_settings"}, {"table": "statement"}, {"table": "document_print"}]');
