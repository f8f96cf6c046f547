DROP TABLE import_row, import_piece, import;
DROP INDEX receipt_unreferenced;
DROP VIEW state_api_client, state_write_off, state_adjustment, state_refund;
DROP TRIGGER touched ON api_client;
DROP TRIGGER touched ON write_off;
DROP TRIGGER touched ON adjustment;
DROP TRIGGER touched ON refund;
ALTER TABLE write_off DROP COLUMN external_id;
ALTER TABLE adjustment DROP COLUMN external_id;
ALTER TABLE refund DROP COLUMN external_id;
DROP INDEX api_client_changed;
ALTER TABLE api_client DROP COLUMN allowed_ips, DROP COLUMN requests_per_minute, DROP COLUMN previous_secret_hash, DROP COLUMN previous_secret_until,
    DROP COLUMN secret_used_at, DROP COLUMN last_used_ip, DROP COLUMN revoked_at;
CALL govern('[
    {"table": "api_client", "aside": ["last_used_at"]},
    {"table": "write_off", "children": [{"table": "write_off_line", "of": "write_off_id", "order": "line_no"}]},
    {"table": "adjustment", "children": [{"table": "adjustment_line", "of": "adjustment_id", "order": "line_no"}]},
    {"table": "refund"}
]');
