"""What runs of the stack, as the other commands find it: state.json has the addresses, run/NAME.json each process.

The supervisor is a process like the parts. A number alone identifies none of them, since it may be somebody else's
after a crash; what cannot be identified is left alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layout import PORTS, Layout, folder
from process import Process

SUPERVISOR = "supervisor"
# Seconds until SIGKILL, and the signal before it, where they are not 15 and SIGTERM: a supervisor ends the others
# itself.
GRACE = {SUPERVISOR: (40, signal.SIGTERM), "database": (15, signal.SIGINT)}


@dataclass
class State:
    """What was found. layout: None where state.json is missing or broken; fault: what is wrong with it."""

    layout: Layout | None
    processes: dict[str, Process]  # those alive, the supervisor among them
    fault: str = ""

    @classmethod
    def read(cls) -> State:
        """Look into the stack's folder."""
        alive = {name: process for name, process in _recorded().items() if process.alive()}
        file = folder() / "state.json"
        try:
            layout = _layout(json.loads(file.read_text()))
        except FileNotFoundError:
            return cls(None, alive)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            return cls(None, alive, f"{file} cannot be read ({error or type(error).__name__})")
        return cls(layout, alive)

    @property
    def running(self) -> Layout | None:
        """The stack, when its supervisor runs."""
        return self.layout if SUPERVISOR in self.processes else None

    @property
    def left(self) -> dict[str, Process]:
        """Parts that live on without a supervisor that can be talked to, and a supervisor without addresses."""
        return {} if self.running else self.processes

    def recover(self) -> list[str]:
        """End what is left of a stack whose supervisor is gone, and forget it. Returns what was done, to be shown."""
        if self.running:
            return []
        done = [f"{self.fault}: it is removed"] if self.fault else []
        # The supervisor first, which would start the others again; then Airflow before what it and its tasks use.
        last = [SUPERVISOR, "api-server", "dag-processor", "triggerer", "scheduler", *self.left, "database"]
        order = sorted(self.left, key=lambda name: len(last) if name == "database" else last.index(name))
        for name in order:
            process = self.left[name]
            ended = process.end(*GRACE.get(name, (15, signal.SIGTERM)))
            done.append(
                f"{name}, process {process.pid}, was left running: it {'has ended' if ended else 'DOES NOT END'}"
            )
        forget()
        return done


def lock() -> Any:
    """Held by the supervisor while it lives. Raises BlockingIOError when another one has it."""
    folder().mkdir(parents=True, exist_ok=True)
    file = (folder() / "lock").open("a")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def save(layout: Layout) -> None:
    """Write down the addresses."""
    _write(folder() / "state.json", {"ports": layout.ports, "jaeger": layout.jaeger})


def record(name: str, pid: int) -> None:
    """Write down a process that was started."""
    process = Process.of(pid)
    _write(folder() / "run" / f"{name}.json", {"pid": process.pid, "start": process.start})


def forget() -> None:
    """Remove what was written down."""
    for file in (folder() / "state.json", *(folder() / "run").glob("*.json")):
        file.unlink(missing_ok=True)


def _recorded() -> dict[str, Process]:
    found = {}
    for file in sorted((folder() / "run").glob("*.json")):
        try:
            saved = json.loads(file.read_text())
            found[file.stem] = Process(int(saved["pid"]), str(saved["start"]))
        except (OSError, ValueError, TypeError, KeyError):
            continue  # half of it is worth nothing: the process is not known
    return found


def _layout(saved: dict[str, Any]) -> Layout:
    """The saved addresses. A part that the version which saved them did not have gets its default. Raises KeyError or
    ValueError where they are missing or one is no port."""
    if "pid" in saved:
        raise ValueError(
            "it is of an earlier version, whose processes cannot be distinguished from others; end those that "
            f"still run by hand: kill {int(saved['pid'])}"
        )
    return Layout(
        folder(), {part: int(saved["ports"].get(part, PORTS[part][1])) for part in PORTS}, bool(saved["jaeger"])
    )


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(content))
    os.replace(new, file)
