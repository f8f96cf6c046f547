-- What callers keep beside their records, to find them by. Under row-level security an index serves leakproof operators
-- only: equality of text is one, containment of jsonb is none.
CREATE TABLE metadata_entry (
    company_id uuid NOT NULL,
    -- `key=value`; no key holds the sign.
    entry text NOT NULL,
    object_id uuid NOT NULL,
    PRIMARY KEY (company_id, entry, object_id)
);
CALL isolate_company('metadata_entry');
GRANT SELECT ON metadata_entry TO duebook_app;
GRANT INSERT, DELETE ON metadata_entry TO duebook_ledger;

CREATE FUNCTION keep_metadata() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM metadata_entry WHERE company_id = OLD.company_id AND object_id = OLD.id
            AND entry IN (SELECT key || '=' || value FROM jsonb_each_text(OLD.metadata));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO metadata_entry SELECT NEW.company_id, key || '=' || value, NEW.id FROM jsonb_each_text(NEW.metadata);
    END IF;
    RETURN NULL;
END $$;
CALL run_as_ledger('keep_metadata()');

-- Who keeps nothing beside a record pays nothing.
CREATE PROCEDURE find_by_metadata(tab regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($t$CREATE TRIGGER keep_metadata_on_insert AFTER INSERT ON %s FOR EACH ROW WHEN (NEW.metadata <> '{}') EXECUTE FUNCTION keep_metadata()$t$, tab);
    EXECUTE format($t$CREATE TRIGGER keep_metadata_on_update AFTER UPDATE OF metadata ON %s FOR EACH ROW WHEN (NEW.metadata <> OLD.metadata) EXECUTE FUNCTION keep_metadata()$t$, tab);
    EXECUTE format($t$CREATE TRIGGER keep_metadata_on_delete AFTER DELETE ON %s FOR EACH ROW WHEN (OLD.metadata <> '{}') EXECUTE FUNCTION keep_metadata()$t$, tab);
    -- What is there already.
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', tab);
    ALTER TABLE metadata_entry NO FORCE ROW LEVEL SECURITY;
    EXECUTE format($t$INSERT INTO metadata_entry SELECT company_id, key || '=' || value, id FROM %s, jsonb_each_text(metadata) WHERE metadata <> '{}'$t$, tab);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tab);
    ALTER TABLE metadata_entry FORCE ROW LEVEL SECURITY;
END $$;
CALL find_by_metadata('customer');
CALL find_by_metadata('invoice');
CALL find_by_metadata('receipt');
