DROP TABLE import_row, import_piece, import;
DROP INDEX receipt_unreferenced;
DROP VIEW state_api_client;
DROP TRIGGER touched ON api_client;
DROP INDEX api_client_changed;
ALTER TABLE api_client DROP COLUMN allowed_ips, DROP COLUMN requests_per_minute, DROP COLUMN previous_secret_hash, DROP COLUMN previous_secret_until,
    DROP COLUMN secret_used_at, DROP COLUMN last_used_ip, DROP COLUMN revoked_at;
CALL govern('[{"table": "api_client", "aside": ["last_used_at"]}]');
