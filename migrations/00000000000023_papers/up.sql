-- What a customer answered to a statement of account, and the e-invoices of a state found by an index.

CREATE TABLE statement_confirmation (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    statement_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    result text NOT NULL CHECK (result IN ('agreed', 'differs')),
    -- What the customer's books say, in the statement's currency.
    stated_balance money_amount NOT NULL,
    confirmed_on date NOT NULL,
    contact text NOT NULL,
    -- Where the answer is kept, and its digest.
    evidence text,
    evidence_sha256 text CHECK (evidence_sha256 ~ '^[0-9a-f]{64}$'),
    note text,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, statement_id) REFERENCES statement (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CREATE INDEX statement_confirmation_newest ON statement_confirmation (company_id, statement_id, recorded_at DESC, id DESC);
CREATE INDEX statement_confirmation_customer ON statement_confirmation (company_id, customer_id);
CALL isolate_company('statement_confirmation');
CALL isolate_portfolio('statement_confirmation', 'customer_id');
CALL make_append_only('statement_confirmation');

CREATE INDEX einvoice_status ON einvoice (company_id, status, document_id);

CALL govern('[{"table": "statement_confirmation"}]');
