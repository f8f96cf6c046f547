-- What auditors look for, and the ways there.

-- Where a change came from, for finding: out of the body that is sealed, in which it stands before anything a caller wrote.
ALTER TABLE audit_event ADD COLUMN ip text GENERATED ALWAYS AS (substring(body FROM '"ip":(?:"([0-9A-Fa-f:.]+)"|null)')) STORED;
CREATE INDEX audit_event_ip ON audit_event (company_id, ip, recorded_at) WHERE ip IS NOT NULL;
CREATE INDEX audit_event_kind ON audit_event (company_id, object, recorded_at);
