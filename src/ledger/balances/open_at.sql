WITH settled AS (
    SELECT item_id, sum(amount) AS amount, sum(own) AS own
    FROM (SELECT debit_item_id AS item_id, debit_base AS amount, amount AS own FROM allocation WHERE company_id = $1 AND effective_on <= $2 AND recorded_at <= $3
          UNION ALL
          SELECT credit_item_id, credit_base, amount FROM allocation WHERE company_id = $1 AND effective_on <= $2 AND recorded_at <= $3) AS sides
    GROUP BY item_id
), open_at AS (
    SELECT i.id, i.customer_id, i.document_kind, i.document_id, i.document_number, i.instalment_no, i.side, i.base_amount AS amount, i.document_date, i.posting_date, i.due_date, i.original_due_date,
           i.base_amount - coalesce(s.amount, 0) AS open, i.currency, i.amount AS own_amount, i.amount - coalesce(s.own, 0) AS own_open
    FROM open_item i LEFT JOIN settled s ON s.item_id = i.id
    WHERE i.company_id = $1 AND i.posting_date <= $2 AND i.recorded_at <= $3
)
