"""
### Dead letters back into the stream

Sends open dead letters of the stream back to the topic that they came from, after what was wrong has been mended. A letter
that is still wrong comes back as a new one, and is left alone after *Greatest number of replays*. Try it as a dry run
first: it tells how many letters it would send.
"""

from airflow.sdk import DAG, Param

from txflow_dags import runs
from txflow_dags.command import TEXT
from txflow_dags.factory import command

with DAG(
    "dead_letters_replay",
    description="Sends dead letters back into the stream",
    doc_md=__doc__,
    schedule=None,
    tags=["txflow", "stream"],
    max_active_runs=1,
    is_paused_upon_creation=False,
    user_defined_macros=runs.MACROS,
    params={
        "reason": Param(
            None,
            type=["null", "string"],
            title="Reason",
            description_md="Only letters with this code, like `prediction_refused`.",
        ),
        "since": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="Since",
            description_md="Only letters first seen then or later.",
        ),
        "rate": Param(
            100, type="number", minimum=0, title="Letters a second", description_md="0 for as fast as Kafka takes them."
        ),
        "max_replays": Param(
            3,
            type="integer",
            minimum=1,
            title="Greatest number of replays",
            description_md="Leave letters alone that came back so often.",
        ),
        "dry_run": Param(True, type="boolean", title="Dry run", description_md="Tell how many, and send none."),
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
