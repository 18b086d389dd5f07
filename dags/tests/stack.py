"""Drives a development stack as a user does: `dags/dev up`, the REST API, SQL, and kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import airflow_env
from components import airflow
from http_client import API, HTTPError, get
from layout import PORTS, ROOT, free_ports
from state import State

LIMIT = 600  # seconds that a run may take on a busy machine


class Stack:
    """A stack in a folder of its own, on free ports. TXFLOW_TEST_STACK names a folder whose stack is left running, for
    the next tests to find: they begin at once."""

    def __init__(self, folder: Path) -> None:
        self.kept = bool(os.environ.get("TXFLOW_TEST_STACK"))
        self.folder = folder = Path(os.environ.get("TXFLOW_TEST_STACK") or folder).absolute()
        self.months = folder / "months"
        self.inbox = folder / "dev" / "inbox"
        settings = {
            "TXFLOW_DEV_DIR": str(folder / "dev"),
            "TXFLOW_RETRY_DELAY": "3",
            "TXFLOW_PATIENCE": "2s",
            "TXFLOW_DEADLINE": "40",
            "TXFLOW_INBOX_EVERY": "2",
            "TXFLOW_INBOX_SETTLE": "1s",
            "TXFLOW_MONTHLY_TEMPLATE": f"{self.months}/month={{{{YYYY-MM}}}}/transactions.csv",
            "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "10",
        } | {variable: "0" for variable, _ in PORTS.values()}
        os.environ |= settings

    def __enter__(self) -> Stack:
        self._dev("up")
        self.layout = State.read().running
        assert self.layout, "the stack says that it is up, and is not"
        self.api = API(self.layout.url("airflow"))
        dags = len(list((ROOT / "dags").glob("*.py")))
        wait(lambda: self.api.call("GET", "/dags?limit=20")["total_entries"] == dags, "the DAGs are parsed")
        errors = self.api.call("GET", "/importErrors")["import_errors"]
        assert not errors, errors
        return self

    def __exit__(self, *_: object) -> None:
        if self.kept:
            return
        self._dev("down")
        assert not processes(str(self.folder)), "processes are left"

    def pid(self, part: str) -> int:
        """The part's process now, 0 while it is started again."""
        process = State.read().processes.get(part)
        return process.pid if process else 0

    def trigger(self, dag: str, **conf: Any) -> str:
        """Start a run; returns its id."""
        return self.api.call("POST", f"/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]

    def connect(self, connection: str, url: str) -> None:
        """Point a connection at an address."""
        body = {"connection_id": connection, "conn_type": "http", "host": url, "port": None}
        try:
            self.api.call("POST", "/connections", body)
        except HTTPError as error:
            if error.status != 409:
                raise
            self.api.call("PATCH", f"/connections/{connection}", body)

    def pause(self, dag: str, paused: bool) -> None:
        """Pause or unpause a DAG."""
        self.api.call("PATCH", f"/dags/{dag}", {"is_paused": paused})

    def airflow(self, *argv: str) -> None:
        """Run Airflow's own command."""
        env = os.environ | airflow_env.variables(self.layout)
        subprocess.run([*airflow(), *argv], env=env, check=True, stdout=subprocess.DEVNULL)

    def state(self, dag: str, run: str) -> str:
        """The run's state, "" for one that is not there yet."""
        try:
            return self.api.call("GET", f"/dags/{dag}/dagRuns/{quote(run)}")["state"]
        except HTTPError as error:
            if error.status == 404:
                return ""
            raise

    def end(self, dag: str, run: str, want: str = "success") -> dict[str, list[dict[str, Any]]]:
        """Wait until the run ends as wanted; returns its task instances by task."""
        wait(lambda: self.state(dag, run) in ("success", "failed"), f"{dag} {run} ends")
        tasks = self.tasks(dag, run)
        states = {name: [i["state"] for i in instances] for name, instances in tasks.items()}
        assert self.state(dag, run) == want, (states, self.complaints(dag, run, tasks))
        return tasks

    def tasks(self, dag: str, run: str) -> dict[str, list[dict[str, Any]]]:
        """The run's task instances by task, mapped ones in order."""
        found: dict[str, list[dict[str, Any]]] = {}
        instances = self.api.call("GET", f"/dags/{dag}/dagRuns/{quote(run)}/taskInstances?limit=1000")["task_instances"]
        for instance in sorted(instances, key=lambda i: i["map_index"]):
            found.setdefault(instance["task_id"], []).append(instance)
        return found

    def xcom(self, instance: dict[str, Any], key: str = "return_value") -> Any:
        """A value that a task returned."""
        at = f"{self.at(instance)}/xcomEntries/{key}?deserialize=true&map_index={instance['map_index']}"
        value = self.api.call("GET", at)["value"]
        return json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value

    def log(self, instance: dict[str, Any], attempt: int | None = None) -> list[dict[str, Any]]:
        """The lines of a task's log, as the UI shows them."""
        attempt = attempt or instance["try_number"]
        at = f"{self.at(instance)}/logs/{attempt}?full_content=true&map_index={instance['map_index']}"
        return [line for line in self.api.call("GET", at)["content"] if isinstance(line, dict)]

    def tries(self, instance: dict[str, Any]) -> list[int]:
        """The numbers of a task's tries in order, the last one included. A number that Airflow gave to no try is left
        out: its scheduler may count a task twice that it did not start."""
        at = f"{self.at(instance)}/{instance['map_index']}/tries"
        return sorted(attempt["try_number"] for attempt in self.api.call("GET", at)["task_instances"])

    def links(self, instance: dict[str, Any]) -> dict[str, str]:
        """The links that the UI shows beside a task."""
        return self.api.call("GET", f"{self.at(instance)}/links?map_index={instance['map_index']}")["extra_links"]

    def at(self, instance: dict[str, Any]) -> str:
        """The path of a task instance."""
        return f"/dags/{instance['dag_id']}/dagRuns/{quote(instance['dag_run_id'])}/taskInstances/{instance['task_id']}"

    def query(self, sql: str) -> str:
        """What ClickHouse answers, without the last newline."""
        at = self.layout.url("clickhouse") + "/?" + urllib.parse.urlencode({"database": "txflow", "query": sql})
        return get(at).decode().rstrip("\n")

    def complaints(self, dag: str, run: str, tasks: dict[str, list[dict[str, Any]]]) -> list[str]:
        """The last lines of failed tasks."""
        failed = [i for instances in tasks.values() for i in instances if i["state"] == "failed"]
        return [f"{i['task_id']}: {line['event']}" for i in failed[:3] for line in self.log(i)[-6:]]

    def _dev(self, command: str) -> None:
        subprocess.run([sys.executable, str(ROOT / "dags" / "dev"), command], check=True)


class MLAPI:
    """Another model's API, in a process that a test may kill and start again."""

    def __init__(self, *flags: str) -> None:
        port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{port}"
        self.argv = [str(ROOT / "bin" / "txflow"), "ml-api", "--addr", f"127.0.0.1:{port}", *flags]

    def __enter__(self) -> MLAPI:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(self.argv, stderr=subprocess.DEVNULL)
        wait(lambda: get(self.url + "/health"), "the ML API answers")

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


def quote(text: str) -> str:
    """A run's id in a path."""
    return urllib.parse.quote(text, safe="")


def wait(done: Callable[[], Any], what: str, limit: float = LIMIT) -> Any:
    """Poll until done() is true; returns what it returned. An API that is busy is asked again."""
    deadline = time.monotonic() + limit
    while True:
        try:
            if value := done():
                return value
        except OSError:
            pass  # busy
        assert time.monotonic() < deadline, f"not within {limit:g} s: {what}"
        time.sleep(0.2)


def processes(text: str) -> list[tuple[int, str]]:
    """Processes of txflow, of Airflow and their children with the text in their arguments."""
    listed = subprocess.run(
        ["ps", "-ww", "-A", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    found = []
    for line in listed.splitlines():
        pid, state, args = line.split(None, 2)
        if text in args and not state.startswith("Z") and int(pid) != os.getpid() and not args.startswith("ps "):
            found.append((int(pid), args))
    return found
