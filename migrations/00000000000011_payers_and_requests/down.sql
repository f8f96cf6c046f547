DROP TRIGGER waits_for_nobody ON journal_entry;
DROP TRIGGER waits_for_nobody ON allocation;
DROP FUNCTION taken_back_waits_for_nobody;
