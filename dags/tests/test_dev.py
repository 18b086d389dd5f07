"""`make dev` and its siblings after a crash, without a stack: no other process is touched."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading

import airflow_setup
import cli
import components
import database
import pytest
from components import Component
from conftest import ROOT
from layout import PORTS, Layout
from process import Process

SLEEP = ["sleep", "300"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The stack's folder, with a space and quotes in its path."""
    folder = tmp_path / """a "b" c's""" / "dev"
    (folder / "run").mkdir(parents=True)
    monkeypatch.setenv("TXFLOW_DEV_DIR", str(folder))
    return folder


@pytest.fixture
def sleeper():
    """Starts processes, each the leader of a session; ends them after the test."""
    started = []

    def start():
        started.append(subprocess.Popen(SLEEP, start_new_session=True))
        threading.Thread(target=started[-1].wait, daemon=True).start()  # no zombie
        return started[-1].pid

    yield start
    for process in started:
        process.kill()


def dev(command, *argv):
    return subprocess.run(
        [sys.executable, str(ROOT / "dags" / "dev"), command, *argv], capture_output=True, text=True, check=False
    )


def write_state(folder, **more):
    ports = {part: 1 for part in PORTS}
    (folder / "state.json").write_text(json.dumps({"ports": ports, "jaeger": False, **more}))


def write_process(folder, name, pid, start=None):
    start = Process.of(pid).start if start is None else start
    (folder / "run" / f"{name}.json").write_text(json.dumps({"pid": pid, "start": start}))


def test_a_reused_number_is_not_touched(folder, sleeper):
    """The machine was restarted, and the supervisor's and a part's number belong to somebody else now."""
    foreign = [sleeper(), sleeper()]
    write_state(folder)
    write_process(folder, "supervisor", foreign[0], "another boot:1")
    write_process(folder, "scheduler", foreign[1], "another boot:2")
    assert "nothing runs" in dev("status").stderr
    down = dev("down")
    assert (down.returncode, down.stdout) == (0, "nothing runs\n")
    assert all(Process.of(pid).alive() for pid in foreign)
    assert not (folder / "state.json").exists()


def test_state_of_an_earlier_version(folder, sleeper):
    """It has numbers alone. Nothing is touched, and what to do is said."""
    foreign = sleeper()
    write_state(folder, pid=foreign, parts={"scheduler": foreign})
    assert f"kill {foreign}" in dev("status").stderr
    assert f"kill {foreign}" in dev("down").stderr
    assert Process.of(foreign).alive()


def test_parts_of_a_killed_supervisor_are_ended(folder, sleeper):
    parts, foreign = {name: sleeper() for name in ("platform", "api-server", "database")}, sleeper()
    gone = subprocess.Popen(["true"])
    write_state(folder)
    write_process(folder, "supervisor", gone.pid, Process.of(gone.pid).start or "x")
    gone.wait()
    for name, pid in parts.items():
        write_process(folder, name, pid)
    status = dev("status")
    assert status.returncode == 1
    assert all(f"{name} (process {pid})" in status.stderr for name, pid in parts.items())
    down = dev("down")
    assert down.returncode == 0, down.stderr
    assert down.stderr.index("api-server") < down.stderr.index("database")
    assert not any(Process.of(pid).alive() for pid in parts.values())
    assert Process.of(foreign).alive()
    assert "nothing runs" in dev("status").stderr


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"ports": {}}', '{"ports": {"airflow": "x"}, "jaeger": 1}', "\0\udcff"]
)
def test_broken_state_is_recovered(folder, sleeper, content):
    part = sleeper()
    write_process(folder, "platform", part)
    (folder / "run" / "scheduler.json").write_text("{")
    (folder / "state.json").write_bytes(content.encode(errors="surrogateescape"))
    status = dev("status")
    assert (status.returncode, "state.json cannot be read" in status.stderr) == (1, True)
    assert "Traceback" not in status.stderr
    assert "Traceback" not in dev("trigger", "x.csv").stderr
    down = dev("down")
    assert down.returncode == 0, down.stderr
    assert not Process.of(part).alive()
    assert "nothing runs" in dev("status").stderr


def test_make_dev_recovers_before_it_looks_at_ports(folder, sleeper):
    """The parts of a killed supervisor hold the ports: they are ended first."""
    part = sleeper()
    write_process(folder, "platform", part)
    dev("check")
    assert not Process.of(part).alive()


def test_the_pipeline_of_events_is_a_part(folder, monkeypatch):
    """Each of its parts has an address of its own; one that is taken is named with its variable."""
    monkeypatch.setenv("JAEGER", "off")
    layout = Layout.from_environment()
    parts = {part.name: part for part in components.components(layout)}
    for name, port in {"collect": 8001, "refine": 9466, "publish": 9467}.items():
        assert f"127.0.0.1:{port}" in parts[name].argv
        assert parts[name].env["KAFKA_BROKERS"] == f"127.0.0.1:{layout.ports['kafka']}"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("DEV_COLLECT_PORT", str(port))
        assert f"port {port} (collect) is taken" in dev("check").stderr


def test_another_process_with_the_same_number_is_another():
    mine = Process.of(os.getpid())
    assert mine.alive()
    assert not Process(mine.pid, mine.start + "0").alive()
    assert not Process(mine.pid, "").alive()


def test_sqlite_of_an_earlier_version_is_refused(folder):
    old = folder / "airflow" / "airflow.db"
    old.parent.mkdir()
    old.touch()
    check = dev("check")
    assert check.returncode == 1
    assert str(old) in check.stderr
    assert "mv " in check.stderr
    old.unlink()
    assert "SQLite" not in dev("check").stderr


class Answers(http.server.BaseHTTPRequestHandler):
    """Airflow's API as far as a test says: (method, path) → answers in turn, the last one for good."""

    script: dict = {}  # noqa: RUF012
    seen: list = []  # noqa: RUF012

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.seen.append((self.command, self.path, self.rfile.read(length)))
        answers = self.script.get((self.command, self.path), [(404, {})])
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


@pytest.fixture
def airflow_api(folder):
    """An API that answers by script; returns script, what was asked, and the stack's layout."""
    Answers.script, Answers.seen = {("GET", "/auth/token"): [(200, {"access_token": "t"})]}, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        layout = Layout(folder, {part: server.server_port for part in PORTS}, False)
        (folder / "state.json").write_text(json.dumps({"ports": layout.ports, "jaeger": False}))
        write_process(folder, "supervisor", os.getpid())
        yield Answers.script, Answers.seen, layout
        server.shutdown()


def test_a_busy_airflow_is_waited_for(airflow_api):
    """A pool is asked for again after a "Database error", instead of a traceback."""
    script, seen, layout = airflow_api
    script["POST", "/api/v2/pools"] = [(500, {"detail": "Database error"}), (503, {}), (201, {})]
    script["POST", "/api/v2/connections"] = [(201, {})]
    airflow_setup.prepare(layout)
    pools = [json.loads(body)["name"] for method, path, body in seen if (method, path) == ("POST", "/api/v2/pools")]
    assert pools == ["ml_api"] * 3 + ["ml_api_other"]


def test_trigger_says_that_a_dag_is_paused(airflow_api):
    script, seen, layout = airflow_api
    script["GET", "/api/v2/dags/transactions_batch"] = [(200, {"is_paused": True})]
    done = dev("trigger", "x.csv")
    assert done.returncode == 1
    assert "is paused" in done.stderr
    assert layout.url("airflow") in done.stderr
    assert not [path for method, path, _ in seen if method == "POST"]


def test_a_database_that_hangs_up_is_not_ready(folder):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        layout = Layout(folder, {"database": server.getsockname()[1]}, False)
        assert not cli._ready(Component("database", [], lambda: database.ready(layout)))
