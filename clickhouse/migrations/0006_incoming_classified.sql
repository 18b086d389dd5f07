-- Where classified rows come in. It keeps nothing: the views behind it spread each block over transactions and outcomes,
-- so that every pipeline shares one mapping. What the rows of one ML call share is sent once a call, as a dictionary's
-- entry, and not once a row: it is three quarters of a row's bytes.
CREATE TABLE IF NOT EXISTS incoming_classified
(
    id              UUID,
    source_id       String,
    description     String,
    amount_e4       Int64 COMMENT 'ten-thousandths: exact',
    timestamp_us    Int64 COMMENT 'microseconds since 1970',
    merchant        String,
    merchant_null   UInt8,
    operation_type  String,
    side            UInt8,
    category        String,
    position        UInt64,
    content_hash    UInt64,
    call            LowCardinality(String) COMMENT 'compact JSON: pipeline, run_id, task_try, source, origin, origin_digest, partition, chunk, origin_trace_id, model_version, classified_us, attempt, trace_id, span_id, sampled'
)
ENGINE = Null;
