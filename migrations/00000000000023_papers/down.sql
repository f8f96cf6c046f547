DROP INDEX einvoice_status;
DROP VIEW state_statement_confirmation;
DROP TABLE statement_confirmation;
DROP FUNCTION touch_statement_confirmation, touch_statement_confirmation_added;
-- Without the table that is gone.
CALL govern('[]');
