-- What GST wants to know of a supply besides its price: the e-commerce operator it goes through, the shipping bill of an
-- export, and who of the two parties is a composition dealer.

ALTER TABLE invoice
    -- The operator, and the section of the CGST Act: by 52 it collects tax at source, by 9(5) it pays the tax itself.
    ADD COLUMN ecommerce_operator_gstin text CHECK (ecommerce_operator_gstin ~ '^[0-9]{2}[0-9A-Z]{13}$'),
    ADD COLUMN ecommerce_section text CHECK (ecommerce_section IN ('52', '9_5')),
    -- Known to customs, often after the invoice was issued.
    ADD COLUMN shipping_bill_number text CHECK (shipping_bill_number ~ '^[0-9]{3,7}$'),
    ADD COLUMN shipping_bill_date date,
    ADD COLUMN port_code text CHECK (port_code ~ '^[A-Z0-9]{6}$'),
    -- As they were when it was issued; null is no.
    ADD COLUMN seller_composition boolean,
    ADD COLUMN buyer_composition boolean,
    ADD CONSTRAINT invoice_operator CHECK ((ecommerce_operator_gstin IS NULL) = (ecommerce_section IS NULL)),
    ADD CONSTRAINT invoice_shipping CHECK (shipping_bill_number IS NULL AND shipping_bill_date IS NULL AND port_code IS NULL OR supply_type IN ('EXPWP', 'EXPWOP')),
    DROP CONSTRAINT invoice_adds_up,
    -- Tax that the recipient or the operator pays is no part of what is owed.
    ADD CONSTRAINT invoice_adds_up CHECK (grand_total = taxable_value + round_off + coalesce((pricing ->> 'other_charges')::numeric, 0)
        + CASE WHEN reverse_charge OR ecommerce_section = '9_5' THEN 0 ELSE cgst + sgst + igst + cess END) NOT VALID,
    ADD CONSTRAINT invoice_composition CHECK (seller_composition IS NOT TRUE OR cgst = 0 AND sgst = 0 AND igst = 0 AND cess = 0);
ALTER TABLE invoice VALIDATE CONSTRAINT invoice_adds_up;

-- composition (CGST Act s.10); null is regular.
ALTER TABLE gst_registration ADD COLUMN type text CHECK (type = 'composition');

ALTER TABLE customer
    DROP CONSTRAINT customer_kind_check,
    ADD CONSTRAINT customer_kind_check CHECK (kind IN ('b2b', 'b2c', 'lessor', 'sez', 'export', 'composition'));

-- As in step 6; and the shipping bill of an export is added, or mended, when it is known.
CREATE OR REPLACE FUNCTION invoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cancelling text[] := ARRAY['status', 'cancelled_on', 'cancel_reason', 'version', 'updated_at'];
    shipping text[] := ARRAY['shipping_bill_number', 'shipping_bill_date', 'port_code', 'version', 'updated_at'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status NOT IN ('draft', 'pending_approval') THEN
            RAISE EXCEPTION 'duebook: an issued document is never deleted' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status = 'cancelled' OR OLD.status = 'issued' AND NOT (
        NEW.status = 'cancelled' AND to_jsonb(NEW) - cancelling IS NOT DISTINCT FROM to_jsonb(OLD) - cancelling
        OR NEW.status = 'issued' AND NEW.version = OLD.version + 1 AND to_jsonb(NEW) - shipping IS NOT DISTINCT FROM to_jsonb(OLD) - shipping) THEN
        RAISE EXCEPTION 'duebook: an issued document never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;

CALL govern('[
    {"table": "invoice", "late": ["pricing", "ecommerce_operator_gstin", "ecommerce_section", "shipping_bill_number", "shipping_bill_date", "port_code", "seller_composition", "buyer_composition"],
     "children": [{"table": "invoice_line", "of": "invoice_id", "order": "line_no"}]},
    {"table": "gst_registration", "late": ["trade_name", "address", "phone", "email", "vpa", "type"]}
]');
