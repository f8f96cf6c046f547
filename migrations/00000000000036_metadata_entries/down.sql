DO $$
DECLARE
    tab regclass;
BEGIN
    FOREACH tab IN ARRAY ARRAY['customer', 'invoice', 'receipt']::regclass[] LOOP
        EXECUTE format('DROP TRIGGER keep_metadata_on_insert ON %s', tab);
        EXECUTE format('DROP TRIGGER keep_metadata_on_update ON %s', tab);
        EXECUTE format('DROP TRIGGER keep_metadata_on_delete ON %s', tab);
    END LOOP;
END $$;
DROP PROCEDURE find_by_metadata(regclass);
DROP FUNCTION keep_metadata();
DROP TABLE metadata_entry;
