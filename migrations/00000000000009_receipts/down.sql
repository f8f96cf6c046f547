DROP TABLE customer_payer;
DROP TRIGGER is_posted ON receipt;
DROP TRIGGER stays ON receipt;
DROP TRIGGER no_truncate ON receipt;
DROP FUNCTION receipt_is_posted, receipt_stays;
DROP INDEX receipt_waiting, receipt_utr_once;
ALTER TABLE receipt
    DROP COLUMN state, DROP COLUMN clearing, DROP COLUMN cheque_number, DROP COLUMN cheque_date, DROP COLUMN deposited_on, DROP COLUMN cleared_on, DROP COLUMN identified_on,
    DROP COLUMN ended_on, DROP COLUMN end_reason, DROP COLUMN on_account, DROP COLUMN fee_note_id, DROP COLUMN posting_date, DROP COLUMN settlement_currency,
    DROP COLUMN settlement_amount, DROP COLUMN exchange_rate, DROP COLUMN input, DROP COLUMN version, DROP COLUMN updated_at,
    ALTER COLUMN customer_id SET NOT NULL, ALTER COLUMN item_id SET NOT NULL, ALTER COLUMN entry_id SET NOT NULL,
    ADD CONSTRAINT receipt_check CHECK (gross_settled > 0 AND gross_settled >= amount_received);
CREATE UNIQUE INDEX receipt_utr_once ON receipt (company_id, utr_key, bank_key) WHERE NOT duplicate_allowed;
CALL make_append_only('receipt');
