DROP INDEX invoice_cancelled, invoice_return;
DROP VIEW state_gst_return;
DROP TABLE gst_return_document, gst_return;
DROP FUNCTION touch_gst_return, touch_gst_return_added;
CALL govern('[]');
