"""Backfills of twelve months while every core is busy: no request fails, and Airflow's processes live.

One in the tests; `make soak-dags` runs 20, each over a year of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys

from stack import wait

DAG = "transactions_monthly"
BACKFILLS = int(os.environ.get("TXFLOW_SOAK", "1"))
LIMIT = 900  # seconds for a backfill
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
HEADER = "id,description,amount,timestamp,merchant,operation_type,side\n"


def test_backfills_while_the_machine_is_busy(stack):
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
    before = {part: stack.pid(part) for part in AIRFLOW}
    stack.pause(DAG, False)
    try:
        for year in range(2001, 2001 + BACKFILLS):
            months = [f"{year}-{month:02}" for month in range(1, 13)]
            for month in months:
                folder = stack.months / f"month={month}"
                folder.mkdir(parents=True)
                row = f"soak-{month},Rent,-1.00,{month}-01 10:00:00,Landlord,card,debit\n"
                (folder / "transactions.csv").write_text(HEADER + row)
            # As the form does: one request, with the parameters.
            backfill = stack.api.call("POST", "/backfills", {
                "dag_id": DAG, "from_date": f"{year}-01-01T00:00:00Z", "to_date": f"{year}-12-31T00:00:00Z",
                "max_active_runs": 12, "reprocess_behavior": "none", "dag_run_conf": {"source": "soak"},
            })  # fmt: skip
            wait(
                lambda b=backfill: stack.api.call("GET", f"/backfills/{b['id']}")["completed_at"],
                f"the backfill of {year}",
                LIMIT,
            )
            stored = stack.query(
                f"SELECT count() FROM transactions FINAL WHERE source = 'soak' AND toYear(timestamp) = {year}"
            )
            assert stored == "12", f"{year}: {states(stack, year)}"
            print(f"{year}: twelve months", flush=True)
    finally:
        stack.pause(DAG, True)
        for process in busy:
            process.kill()
            process.wait()
    assert {part: stack.pid(part) for part in AIRFLOW} == before, "a part of Airflow died and was started again"
    assert not [
        line
        for part in AIRFLOW
        for line in stack.layout.log(part).read_text().splitlines()
        if "database is locked" in line
    ]


def states(stack, year):
    """How the runs of a year ended."""
    runs = stack.api.call("GET", f"/dags/{DAG}/dagRuns?limit=100&logical_date_gte={year}-01-01T00:00:00Z")["dag_runs"]
    return {run["dag_run_id"]: run["state"] for run in runs}
