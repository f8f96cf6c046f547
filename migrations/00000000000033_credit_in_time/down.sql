DROP INDEX order_hold_released;
DROP INDEX open_item_balance_foreign;
DROP VIEW state_customer_regrouping;
DROP TABLE customer_regrouping;
