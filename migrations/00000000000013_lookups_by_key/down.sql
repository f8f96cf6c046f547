CREATE OR REPLACE FUNCTION no_late_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT company_id, entry_id, posting_date FROM added) AS a
               LEFT JOIN journal_entry e ON e.company_id = a.company_id AND e.id = a.entry_id
               WHERE e.xid IS DISTINCT FROM pg_current_xact_id() OR e.posting_date <> a.posting_date) THEN
        RAISE EXCEPTION 'duebook: the entry is already posted' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION invoice_line_joins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT company_id, invoice_id FROM added) AS a
               LEFT JOIN invoice i ON i.company_id = a.company_id AND i.id = a.invoice_id
               LEFT JOIN journal_entry e ON e.company_id = i.company_id AND e.id = i.entry_id
               WHERE i.id IS NULL OR i.status NOT IN ('draft', 'pending_approval') AND e.xid IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'duebook: the document is already issued' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NULL;
END $$;
