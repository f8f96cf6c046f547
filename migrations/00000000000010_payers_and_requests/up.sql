-- What is taken back waits for nobody: requests about an allocation that is reversed, or a document whose
-- entry is mirrored, are void, in whatever way that came about.
CREATE FUNCTION taken_back_waits_for_nobody() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE approval SET state = 'stale', version = version + 1, decided_at = now()
    WHERE company_id = NEW.company_id AND subject_id = (to_jsonb(NEW) ->> TG_ARGV[0])::uuid AND state = 'pending';
    RETURN NULL;
END $$;
CREATE TRIGGER waits_for_nobody AFTER INSERT ON allocation FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION taken_back_waits_for_nobody('reverses_id');
CREATE TRIGGER waits_for_nobody AFTER INSERT ON journal_entry FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION taken_back_waits_for_nobody('document_id');

-- One customer pays for another once at a time, and a relation that ended does not come back: it is added
-- again. The payers of one customer change one after the other.
CREATE FUNCTION customer_payer_spans() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF coalesce(NEW.valid_to, 'infinity'::date) > coalesce(OLD.valid_to, 'infinity'::date) THEN
            RAISE EXCEPTION 'duebook: a payer that ended is added again' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
        END IF;
        RETURN NEW;
    END IF;
    PERFORM FROM customer c WHERE c.company_id = NEW.company_id AND c.id = NEW.customer_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM customer_payer p WHERE p.company_id = NEW.company_id AND p.customer_id = NEW.customer_id AND p.payer_id = NEW.payer_id
               AND p.valid_from <= coalesce(NEW.valid_to, 'infinity'::date) AND coalesce(p.valid_to, 'infinity'::date) >= NEW.valid_from) THEN
        RAISE EXCEPTION 'duebook: this customer pays on these days already' USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'customer_payer_overlaps';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER spans BEFORE INSERT OR UPDATE ON customer_payer FOR EACH ROW EXECUTE FUNCTION customer_payer_spans();
