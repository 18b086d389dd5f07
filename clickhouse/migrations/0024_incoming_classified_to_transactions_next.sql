-- Nothing new goes into the old table.
DROP VIEW IF EXISTS incoming_classified_to_transactions_next;
