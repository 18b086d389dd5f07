"""`make trigger`: a run of transactions_batch, watched until it ends."""

from __future__ import annotations

import glob
import json
import sys
import time
import urllib.parse
from collections import Counter
from pathlib import Path
from typing import Any

from http_client import API, HTTPError
from layout import Layout

DAG = "transactions_batch"
ENDED = ("success", "failed")
PARSE_LIMIT = 60  # seconds until a new Airflow knows the DAG
BUSY = (404, 500, 502, 503, 504)  # it does not know the DAG yet, or has too much to do


def trigger(layout: Layout, file: str, conf: list[str]) -> int:
    """Run the DAG on a file, showing how its tasks go. Returns 0 for a run that ended well, else 1."""
    api = API(layout.url("airflow"))
    run = _start(api, {"url": _absolute(file), **dict(map(_pair, conf))})
    at = f"/dags/{DAG}/dagRuns/{urllib.parse.quote(run, safe='')}"
    print(f"{DAG} {run}\n{layout.url('airflow')}/dags/{DAG}/runs/{run}")
    shown: dict[str, str] = {}
    while True:
        try:
            state, tasks = api.call("GET", at)["state"], _tasks(api, at)
        except OSError:
            time.sleep(0.5)
            continue  # Airflow is busy
        except HTTPError as error:
            if error.status < 500:
                raise
            time.sleep(0.5)
            continue
        for task, states in tasks.items():
            if shown.get(task) != states:
                shown[task] = states
                print(f"  {time.strftime('%H:%M:%S')}  {task:10}  {states}", flush=True)
        if state in ENDED:
            return _tell(api, at, state)
        time.sleep(0.5)


def _start(api: API, conf: dict[str, Any]) -> str:
    deadline = time.monotonic() + PARSE_LIMIT
    while True:
        try:
            if api.call("GET", f"/dags/{DAG}")["is_paused"]:
                sys.exit(
                    f"{DAG} is paused, so nothing would run: unpause it at {api.url}/dags/{DAG}, then trigger again"
                )
            return api.call("POST", f"/dags/{DAG}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]
        except HTTPError as error:
            if error.status not in BUSY or time.monotonic() > deadline:
                sys.exit(f"{DAG} could not be triggered: {error}")
            time.sleep(1)
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"Airflow does not answer at {api.url}: {error}")
            time.sleep(1)


def _tasks(api: API, at: str) -> dict[str, str]:
    """Each task's states, with how many instances are in each."""
    instances = api.call("GET", f"{at}/taskInstances?limit=1000")["task_instances"]
    states: dict[str, Counter[str]] = {}
    for instance in instances:
        if instance["state"]:
            states.setdefault(instance["task_id"], Counter())[instance["state"]] += 1
    return {task: ", ".join(s if n == 1 else f"{n} {s}" for s, n in sorted(c.items())) for task, c in states.items()}


def _tell(api: API, at: str, state: str) -> int:
    if state == "success":
        counts = _manifest(api, at).get("counts", {})
        print("done: " + ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items()))
        return 0
    for instance in api.call("GET", f"{at}/taskInstances?state=failed&limit=1000")["task_instances"]:
        where = instance["task_id"] + (f"[{instance['map_index']}]" if instance["map_index"] >= 0 else "")
        print(f"{where} failed:\n" + "\n".join(f"  {line}" for line in _complaint(api, at, instance)), file=sys.stderr)
    return 1


def _manifest(api: API, at: str) -> dict[str, Any]:
    value = api.call("GET", f"{at}/taskInstances/reconcile/xcomEntries/return_value?deserialize=true")["value"]
    return json.loads(value) if isinstance(value, str) else value


def _complaint(api: API, at: str, instance: dict[str, Any]) -> list[str]:
    """The task's own error and what to do next, out of its log."""
    log = api.call(
        "GET",
        f"{at}/taskInstances/{instance['task_id']}/logs/{instance['try_number']}"
        f"?map_index={instance['map_index']}&full_content=true",
    )["content"]
    entries = [entry for entry in log if isinstance(entry, dict)]
    said = [e["event"] for e in entries if e.get("level") == "error" or e["event"].startswith("next: ")]
    return said[-3:] or [e["event"] for e in entries[-3:]]


def _absolute(file: str) -> str:
    """A path as Airflow's processes see it: absolute; URLs and globs stay what they are."""
    if "://" in file:
        return file
    path = str(Path(file).absolute())
    if not glob.glob(path):
        print(f"note: nothing matches {path}", file=sys.stderr)
    return path


def _pair(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
