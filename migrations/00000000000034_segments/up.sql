-- How a company sorts its customers: one segment each, and any tags. None is null, as before these columns.
ALTER TABLE customer
    ADD COLUMN segment text CHECK (length(segment) BETWEEN 1 AND 40),
    ADD COLUMN tags text[] CHECK (cardinality(tags) BETWEEN 1 AND 20);
CREATE INDEX customer_segment ON customer (company_id, segment, legal_name, id) WHERE segment IS NOT NULL;
CREATE INDEX customer_tags ON customer USING gin (tags) WHERE tags IS NOT NULL;
GRANT UPDATE (segment, tags) ON customer TO duebook_app;
CALL govern('[
    {"table": "customer", "late": ["parent_id", "segment", "tags"],
     "children": [{"table": "customer_gstin", "of": "customer_id", "order": "gstin", "alone": true}, {"table": "customer_contact", "of": "customer_id", "order": "id", "alone": true},
                  {"table": "customer_address", "of": "customer_id", "order": "id", "alone": true}]}
]');
