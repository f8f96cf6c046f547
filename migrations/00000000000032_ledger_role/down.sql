DO $$
DECLARE tab text;
BEGIN
    FOR tab IN SELECT tablename FROM pg_policies WHERE schemaname = 'public' AND policyname = 'portfolio' LOOP
        EXECUTE format('ALTER POLICY portfolio ON %I TO PUBLIC', tab);
    END LOOP;
END $$;
CREATE OR REPLACE PROCEDURE isolate_portfolio(tab regclass, customer_column text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($p$CREATE POLICY portfolio ON %s AS RESTRICTIVE USING (
        (SELECT nullif(current_setting('app.portfolio', true), '')) IS NULL
        OR %I IN (SELECT pc.customer_id FROM portfolio_customer pc
                  WHERE pc.company_id = nullif(current_setting('app.company_id', true), '')::uuid
                    AND pc.user_id = nullif(current_setting('app.portfolio', true), '')::uuid))$p$, tab, customer_column);
END $$;

DO $$
DECLARE func regprocedure;
BEGIN
    EXECUTE replace(pg_get_functiondef('govern(jsonb)'::regprocedure), 'SECURITY DEFINER SET search_path = public, pg_temp SET timezone', 'SET timezone');
    FOR func IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proowner = 'duebook_ledger'::regrole LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO CURRENT_USER', func);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', func);
        IF func = ANY (ARRAY['keep_portfolio()', 'keep_former_name()', 'customer_gets_balance()', 'open_item_opens()', 'allocation_settles()', 'move_period(date, text, bigint, text)']::regprocedure[]) THEN
            EXECUTE format('ALTER FUNCTION %s SET search_path = public', func);
        ELSE
            EXECUTE format('ALTER FUNCTION %s SECURITY INVOKER RESET search_path', func);
        END IF;
        -- As it was, where that can be said.
        IF has_parameter_privilege('app.portfolio', 'SET') THEN
            EXECUTE format('ALTER FUNCTION %s SET app.portfolio = %L', func, '');
        END IF;
    END LOOP;
END $$;
DROP PROCEDURE run_as_ledger;

ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM duebook_ledger;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM duebook_ledger;
REVOKE UPDATE (state, version, closed_at, closed_by) ON period FROM duebook_ledger;
REVOKE UPDATE (state, version, decided_at) ON approval FROM duebook_ledger;
REVOKE UPDATE (version) ON customer FROM duebook_ledger;
REVOKE USAGE ON SCHEMA public FROM duebook_ledger;
-- The role stays: other databases of the cluster may use it.
