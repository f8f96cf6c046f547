-- What is thought of customers' credit: scores by a scorecard that is data, appraisals, and when credit is looked at again.

-- What is weighed how much, in versions that are only added.
CREATE TABLE credit_scorecard (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT credit_scorecard_version_key UNIQUE (company_id, version)
);
CALL isolate_company('credit_scorecard');
CALL make_append_only('credit_scorecard');

-- One run over customers at the end of a day.
CREATE TABLE credit_score_run (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    as_of date NOT NULL,
    scorecard_version bigint NOT NULL,
    scored bigint NOT NULL,
    unscored bigint NOT NULL,
    changed bigint NOT NULL,
    -- {"a": 120, …}
    classes jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id)
);
CREATE INDEX credit_score_run_day ON credit_score_run (company_id, as_of);
CALL isolate_company('credit_score_run');
CALL make_append_only('credit_score_run');

-- What was found of a customer, kept when it differs from what was found before; the last one of a day up to it holds on it.
CREATE TABLE credit_score (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    -- Null: kept when a person set the class.
    run_id uuid,
    customer_id uuid NOT NULL,
    as_of date NOT NULL,
    scorecard_version bigint NOT NULL,
    -- Null: too little is known.
    score numeric(5, 2) CHECK (score BETWEEN 0 AND 100),
    scored_class text CHECK (scored_class ~ '^[A-E]$'),
    -- The class that holds.
    class text CHECK (class ~ '^[A-E]$'),
    class_source text CHECK (class_source IN ('score', 'appraisal', 'manual')),
    -- Cycles in a row that scored better than the class, and the worst class of them.
    streak integer NOT NULL CHECK (streak >= 0),
    towards text CHECK (towards ~ '^[A-E]$'),
    known numeric(5, 2) NOT NULL,
    receivable money_amount NOT NULL,
    overdue money_amount NOT NULL,
    explanation jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, run_id) REFERENCES credit_score_run (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    CHECK ((class IS NULL) = (class_source IS NULL))
);
CREATE INDEX credit_score_customer ON credit_score (company_id, customer_id, as_of, id);
CREATE INDEX credit_score_day ON credit_score (company_id, as_of, id);
CREATE INDEX credit_score_run_scores ON credit_score (company_id, run_id, id);
CREATE INDEX credit_score_class ON credit_score (company_id, class, as_of);
CREATE INDEX credit_score_points ON credit_score (company_id, (coalesce(score, -1)), id);
CALL isolate_company('credit_score');
CALL isolate_portfolio('credit_score', 'customer_id');
CALL make_append_only('credit_score');

CREATE INDEX credit_profile_class ON credit_profile (company_id, risk_class) WHERE risk_class IS NOT NULL;
CREATE INDEX credit_profile_watch ON credit_profile (company_id, customer_id) WHERE watch;

CREATE TABLE credit_appraisal (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    external_id text,
    customer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('new', 'review')),
    status text NOT NULL CHECK (status IN ('draft', 'pending_approval', 'approved')),
    trigger text NOT NULL CHECK (trigger IN ('manual', 'calendar', 'overdue', 'broken_promise', 'bounce', 'limit_use')),
    trigger_detail text,
    due_on date,
    -- Figures, references, security, papers, as the caller gave them.
    content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
    -- Score with explanation, caps with formulas.
    assessment jsonb NOT NULL CHECK (jsonb_typeof(assessment) = 'object'),
    -- {"limit", "terms_days", "risk_class", "review_on"}
    decision jsonb,
    requested_limit money_amount CHECK (requested_limit >= 0),
    -- The bureaus' points, 0 to 100.
    external_grade numeric(5, 2) CHECK (external_grade BETWEEN 0 AND 100),
    credit_limit_id uuid,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    updated_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    PRIMARY KEY (company_id, id),
    CONSTRAINT credit_appraisal_external_id_key UNIQUE (company_id, external_id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, credit_limit_id) REFERENCES credit_limit (company_id, id),
    CHECK ((status = 'draft') = (decision IS NULL)),
    CHECK ((status = 'approved') = (credit_limit_id IS NOT NULL) AND (status = 'approved') = (decided_at IS NOT NULL))
);
-- A customer is appraised once at a time.
CREATE UNIQUE INDEX credit_appraisal_open_once ON credit_appraisal (company_id, customer_id) WHERE status <> 'approved';
CREATE INDEX credit_appraisal_customer ON credit_appraisal (company_id, customer_id, decided_at);
CREATE INDEX credit_appraisal_created ON credit_appraisal (company_id, created_at, id);
CREATE INDEX credit_appraisal_due ON credit_appraisal (company_id, due_on, id) WHERE status <> 'approved';
CREATE INDEX credit_appraisal_due_order ON credit_appraisal (company_id, (coalesce(due_on, 'infinity')), id);
CREATE INDEX credit_appraisal_status ON credit_appraisal (company_id, status, created_at);
CREATE INDEX credit_appraisal_kind ON credit_appraisal (company_id, kind, created_at);
CREATE INDEX credit_appraisal_trigger ON credit_appraisal (company_id, trigger, created_at);
CREATE INDEX credit_appraisal_amount ON credit_appraisal (company_id, requested_limit);
CALL isolate_company('credit_appraisal');
CALL isolate_portfolio('credit_appraisal', 'customer_id');
GRANT SELECT, INSERT ON credit_appraisal TO duebook_app;
GRANT UPDATE (status, due_on, content, assessment, decision, requested_limit, external_grade, credit_limit_id, version, updated_by, updated_at, decided_at) ON credit_appraisal TO duebook_app;
-- What was approved stays.
CREATE FUNCTION credit_appraisal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status = 'approved' OR NEW.version <> OLD.version + 1
       OR OLD.status = 'draft' AND NEW.status = 'approved'
       OR OLD.status = 'pending_approval' AND NEW.content IS DISTINCT FROM OLD.content THEN
        RAISE EXCEPTION 'duebook: what an appraisal decided never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON credit_appraisal FOR EACH ROW EXECUTE FUNCTION credit_appraisal_stays();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON credit_appraisal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CALL govern('[
    {"table": "credit_scorecard"},
    {"table": "credit_score_run"},
    {"table": "credit_appraisal"}
]');
