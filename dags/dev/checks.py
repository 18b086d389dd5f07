"""What must be right before anything is built or started. All faults are reported together."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator

import database
from layout import PORTS, ROOT, Layout

DISK = 5 << 30  # Airflow, ClickHouse's engine, and room to work
NEWEST = (3, 15)


def faults(layout: Layout) -> list[str]:
    """What is wrong, with what to do about it."""
    return [*_python(), *_programs(), *_database(layout), *_disk(layout), *_ports(layout)]


def _python() -> Iterator[str]:
    if sys.version_info >= NEWEST:
        version = ".".join(map(str, sys.version_info[:2]))
        yield f"Airflow does not know Python {version} yet; name another: make dev PYTHON=python3.13"
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        yield "this Python has no venv; on Debian: apt install python3-venv"


def _programs() -> Iterator[str]:
    for program, need in (("go", "Go, from https://go.dev/dl"), ("npm", "npm, for ClickHouse's engine")):
        if not shutil.which(program):
            yield f"{program} is not on the PATH: install {need}"
    if not any(shutil.which(name) for name in (os.environ.get("CC") or "cc", "gcc", "clang")):
        yield "no C compiler is on the PATH: install gcc or clang"


def _database(layout: Layout) -> Iterator[str]:
    yield from filter(None, (database.fault(), database.older(layout)))


def _disk(layout: Layout) -> Iterator[str]:
    at = layout.dir if layout.dir.exists() else ROOT
    if (free := shutil.disk_usage(at).free) < DISK:
        yield f"{at} has {free / 2**30:.1f} GiB free, {DISK >> 30} GiB are needed"


def _ports(layout: Layout) -> Iterator[str]:
    for part, port in layout.ports.items():
        if part.startswith(("jaeger", "otlp")) and not layout.jaeger:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                yield f"port {port} ({part}) is taken; name another, or 0 for a free one: {PORTS[part][0]}=0"
