"""Every DAG on a real Airflow, against the embedded platform."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess

import airflow_env
import pytest
from components import airflow
from conftest import ROOT, missing
from http_client import get
from stack import MLAPI, quote, wait

SAMPLE = str(ROOT / "data" / "transactions.csv")
DIRTY = str(ROOT / "data" / "transactions_dirty.csv")
ROWS = 10_000
OVERHEAD = 2.0  # seconds that Airflow may add to a task
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def sample(start, stop):
    """Rows of the sample as a file of their own."""
    with open(SAMPLE) as file:
        header, *rows = file
    return header + "".join(rows[start:stop])


@pytest.fixture(scope="module")
def measured(stack):
    """The sample through transactions_batch, in four chunks; its tasks, and the requests that the ML API counted."""
    before = requests(stack)
    run = stack.trigger("transactions_batch", url=SAMPLE, source="bank", chunks=4, min_rows=1, traceparent=TRACEPARENT)
    return stack.end("transactions_batch", run), requests(stack) - before


@pytest.fixture(scope="module")
def batch(measured):
    """The tasks of that run: the other tests find its rows stored."""
    return measured[0]


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
    """From the DAG run through every task to the ML server: a client and a server span for each request that it counted."""
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
        whole = [s["service"] for s in roots] == ["airflow"] and len(served) >= asked  # each process exports when it likes
        return (by_id, served) if whole else None

    by_id, served = wait(spans, "the trace is in Jaeger, with Airflow's span of the run as its only root", 60)
    calls = [by_id[next(iter(parents(s)))] for s in served]
    assert len(calls) == len({c["spanID"] for c in calls}) == asked == ROWS / 500
    assert {c["service"] for c in calls} == {"txflow-classify"}
    assert all(parents(c) & set(by_id) for c in calls), "each call is under its task"
    tags = [{t["key"]: t["value"] for t in c["tags"]} for c in calls]
    assert sum(t["txflow.batch_size"] for t in tags) == ROWS
    assert {(t["txflow.attempt"], t["txflow.model_version"], t["txflow.outcome"]) for t in tags} == {(1, "hash-v1", "answered")}
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
    ids=["no such file", "gate not met", "wrong delimiter", "an option for a file", "unknown parameter", "unknown connection"],
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
    cleared = {"dag_run_id": run, "task_ids": ["classify", "load", "reconcile"], "only_failed": False, "reset_dag_runs": True}
    stack.api.call("POST", f"/dags/{dag}/clearTaskInstances", {"dry_run": False, **cleared})
    tasks = stack.end(dag, run)
    assert tasks["reconcile"][0]["try_number"] == 2
    assert (stack.query("SELECT count(), sum(amount) FROM transactions FINAL"), requests(stack)) == before


def requests(stack):
    """The ML API's own count of predictions asked for."""
    lines = get(stack.layout.url("ml-api") + "/metrics").decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("txflow_ml_requests_total{"))


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
    stack.pause(dag, True)
    assert stack.query("SELECT count() FROM transactions FINAL WHERE source = 'monthly'") == "200"


def backfilled(stack, dag, n, *months):
    """The runs of a backfill of these months, when there are n."""
    runs = stack.api.call("GET", f"/dags/{dag}/dagRuns?run_type=backfill&limit=100")["dag_runs"]
    runs = [run for run in runs if run["logical_date"][:7] in months]
    return runs if len(runs) == n else None


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


def asked(stack, **conf):
    """A run of transactions_reclassify that asks a human, with the question as it is put."""
    dag = "transactions_reclassify"
    run = stack.trigger(dag, url=SAMPLE, source="bank", chunks=2, min_rows=1, **conf)
    wait(lambda: state(stack, dag, run, "approve") == "awaiting_input", "a human is asked")
    # An answer within the same second overtakes the executor's word that the question is put (Airflow fails the task then).
    wait(lambda: executed(stack, run, "approve"), "the scheduler knows that the question is put")
    return run, stack.api.call("GET", f"/dags/{dag}/dagRuns/{quote(run)}/hitlDetails")["hitl_details"][0]["body"]


def answer(stack, run, option):
    approve = stack.tasks("transactions_reclassify", run)["approve"][0]
    stack.api.call("PATCH", f"{stack.at(approve)}/-1/hitlDetails", {"chosen_options": [option], "params_input": {}})


def by_model(stack, model):
    return stack.query(f"SELECT count() FROM transactions FINAL WHERE model_version = '{model}'")


def test_reclassify_with_approval(stack, batch):
    """One run is rejected and another approved, while both wait."""
    dag = "transactions_reclassify"
    with MLAPI("--model-version", "hash-v2", "--rotate", "1") as api:
        stack.connect("txflow_ml_api_other", api.url)
        (no, _), (yes, body) = asked(stack), asked(stack)
        assert by_model(stack, "hash-v2") == "0"
        assert "100.00%" in body
        assert f"| hash-v1 | hash-v2 | {ROWS:,} |" in body
        assert "| Example | From | To |" in body
        answer(stack, no, "Reject")
        tasks = stack.end(dag, no, want="failed")
        assert (tasks["approve"][0]["state"], tasks["load"][0]["state"]) == ("failed", "upstream_failed")
        assert by_model(stack, "hash-v2") == "0"
        answer(stack, yes, "Approve")
        tasks = stack.end(dag, yes)
        assert all(instance["pool"] == "ml_api_other" for instance in tasks["classify"])
        assert [i["rendered_map_index"] for i in tasks["classify"]] == ["chunk 1 of 2", "chunk 2 of 2"]
    assert by_model(stack, "hash-v2") == str(ROWS)


def test_reclassify_beyond_the_threshold(stack, batch):
    dag = "transactions_reclassify"
    with MLAPI("--model-version", "hash-v3", "--rotate", "2") as api:
        stack.connect("txflow_ml_api_other", api.url)
        tasks = stack.end(dag, stack.trigger(dag, url=SAMPLE, source="bank", max_changed=0.05), want="failed")
        assert (tasks["compare"][0]["state"], tasks["approve"][0]["state"]) == ("failed", "upstream_failed")
        # A source that was mistyped: nothing is stored under it unless that is asked for.
        run = stack.trigger(dag, url=SAMPLE, source="bnak", max_changed=1)
        compare = stack.end(dag, run, want="failed")["compare"][0]
        said = [line["event"] for line in stack.log(compare) if f"{ROWS} of {ROWS} rows are not stored yet" in line["event"]]
        assert len(said) == 1
        assert "“Source name”" in said[0]
        assert "“Store new rows”" in said[0]
    assert by_model(stack, "hash-v3") == "0"
    assert stack.query("SELECT count() FROM transactions FINAL WHERE source = 'bnak'") == "0"


def test_a_task_waits_without_a_worker(stack):
    """While the ML API is unavailable the task is deferred, says so, and goes on. Its run is late, which is reported."""
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
    *before, last = [[line["event"] for line in stack.log(classify, attempt=n + 1)] for n in range(classify["try_number"])]
    assert "classify is done" in last
    # Waiting is no failure: the try that waited goes on. On a busy machine Airflow itself may fail to note that a task waits.
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
        stack.api.call("POST", "/pools", {name: pool[name] for name in ("name", "slots", "description", "include_deferred")})
    assert code == 1, said
    assert "there is no pool ml_api_other" in said
    assert "airflow pools set ml_api_other" in said


def test_a_backfill_without_parameters_is_refused(stack):
    """As the form sends it when its tick is not set."""
    dag = "transactions_monthly"
    stack.pause(dag, False)
    body = {"dag_id": dag, "from_date": "2023-01-01T00:00:00Z", "to_date": "2023-01-31T00:00:00Z", "dag_run_conf": None}
    stack.api.call("POST", "/backfills", body)
    runs = wait(lambda: backfilled(stack, dag, 1, "2023-01"), "the backfill's run is there")
    tasks = stack.end(dag, runs[0]["dag_run_id"], want="failed")
    stack.pause(dag, True)
    assert tasks["validate"][0]["try_number"] == 1
    assert "Override parameters on existing runs" in " ".join(line["event"] for line in stack.log(tasks["validate"][0]))


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
    assert stack.query("SELECT count() FROM transactions FINAL WHERE source = 'pruned'") == "20", "what was stored stays"


def test_connections_are_shown(stack):
    shown = {c["connection_id"]: c for c in stack.api.call("GET", "/connections?limit=100")["connections"]}
    assert {"txflow_clickhouse", "txflow_ml_api", "txflow_ml_api_other"} <= set(shown)
    assert shown["txflow_clickhouse"]["conn_type"] == "clickhouse"
    assert shown["txflow_clickhouse"]["port"] == stack.layout.ports["clickhouse"]


def executed(stack, run, task):
    """Whether the scheduler has noted that a task's process ended."""
    said = stack.layout.log("scheduler").read_text().splitlines()
    return any("Received executor event" in line and run in line and f"task_id='{task}'" in line for line in said)


def state(stack, dag, run, task):
    instances = stack.tasks(dag, run).get(task)
    return instances[0]["state"] if instances else None


def test_dead_letters_and_reconcile(stack, batch):
    """A dry run counts, a run without dead letters is skipped, and a gap between batch and stream fails."""
    dry = stack.end("dead_letters_replay", stack.trigger("dead_letters_replay", since="2024-01-01T00:00:00Z"))
    assert stack.xcom(dry["replay"][0]) == "0 dead letters would be replayed"
    none = stack.end("dead_letters_replay", stack.trigger("dead_letters_replay", dry_run=False, reason="amount_format"))
    assert none["replay"][0]["state"] == "skipped"
    stack.pause("reconcile_daily", False)
    agree = stack.trigger("reconcile_daily", source="nobody")
    gap = stack.trigger("reconcile_daily", source="bank")
    stack.end("reconcile_daily", agree)
    tasks = stack.end("reconcile_daily", gap, want="failed")
    assert tasks["reconcile"][0]["try_number"] == 1


def test_dead_letters_go_back(stack):
    """Dead letters are sent back by a run. Still wrong, they come back as new ones, once replayed."""
    txflow = str(ROOT / "bin" / "txflow")
    env = os.environ | {"KAFKA_BROKERS": f"127.0.0.1:{stack.layout.ports['kafka']}", "ML_API_URL": stack.layout.url("ml-api")}
    produce = [txflow, "stream", "produce", "--count=50", "--bad=0.2"]
    sent = subprocess.run(produce, env=env, check=True, capture_output=True, text=True)
    bad = int(re.search(r": (\d+) bad ones", sent.stderr)[1])
    assert bad

    def dead_letters(state, replays):
        """How many dead letters there are."""
        where = f"pipeline = 'stream' AND state = '{state}' AND replays = {replays}"
        return int(stack.query(f"SELECT count() FROM dead_letters FINAL WHERE {where}"))

    with subprocess.Popen([txflow, "stream", "classify", "--instance=test"], env=env, stderr=subprocess.DEVNULL) as member:
        try:
            wait(lambda: dead_letters("open", 0) == bad, "they are dead letters")
            dry = stack.end("dead_letters_replay", stack.trigger("dead_letters_replay"))
            assert stack.xcom(dry["replay"][0]) == f"{bad} dead letters would be replayed"
            sent = stack.end("dead_letters_replay", stack.trigger("dead_letters_replay", dry_run=False, rate=0))
            assert stack.xcom(sent["replay"][0])["counts"]["in"] == bad
            wait(lambda: dead_letters("open", 1) == bad, "they are dead letters again")
            assert (dead_letters("open", 0), dead_letters("replayed", 0)) == (0, bad)
        finally:
            member.terminate()
    assert member.returncode == 0
