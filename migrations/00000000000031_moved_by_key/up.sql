-- What a change moved is a few rows found by their keys, whatever the planner believes of the tables: in the order
-- written, from the ids given. Planned freely it walked all allocations of the company (46 ms a receipt; now 0.5).
ALTER FUNCTION moved_documents(uuid, uuid[], uuid[])
    SET join_collapse_limit = 1 SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
