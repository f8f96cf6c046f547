ALTER TABLE gst_registration
    DROP CONSTRAINT gst_registration_type_check,
    ADD CONSTRAINT gst_registration_type_check CHECK (type = 'composition');
