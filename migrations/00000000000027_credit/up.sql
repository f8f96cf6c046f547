-- Credit: whose order is delivered on account, up to what amount, and who decides where that is exceeded.

-- A group is a parent and its children; a child has one parent, which has none itself.
ALTER TABLE customer
    ADD COLUMN parent_id uuid,
    ADD CONSTRAINT customer_parent_is_another CHECK (parent_id <> id),
    ADD CONSTRAINT customer_parent FOREIGN KEY (company_id, parent_id) REFERENCES customer (company_id, id);
CREATE INDEX customer_children ON customer (company_id, parent_id) WHERE parent_id IS NOT NULL;
GRANT UPDATE (parent_id) ON customer TO duebook_app;
CREATE FUNCTION customer_group_is_flat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM customer WHERE company_id = NEW.company_id AND id = NEW.parent_id AND parent_id IS NOT NULL)
       OR EXISTS (SELECT FROM customer WHERE company_id = NEW.company_id AND parent_id = NEW.id) THEN
        RAISE EXCEPTION 'duebook: a parent has no parent' USING ERRCODE = 'check_violation', CONSTRAINT = 'customer_group_is_flat';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER group_is_flat AFTER INSERT OR UPDATE OF parent_id ON customer DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION customer_group_is_flat();
CALL govern('[
    {"table": "customer", "late": ["parent_id"],
     "children": [{"table": "customer_gstin", "of": "customer_id", "order": "gstin", "alone": true}, {"table": "customer_contact", "of": "customer_id", "order": "id", "alone": true},
                  {"table": "customer_address", "of": "customer_id", "order": "id", "alone": true}]}
]');

-- What is open of a customer in the order it falls due: the oldest is the first one found.
DROP INDEX open_item_balance_open;
CREATE INDEX open_item_balance_open ON open_item_balance (company_id, customer_id, side, due_date) WHERE open_amount > 0;

-- Cheques that are in the books and not paid by a bank yet.
CREATE INDEX receipt_uncleared ON receipt (company_id, customer_id) WHERE clearing IN ('received', 'deposited') AND state NOT IN ('held', 'reversed', 'bounced');

-- How credit is judged, in versions that are only added.
CREATE TABLE credit_policy (
    company_id uuid NOT NULL REFERENCES company (id),
    id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    effective_from date NOT NULL,
    content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
    reason text NOT NULL,
    created_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    CONSTRAINT credit_policy_version_key UNIQUE (company_id, version)
);
CALL isolate_company('credit_policy');
CALL make_append_only('credit_policy');

-- What credit knows of a customer beside the limit; no row is all defaults.
CREATE TABLE credit_profile (
    company_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- Every order waits, whatever the limit says.
    hold_all boolean NOT NULL DEFAULT false,
    hold_reason text,
    watch boolean NOT NULL DEFAULT false,
    risk_class text CHECK (risk_class ~ '^[A-E]$'),
    risk_score integer CHECK (risk_score BETWEEN 0 AND 100),
    -- The next review is due on this day.
    review_on date,
    version bigint NOT NULL DEFAULT 1,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, customer_id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id)
);
CREATE INDEX credit_profile_held ON credit_profile (company_id, customer_id) WHERE hold_all;
CREATE INDEX credit_profile_review ON credit_profile (company_id, review_on) WHERE review_on IS NOT NULL;
CALL isolate_company('credit_profile');
CALL isolate_portfolio('credit_profile', 'customer_id');
GRANT SELECT, INSERT ON credit_profile TO duebook_app;
GRANT UPDATE (hold_all, hold_reason, watch, risk_class, risk_score, review_on, version, updated_by, updated_at) ON credit_profile TO duebook_app;

CREATE TABLE credit_limit (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- The customer's own, or what the parent and its children share.
    scope text NOT NULL CHECK (scope IN ('own', 'group')),
    status text NOT NULL CHECK (status IN ('pending_approval', 'active', 'superseded', 'rejected', 'expired')),
    currency text NOT NULL,
    -- Null: no check; 0: cash only.
    amount money_amount CHECK (amount >= 0),
    temporary boolean NOT NULL DEFAULT false,
    valid_from date NOT NULL,
    -- The last day it holds.
    valid_to date,
    -- [{"kind", "amount", "valid_to", "reference"}]: what is insured, guaranteed or deposited, in the limit's currency.
    cover jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(cover) = 'array'),
    reason text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    CHECK (valid_to >= valid_from),
    CHECK (NOT temporary OR valid_to IS NOT NULL AND amount IS NOT NULL)
);
CREATE INDEX credit_limit_customer ON credit_limit (company_id, customer_id, scope, valid_from);
CREATE INDEX credit_limit_created ON credit_limit (company_id, created_at, id);
CREATE INDEX credit_limit_status ON credit_limit (company_id, status, created_at);
CREATE INDEX credit_limit_ends ON credit_limit (company_id, valid_to) WHERE status = 'active' AND valid_to IS NOT NULL;
CREATE INDEX credit_limit_amount ON credit_limit (company_id, amount, id);
CALL isolate_company('credit_limit');
CALL isolate_portfolio('credit_limit', 'customer_id');
GRANT SELECT, INSERT ON credit_limit TO duebook_app;
GRANT UPDATE (status, valid_from, version, decided_at) ON credit_limit TO duebook_app;

-- One question: may this order go out on account. With what was known and which rules fired, for ever; and how much
-- of its amount stands at which stage until it is billed or given up.
CREATE TABLE credit_check (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    order_id text NOT NULL,
    currency text NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    exchange_rate numeric(20, 8) NOT NULL CHECK (exchange_rate BETWEEN 0.00000001 AND 99999999),
    terms_days integer CHECK (terms_days BETWEEN 0 AND 365),
    result text NOT NULL CHECK (result IN ('pass', 'warn', 'hold')),
    policy_version bigint NOT NULL,
    facts jsonb NOT NULL,
    rules jsonb NOT NULL,
    -- The check of the same order before it.
    replaces_id uuid,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    status text NOT NULL CHECK (status IN ('pass', 'warn', 'hold', 'consumed', 'expired', 'cancelled', 'replaced')),
    reserved money_amount NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    ordered money_amount NOT NULL DEFAULT 0 CHECK (ordered >= 0),
    delivered money_amount NOT NULL DEFAULT 0 CHECK (delivered >= 0),
    billed money_amount NOT NULL DEFAULT 0 CHECK (billed >= 0),
    freed money_amount NOT NULL DEFAULT 0 CHECK (freed >= 0),
    -- What is reserved counts until then.
    expires_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    FOREIGN KEY (company_id, replaces_id) REFERENCES credit_check (company_id, id),
    CONSTRAINT credit_check_adds_up CHECK (reserved + ordered + delivered + billed + freed <= amount),
    CHECK (reserved = 0 OR expires_at IS NOT NULL)
) WITH (fillfactor = 80);
-- An order has one check that stands.
CREATE UNIQUE INDEX credit_check_order ON credit_check (company_id, order_id) WHERE status IN ('pass', 'warn', 'hold');
CREATE INDEX credit_check_by_order ON credit_check (company_id, order_id, created_at);
CREATE INDEX credit_check_counts ON credit_check (company_id, customer_id) WHERE reserved + ordered + delivered > 0;
CREATE INDEX credit_check_expires ON credit_check (company_id, expires_at) WHERE reserved > 0;
CREATE INDEX credit_check_customer ON credit_check (company_id, customer_id, created_at);
CREATE INDEX credit_check_created ON credit_check (company_id, created_at, id);
CREATE INDEX credit_check_status ON credit_check (company_id, status, created_at);
CREATE INDEX credit_check_amount ON credit_check (company_id, amount, id);
CALL isolate_company('credit_check');
CALL isolate_portfolio('credit_check', 'customer_id');
GRANT SELECT, INSERT ON credit_check TO duebook_app;
GRANT UPDATE (status, reserved, ordered, delivered, billed, freed, expires_at, version, updated_at) ON credit_check TO duebook_app;

-- How the amount of an order went from stage to stage, so that every past day can be told.
CREATE TABLE credit_move (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    check_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    stage text NOT NULL CHECK (stage IN ('reserved', 'ordered', 'delivered')),
    amount money_amount NOT NULL CHECK (amount <> 0),
    moved_on date NOT NULL,
    invoice_id uuid,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, check_id) REFERENCES credit_check (company_id, id)
);
CREATE INDEX credit_move_check ON credit_move (company_id, check_id);
CREATE INDEX credit_move_customer ON credit_move (company_id, customer_id, moved_on);
CALL isolate_company('credit_move');
CALL isolate_portfolio('credit_move', 'customer_id');
CALL make_append_only('credit_move');

CREATE TABLE order_hold (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    check_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    order_id text NOT NULL,
    currency text NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    base_amount money_amount NOT NULL CHECK (base_amount > 0),
    -- What was known of the customer when the order was stopped, beside the facts of the check.
    evidence jsonb NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'escalated', 'released', 'rejected', 'expired')),
    -- Up by one with every escalation.
    level integer NOT NULL DEFAULT 1 CHECK (level BETWEEN 1 AND 9),
    released_amount money_amount CHECK (released_amount > 0),
    -- The last day the release holds.
    released_until date,
    decided_by text,
    decided_at timestamptz,
    decision_reason text,
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, check_id) REFERENCES credit_check (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    CHECK ((released_amount IS NULL) = (released_until IS NULL))
);
CREATE INDEX order_hold_open ON order_hold (company_id, customer_id) WHERE status IN ('open', 'escalated');
CREATE INDEX order_hold_check ON order_hold (company_id, check_id);
CREATE INDEX order_hold_order ON order_hold (company_id, order_id);
CREATE INDEX order_hold_customer ON order_hold (company_id, customer_id, decided_at);
CREATE INDEX order_hold_created ON order_hold (company_id, created_at, id);
CREATE INDEX order_hold_status ON order_hold (company_id, status, created_at);
CREATE INDEX order_hold_amount ON order_hold (company_id, base_amount, id);
CALL isolate_company('order_hold');
CALL isolate_portfolio('order_hold', 'customer_id');
GRANT SELECT, INSERT ON order_hold TO duebook_app;
GRANT UPDATE (status, level, released_amount, released_until, decided_by, decided_at, decision_reason, version) ON order_hold TO duebook_app;

CALL govern('[
    {"table": "credit_policy"},
    {"table": "credit_profile", "id": "r.customer_id"},
    {"table": "credit_limit"},
    {"table": "credit_check", "children": [{"table": "credit_move", "of": "check_id", "order": "id"}]},
    {"table": "order_hold"}
]');

-- For lists of customers, which know nothing of credit: whether orders of one wait, and whether its exposure is more than
-- its own limit on a day, by the components and the rule about expired limits of the policy then in force.
CREATE FUNCTION credit_on_hold(company uuid, customer uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM order_hold WHERE company_id = company AND customer_id = customer AND status IN ('open', 'escalated'))
        OR EXISTS (SELECT FROM credit_profile WHERE company_id = company AND customer_id = customer AND hold_all);
END $$;
CREATE FUNCTION credit_over_limit(company uuid, customer uuid, day date) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE held credit_limit; policy jsonb; counted jsonb; base text; rate numeric; allowed numeric; exposure numeric; cash numeric;
BEGIN
    SELECT * INTO held FROM credit_limit l
    WHERE l.company_id = company AND l.customer_id = customer AND l.scope = 'own' AND l.valid_from <= day AND l.status IN ('active', 'superseded', 'expired') AND (NOT l.temporary OR l.valid_to >= day)
    ORDER BY l.temporary DESC, l.valid_from DESC, l.decided_at DESC, l.id DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT p.content INTO policy FROM credit_policy p WHERE p.company_id = company AND p.effective_from <= day ORDER BY p.effective_from DESC, p.version DESC LIMIT 1;
    counted := coalesce(policy -> 'exposure', '{}');
    SELECT c.base_currency INTO base FROM company c WHERE c.id = company;
    SELECT CASE WHEN held.currency = base THEN 1 ELSE (SELECT x.rate FROM exchange_rate x WHERE x.company_id = company AND x.currency = held.currency AND x.rate_date <= day ORDER BY x.rate_date DESC LIMIT 1) END INTO rate;
    allowed := CASE WHEN held.valid_to < day AND policy ->> 'expired_limit' = 'zero' THEN 0 ELSE held.amount * rate END;
    IF allowed IS NULL THEN
        RETURN false;
    END IF;
    SELECT coalesce(sum(x.open_base), 0) INTO cash FROM open_item_balance x JOIN open_item i ON i.company_id = x.company_id AND i.id = x.item_id
    WHERE x.company_id = company AND x.customer_id = customer AND x.side = 'credit' AND x.open_amount > 0 AND i.document_kind = 'receipt';
    SELECT b.receivable
         - CASE WHEN coalesce((counted ->> 'credit_notes')::boolean, true) THEN b.unapplied - cash ELSE 0 END
         - CASE WHEN coalesce((counted ->> 'unapplied_cash')::boolean, true) THEN cash ELSE 0 END
         + CASE WHEN coalesce((counted ->> 'uncleared_cash')::boolean, true) THEN
               (SELECT coalesce(sum(i.base_amount), 0) FROM receipt r JOIN open_item i ON i.company_id = r.company_id AND i.id = r.item_id
                WHERE r.company_id = company AND r.customer_id = customer AND r.clearing IN ('received', 'deposited') AND r.state NOT IN ('held', 'reversed', 'bounced')) ELSE 0 END
         + (SELECT coalesce(sum((CASE WHEN coalesce((counted ->> 'reservations')::boolean, true) AND k.expires_at > now() THEN k.reserved ELSE 0 END
                               + CASE WHEN coalesce((counted ->> 'orders')::boolean, true) THEN k.ordered ELSE 0 END
                               + CASE WHEN coalesce((counted ->> 'deliveries')::boolean, true) THEN k.delivered ELSE 0 END) * k.exchange_rate), 0)
            FROM credit_check k WHERE k.company_id = company AND k.customer_id = customer AND k.reserved + k.ordered + k.delivered > 0)
         - CASE WHEN coalesce((counted ->> 'cover')::boolean, true) THEN
               (SELECT coalesce(sum((v ->> 'amount')::numeric), 0) * rate FROM jsonb_array_elements(held.cover) AS v WHERE coalesce((v ->> 'valid_to')::date, day) >= day) ELSE 0 END
    INTO exposure FROM customer_balance b WHERE b.company_id = company AND b.customer_id = customer;
    RETURN exposure > allowed;
END $$;
