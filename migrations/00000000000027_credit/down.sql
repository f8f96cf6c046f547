DROP FUNCTION credit_on_hold, credit_over_limit;
DROP VIEW state_order_hold, state_credit_check, state_credit_limit, state_credit_profile, state_credit_policy;
DROP TABLE order_hold, credit_move, credit_check, credit_limit, credit_profile, credit_policy;
DROP FUNCTION touch_order_hold, touch_order_hold_added, touch_credit_check, touch_credit_check_added, touch_credit_limit, touch_credit_limit_added,
    touch_credit_profile, touch_credit_profile_added, touch_credit_policy, touch_credit_policy_added;
DROP INDEX receipt_uncleared;
DROP INDEX open_item_balance_open;
CREATE INDEX open_item_balance_open ON open_item_balance (company_id, customer_id) WHERE open_amount > 0;
DROP VIEW state_customer;
DROP TRIGGER touched ON customer;
DROP TRIGGER group_is_flat ON customer;
DROP FUNCTION customer_group_is_flat;
ALTER TABLE customer DROP COLUMN parent_id;
CALL govern('[
    {"table": "customer", "children": [{"table": "customer_gstin", "of": "customer_id", "order": "gstin", "alone": true}, {"table": "customer_contact", "of": "customer_id", "order": "id", "alone": true},
                                       {"table": "customer_address", "of": "customer_id", "order": "id", "alone": true}]}
]');
