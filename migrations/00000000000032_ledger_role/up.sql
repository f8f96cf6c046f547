-- The functions that guard and move the books see all of their company, whatever portfolio of customers the session has
-- set. They used to clear the setting (SET app.portfolio = '' in steps 3 to 27), but PostgreSQL lets only superusers
-- give a function a setting that no module defines (from version 15 also whom they grant it to), which nobody is on a
-- hosted server. So these clauses were taken out of the earlier steps, and the functions belong to a role whom the
-- portfolio policies do not concern. A database that passed the earlier steps with the clauses comes to the same state.
--
-- The role is no superuser: the policies of companies hold for these functions too.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'duebook_ledger') THEN
        CREATE ROLE duebook_ledger NOLOGIN NOSUPERUSER NOBYPASSRLS;
    ELSIF EXISTS (SELECT FROM pg_roles WHERE rolname = 'duebook_ledger' AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'duebook: the role duebook_ledger must be bound by row-level security';
    END IF;
END $$;
-- So that the owner may replace these functions.
GRANT duebook_ledger TO CURRENT_USER;
GRANT USAGE ON SCHEMA public TO duebook_ledger;
-- It reads what there is and will be, and writes nothing but what these functions write.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO duebook_ledger;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO duebook_ledger;
GRANT INSERT, DELETE ON portfolio_customer TO duebook_ledger;
GRANT INSERT ON former_name TO duebook_ledger;
GRANT INSERT, UPDATE ON customer_balance, open_item_balance TO duebook_ledger;
GRANT UPDATE (state, version, closed_at, closed_by) ON period TO duebook_ledger;
GRANT UPDATE (state, version, decided_at) ON approval TO duebook_ledger;
-- Locks the customer, whose version it does not change.
GRANT UPDATE (version) ON customer TO duebook_ledger;

-- Makes a function one of these. Called after it is created; CREATE OR REPLACE keeps its owner and rights, but takes away
-- SECURITY DEFINER and the path, so it is called after that as well.
CREATE PROCEDURE run_as_ledger(func regprocedure) LANGUAGE plpgsql AS $$
BEGIN
    -- With the temporary schema last: what a session puts there must not stand for a table of ours.
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = public, pg_temp', func);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', func);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO duebook_app', func);
    -- Whom a function is given to must be allowed to create in its schema, at that moment.
    GRANT CREATE ON SCHEMA public TO duebook_ledger;
    EXECUTE format('ALTER FUNCTION %s OWNER TO duebook_ledger', func);
    REVOKE CREATE ON SCHEMA public FROM duebook_ledger;
END $$;

DO $$
DECLARE func regprocedure; kept text;
BEGIN
    FOREACH func IN ARRAY ARRAY[
        'keep_portfolio()', 'keep_former_name()', 'customer_gets_balance()', 'customer_group_is_flat()', 'customer_payer_spans()', 'gl_account_stays()',
        'entry_balances()', 'no_late_rows()', 'open_item_opens()', 'allocation_settles()', 'taken_back_waits_for_nobody()', 'numbers_are_used()',
        'invoice_is_posted()', 'invoice_line_stays()', 'invoice_line_joins()', 'einvoice_cancelled_first()', 'receipt_is_posted()', 'gst_advance_holds()',
        'correction_is_posted()', 'manual_journal_is_posted()', 'approval_maker_is_not_checker()', 'move_period(date, text, bigint, text)',
        'moved_documents(uuid, uuid[], uuid[])', 'state_of(uuid, text, uuid)']::regprocedure[]
    LOOP
        -- All settings go and the others come back, as who may not set one may not reset it either.
        SELECT string_agg(format('SET %s = %L', split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)), ' ') INTO kept
        FROM pg_proc p, unnest(p.proconfig) AS s WHERE p.oid = func AND s NOT LIKE 'app.portfolio=%' AND s NOT LIKE 'search_path=%';
        EXECUTE format('ALTER FUNCTION %s RESET ALL %s', func, kept);
        CALL run_as_ledger(func);
    END LOOP;
    -- The procedure that writes state_of again writes it so.
    EXECUTE replace(replace(pg_get_functiondef('govern(jsonb)'::regprocedure), ' SET app.portfolio = ''''', ''),
        'SET timezone', 'SECURITY DEFINER SET search_path = public, pg_temp SET timezone');
END $$;

-- The policies of portfolios concern the sessions of the service, and no longer everybody.
CREATE OR REPLACE PROCEDURE isolate_portfolio(tab regclass, customer_column text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($p$CREATE POLICY portfolio ON %s AS RESTRICTIVE TO duebook_app USING (
        (SELECT nullif(current_setting('app.portfolio', true), '')) IS NULL
        OR %I IN (SELECT pc.customer_id FROM portfolio_customer pc
                  WHERE pc.company_id = nullif(current_setting('app.company_id', true), '')::uuid
                    AND pc.user_id = nullif(current_setting('app.portfolio', true), '')::uuid))$p$, tab, customer_column);
END $$;
DO $$
DECLARE tab text;
BEGIN
    FOR tab IN SELECT tablename FROM pg_policies WHERE schemaname = 'public' AND policyname = 'portfolio' LOOP
        EXECUTE format('ALTER POLICY portfolio ON %I TO duebook_app', tab);
    END LOOP;
END $$;
