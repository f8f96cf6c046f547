DROP VIEW state_customer;
DROP TRIGGER touched ON customer;
ALTER TABLE customer DROP COLUMN segment, DROP COLUMN tags;
CALL govern('[
    {"table": "customer", "late": ["parent_id"],
     "children": [{"table": "customer_gstin", "of": "customer_id", "order": "gstin", "alone": true}, {"table": "customer_contact", "of": "customer_id", "order": "id", "alone": true},
                  {"table": "customer_address", "of": "customer_id", "order": "id", "alone": true}]}
]');
