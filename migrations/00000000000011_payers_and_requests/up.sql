-- What is taken back waits for nobody: requests about an allocation that is reversed, or a document whose
-- entry is mirrored, are void, in whatever way that came about.
CREATE FUNCTION taken_back_waits_for_nobody() RETURNS trigger LANGUAGE plpgsql SET app.portfolio = '' AS $$
BEGIN
    UPDATE approval SET state = 'stale', version = version + 1, decided_at = now()
    WHERE company_id = NEW.company_id AND subject_id = (to_jsonb(NEW) ->> TG_ARGV[0])::uuid AND state = 'pending';
    RETURN NULL;
END $$;
CREATE TRIGGER waits_for_nobody AFTER INSERT ON allocation FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION taken_back_waits_for_nobody('reverses_id');
CREATE TRIGGER waits_for_nobody AFTER INSERT ON journal_entry FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION taken_back_waits_for_nobody('document_id');
