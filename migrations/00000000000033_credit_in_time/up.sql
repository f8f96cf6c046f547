-- Credit of a past day: who belonged to a group then, and what other currencies are worth on the day.

-- A customer that got another parent. Who belonged to whom on a day is what is so now, less the changes after it.
CREATE TABLE customer_regrouping (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    parent_before uuid,
    parent_after uuid,
    changed_on date NOT NULL,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT recorded_now(),
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, customer_id) REFERENCES customer (company_id, id),
    CHECK (parent_before IS DISTINCT FROM parent_after)
);
CREATE INDEX customer_regrouping_customer ON customer_regrouping (company_id, customer_id, recorded_at);
CREATE INDEX customer_regrouping_before ON customer_regrouping (company_id, parent_before) WHERE parent_before IS NOT NULL;
CALL isolate_company('customer_regrouping');
CALL isolate_portfolio('customer_regrouping', 'customer_id');
CALL make_append_only('customer_regrouping');
CALL govern('[{"table": "customer_regrouping"}]');

-- Open items of other currencies: of a customer that has none, this says so at once.
CREATE INDEX open_item_balance_foreign ON open_item_balance (company_id, customer_id) WHERE open_amount > 0 AND open_amount <> open_base;

-- Which customers are over a limit is judged by credit itself now; `credit_over_limit` stays for the release before.

-- Releases that end.
CREATE INDEX order_hold_released ON order_hold (company_id, released_until) WHERE released_until IS NOT NULL;
