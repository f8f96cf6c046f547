-- What a score is made of, one row a customer, at the end of a day ($2). {of_a}, {of_i}, {of_c}: which customers, where not all.
WITH settled AS (
    SELECT s.item_id, sum(s.base) AS base
    FROM (SELECT a.debit_item_id AS item_id, a.debit_base AS base FROM allocation a WHERE a.company_id = $1 AND a.effective_on <= $2{of_a}
          UNION ALL
          SELECT a.credit_item_id, a.credit_base FROM allocation a WHERE a.company_id = $1 AND a.effective_on <= $2{of_a}) AS s
    GROUP BY s.item_id
), owed AS (
    SELECT i.customer_id, min(i.document_date) FILTER (WHERE i.side = 'debit') AS since,
           coalesce(sum(i.base_amount - coalesce(s.base, 0)) FILTER (WHERE i.side = 'debit'), 0) AS open,
           coalesce(sum(i.base_amount - coalesce(s.base, 0)) FILTER (WHERE i.side = 'credit'), 0) AS credit,
           coalesce(sum(i.base_amount - coalesce(s.base, 0)) FILTER (WHERE i.side = 'debit' AND i.due_date < $2), 0) AS overdue,
           coalesce(max($2::date - i.due_date) FILTER (WHERE i.side = 'debit' AND i.due_date < $2 AND i.base_amount > coalesce(s.base, 0)), 0) AS oldest
    FROM open_item i LEFT JOIN settled s ON s.item_id = i.id
    WHERE i.company_id = $1 AND i.posting_date <= $2{of_i} GROUP BY i.customer_id
), lent AS (
    -- The own limit of the day, as credit/limits/store finds it, in base currency at the day's rate; without a rate there is no figure.
    SELECT l.customer_id, CASE WHEN l.currency = c.base_currency THEN l.amount ELSE l.amount * r.rate END AS amount
    FROM (SELECT DISTINCT ON (i.customer_id) i.* FROM credit_limit i
          WHERE i.company_id = $1 AND i.scope = 'own' AND i.valid_from <= $2 AND i.status IN ('active', 'superseded', 'expired') AND (NOT i.temporary OR i.valid_to >= $2){of_i}
          ORDER BY i.customer_id, i.temporary DESC, i.valid_from DESC, i.decided_at DESC, i.id DESC) AS l
    JOIN company c ON c.id = $1
    LEFT JOIN LATERAL (SELECT x.rate FROM exchange_rate x WHERE x.company_id = $1 AND x.currency = l.currency AND x.rate_date <= $2 ORDER BY x.rate_date DESC, x.recorded_at DESC LIMIT 1) AS r ON true
), held AS (
    SELECT i.customer_id, count(*) AS checks, count(*) FILTER (WHERE i.result = 'hold' AND i.created_at >= $2::date - 365) AS breaches
    FROM credit_check i WHERE i.company_id = $1 AND i.created_at < $2::date + 1{of_i} GROUP BY i.customer_id
), appraised AS (
    SELECT DISTINCT ON (i.customer_id) i.customer_id, i.external_grade FROM credit_appraisal i
    WHERE i.company_id = $1 AND i.status = 'approved' AND i.decided_at < $2::date + 1{of_i} ORDER BY i.customer_id, i.decided_at DESC
), paid AS (
    -- By the day the money came, not the day it was placed; what was taken back by then does not count.
    SELECT a.customer_id, sum(a.debit_base) AS base, sum(a.debit_base * greatest(c.document_date - d.due_date, 0)) AS late_days,
           coalesce(sum(a.debit_base) FILTER (WHERE c.document_date > d.due_date), 0) AS late,
           sum(a.debit_base) FILTER (WHERE a.effective_on > $2::date - 90) AS base_90,
           sum(a.debit_base * greatest(c.document_date - d.due_date, 0)) FILTER (WHERE a.effective_on > $2::date - 90) AS late_days_90
    FROM allocation a
    JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id
    JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
    WHERE a.company_id = $1 AND a.effective_on > $2::date - 365 AND a.effective_on <= $2 AND a.amount > 0
      AND a.kind NOT IN ('reversal', 'write_off', 'credit', 'adjustment', 'refund', 'recovery'){of_a}
      AND NOT EXISTS (SELECT FROM allocation r WHERE r.company_id = a.company_id AND r.reverses_id = a.id AND r.effective_on <= $2)
    GROUP BY a.customer_id
), sold AS (
    SELECT i.customer_id, coalesce(sum(CASE WHEN i.side = 'debit' THEN i.base_amount ELSE -i.base_amount END) FILTER (WHERE i.posting_date > $2::date - 365), 0) AS year,
           sum(CASE WHEN i.side = 'debit' THEN i.base_amount ELSE -i.base_amount END) FILTER (WHERE i.posting_date <= $2::date - 365) AS year_before
    FROM open_item i
    WHERE i.company_id = $1 AND i.posting_date > $2::date - 730 AND i.posting_date <= $2 AND i.document_kind IN ('invoice', 'debit_note', 'credit_note', 'cancellation'){of_i}
    GROUP BY i.customer_id
), returned AS (
    SELECT i.customer_id, count(*) FILTER (WHERE i.state = 'bounced' AND i.ended_on > $2::date - 365 AND i.ended_on <= $2) AS bounces, count(*) AS receipts
    FROM receipt i WHERE i.company_id = $1 AND i.receipt_date <= $2{of_i} GROUP BY i.customer_id
), short AS (
    SELECT i.customer_id, count(*) FILTER (WHERE i.posted_on > $2::date - 365) AS defaults FROM tds_shortfall i WHERE i.company_id = $1 AND i.posted_on <= $2{of_i} GROUP BY i.customer_id
), deducted AS (
    SELECT DISTINCT i.customer_id FROM allocation i WHERE i.company_id = $1 AND i.kind = 'tds' AND i.effective_on <= $2{of_i}
)
SELECT c.id AS customer_id, c.legal_name AS customer_name,
       (p.late_days / nullif(p.base, 0))::numeric AS days_late_365, (p.late * 100 / nullif(p.base, 0))::numeric AS late_share_365,
       (p.late_days_90 / nullif(p.base_90, 0))::numeric AS days_late_90,
       (p.late_days_90 / nullif(p.base_90, 0) - p.late_days / nullif(p.base, 0))::numeric AS late_trend,
       o.oldest::numeric AS oldest_overdue_days, (o.overdue * 100 / nullif(o.open, 0))::numeric AS overdue_share, coalesce(o.overdue, 0)::numeric AS overdue, coalesce(o.open, 0)::numeric AS receivable,
       ((o.open - o.credit) * 100 / nullif(l.amount, 0))::numeric AS limit_use, ($2::date - o.since)::numeric AS tenure_days,
       CASE WHEN k.checks > 0 THEN k.breaches END::numeric AS limit_breaches_12m, g.external_grade::numeric AS external_grade,
       CASE WHEN r.receipts > 0 THEN r.bounces END::numeric AS bounces_12m,
       ((s.year - s.year_before) * 100 / nullif(s.year_before, 0))::numeric AS order_growth,
       CASE WHEN t.customer_id IS NOT NULL THEN coalesce(h.defaults, 0) END::numeric AS tds_defaults_12m
FROM customer c
LEFT JOIN owed o ON o.customer_id = c.id LEFT JOIN paid p ON p.customer_id = c.id LEFT JOIN sold s ON s.customer_id = c.id
LEFT JOIN returned r ON r.customer_id = c.id LEFT JOIN short h ON h.customer_id = c.id LEFT JOIN deducted t ON t.customer_id = c.id
LEFT JOIN lent l ON l.customer_id = c.id LEFT JOIN held k ON k.customer_id = c.id LEFT JOIN appraised g ON g.customer_id = c.id
WHERE c.company_id = $1{of_c}
