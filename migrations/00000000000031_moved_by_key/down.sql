ALTER FUNCTION moved_documents(uuid, uuid[], uuid[]) RESET join_collapse_limit RESET enable_seqscan RESET enable_hashjoin RESET enable_mergejoin;
