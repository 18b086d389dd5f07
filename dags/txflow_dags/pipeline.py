"""The batch pipeline as tasks, for every DAG that takes files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset

from txflow_dags import runs
from txflow_dags.command import CHUNKS
from txflow_dags.factory import command

ML_POOL = "ml_api"
TRANSACTIONS = Asset(name="transactions", uri="txflow://clickhouse/transactions")


def prepare_and_classify(files: str, ml_url: str = "") -> tuple[Any, Any]:
    """validate → split → classify, mapped by chunk; returns the split and the classify task.

    files and ml_url are templates. The other values come from the parameters of params.pipeline and "source".
    """
    validate = command(
        "validate",
        "validate",
        "--out={{ txflow.out() }}",
        "--run-id=" + runs.RUN_ID,
        "--source={{ params.source }}",
        "--max-reject-ratio={{ params.max_reject_ratio }}",
        "--delimiter={{ params.delimiter or '' }}",
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
        f"--ml-url={ml_url}",
        over=split.output,
        pool=ML_POOL,
        execution_timeout=timedelta(hours=12),
    )
    validate >> split >> classify
    return split, classify


def load_and_reconcile(split: Any) -> tuple[Any, Any]:
    """load, mapped by chunk → reconcile, which tells that the transactions are new; returns both."""
    load = command("load", "load", "--chunks=" + runs.CHUNKS, over=split.output)
    reconcile = command("reconcile", "reconcile", runs.FOLDER, outlets=[TRANSACTIONS])
    load >> reconcile
    return load, reconcile
