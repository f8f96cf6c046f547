CREATE OR REPLACE FUNCTION invoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status NOT IN ('draft', 'pending_approval') THEN
            RAISE EXCEPTION 'duebook: an issued document is never deleted' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status = 'cancelled' OR (OLD.status = 'issued' AND (
        NEW.status <> 'cancelled' OR
        to_jsonb(NEW) - ARRAY['status', 'cancelled_on', 'cancel_reason', 'version', 'updated_at']
        IS DISTINCT FROM to_jsonb(OLD) - ARRAY['status', 'cancelled_on', 'cancel_reason', 'version', 'updated_at'])) THEN
        RAISE EXCEPTION 'duebook: an issued document never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CALL govern('[
    {"table": "invoice", "late": ["pricing"],
     "aside": ["ecommerce_operator_gstin", "ecommerce_section", "shipping_bill_number", "shipping_bill_date", "port_code", "seller_composition", "buyer_composition"],
     "children": [{"table": "invoice_line", "of": "invoice_id", "order": "line_no"}]},
    {"table": "gst_registration", "late": ["trade_name", "address", "phone", "email", "vpa"], "aside": ["type"]}
]');
ALTER TABLE customer
    DROP CONSTRAINT customer_kind_check,
    ADD CONSTRAINT customer_kind_check CHECK (kind IN ('b2b', 'b2c', 'lessor', 'sez', 'export'));
ALTER TABLE gst_registration DROP COLUMN type;
ALTER TABLE invoice
    DROP CONSTRAINT invoice_adds_up,
    DROP COLUMN ecommerce_operator_gstin, DROP COLUMN ecommerce_section, DROP COLUMN shipping_bill_number, DROP COLUMN shipping_bill_date, DROP COLUMN port_code,
    DROP COLUMN seller_composition, DROP COLUMN buyer_composition,
    ADD CONSTRAINT invoice_adds_up CHECK (grand_total = taxable_value + round_off + coalesce((pricing ->> 'other_charges')::numeric, 0)
        + CASE WHEN reverse_charge THEN 0 ELSE cgst + sgst + igst + cess END);
