-- GST registrations, customers, items, terms, bank accounts.

CREATE TABLE gst_registration (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    gstin text NOT NULL,
    state_code text NOT NULL CHECK (state_code ~ '^[0-9]{2}$'),
    legal_name text NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    registered_on date,
    cancelled_on date,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT gst_registration_gstin_key UNIQUE (company_id, gstin)
);
CREATE UNIQUE INDEX gst_registration_default ON gst_registration (company_id) WHERE is_default;
CALL isolate_company('gst_registration');
GRANT SELECT, INSERT, UPDATE ON gst_registration TO duebook_app;

CREATE TABLE payment_terms (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    -- [{"share": "50.00", "days": 30, "months": 0, "end_of_month": false}, …]; shares add up to 100.
    instalments jsonb NOT NULL,
    active boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT payment_terms_code_key UNIQUE (company_id, code)
);
CALL isolate_company('payment_terms');
GRANT SELECT, INSERT, UPDATE ON payment_terms TO duebook_app;

CREATE TABLE customer (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    code text NOT NULL,
    external_id text,
    legal_name text NOT NULL CHECK (length(legal_name) BETWEEN 1 AND 200),
    kind text NOT NULL CHECK (kind IN ('b2b', 'b2c', 'lessor', 'sez', 'export')),
    pan text,
    gstin text,
    currency text NOT NULL,
    payment_terms_id uuid,
    payment_terms_days integer CHECK (payment_terms_days BETWEEN 0 AND 365),
    salesperson_id uuid,
    collector_id uuid,
    active boolean NOT NULL DEFAULT true,
    metadata jsonb NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT customer_code_key UNIQUE (company_id, code),
    CONSTRAINT customer_external_id_key UNIQUE (company_id, external_id),
    FOREIGN KEY (company_id, payment_terms_id) REFERENCES payment_terms (company_id, id)
);
CREATE INDEX customer_name ON customer (company_id, legal_name, id);
CREATE INDEX customer_by_gstin ON customer (company_id, gstin);
CREATE INDEX customer_created ON customer (company_id, created_at, id);

-- Who is assigned what: kept by a trigger, asked by the portfolio policies.
CREATE TABLE portfolio_customer (
    company_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (company_id, user_id, customer_id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CALL isolate_company('portfolio_customer');
GRANT SELECT ON portfolio_customer TO duebook_app;
CREATE FUNCTION keep_portfolio() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    DELETE FROM portfolio_customer WHERE company_id = NEW.company_id AND customer_id = NEW.id;
    INSERT INTO portfolio_customer
    SELECT NEW.company_id, NEW.id, u FROM (SELECT DISTINCT unnest(ARRAY[NEW.salesperson_id, NEW.collector_id]) AS u) AS people WHERE u IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_portfolio_on_insert AFTER INSERT ON customer
    FOR EACH ROW WHEN (NEW.salesperson_id IS NOT NULL OR NEW.collector_id IS NOT NULL) EXECUTE FUNCTION keep_portfolio();
CREATE TRIGGER keep_portfolio_on_update AFTER UPDATE OF salesperson_id, collector_id ON customer
    FOR EACH ROW WHEN (NEW.salesperson_id IS DISTINCT FROM OLD.salesperson_id OR NEW.collector_id IS DISTINCT FROM OLD.collector_id) EXECUTE FUNCTION keep_portfolio();

CALL isolate_company('customer');
CALL isolate_portfolio('customer', 'id');
GRANT SELECT, INSERT ON customer TO duebook_app;
GRANT UPDATE (legal_name, kind, pan, gstin, payment_terms_id, payment_terms_days, salesperson_id, collector_id, active, metadata, version, updated_at) ON customer TO duebook_app;

CREATE TABLE customer_gstin (
    company_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    gstin text NOT NULL,
    state_code text NOT NULL,
    PRIMARY KEY (company_id, customer_id, gstin),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CREATE INDEX customer_gstin_find ON customer_gstin (company_id, gstin);
CALL isolate_company('customer_gstin');
CALL isolate_portfolio('customer_gstin', 'customer_id');
GRANT SELECT, INSERT, DELETE ON customer_gstin TO duebook_app;

CREATE TABLE customer_contact (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    name text NOT NULL,
    email text,
    phone text,
    roles text[] NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CREATE INDEX customer_contact_customer ON customer_contact (company_id, customer_id);
CALL isolate_company('customer_contact');
CALL isolate_portfolio('customer_contact', 'customer_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_contact TO duebook_app;

CREATE TABLE customer_address (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('billing', 'shipping')),
    line1 text NOT NULL,
    line2 text,
    city text NOT NULL,
    state_code text,
    postal_code text,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    gstin text,
    is_default boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CREATE INDEX customer_address_customer ON customer_address (company_id, customer_id);
CALL isolate_company('customer_address');
CALL isolate_portfolio('customer_address', 'customer_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_address TO duebook_app;

CREATE TABLE item (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    code text NOT NULL,
    external_id text,
    name text NOT NULL,
    is_service boolean NOT NULL,
    hsn_code text NOT NULL,
    unit text NOT NULL,
    unit_price numeric(20, 6) NOT NULL CHECK (unit_price BETWEEN 0 AND 9999999999999),
    tax_rate numeric(9, 4) NOT NULL CHECK (tax_rate BETWEEN 0 AND 100),
    active boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT item_code_key UNIQUE (company_id, code),
    CONSTRAINT item_external_id_key UNIQUE (company_id, external_id)
);
CREATE INDEX item_name ON item (company_id, name, id);
CREATE INDEX item_created ON item (company_id, created_at, id);
CALL isolate_company('item');
GRANT SELECT, INSERT, UPDATE ON item TO duebook_app;

CREATE TABLE bank_account (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    name text NOT NULL,
    bank_name text NOT NULL,
    account_number text NOT NULL,
    ifsc text,
    currency text NOT NULL,
    account_id uuid NOT NULL,
    active boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT bank_account_number_key UNIQUE (company_id, account_number)
);
CALL isolate_company('bank_account');
GRANT SELECT, INSERT, UPDATE ON bank_account TO duebook_app;
