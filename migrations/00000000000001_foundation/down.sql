DROP TABLE audit_checkpoint, audit_leaf, audit_event, idempotency_key, api_client, revocation, refresh_token, app_user, membership, company CASCADE;
DROP PROCEDURE isolate_identity, isolate_portfolio, isolate_company, make_append_only;
DROP FUNCTION refuse_change;
DROP DOMAIN money_amount;
REVOKE USAGE ON SCHEMA public FROM duebook_app;
-- The role stays: other databases of the cluster may use it.
