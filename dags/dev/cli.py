"""The commands: check, up, down, status, logs, trigger."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import airflow_setup
import checks
import jaeger
from components import Component, components
from http_client import HTTPError
from layout import PORTS, Layout, folder
from process import Process
from state import SUPERVISOR, State
from supervisor import Supervisor
from trigger import trigger

START_LIMIT, STOP_LIMIT = 900, 40  # seconds; a busy machine takes minutes


def main() -> int:
    """Run a command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python dags/dev",
        description="the development stack: platform, ML API, pipeline of events, Jaeger, Airflow",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, text in (
        ("check", check, "what must be right before anything starts"),
        ("up", up, "start everything"),
        ("down", down, "stop everything; data stays"),
        ("status", status, "what runs"),
        ("supervise", supervise, "run in the foreground"),
        ("jaeger", find_jaeger, "say which Jaeger would be used; exit code 1 when one is wanted and none is there"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=run)
    logs = commands.add_parser("logs", help="the logs, followed until Ctrl-C")
    logs.add_argument("parts", nargs="*", help="only these parts")
    logs.set_defaults(run=show_logs)
    start = commands.add_parser("trigger", help="run transactions_batch on a file and wait for the outcome")
    start.add_argument("file", help="path, glob or URL")
    start.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE", help="another parameter of the DAG")
    start.set_defaults(run=lambda args: trigger(_running(), args.file, args.conf))
    args = parser.parse_args()
    try:
        return args.run(args) or 0
    except KeyboardInterrupt:
        return 130


def check(_: argparse.Namespace) -> int:
    """Say what is wrong before anything is built or started."""
    if running := State.read().running:
        print(f"the stack runs already, from {running.dir}")
        return 0
    _recover()
    faults = checks.faults(Layout.from_environment())
    for fault in faults:
        print(f"txflow: {fault}", file=sys.stderr)
    return 1 if faults else 0


def find_jaeger(_: argparse.Namespace) -> int:
    """Say which Jaeger would be used."""
    layout = Layout.from_environment()
    print(f"Jaeger: {(jaeger.found() or 'none') if layout.jaeger else 'off'}")
    return 1 if layout.jaeger and not jaeger.found() else 0


def up(args: argparse.Namespace) -> int:
    """Start the stack in the background and wait until every part answers."""
    if State.read().running:
        return status(args)
    _recover()
    layout = Layout.from_environment()
    if layout.jaeger and not jaeger.found():
        print(
            "no Jaeger: put one on the PATH or run `make jaeger`; this time without traces, as with JAEGER=off",
            file=sys.stderr,
        )
        layout.jaeger = False
    if faults := checks.faults(layout):
        print("\n".join(f"txflow: {fault}" for fault in faults), file=sys.stderr)
        return 1
    for name in ("logs", "airflow", "inbox", "out"):
        (layout.dir / name).mkdir(parents=True, exist_ok=True)
    env = (
        os.environ
        | {"JAEGER": "on" if layout.jaeger else "off"}
        | {PORTS[part][0]: str(port) for part, port in layout.ports.items()}
    )
    with layout.log("dev").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent), "supervise"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    if not _wait(layout, process):
        if process.poll() is None:
            _stop(process)
        print(f"\nthe stack did not start, see {layout.dir}/logs", file=sys.stderr)
        return 1
    airflow_setup.prepare(layout)
    return status(args)


def supervise(_: argparse.Namespace) -> int:
    """Run the stack until SIGTERM."""
    return Supervisor(Layout.from_environment()).run()


def down(_: argparse.Namespace) -> int:
    """Stop the stack, and what is left of one whose supervisor was killed; a process that is not its own is left
    alone."""
    state = State.read()
    if not state.running:
        if not _recover():
            print("nothing runs")
        return 1 if State.read().left else 0
    if not state.processes[SUPERVISOR].end(STOP_LIMIT):
        print(f"the supervisor, process {state.processes[SUPERVISOR].pid}, does not end", file=sys.stderr)
        return 1
    _recover()  # only after a supervisor that had to be killed
    print(f"stopped; data and logs stay in {state.running.dir}")
    return 0


def _recover() -> bool:
    """End the processes of a supervisor that was killed, and say so. False when there was nothing."""
    done = State.read().recover()
    for line in done:
        print(line, file=sys.stderr)
    return bool(done)


def status(_: argparse.Namespace) -> int:
    """Say what runs, and where. Exit code 1 when a part does not answer."""
    layout, bad = _running(), 0
    for part in components(layout):
        answers = _ready(part)
        bad += not answers
        print(f"  {part.name:14} {'ready' if answers else 'DOES NOT ANSWER, see ' + str(layout.log(part.name))}")
    print(f"""
  Airflow        {layout.url("airflow")}  (no login; `transactions_batch` takes a file)
  the page       {layout.url("ui")}  (runs, rows, categories, dead letters)
  Jaeger         {layout.url("jaeger") if layout.jaeger else "off"}
  ML API         {layout.url("ml-api")}/docs
  events         {layout.url("collect")}/docs  (POST /collect; `bin/txflow events send data/events.json`)
  ClickHouse     {layout.url("clickhouse")}/?database=txflow
  Kafka          127.0.0.1:{layout.ports["kafka"]}
  Registry       {layout.url("registry")}
  inbox          {layout.dir}/inbox  (`transactions_arrivals` takes what lies there)

  make trigger SOURCE=data/transactions.csv   make dev-logs   make dev-status   make dev-down""")
    return 1 if bad else 0


def show_logs(args: argparse.Namespace) -> int:
    """Follow the logs."""
    logs = [folder() / "logs" / f"{part}.log" for part in args.parts] or sorted((folder() / "logs").glob("*.log"))
    return subprocess.call(["tail", "-n", "40", "-F", *map(str, logs)])


def _running() -> Layout:
    state = State.read()
    if layout := state.running:
        return layout
    left = ", ".join(f"{name} (process {process.pid})" for name, process in state.left.items())
    if state.fault or left:
        lines = [state.fault, left and f"the supervisor is gone, and left running: {left}"]
        sys.exit("\n".join([*filter(None, lines), "make dev-down removes it, and make dev does so before it starts"]))
    sys.exit("nothing runs: make dev starts Airflow here, make up the whole stack in Docker")


def _wait(layout: Layout, process: subprocess.Popen[bytes]) -> bool:
    """Wait until every part is ready; False when the supervisor ends or time is up."""
    deadline = time.monotonic() + START_LIMIT
    for part in components(layout):
        print(f"  {part.name} …", end="", flush=True)
        began = time.monotonic()
        while not _ready(part):
            if process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.3)
        print(f" ready ({time.monotonic() - began:.0f} s)", flush=True)
    return True


def _ready(part: Component) -> bool:
    try:
        return bool(part.ready())
    except (OSError, HTTPError, ValueError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        Process.of(process.pid).end(0)
        process.wait()
        _recover()
