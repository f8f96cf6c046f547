DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT tgname, tgrelid::regclass AS tab FROM pg_trigger WHERE tgname IN ('touched', 'touched_added') LOOP
        EXECUTE format('DROP TRIGGER %s ON %s', found.tgname, found.tab);
    END LOOP;
    FOR found IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND (proname LIKE 'touch\_%' OR proname = 'state_of') LOOP
        EXECUTE format('DROP FUNCTION %s', found.name);
    END LOOP;
    FOR found IN SELECT oid::regclass AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND relname LIKE 'state\_%' LOOP
        EXECUTE format('DROP VIEW %s', found.name);
    END LOOP;
END $$;
DROP PROCEDURE govern(jsonb);
ALTER TABLE company DROP COLUMN books_bound;
ALTER TABLE audit_event DROP COLUMN states, DROP COLUMN mac;
DROP SEQUENCE audit_order;
