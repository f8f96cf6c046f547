DROP TABLE revaluation_line, revaluation;
DROP TABLE manual_journal;
DROP FUNCTION manual_journal_stays, manual_journal_is_posted;
DROP TRIGGER stays ON gl_account;
ALTER TABLE gl_account DROP CONSTRAINT gl_account_role_active, DROP CONSTRAINT gl_account_code_form, DROP CONSTRAINT gl_account_name_form,
    DROP COLUMN active, DROP COLUMN version, DROP COLUMN updated_at;
REVOKE UPDATE (role, is_control) ON gl_account FROM duebook_app;
DROP FUNCTION gl_account_stays, move_period;
CREATE OR REPLACE FUNCTION require_open_period(company uuid, day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_state text;
BEGIN
    SELECT state INTO found_state FROM period
    WHERE company_id = company AND starts_on = date_trunc('month', day)::date FOR SHARE;
    IF found_state IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'duebook: period is %', coalesce(found_state, 'missing')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'period_open',
                  DETAIL = format('The period %s is %s; choose a date in an open one.', to_char(day, 'YYYY-MM'), coalesce(replace(found_state, '_', ' '), 'not part of the books'));
    END IF;
END $$;
DROP FUNCTION takes_postings, books_lock;
DROP TABLE period_snapshot;
ALTER TABLE period DROP CONSTRAINT period_id_key, DROP COLUMN id, DROP COLUMN closed_at, DROP COLUMN closed_by;
ALTER TABLE company DROP COLUMN soft_close_roles;
