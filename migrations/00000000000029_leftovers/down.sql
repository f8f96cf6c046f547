DROP INDEX audit_event_kind;
ALTER TABLE audit_event DROP COLUMN ip;
