"""Starts the parts of the stack, starts again what dies, and ends them all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

from components import Component, airflow, components
from layout import Layout

GRACE = 15  # seconds between SIGTERM and SIGKILL
RESTARTS, WITHIN = 5, 120.0  # a part that dies more often is given up, and the stack with it


class Supervisor:
    """Owns the processes; each is a session of its own, so that what it leaves behind can be found."""

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
        self.layout.pid = os.getpid()
        self.layout.save()
        try:
            self._prepare()
            for part in self.parts:
                self._start(part)
            while not self.stop.wait(0.2):
                self._watch()
        except Exception as error:
            say(f"the stack ends: {error}")
            return 1
        finally:
            self._end()
            (self.layout.dir / "state.json").unlink(missing_ok=True)
        return 0

    def _prepare(self) -> None:
        env = next(part.env for part in self.parts if part.name == "scheduler")
        say("airflow db migrate")
        with self.layout.log("db-migrate").open("ab") as log:
            done = subprocess.run([airflow(), "db", "migrate"], env=os.environ | env, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise RuntimeError(f"airflow db migrate failed, see {self.layout.log('db-migrate')}")

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
        self.layout.parts[part.name] = self.running[part.name].pid
        self.layout.save()
        say(f"{part.name} started, process {self.running[part.name].pid}")

    def _watch(self) -> None:
        for part in self.parts:
            process = self.running[part.name]
            if process.poll() is None:
                continue
            say(f"{part.name} ended with {process.returncode}")
            _signal(process, signal.SIGKILL)  # whatever it left behind
            now = time.monotonic()
            deaths = self.deaths[part.name] = [t for t in self.deaths.get(part.name, []) if now - t < WITHIN] + [now]
            if len(deaths) > RESTARTS:
                raise RuntimeError(f"{part.name} died {len(deaths)} times, see {self.layout.log(part.name)}")
            self._start(part)

    def _end(self) -> None:
        """End all parts, the last one first: Airflow before what its tasks use."""
        for name in reversed(self.running):
            _signal(self.running[name], signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for name in reversed(self.running):
            process = self.running[name]
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                say(f"{name} did not end in time and is killed")
            _signal(process, signal.SIGKILL)
            process.wait()
        say("stopped")


def _signal(process: subprocess.Popen[bytes], sig: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the whole group may have ended
        os.killpg(process.pid, sig)


def say(text: str) -> None:
    """A line in the supervisor's log."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)
