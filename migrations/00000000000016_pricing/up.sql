-- What the price of a document is made of beside its lines, and number series whose dates go with their numbers.

ALTER TABLE invoice
    -- Discount on the whole, charges, the part of the tax that is levied, days of supply and payment, cess by quantity;
    -- null where a document has none of it.
    ADD COLUMN pricing jsonb CHECK (jsonb_typeof(pricing) = 'object'),
    DROP CONSTRAINT invoice_adds_up,
    -- Charges after tax are owed, but no part of the taxable value.
    ADD CONSTRAINT invoice_adds_up CHECK (grand_total = taxable_value + round_off + coalesce((pricing ->> 'other_charges')::numeric, 0)
        + CASE WHEN reverse_charge THEN 0 ELSE cgst + sgst + igst + cess END) NOT VALID;
ALTER TABLE invoice VALIDATE CONSTRAINT invoice_adds_up;

ALTER TABLE number_series
    -- Whether a document must not be dated before the one with the number before; null is no.
    ADD COLUMN dates_ascend boolean,
    -- The newest date a number was taken for, of series that look at it.
    ADD COLUMN last_date date;
GRANT UPDATE (last_date) ON number_series TO duebook_app;

CALL govern('[
    {"table": "invoice", "late": ["pricing"], "children": [{"table": "invoice_line", "of": "invoice_id", "order": "line_no"}]},
    {"table": "number_series", "aside": ["next_number", "version", "last_date"], "late": ["dates_ascend"]}
]');
