"""
### One month of transactions a run

The data interval is a calendar month, and its file is where the source template says, with `{{YYYY-MM}}` for the month.
Unpause the DAG to have each month run as soon as it is over, the last one at once; without a source template it is
skipped.

**Trigger → Backfill** runs past months, one at a time or several. Tick **Override parameters on existing runs** and
fill in the parameters: Airflow sends none otherwise, and a backfill without any is refused. The same on the command
line:

    airflow backfill create --dag-id transactions_monthly --from-date 2024-01-01 --to-date 2024-06-30 \\
        --max-active-runs 3 --dag-run-conf '{"source": "bank"}'

The contents of a file are as of the end of its month (`--as-of`), so that a backfill of an old month does not undo
newer corrections. A month that is run again changes nothing: its run goes on in the same folder, and rows are known by
their ids.
"""

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from txflow_dags import params, pipeline, settings
from txflow_dags.factory import of_every_dag

TEMPLATE = settings.text("TXFLOW_MONTHLY_TEMPLATE")
HELP = "Where a month's file is, with {{YYYY-MM}} for the month, like s3://bank/{{YYYY-MM}}.csv. " + params.URL_HELP

with DAG(
    "transactions_monthly",
    description="One month of transactions a run, with backfill",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 0 1 * *", timezone="UTC"),
    catchup=False,
    tags=["txflow", "batch"],
    max_active_runs=3,
    **of_every_dag(),
    params={
        "template": Param(
            TEMPLATE or None,
            type=["null", "string"],
            minLength=1,
            maxLength=2000,
            pattern=params.PRINTABLE,
            title="Source template",
            description_md=HELP,
        ),
        "source": params.source(),
        "month": Param(
            None,
            type=["null", "string"],
            pattern=rf"^\d{{4}}-(0[1-9]|1[0-2]){params.END}",
            title="Month",
            description_md="`YYYY-MM`, for a run by hand; empty for the month of the data interval.",
        ),
        **params.pipeline(),
    },
):
    split, classify = pipeline.prepare_and_classify(
        "{{ txflow.month(params.template, data_interval_start | default(none), params.month, dag_run) }}",
        as_of="{{ txflow.month_end(data_interval_end | default(none), params.month) }}",
    )
    load, _ = pipeline.load_and_reconcile(split)
    classify >> load
