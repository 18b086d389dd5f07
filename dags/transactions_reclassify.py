"""
### Categories from another model

Asks the ML API of *ML API connection* for the categories of a file that is stored already, and compares its answers
with what is stored **before** anything is replaced. A file with rows that are not stored is refused, since it is most
likely another file or source, unless *Store new rows* is on. Then either a human approves (**Required Actions** in the
run, with a table of what would change), or, with *Greatest share of changes* filled in, the run goes on by itself
within that share and fails beyond it. New rows count as changes.

Nothing is asked twice when a task is cleared. A rejected run fails, and leaves the stored categories as they are.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param

from txflow_dags import connections, params, pipeline, runs
from txflow_dags.approval import ApproveChanges
from txflow_dags.factory import command, of_every_dag

with DAG(
    "transactions_reclassify",
    description="Another model's categories, compared and approved before they replace anything",
    doc_md=__doc__,
    schedule=None,
    tags=["txflow", "batch"],
    max_active_runs=32,  # most of them wait for a human
    is_paused_upon_creation=False,
    **of_every_dag(may_wait=True),
    params={
        "url": params.url(),
        "source": params.source(),
        "max_changed": Param(
            None,
            type=["null", "number"],
            allOf=[{"minimum": 0, "maximum": 1}],
            title="Greatest share of changes",
            description_md="Go on unasked when no greater share of rows changes or is new, else fail. Empty: a human "
            "decides.",
        ),
        "store_new": Param(
            False, type="boolean", title="Store new rows", description_md="Store rows as well that are not stored yet."
        ),
        **params.pipeline(params.ml_api(connections.OTHER_ML_API, section=None)),
    },
):
    split, classify = pipeline.prepare_and_classify("{{ params.url }}", pool=pipeline.OTHER_ML_POOL, reclassify=True)
    compare = command(
        "compare",
        "compare",
        "--max-changed={{ '' if params.max_changed is none else params.max_changed }}",
        "--max-new={{ -1 if params.store_new else 0 }}",
        runs.FOLDER,
    )
    approve = ApproveChanges(
        task_id="approve",
        unasked="{{ params.max_changed is not none }}",
        subject="Replace the categories of {{ params.url }}?",
        body="{{ txflow.changes(ti.xcom_pull(task_ids='compare')) }}",
        response_timeout=timedelta(days=7),
        fail_on_reject=True,
        owner="txflow",
    )
    load, _ = pipeline.load_and_reconcile(split, pipeline.CATEGORIES)
    classify >> compare >> approve >> load
