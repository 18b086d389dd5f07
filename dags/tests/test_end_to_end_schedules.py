"""Runs that a schedule, a backfill, a file or an asset starts."""

from __future__ import annotations

from samples import DIRTY, sample
from stack import quote, wait


def test_monthly_backfill(stack):
    """Two months at a time, by Airflow's own command."""
    dag = "transactions_monthly"
    for i, month in enumerate(("2024-01", "2024-02")):
        folder = stack.months / f"month={month}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "transactions.csv").write_text(sample(100 * i, 100 * (i + 1)))
    stack.pause(dag, False)
    stack.airflow("backfill", "create", "--dag-id", dag, "--from-date", "2024-01-01", "--to-date", "2024-02-28",
                  "--max-active-runs", "2", "--dag-run-conf", '{"source": "monthly"}')  # fmt: skip
    runs = wait(lambda: backfilled(stack, dag, 2, "2024-01", "2024-02"), "the backfill's runs are there")
    for run in runs:
        tasks = stack.end(dag, run["dag_run_id"])
        assert stack.xcom(tasks["reconcile"][0])["counts"]["in"] == 100
    ended(stack, dag)
    stack.pause(dag, True)
    assert stack.query("SELECT count() FROM transactions FINAL WHERE source = 'monthly'") == "200"


def backfilled(stack, dag, n, *months):
    """The runs of a backfill of these months, when there are n."""
    runs = stack.api.call("GET", f"/dags/{dag}/dagRuns?run_type=backfill&limit=100")["dag_runs"]
    runs = [run for run in runs if run["logical_date"][:7] in months]
    return runs if len(runs) == n else None


def ended(stack, dag):
    """The scheduler ends a backfill some time after its last run; until then Airflow refuses another."""
    wait(
        lambda: all(b["completed_at"] for b in stack.api.call("GET", f"/backfills?dag_id={dag}")["backfills"]),
        "the backfill is complete",
    )


def test_a_backfill_without_parameters_is_refused(stack):
    """As the form sends it when its tick is not set."""
    dag = "transactions_monthly"
    stack.pause(dag, False)
    body = {"dag_id": dag, "from_date": "2023-01-01T00:00:00Z", "to_date": "2023-01-31T00:00:00Z", "dag_run_conf": None}
    stack.api.call("POST", "/backfills", body)
    runs = wait(lambda: backfilled(stack, dag, 1, "2023-01"), "the backfill's run is there")
    tasks = stack.end(dag, runs[0]["dag_run_id"], want="failed")
    ended(stack, dag)
    stack.pause(dag, True)
    assert tasks["validate"][0]["try_number"] == 1
    assert "Override parameters on existing runs" in " ".join(line["event"] for line in stack.log(tasks["validate"][0]))


def test_arrivals(stack):
    """A file that comes while the look waits starts one run, and its mark keeps it at that."""
    dag = "transactions_arrivals"
    stack.pause(dag, False)
    waiting = wait(lambda: deferred(stack, dag), "the look waits without a worker")
    (stack.inbox / "new.csv").write_text(sample(0, 50))
    wait(lambda: stack.state(dag, waiting) == "success", "the file is taken")
    runs = arrived(stack)
    assert len(runs) == 1
    tasks = stack.end("transactions_batch", runs[0])
    assert stack.xcom(tasks["reconcile"][0])["counts"]["in"] == 50
    again = wait(lambda: deferred(stack, dag), "the next run finds nothing new")
    assert again != waiting
    stack.pause(dag, True)
    stack.api.call("PATCH", f"/dags/{dag}/dagRuns/{quote(again)}", {"state": "failed"})
    assert arrived(stack) == runs


def arrived(stack):
    """Runs of the batch that a file started."""
    runs = stack.api.call("GET", "/dags/transactions_batch/dagRuns?limit=100")["dag_runs"]
    return [run["dag_run_id"] for run in runs if run["dag_run_id"].startswith("arrival__")]


def deferred(stack, dag):
    """The run whose look is deferred."""
    for run in stack.api.call("GET", f"/dags/{dag}/dagRuns?state=running")["dag_runs"]:
        look = stack.tasks(dag, run["dag_run_id"]).get("look")
        if look and look[0]["state"] == "deferred":
            return run["dag_run_id"]
    return None


def test_what_was_stored_is_watched(stack, batch):
    """The asset's event carries run and counts, and rejected rows reach the notifier."""
    run = stack.trigger("transactions_batch", url=DIRTY, source="dirty", max_reject_ratio=1)
    counts = stack.xcom(stack.end("transactions_batch", run)["reconcile"][0])["counts"]
    assert counts["rejected"]

    def seen():
        for watched in stack.api.call("GET", "/dags/transactions_watch/dagRuns?limit=100&state=success")["dag_runs"]:
            watch = stack.tasks("transactions_watch", watched["dag_run_id"])["watch"][0]
            for event in stack.xcom(watch):
                if event["dag_run_id"] == run:
                    return event, [line["event"] for line in stack.log(watch)]
        return None

    event, log = wait(seen, "the DAG that consumes the asset has seen the run")
    assert (event["counts"], event["source"]) == (counts, "dirty")
    assert [line for line in log if f"{run} left" in line and "rows of dirty out" in line]
