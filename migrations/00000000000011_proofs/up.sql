-- What is recorded is bound to the rows it is about: each audit event carries the digest of every governed
-- row its transaction wrote, as the rows stand at its end. A row changed behind the service's back is then
-- not what the last event said of it.

-- Which of two events on a row is the later one: numbered while the row is locked, so also where the older
-- transaction wrote last.
CREATE SEQUENCE audit_order AS bigint;
GRANT USAGE ON SEQUENCE audit_order TO duebook_app;

ALTER TABLE audit_event
    -- First line: order, transaction, microseconds of recorded_at. Then a line a row: table, id, SHA-256 of its
    -- state or '-' where it is gone. Sealed with the body; null on events from before it was kept.
    ADD COLUMN states text,
    -- Proof that the service wrote the event: the key is derived outside the database and used once.
    ADD COLUMN mac bytea;
GRANT INSERT (states, mac) ON audit_event TO duebook_app;

-- Whether what is in a company's books is bound to events. What was there before is bound by the service at its
-- next start, as it stands then.
ALTER TABLE company ADD COLUMN books_bound boolean NOT NULL DEFAULT true;
UPDATE company SET books_bound = false;
GRANT UPDATE (books_bound) ON company TO duebook_app;

-- What a transaction wrote, noted in settings that end with it and go back with its savepoints: ' company/table/id/
-- document' a row. Several of them, as a bulk of a thousand rows would copy one long text again and again.
CREATE FUNCTION touch_note(noted text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text := 'app.touched_' || floor(random() * 16)::int;
BEGIN
    PERFORM set_config(name, concat(current_setting(name, true), noted), true);
END $$;
CREATE FUNCTION touch_noted() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT string_agg(current_setting('app.touched_' || n, true), '') FROM generate_series(0, 15) AS n);
END $$;

-- Governs tables, or governs them anew after a step that added columns. Of each: a view state_<table> with one line
-- of JSON a row and its children, columns by name; triggers that note which rows a transaction wrote;
-- a branch of state_of. Columns `aside` are counters that are proved by the laws instead. Columns `late` were
-- added when rows had digests already: they show only where they are not null, so that old digests stay.
CREATE PROCEDURE govern(governed jsonb) LANGUAGE plpgsql AS $$
DECLARE g jsonb; c jsonb; tab text; key text; columns text; late text; children text; noted text; cases text;
BEGIN
    FOR g IN SELECT jsonb_array_elements(governed) LOOP
        tab := g ->> 'table';
        key := coalesce(g ->> 'id', 'r.id');
        children := '';
        FOR c IN SELECT jsonb_array_elements(coalesce(g -> 'children', '[]')) LOOP
            SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
            WHERE attrelid = (c ->> 'table')::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('company_id', c ->> 'of');
            children := children || format($q$, ',"%1$s":[', (SELECT string_agg(row_to_json(c)::text, ',' ORDER BY %2$s) FROM (SELECT %3$s FROM %1$s AS x WHERE x.company_id = r.company_id AND x.%4$s = %5$s) AS c), ']'$q$,
                c ->> 'table', c ->> 'order', columns, c ->> 'of', key);
            -- Children that come and go without their root.
            IF (c ->> 'alone')::boolean THEN
                EXECUTE format($q$CREATE OR REPLACE FUNCTION touch_%1$s() RETURNS trigger LANGUAGE plpgsql AS $f$
                    DECLARE r %1$s := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
                    BEGIN
                        PERFORM touch_note(concat(' ', r.company_id, '/%2$s/', r.%3$s, '/', r.%3$s));
                        RETURN NULL;
                    END $f$ $q$, c ->> 'table', tab, c ->> 'of');
                EXECUTE format('CREATE OR REPLACE TRIGGER touched AFTER INSERT OR UPDATE OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION touch_%1$s()', c ->> 'table');
            END IF;
        END LOOP;
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
        WHERE attrelid = tab::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'company_id'
          AND attname <> ALL (ARRAY(SELECT jsonb_array_elements_text(coalesce(g -> 'aside', '[]') || coalesce(g -> 'late', '[]'))));
        SELECT coalesce(string_agg(format($q$, CASE WHEN t.%1$I IS NOT NULL THEN concat(',"%1$s":', to_json(t.%1$I)) END$q$, name), ''), '') INTO late FROM jsonb_array_elements_text(coalesce(g -> 'late', '[]')) AS name;
        EXECUTE format($q$CREATE OR REPLACE VIEW state_%1$s WITH (security_invoker = true) AS
            SELECT r.company_id, %2$s AS id, concat('{"row":', row_to_json(r)%3$s, '}') AS state FROM %1$s AS t CROSS JOIN LATERAL (SELECT t.company_id, %4$s) AS r$q$,
            tab, key, late || children, (SELECT string_agg('t.' || name, ', ') FROM string_to_table(columns, ', ') AS name));
        EXECUTE format('GRANT SELECT ON state_%s TO duebook_app', tab);
        noted := format($q$concat(' ', r.company_id, '/%s/', %s, '/', %s)$q$, tab, key, coalesce(g ->> 'owner', key));
        EXECUTE format($q$CREATE OR REPLACE FUNCTION touch_%1$s_added() RETURNS trigger LANGUAGE plpgsql AS $f$
            BEGIN
                PERFORM touch_note((SELECT string_agg(%2$s, '') FROM added AS r));
                RETURN NULL;
            END $f$ $q$, tab, noted);
        EXECUTE format('CREATE OR REPLACE TRIGGER touched_added AFTER INSERT ON %1$s REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION touch_%1$s_added()', tab);
        EXECUTE format($q$CREATE OR REPLACE FUNCTION touch_%1$s() RETURNS trigger LANGUAGE plpgsql AS $f$
            DECLARE r %1$s := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
            BEGIN
                PERFORM touch_note(%2$s);
                RETURN NULL;
            END $f$ $q$, tab, noted);
        EXECUTE format('CREATE OR REPLACE TRIGGER touched AFTER UPDATE OF %2$s OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION touch_%1$s()', tab,
            concat_ws(', ', columns, (SELECT string_agg(name, ', ') FROM jsonb_array_elements_text(g -> 'late') AS name)));
    END LOOP;
    -- What is posted most comes first.
    SELECT string_agg(format($q$
            WHEN '%1$s' THEN RETURN (SELECT s.state FROM %2$s AS s WHERE s.company_id = company AND s.id = row_id);$q$, substr(relname, 7), relname),
            '' ORDER BY relname NOT IN ('state_journal_entry', 'state_allocation', 'state_invoice', 'state_receipt'), relname)
    INTO cases FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND relname LIKE 'state\_%';
    EXECUTE format($q$CREATE OR REPLACE FUNCTION state_of(company uuid, tab text, row_id uuid) RETURNS text LANGUAGE plpgsql STABLE
        SET timezone = 'UTC' SET bytea_output = 'hex' AS $f$
        BEGIN
            CASE tab%s
            END CASE;
        END $f$ $q$, cases);
END $$;

CALL govern('[
    {"table": "journal_entry", "owner": "r.document_id", "children": [{"table": "journal_line", "of": "entry_id", "order": "line_no"}, {"table": "open_item", "of": "entry_id", "order": "id"}]},
    {"table": "allocation"},
    {"table": "invoice", "children": [{"table": "invoice_line", "of": "invoice_id", "order": "line_no"}]},
    {"table": "receipt", "children": [{"table": "receipt_deduction", "of": "receipt_id", "order": "line_no"}]},
    {"table": "customer", "children": [{"table": "customer_gstin", "of": "customer_id", "order": "gstin", "alone": true}, {"table": "customer_contact", "of": "customer_id", "order": "id", "alone": true},
                                       {"table": "customer_address", "of": "customer_id", "order": "id", "alone": true}]},
    {"table": "approval", "children": [{"table": "approval_decision", "of": "approval_id", "order": "step", "alone": true}]},
    {"table": "number_series", "aside": ["next_number", "version"]},
    {"table": "manual_journal"},
    {"table": "write_off", "children": [{"table": "write_off_line", "of": "write_off_id", "order": "line_no"}]},
    {"table": "recovery"},
    {"table": "refund"},
    {"table": "adjustment", "children": [{"table": "adjustment_line", "of": "adjustment_id", "order": "line_no"}]},
    {"table": "opening_item"},
    {"table": "opening_certificate"},
    {"table": "tds_certificate", "children": [{"table": "tds_certificate_line", "of": "certificate_id", "order": "receipt_id, line_no", "alone": true}]},
    {"table": "tds_sighting"},
    {"table": "tds_shortfall"},
    {"table": "revaluation", "children": [{"table": "revaluation_line", "of": "revaluation_id", "order": "currency"}]},
    {"table": "period"},
    {"table": "period_snapshot"},
    {"table": "approval_policy", "id": "md5(r.kind)::uuid"},
    {"table": "sod_waiver"},
    {"table": "exchange_rate"},
    {"table": "payment_terms"},
    {"table": "item"},
    {"table": "bank_account"},
    {"table": "gst_registration"},
    {"table": "gl_account"},
    {"table": "customer_payer"},
    {"table": "company"},
    {"table": "membership", "id": "r.user_id", "aside": ["last_login_at"]},
    {"table": "api_client", "aside": ["last_used_at"]}
]');
