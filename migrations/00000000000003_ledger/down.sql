DROP TRIGGER gets_balance ON customer;
ALTER TABLE bank_account DROP CONSTRAINT bank_account_gl;
DROP TABLE allocation, customer_balance, open_item_balance, open_item, journal_line, journal_entry, number_series, period, gl_account CASCADE;
DROP FUNCTION refuse_key_change, allocation_settles, open_item_opens, customer_gets_balance, no_late_rows, entry_balances, guard_entry, number_series_goes_up, require_open_period;
