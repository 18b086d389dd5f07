"""The batch pipeline as tasks, for every DAG that takes files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset

from txflow_dags import runs, settings
from txflow_dags.command import CHUNKS
from txflow_dags.factory import command

ML_POOL, OTHER_ML_POOL = "ml_api", "ml_api_other"
TRANSACTIONS = Asset(name="transactions", uri="txflow://clickhouse/transactions")
CATEGORIES = Asset(name="transactions_reclassified", uri="txflow://clickhouse/transactions/categories")
CHUNK = "chunk {{ task.index + 1 }} of {{ ti.xcom_pull(task_ids='split') | length }}"


def prepare_and_classify(
    files: str, pool: str = ML_POOL, as_of: str = "", *, reclassify: bool = False
) -> tuple[Any, Any]:
    """validate → split → classify, mapped by chunk; returns the split and the classify task.

    files and as_of, the time that their contents are of (empty: the start of the run), are templates. reclassify: the
    rows are stored already, and keep their versions. The other values come from the parameters of params.pipeline and
    "source".
    """
    validate = command(
        "validate",
        "validate",
        "--out={{ txflow.out() }}",
        "--run-id=" + runs.RUN_ID,
        "--source={{ params.source }}",
        "--max-reject-ratio={{ params.max_reject_ratio }}",
        "--delimiter={{ txflow.chosen(params.delimiter) }}",
        "--decimal={{ txflow.chosen(params.decimal) }}",
        "--thousands={{ txflow.chosen(params.thousands) }}",
        f"--as-of={as_of}",
        "--reclassify" if reclassify else None,
        "--",
        files,
        linked_trace="{{ params.traceparent or '' }}",
    )
    split = command(
        "split",
        "split",
        "--max-chunks={{ params.chunks }}",
        "--min-rows={{ params.min_rows }}",
        runs.FOLDER,
        result=CHUNKS,
    )
    classify = command(
        "classify",
        "classify",
        "--chunks=" + runs.CHUNKS,
        "--expect-model={{ params.expect_model or '' }}",
        over=split.output,
        ml_api_conn_id="{{ params.ml_api_conn_id }}",
        pool=pool,
        max_active_tis_per_dagrun=settings.classify_at_once(),
        map_index_template=CHUNK,
        execution_timeout=timedelta(hours=12),
    )
    validate >> split >> classify
    return split, classify


def load_and_reconcile(split: Any, asset: Asset = TRANSACTIONS) -> tuple[Any, Any]:
    """load, mapped by chunk → reconcile, which publishes the event of the asset; returns both."""
    load = command("load", "load", "--chunks=" + runs.CHUNKS, over=split.output, map_index_template=CHUNK)
    reconcile = command("reconcile", "reconcile", runs.FOLDER, outlets=[asset])
    load >> reconcile
    return load, reconcile
