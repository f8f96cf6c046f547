DROP INDEX open_item_balance_open;
CREATE INDEX open_item_balance_open ON open_item_balance (company_id, customer_id, side, due_date) WHERE open_amount > 0;
