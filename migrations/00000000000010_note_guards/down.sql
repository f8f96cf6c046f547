CREATE OR REPLACE FUNCTION invoice_is_posted() RETURNS trigger LANGUAGE plpgsql SET app.portfolio = '' AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.id = NEW.entry_id AND e.document_id = NEW.id
                   AND e.document_kind = NEW.kind AND e.posting_date = coalesce(NEW.posting_date, NEW.invoice_date))
       OR (SELECT coalesce(sum(o.amount), 0) FROM open_item o WHERE o.company_id = NEW.company_id AND o.entry_id = NEW.entry_id
           AND o.side = CASE NEW.kind WHEN 'credit_note' THEN 'credit' ELSE 'debit' END) <> NEW.grand_total
       OR NEW.status = 'cancelled' AND NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = NEW.company_id AND e.reverses_id = NEW.entry_id) THEN
        RAISE EXCEPTION 'duebook: document % does not stand in the books as it says', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_is_posted';
    END IF;
    IF NEW.kind = 'credit_note' AND NEW.original_invoice_id IS NOT NULL AND NEW.status = 'issued'
       AND (SELECT sum(n.grand_total) FROM invoice n WHERE n.company_id = NEW.company_id AND n.original_invoice_id = NEW.original_invoice_id AND n.kind = 'credit_note' AND n.status = 'issued')
         > (SELECT o.grand_total FROM invoice o WHERE o.company_id = NEW.company_id AND o.id = NEW.original_invoice_id) THEN
        RAISE EXCEPTION 'duebook: more is credited than invoice % came to', NEW.original_invoice_id USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_within_original';
    END IF;
    RETURN NULL;
END $$;
