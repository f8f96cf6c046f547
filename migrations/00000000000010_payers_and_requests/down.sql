DROP TRIGGER spans ON customer_payer;
DROP FUNCTION customer_payer_spans;
DROP TRIGGER waits_for_nobody ON journal_entry;
DROP TRIGGER waits_for_nobody ON allocation;
DROP FUNCTION taken_back_waits_for_nobody;
