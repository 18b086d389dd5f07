"""
### Business events, every day

Proves from `events.raw` that each event which was accepted since the last time is in gold, a duplicate of one that is,
or a dead letter. The task fails, without a retry, when anything is missing or doubled, and its log names examples.
"""

from airflow.sdk import DAG

from txflow_dags import params
from txflow_dags.factory import command, of_every_dag

with DAG(
    "events_reconcile_daily",
    description="Fails when an accepted event is nowhere",
    doc_md=__doc__,
    schedule="@daily",
    catchup=False,
    tags=["txflow", "events"],
    max_active_runs=1,
    **of_every_dag(),
    params={
        "findings": params.number(20, "Findings", "How many of each kind the log names.", 0, 1000),
        "clickhouse_conn_id": params.clickhouse(),
    },
):
    command(
        "reconcile",
        "events",
        "reconcile",
        "--findings={{ params.findings }}",
        program="txflow",
    )
