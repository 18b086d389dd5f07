"""
### One month of transactions a run

The data interval is a calendar month, and its file is where the source template says, with `{{YYYY-MM}}` for the month.
Unpause the DAG to have each month run as soon as it is over; **Trigger → Backfill** runs past months, one at a time or
several, and so does

    airflow backfill create --dag-id transactions_monthly --from-date 2024-01-01 --to-date 2024-06-30 --max-active-runs 3

A month that is run again changes nothing: its run goes on in the same folder, and rows are known by their ids.
"""

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from txflow_dags import params, pipeline, runs, settings

TEMPLATE = settings.text("TXFLOW_MONTHLY_TEMPLATE", "s3://bank/transactions/month={{YYYY-MM}}/transactions.csv")

with DAG(
    "transactions_monthly",
    description="One month of transactions a run, with backfill",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 0 1 * *", timezone="UTC"),
    catchup=False,
    tags=["txflow", "batch"],
    max_active_runs=3,
    user_defined_macros=runs.MACROS,
    params={
        "template": Param(TEMPLATE, type="string", minLength=1, title="Source template", description_md=params.URL_HELP),
        "source": params.source(),
        "month": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
            title="Month",
            description_md="`YYYY-MM`, for a run by hand; empty for the month of the data interval.",
        ),
        **params.pipeline(),
    },
):
    split, classify = pipeline.prepare_and_classify("{{ txflow.month(params.template, data_interval_start, params.month) }}")
    load, _ = pipeline.load_and_reconcile(split)
    classify >> load
