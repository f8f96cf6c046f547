CALL govern('[
    {"table": "invoice", "aside": ["pricing"], "children": [{"table": "invoice_line", "of": "invoice_id", "order": "line_no"}]},
    {"table": "number_series", "aside": ["next_number", "version", "last_date", "dates_ascend"]}
]');
ALTER TABLE number_series DROP COLUMN dates_ascend, DROP COLUMN last_date;
ALTER TABLE invoice
    DROP CONSTRAINT invoice_adds_up,
    DROP COLUMN pricing,
    ADD CONSTRAINT invoice_adds_up CHECK (grand_total = taxable_value + round_off + CASE WHEN reverse_charge THEN 0 ELSE cgst + sgst + igst + cess END);
