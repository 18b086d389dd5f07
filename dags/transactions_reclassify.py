"""
### Categories anew, through another model

Asks the ML API at *ML API URL* for the categories of a file that is stored already, and compares its answers with what
is stored **before** anything is replaced. `compare` tells how many would change, and from what to what. Then either a
human approves (**Required Actions** in the run), or, with *Greatest share of changes* filled in, the run goes on by
itself within that share and fails beyond it.

Nothing is asked twice when a task is cleared, and a rejected run leaves the stored categories as they are.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param

from txflow_dags import params, pipeline, runs
from txflow_dags.approval import ApproveChanges
from txflow_dags.factory import command

with DAG(
    "transactions_reclassify",
    description="Another model's categories, compared and approved before they replace anything",
    doc_md=__doc__,
    schedule=None,
    tags=["txflow", "batch"],
    max_active_runs=2,
    is_paused_upon_creation=False,
    user_defined_macros=runs.MACROS,
    params={
        "url": params.url(),
        "source": params.source(),
        "ml_url": Param(None, type="string", format="uri", title="ML API URL", description_md="Of the other model."),
        "max_changed": Param(
            None,
            type=["null", "number"],
            minimum=0,
            maximum=1,
            title="Greatest share of changes",
            description_md="Go on unasked when no greater share of stored rows changes, else fail. Empty: a human decides.",
        ),
        **params.pipeline(),
    },
):
    split, classify = pipeline.prepare_and_classify("{{ params.url }}", ml_url="{{ params.ml_url }}")
    compare = command(
        "compare",
        "compare",
        "--max-changed={{ '' if params.max_changed is none else params.max_changed }}",
        runs.FOLDER,
    )
    approve = ApproveChanges(
        task_id="approve",
        unasked="{{ params.max_changed is not none }}",
        subject="Replace the categories of {{ params.url }}?",
        body="{{ txflow.changes(ti.xcom_pull(task_ids='compare')) }}",
        response_timeout=timedelta(days=7),
        ignore_downstream_trigger_rules=True,
        owner="txflow",
    )
    load, _ = pipeline.load_and_reconcile(split)
    classify >> compare >> approve >> load
