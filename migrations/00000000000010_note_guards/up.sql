-- What says it is issued is posted for its total, and what says it is cancelled is taken back; credit
-- never exceeds the invoice it corrects, nor what that bears at a rate, and no invoice is cancelled under its
-- notes. Judged at commit.
CREATE OR REPLACE FUNCTION invoice_is_posted() RETURNS trigger LANGUAGE plpgsql SET app.portfolio = '' AS $$
BEGIN
    IF NEW.status = 'cancelled' AND EXISTS (SELECT FROM invoice n WHERE n.company_id = NEW.company_id AND n.original_invoice_id = NEW.id AND n.status IN ('pending_approval', 'issued'))
       OR NEW.status = 'issued' AND EXISTS (SELECT FROM invoice o WHERE o.company_id = NEW.company_id AND o.id = NEW.original_invoice_id AND o.status <> 'issued') THEN
        RAISE EXCEPTION 'duebook: notes against an invoice stand only while it stands (%)', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'notes_stand_on_invoice';
    END IF;
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
    IF NEW.kind = 'credit_note' AND NEW.original_invoice_id IS NOT NULL AND NEW.status = 'issued' AND NEW.tax_effect = 'gst' AND EXISTS (
        SELECT FROM (SELECT l.treatment, l.tax_rate, sum(l.taxable_value) AS taxable, sum(l.cgst) AS cgst, sum(l.sgst) AS sgst, sum(l.igst) AS igst, sum(l.cess) AS cess
                     FROM invoice n JOIN invoice_line l ON l.company_id = n.company_id AND l.invoice_id = n.id
                     WHERE n.company_id = NEW.company_id AND n.original_invoice_id = NEW.original_invoice_id AND n.kind = 'credit_note' AND n.status = 'issued' AND n.tax_effect = 'gst'
                     GROUP BY l.treatment, l.tax_rate) AS back
        LEFT JOIN (SELECT l.treatment, l.tax_rate, sum(l.taxable_value) AS taxable, sum(l.cgst) AS cgst, sum(l.sgst) AS sgst, sum(l.igst) AS igst, sum(l.cess) AS cess
                   FROM invoice_line l WHERE l.company_id = NEW.company_id AND l.invoice_id = NEW.original_invoice_id GROUP BY l.treatment, l.tax_rate) AS charged USING (treatment, tax_rate)
        WHERE charged.taxable IS NULL OR back.taxable > charged.taxable OR back.cgst > charged.cgst OR back.sgst > charged.sgst OR back.igst > charged.igst OR back.cess > charged.cess) THEN
        RAISE EXCEPTION 'duebook: more tax is taken back than invoice % bears at a rate', NEW.original_invoice_id USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_within_original';
    END IF;
    RETURN NULL;
END $$;
