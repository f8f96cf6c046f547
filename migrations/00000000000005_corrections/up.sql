-- More kinds of numbered documents and of allocations.
ALTER TABLE number_series DROP CONSTRAINT number_series_document_kind_check;
ALTER TABLE number_series ADD CONSTRAINT number_series_document_kind_check
    CHECK (document_kind IN ('invoice', 'credit_note', 'debit_note', 'receipt', 'refund', 'write_off', 'adjustment', 'journal'));
ALTER TABLE allocation DROP CONSTRAINT allocation_kind_check;
ALTER TABLE allocation ADD CONSTRAINT allocation_kind_check
    CHECK (kind IN ('cash', 'tds', 'discount', 'charge', 'retention', 'credit', 'round_off', 'write_off', 'adjustment', 'refund', 'recovery', 'reversal'));
