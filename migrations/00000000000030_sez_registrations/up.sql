-- A registration may be that of a unit or the developer of a special economic zone, whose supplies are all
-- inter-State (IGST Act s.7(5)(b)).
ALTER TABLE gst_registration
    DROP CONSTRAINT gst_registration_type_check,
    ADD CONSTRAINT gst_registration_type_check CHECK (type IN ('composition', 'sez'));
