DROP TRIGGER einvoice_cancelled_first ON invoice;
DROP VIEW state_einvoice, state_gst_registration, state_company;
DROP TABLE einvoice;
DROP FUNCTION einvoice_cancelled_first, einvoice_stays, touch_einvoice, touch_einvoice_added;
DROP TRIGGER touched ON gst_registration;
DROP TRIGGER touched ON company;
ALTER TABLE gst_registration DROP COLUMN trade_name, DROP COLUMN address, DROP COLUMN phone, DROP COLUMN email, DROP COLUMN vpa;
ALTER TABLE company DROP COLUMN turnover, DROP COLUMN einvoice_excluded_as;
CALL govern('[{"table": "gst_registration"}, {"table": "company"}]');
