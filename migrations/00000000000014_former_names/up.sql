-- What customers and accounts were called before. A report of a past instant calls them as they were known
-- then, or its bytes would change with a name.
CREATE TABLE former_name (
    company_id uuid NOT NULL REFERENCES company (id),
    object_id uuid NOT NULL,
    -- Known under this name before this instant, and since the row before.
    until timestamptz NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (company_id, object_id, until)
);
CALL isolate_company('former_name');
CALL make_append_only('former_name');
GRANT SELECT ON former_name TO duebook_app;

CREATE FUNCTION keep_former_name() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    -- Of two transactions the later to get the row may have begun first; its name still counts from after the other's.
    INSERT INTO former_name (company_id, object_id, until, code, name)
    SELECT OLD.company_id, OLD.id, greatest(now(), max(f.until) + interval '1 microsecond'), OLD.code, to_jsonb(OLD) ->> TG_ARGV[0]
    FROM former_name f WHERE f.company_id = OLD.company_id AND f.object_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_former_name AFTER UPDATE OF legal_name ON customer
    FOR EACH ROW WHEN (NEW.legal_name <> OLD.legal_name) EXECUTE FUNCTION keep_former_name('legal_name');
CREATE TRIGGER keep_former_name AFTER UPDATE OF code, name ON gl_account
    FOR EACH ROW WHEN ((NEW.code, NEW.name) <> (OLD.code, OLD.name)) EXECUTE FUNCTION keep_former_name('name');
