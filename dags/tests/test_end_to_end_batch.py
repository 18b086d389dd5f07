"""transactions_batch on a real Airflow, against the embedded platform."""

from __future__ import annotations

import json
import os
import statistics

import pytest
from conftest import missing
from http_client import get
from samples import DIRTY, ROWS, SAMPLE, requests, sample
from stack import wait

OVERHEAD = 2.0  # seconds that Airflow may add to a task


def test_batch(stack, batch):
    assert {task: len(instances) for task, instances in batch.items()} == {
        "validate": 1, "split": 1, "classify": 4, "load": 4, "reconcile": 1,
    }  # fmt: skip
    assert stack.xcom(batch["reconcile"][0])["counts"]["stored"] == ROWS
    run_id = stack.xcom(batch["validate"][0])["run_id"]
    assert stack.query(f"SELECT count() FROM transactions FINAL WHERE run_id = '{run_id}'") == str(ROWS)
    assert all(instance["pool"] == "ml_api" for instance in batch["classify"])


def test_links(stack, batch):
    links = stack.links(batch["load"][0])
    run_id = stack.xcom(batch["load"][0])["run_id"]
    assert links["Run"] == f"{stack.layout.url('ui')}/runs/{run_id}"
    assert run_id in get(links["Run"]).decode()
    rows = get(links["Rows"] + "?format=csv&limit=200").decode().splitlines()
    assert len(rows) == 201
    assert "transactions.csv" in rows[5]
    if stack.layout.jaeger:
        assert links["Trace"] == f"{stack.layout.url('jaeger')}/trace/{stack.xcom(batch['load'][0])['trace_id']}"
    else:
        assert not links["Trace"]


def test_overhead(stack, batch):
    """What Airflow adds to a task that runs alone: from its start to its end, without the command's own time.

    It is mostly processor time, so a machine with more to do than processors is given up to three times as much.
    """
    alone = [batch[task][0] for task in ("validate", "split", "reconcile")]
    added = [task["duration"] - (stack.xcom(task, key(task))["duration_ms"] / 1000) for task in alone]
    allowed = OVERHEAD * min(3, max(1, os.getloadavg()[0] / os.cpu_count()))
    print(f"\noverhead a task: {', '.join(f'{t:.2f} s' for t in added)}; allowed: {allowed:.1f} s")
    assert statistics.median(added) < allowed


def key(task):
    return "manifest" if task["task_id"] == "split" else "return_value"


def test_one_trace(stack, measured):
    """From the DAG run through every task to the ML server: a client and a server span for each request that it
    counted."""
    batch, asked = measured
    if not stack.layout.jaeger:
        missing("no Jaeger for the trace from Airflow to the ML server")
    trace_id = stack.xcom(batch["reconcile"][0])["trace_id"]
    assert {stack.xcom(task, key(task))["trace_id"] for tasks in batch.values() for task in tasks} == {trace_id}

    def spans():
        found = json.loads(get(f"{stack.layout.url('jaeger')}/api/traces/{trace_id}"))["data"][0]
        of = {p: v["serviceName"] for p, v in found["processes"].items()}
        by_id = {s["spanID"]: s | {"service": of[s["processID"]]} for s in found["spans"]}
        roots = [s for s in by_id.values() if not parents(s) & set(by_id)]
        served = [s for s in by_id.values() if s["service"] == "txflow-ml-api" and "predict" in s["operationName"]]
        whole = [s["service"] for s in roots] == ["airflow"] and len(
            served
        ) >= asked  # each process exports when it likes
        return (by_id, served) if whole else None

    by_id, served = wait(spans, "the trace is in Jaeger, with Airflow's span of the run as its only root", 60)
    calls = [by_id[next(iter(parents(s)))] for s in served]
    assert len(calls) == len({c["spanID"] for c in calls}) == asked == ROWS / 500
    assert {c["service"] for c in calls} == {"txflow-classify"}
    assert all(parents(c) & set(by_id) for c in calls), "each call is under its task"
    tags = [{t["key"]: t["value"] for t in c["tags"]} for c in calls]
    assert sum(t["txflow.batch_size"] for t in tags) == ROWS
    assert {(t["txflow.attempt"], t["txflow.model_version"], t["txflow.outcome"]) for t in tags} == {
        (1, "hash-v1", "answered")
    }
    linked = [r["traceID"] for s in by_id.values() for r in s["references"] if r["refType"] == "FOLLOWS_FROM"]
    assert linked == ["a" * 32]


def parents(span):
    return {r["spanID"] for r in span["references"] if r["refType"] == "CHILD_OF"}


@pytest.mark.parametrize(
    ("conf", "message", "advice"),
    [
        ({"url": "/no/such/file.csv"}, "/no/such/file.csv: no such file", "check the path"),
        ({"url": DIRTY, "max_reject_ratio": 0.01}, "rejected", "“Reject gate”"),
        ({"url": SAMPLE, "delimiter": "|"}, "the first line has 1 columns", "leave “Delimiter”"),
        ({"url": "--help"}, "--help: no such file", "check the path"),
        ({"url": SAMPLE, "sourc": "x"}, "no parameter sourc", "did you mean source"),
        ({"url": SAMPLE, "clickhouse_conn_id": "nobody"}, "no connection nobody", "Admin → Connections"),
    ],
    ids=[
        "no such file",
        "gate not met",
        "wrong delimiter",
        "an option for a file",
        "unknown parameter",
        "unknown connection",
    ],
)
def test_wrong_input_says_what_to_do(stack, conf, message, advice):
    tasks = stack.end("transactions_batch", stack.trigger("transactions_batch", **conf), want="failed")
    validate = tasks["validate"][0]
    assert (validate["state"], validate["try_number"]) == ("failed", 1)
    log = stack.log(validate)
    said = [line["event"] for line in log if message in line["event"] and "next: " in line["event"]]
    assert len(said) == 1, [line["event"] for line in log][-8:]
    assert advice in said[0]
    assert not [line for line in log if line.get("error_detail")], "a traceback of our own code"
    link = stack.links(validate)["Rejected rows"]
    assert bool(link) == ("“Reject gate”" in advice)
    if link:
        assert link.startswith(stack.layout.url("airflow") + "/dags/transactions_batch/runs/")
        assert stack.xcom(validate, "rejected")["rows"] == 300


def test_nothing_to_do_is_skipped(stack, tmp_path):
    (tmp_path / "empty.csv").write_text(sample(0, 0))
    tasks = stack.end("transactions_batch", stack.trigger("transactions_batch", url=str(tmp_path / "empty.csv")))
    assert {i["state"] for instances in tasks.values() for i in instances} == {"skipped"}


def test_cleared_task_changes_nothing(stack, batch):
    """Cleared from classify on: the run goes on in its folder, and no answer is asked for again."""
    dag, run = "transactions_batch", batch["split"][0]["dag_run_id"]
    before = stack.query("SELECT count(), sum(amount) FROM transactions FINAL"), requests(stack)
    cleared = {
        "dag_run_id": run,
        "task_ids": ["classify", "load", "reconcile"],
        "only_failed": False,
        "reset_dag_runs": True,
    }
    stack.api.call("POST", f"/dags/{dag}/clearTaskInstances", {"dry_run": False, **cleared})
    tasks = stack.end(dag, run)
    assert tasks["reconcile"][0]["try_number"] == 2
    assert (stack.query("SELECT count(), sum(amount) FROM transactions FINAL"), requests(stack)) == before
