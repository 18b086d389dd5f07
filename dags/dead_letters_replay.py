"""
### Dead letters back into the stream

Sends open dead letters of the stream to the topic that they are from, once the cause of the error is corrected. A
message that is still wrong becomes a dead letter again; it is skipped once it was sent *Maximum replays* times. Start
with a dry run: its log says how many dead letters would be sent.
"""

from airflow.sdk import DAG, Param

from txflow_dags import params
from txflow_dags.command import TEXT
from txflow_dags.factory import command, of_every_dag

with DAG(
    "dead_letters_replay",
    description="Sends dead letters to the topic that they are from",
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
            description_md="Only dead letters with this reason code, such as `prediction_refused`; empty for all.",
        ),
        "since": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="Since",
            description_md="Only dead letters first seen at this time or later; empty for all.",
        ),
        "rate": params.number(100.0, "Rate", "Dead letters sent per second; 0 for no limit.", 0, 1_000_000),
        "max_replays": params.number(
            3, "Maximum replays", "Skip dead letters that were sent this many times already.", 1, 1000
        ),
        "dry_run": Param(
            True, type="boolean", title="Dry run", description_md="Report how many would be sent, and send none."
        ),
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
