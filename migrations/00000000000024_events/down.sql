DROP VIEW state_webhook_endpoint;
DROP TABLE webhook_attempt, webhook_delivery, webhook_endpoint, event_feed, event;
DROP FUNCTION touch_webhook_endpoint, touch_webhook_endpoint_added, moved_documents;
REVOKE SELECT ON SEQUENCE audit_order FROM duebook_app;
-- Without the table that is gone.
CALL govern('[]');
