"""Settings from TXFLOW_* variables of the process that parses or runs a DAG."""

from __future__ import annotations

import os
from pathlib import Path

RUNNERS = ("process", "docker", "kubernetes")


def runner() -> str:
    """Where tasks run. Raises ValueError for one that does not exist."""
    name = os.environ.get("TXFLOW_RUNNER", "process")
    if name not in RUNNERS:
        raise ValueError(f"TXFLOW_RUNNER={name!r} is none of {', '.join(RUNNERS)}")
    return name


def out() -> str:
    """Folder or URL under which each run keeps its artifacts."""
    return os.environ.get("TXFLOW_OUT", "out").rstrip("/")


def binary(program: str) -> str:
    """Path of a txflow program for the process runner: in TXFLOW_BIN, else on the PATH."""
    folder = os.environ.get("TXFLOW_BIN")
    return str(Path(folder) / program) if folder else program


def seconds(name: str, default: float) -> float:
    """A number of seconds from a variable."""
    return float(os.environ.get(name) or default)


def text(name: str, default: str = "") -> str:
    """A variable, or the default when it is unset or empty."""
    return os.environ.get(name) or default


def patience() -> str:
    """How long a command itself waits for something that is unavailable, before its task waits without a worker."""
    return os.environ.get("TXFLOW_PATIENCE") or "30s"


def wait_limit() -> float:
    """Seconds after which a wait for something that is unavailable is given up: half a day."""
    return seconds("TXFLOW_WAIT_LIMIT", 12 * 3600)


def classify_at_once() -> int:
    """How many chunks of one run ask the ML API at once, so that one file does not take the whole pool."""
    return int(os.environ.get("TXFLOW_CLASSIFY_AT_ONCE") or 3)
