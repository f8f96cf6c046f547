DROP INDEX invoice_shipped;
DROP VIEW state_gst_return_shipping;
DROP TABLE gst_return_shipping;
DROP FUNCTION touch_gst_return_shipping, touch_gst_return_shipping_added;
CALL govern('[]');
