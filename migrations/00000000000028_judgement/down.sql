DROP VIEW state_credit_scorecard, state_credit_score_run, state_credit_appraisal;
DROP TABLE credit_appraisal;
DROP FUNCTION credit_appraisal_stays;
DROP INDEX credit_profile_class, credit_profile_watch;
DROP TABLE credit_score, credit_score_run, credit_scorecard;
