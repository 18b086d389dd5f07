"""Waiting for what is unavailable, pools, connections, and artifacts that are old."""

from __future__ import annotations

import os
import shutil
import subprocess

import airflow_env
from components import airflow
from conftest import ROOT
from samples import SAMPLE, sample
from stack import MLAPI, wait


def test_a_task_waits_without_a_worker(stack):
    """While the ML API is unavailable the task is deferred, says so, and goes on. Its run is late, which is
    reported."""
    dag = "transactions_batch"
    with MLAPI() as api:
        api.kill()
        stack.connect("waited_for", api.url)
        run = stack.trigger(dag, url=SAMPLE, source="waits", ml_api_conn_id="waited_for")

        def deferred_task():
            return next((i for i in stack.tasks(dag, run).get("classify", []) if i["state"] == "deferred"), None)

        def holds_nothing():
            pool = stack.api.call("GET", "/pools/ml_api")
            return deferred_task() and (pool["occupied_slots"], pool["deferred_slots"]) == (0, 1) and deferred_task()

        waiting = wait(holds_nothing, "classify waits without a worker and without a slot")
        said = " ".join(line["event"] for line in stack.log(waiting))
        assert api.url.removeprefix("http://") in said
        assert "the last one at" in said
        wait(lambda: f"{dag} {run} takes longer than 0:00:40" in called_back(stack, dag, run), "the deadline's alert")
        api.start()
        tasks = stack.end(dag, run)
    classify = tasks["classify"][0]
    *before, last = [[line["event"] for line in stack.log(classify, attempt=n)] for n in stack.tries(classify)]
    assert "classify is done" in last
    # Waiting is no failure: the try that waited goes on. On a busy machine Airflow itself may fail to note that a task
    # waits.
    assert all("Failed to report terminal task state to supervisor" in events for events in before), before


def called_back(stack, dag, run):
    """The logs of the callbacks of a run's deadline."""
    logs = stack.layout.dir / "airflow" / "logs" / "executor_callbacks" / dag / run
    return " ".join(file.read_text() for file in logs.glob("*") if file.is_file())


def test_a_pool_that_is_missing_is_found(stack):
    """A task would wait for it for ever."""
    env = os.environ | airflow_env.variables(stack.layout)
    check = [airflow()[0], "-m", "txflow_dags.check"]

    def checked():
        ran = subprocess.run(check, env=env, cwd=ROOT / "dags", capture_output=True, text=True, check=False)
        return ran.returncode, ran.stdout + ran.stderr

    code, said = checked()
    assert code == 0, said
    pool = stack.api.call("GET", "/pools/ml_api_other")
    stack.api.call("DELETE", "/pools/ml_api_other")
    try:
        code, said = checked()
    finally:
        stack.api.call(
            "POST", "/pools", {name: pool[name] for name in ("name", "slots", "description", "include_deferred")}
        )
    assert code == 1, said
    assert "there is no pool ml_api_other" in said
    assert "airflow pools set ml_api_other" in said


def test_old_artifacts_are_removed(stack, tmp_path):
    """Those of a finished run that nobody has written to for a month; one that is unfinished stays."""
    (tmp_path / "few.csv").write_text(sample(0, 20))
    run = stack.trigger("transactions_batch", url=str(tmp_path / "few.csv"), source="pruned")
    folder = stack.folder / "dev" / "out" / stack.xcom(stack.end("transactions_batch", run)["validate"][0])["run_id"]
    unfinished = folder.with_name("unfinished")
    shutil.copytree(folder, unfinished)
    (unfinished / "reconcile.json").unlink()
    for file in (file for root in (folder, unfinished) for file in root.rglob("*")):
        os.utime(file, (0, 0))
    stack.pause("artifacts_prune", False)
    dry = stack.end("artifacts_prune", stack.trigger("artifacts_prune", dry_run=True))["prune"][0]
    assert [line for line in stack.log(dry) if line["event"] == "would remove" and line.get("run") == folder.name]
    assert folder.exists()
    stack.end("artifacts_prune", stack.trigger("artifacts_prune"))
    stack.pause("artifacts_prune", True)
    assert not folder.exists()
    assert unfinished.exists()
    assert stack.query("SELECT count() FROM transactions FINAL WHERE source = 'pruned'") == "20", (
        "what was stored stays"
    )


def test_connections_are_shown(stack):
    shown = {c["connection_id"]: c for c in stack.api.call("GET", "/connections?limit=100")["connections"]}
    assert {"txflow_clickhouse", "txflow_ml_api", "txflow_ml_api_other"} <= set(shown)
    assert shown["txflow_clickhouse"]["conn_type"] == "clickhouse"
    assert shown["txflow_clickhouse"]["port"] == stack.layout.ports["clickhouse"]
