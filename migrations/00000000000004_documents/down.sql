DROP TABLE receipt_deduction, receipt, invoice_line, invoice CASCADE;
DROP FUNCTION invoice_is_posted, invoice_line_joins, invoice_line_stays, invoice_stays;
