"""
### Dead letters back into the stream

Sends open dead letters of the stream back to the topic that they came from, after what was wrong has been corrected. One
that is still wrong comes back as a new one, and is left alone after *Greatest number of replays*. Try it as a dry run
first: its log says how many dead letters it would send.
"""

from airflow.sdk import DAG, Param

from txflow_dags import params
from txflow_dags.command import TEXT
from txflow_dags.factory import command, of_every_dag

with DAG(
    "dead_letters_replay",
    description="Sends dead letters back into the stream",
    doc_md=__doc__,
    schedule=None,
    tags=["txflow", "stream"],
    max_active_runs=1,
    is_paused_upon_creation=False,
    **of_every_dag(),
    params={
        "reason": Param(
            None,
            type=["null", "string"],
            maxLength=100,
            pattern=params.CONNECTION,
            title="Reason",
            description_md="Only dead letters with this code, like `prediction_refused`.",
        ),
        "since": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="Since",
            description_md="Only dead letters first seen then or later.",
        ),
        "rate": params.number(100.0, "Dead letters a second", "0 for as fast as Kafka takes them.", 0, 1_000_000),
        "max_replays": params.number(
            3, "Greatest number of replays", "Leave dead letters alone that came back so often.", 1, 1000
        ),
        "dry_run": Param(True, type="boolean", title="Dry run", description_md="Say how many, and send none."),
        "clickhouse_conn_id": params.clickhouse(),
    },
):
    command(
        "replay",
        "dlq",
        "replay",
        "--reason={{ params.reason or '' }}",
        "--since={{ txflow.utc(params.since) }}",
        "--rate={{ params.rate }}",
        "--max-replays={{ params.max_replays }}",
        "--dry-run={{ params.dry_run | lower }}",
        program="txflow",
        result=TEXT,
    )
