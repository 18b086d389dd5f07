"""
### Old artifacts are removed

Removes what finished runs keep under `TXFLOW_OUT` once nothing was written there for *Days*. What they stored stays, as
do runs that may go on. Try it as a dry run first: its log names the runs. Unpause the DAG to have it done every night.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param

from txflow_dags import params
from txflow_dags.factory import command, of_every_dag

with DAG(
    "artifacts_prune",
    description="Removes the artifacts of runs that are finished and old",
    doc_md=__doc__,
    # Without a time of its own the last run is caught up with when the DAG is unpaused within a tenth of a day.
    schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC", run_immediately=timedelta()),
    catchup=False,
    tags=["txflow", "batch"],
    max_active_runs=1,
    **of_every_dag(),
    params={
        "days": params.number(30, "Days", "Since the last artifact of a run was written.", 1, 3650),
        "dry_run": Param(False, type="boolean", title="Dry run", description_md="Name the runs, and remove nothing."),
    },
):
    command(
        "prune",
        "artifacts",
        "prune",
        "--out={{ txflow.out() }}",
        "--older-than={{ params.days * 24 }}h",
        "--dry-run={{ params.dry_run | lower }}",
    )
