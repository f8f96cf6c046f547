CALL govern('[
    {"table": "customer", "late": ["parent_id"],
     "children": [{"table": "customer_gstin", "of": "customer_id", "order": "gstin", "alone": true}, {"table": "customer_contact", "of": "customer_id", "order": "id", "alone": true},
                  {"table": "customer_address", "of": "customer_id", "order": "id", "alone": true}]}
]');
ALTER TABLE customer DROP COLUMN segment, DROP COLUMN tags;
