"""A development stack for all tests that need one, on free ports and in a folder of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

DAGS = Path(__file__).resolve().parents[1]
ROOT = DAGS.parent
sys.path[:0] = [str(DAGS), str(DAGS / "dev")]

# Tests of the package itself touch no database.
os.environ.setdefault("AIRFLOW_HOME", "/nonexistent")
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """Airflow, the platform and the ML API; one start for all tests."""
    from stack import Stack

    with Stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def measured(stack):
    """The sample through transactions_batch, in four chunks; its tasks, and the requests that the ML API counted."""
    import samples

    conf = {"source": "bank", "chunks": 4, "min_rows": 1, "traceparent": samples.TRACEPARENT}
    before = samples.requests(stack)
    run = stack.trigger("transactions_batch", url=samples.SAMPLE, **conf)
    return stack.end("transactions_batch", run), samples.requests(stack) - before


@pytest.fixture(scope="session")
def batch(measured):
    """The tasks of that run: the other tests find its rows stored."""
    return measured[0]


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory):
    """A real engine with the tasks' image; where none can be had, skipped loudly, or failed with
    TXFLOW_REQUIRE_TOOLS."""
    import engine

    if not engine.answers():
        missing("no Docker engine answers, for the tests of the docker runner")
    os.environ["TXFLOW_IMAGE"] = engine.build(tmp_path_factory.mktemp("image"))


def missing(what: str) -> None:
    """Say that a suite did not run; a failure where tools are required."""
    message = f"NOT RUN: {what}"
    print(f"\n######## {message} ########", file=sys.stderr)
    (pytest.fail if os.environ.get("TXFLOW_REQUIRE_TOOLS") else pytest.skip)(message)
