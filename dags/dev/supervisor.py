"""Starts the parts of the stack, starts again what dies, and ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import database
import state
from components import DATABASE, Component, airflow, components
from layout import Layout
from process import Process, kill, kill_group

GRACE = 15  # seconds between SIGTERM and SIGKILL
DATABASE_LIMIT = 60  # seconds until PostgreSQL takes sessions
RESTARTS, WITHIN = 5, 120.0  # a part that dies more often is given up, and the stack with it


class Supervisor:
    """Owns the processes; each is a session of its own, so that its children can be found."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.parts = components(layout)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.deaths: dict[str, list[float]] = {}
        self.stop = threading.Event()

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, or until a part is given up."""
        for sig in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sig, lambda *_: self.stop.set())
        try:
            held = state.lock()
        except BlockingIOError:
            say("another supervisor has this folder")
            return 1
        state.save(self.layout)
        state.record(state.SUPERVISOR, os.getpid())
        try:
            self._prepare()
            for part in self.parts:
                if part.name not in self.running:
                    self._start(part)
            while not self.stop.wait(0.2):
                self._watch()
        except Exception as error:
            say(f"the stack ends: {error}")
            return 1
        finally:
            self._end()
            state.forget()
            held.close()
        return 0

    def _prepare(self) -> None:
        """Airflow's database, before whatever needs it."""
        database.create(self.layout)
        self._start(next(part for part in self.parts if part.name == DATABASE))
        deadline = time.monotonic() + DATABASE_LIMIT
        while not self._takes_sessions():
            if self.stop.wait(0.1):
                return
            self._watch()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the database does not answer, see {self.layout.log(DATABASE)}")
        env = next(part.env for part in self.parts if part.name == "scheduler")
        say("airflow db migrate")
        with self.layout.log("db-migrate").open("ab") as log:
            done = subprocess.run(
                [*airflow(), "db", "migrate"], env=os.environ | env, stdout=log, stderr=log, check=False
            )
        if done.returncode:
            raise RuntimeError(f"airflow db migrate failed, see {self.layout.log('db-migrate')}")

    def _takes_sessions(self) -> bool:
        try:
            return database.ready(self.layout)
        except OSError:
            return False

    def _start(self, part: Component) -> None:
        with self.layout.log(part.name).open("ab") as log:
            self.running[part.name] = subprocess.Popen(
                part.argv,
                env=os.environ | part.env,
                cwd=self.layout.dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        state.record(part.name, self.running[part.name].pid)
        say(f"{part.name} started, process {self.running[part.name].pid}")

    def _watch(self) -> None:
        for part in self.parts:
            process = self.running.get(part.name)
            if process is None or process.poll() is None:
                continue
            say(f"{part.name} ended with {process.returncode}")
            kill_group(process.pid, signal.SIGKILL)  # and its children
            now = time.monotonic()
            deaths = self.deaths[part.name] = [t for t in self.deaths.get(part.name, []) if now - t < WITHIN] + [now]
            if len(deaths) > RESTARTS:
                raise RuntimeError(f"{part.name} died {len(deaths)} times, see {self.layout.log(part.name)}")
            self._start(part)

    def _end(self) -> None:
        """End all parts, the last one first: Airflow before what its tasks use, and its database at the very end."""
        last = [part for part in self.parts if part.name == DATABASE]
        self._end_all([part for part in reversed(self.parts) if part not in last])
        self._end_all(last)
        say("stopped")

    def _end_all(self, parts: list[Component]) -> None:
        parts = [part for part in parts if part.name in self.running]
        left = [member for part in parts for member in Process.of(self.running[part.name].pid).group()]
        for part in parts:
            kill_group(self.running[part.name].pid, part.stop)
        deadline = time.monotonic() + GRACE
        for part in parts:
            process = self.running[part.name]
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                say(f"{part.name} did not end in time and is killed")
                kill_group(process.pid, signal.SIGKILL)
                process.wait()
        kill(left)


def say(text: str) -> None:
    """A line in the supervisor's log."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)
