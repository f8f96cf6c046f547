DROP INDEX audit_event_actor, audit_event_action, audit_event_request, audit_event_time;
DROP VIEW state_export, state_membership;
DROP TRIGGER touched ON membership;
DROP TABLE export, job;
DROP FUNCTION touch_export, touch_export_added;
ALTER TABLE membership DROP COLUMN valid_from, DROP COLUMN valid_to;
CALL govern('[{"table": "membership", "id": "r.user_id", "aside": ["last_login_at"]}]');
