"""What a run survives: each process that it hangs on is killed in its middle, and its counts still add up."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from conftest import ROOT
from report import Report
from stack import LIMIT, MLAPI, processes, wait

DAG = "transactions_reclassify"  # the batch pipeline, with an ML API that the test may slow down and kill
ROWS = 4_000


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "rows.csv"
    generate = [str(ROOT / "bin" / "txflow"), "data", "generate", "--rows", str(ROWS), "--out", str(path)]
    subprocess.run(generate, check=True, capture_output=True)
    return str(path)


def test_a_run_survives(stack, file):
    """A task's process, the ML API and the scheduler are killed, one after the other, while classify runs."""
    with MLAPI("--latency", "10s") as api:
        stack.connect("txflow_ml_api_other", api.url)
        run = stack.trigger(DAG, url=file, source="faults", chunks=2, min_rows=1, max_changed=1, store_new=True)
        child = wait(lambda: classify(run_folder(stack, run)), "classify runs")

        report = Report()
        os.kill(parent(child), signal.SIGKILL)
        took = seconds(lambda: not alive(child), "the command ends with its task", 20)
        report.saw(
            "a task's process is killed",
            "kill -9 of Airflow's process of `classify`",
            f"its command is gone after {took} s",
        )
        took = seconds(lambda: attempt(stack, run) == 2, "the task is tried again")
        report.also(f"try 2 begins {took} s later")

        api.kill()
        api.start()
        report.saw(
            "the ML API is killed",
            "kill -9 while `classify` waits for its answers, and a start",
            "the same try asks again",
        )

        wait(lambda: classify(run_folder(stack, run)), "classify runs again")
        scheduler = stack.pid("scheduler")
        os.kill(scheduler, signal.SIGKILL)
        took = seconds(lambda: stack.pid("scheduler") not in (0, scheduler), "the scheduler is started again")
        report.saw(
            "the scheduler is killed", "kill -9 while `classify` runs", f"`make dev` starts another within {took} s"
        )
        tasks = stack.end(DAG, run)

    reconciled = stack.xcom(tasks["reconcile"][0])
    counts, run_id = reconciled["counts"], reconciled["run_id"]
    assert (counts["in"], counts["stored"]) == (ROWS, ROWS)
    assert stack.query(f"SELECT count() FROM transactions FINAL WHERE run_id = '{run_id}'") == str(ROWS)
    assert stack.query(f"SELECT count() FROM outcomes FINAL WHERE run_id = '{run_id}'") == str(ROWS)
    assert not processes(run_id), "a command is left"
    tries = {name: [i["try_number"] for i in instances] for name, instances in tasks.items()}
    report.also(f"the run ends green; tries of `classify`: {', '.join(map(str, sorted(tries['classify'])))}")
    report.write(ROWS)
    print(f"\nsurvived the death of a task, of the ML API and of the scheduler; tries: {tries}")


def seconds(done, what, limit=LIMIT):
    """Wait as wait does; returns how long that took."""
    start = time.monotonic()
    wait(done, what, limit)
    return round(time.monotonic() - start, 1)


def run_folder(stack, run):
    validate = stack.tasks(DAG, run).get("validate", [{}])[0]
    return stack.xcom(validate)["run_id"] if validate.get("state") == "success" else None


def classify(folder):
    """The process of a classify command of the run."""
    return next((pid for pid, args in processes(folder) if "txflow-task classify" in args), None) if folder else None


def parent(pid):
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout)


def alive(pid):
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(listed.strip()) and not listed.startswith("Z")


def attempt(stack, run):
    return max((i["try_number"] for i in stack.tasks(DAG, run).get("classify", [])), default=0)
