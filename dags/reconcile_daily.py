"""
### Batch against stream, every day

Compares what the batch pipeline and the stream stored: ids that only one of them has, and ids with different
categories. And proves, whatever the source, that each message that the stream's group has committed since the last time
is in one place. The tasks fail, without a retry, on any gap, and their logs name examples.
"""

from airflow.sdk import DAG, Param

from txflow_dags import params
from txflow_dags.factory import command, of_every_dag

with DAG(
    "reconcile_daily",
    description="Fails when batch and stream do not agree",
    doc_md=__doc__,
    schedule="@daily",
    catchup=False,
    tags=["txflow", "batch", "stream"],
    max_active_runs=1,
    **of_every_dag(),
    params={
        "source": Param(
            None,
            type=["null", "string"],
            maxLength=200,
            pattern=params.NAME,
            title="Source name",
            description_md="Only ids of this source; empty for all.",
        ),
        "all": Param(
            False,
            type="boolean",
            title="All ids",
            description_md="Compare all ids of batch and stream again, not only what is new since the last time.",
        ),
        "findings": params.number(20, "Findings", "How many of each kind the log names.", 0, 1000),
        "clickhouse_conn_id": params.clickhouse(),
    },
):
    command(
        "reconcile",
        "reconcile",
        "--pipelines=true",
        "--source={{ params.source or '' }}",
        "--all={{ params.all | lower }}",
        "--findings={{ params.findings }}",
    )
    command(
        "reconcile_stream",
        "reconcile",
        "--stream=true",
        "--findings={{ params.findings }}",
        program="txflow",
    )
