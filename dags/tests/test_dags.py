"""The DAGs parse quickly, from nothing but their files, and have the structure that is pinned here."""

from __future__ import annotations

import socket

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Connection, Variable
from airflow.settings import engine
from conftest import DAGS
from sqlalchemy import event

NAMES = sorted(path.stem for path in DAGS.glob("*.py"))

# task: (upstream tasks, pool, trigger rule)
PLAIN = ("default_pool", "all_success")
STRUCTURE = {
    "transactions_batch": {
        "validate": (set(), *PLAIN),
        "split": ({"validate"}, *PLAIN),
        "classify": ({"split"}, "ml_api", "all_success"),
        "load": ({"split", "classify"}, *PLAIN),
        "reconcile": ({"load"}, *PLAIN),
    },
    "transactions_reclassify": {
        "validate": (set(), *PLAIN),
        "split": ({"validate"}, *PLAIN),
        "classify": ({"split"}, "ml_api", "all_success"),
        "compare": ({"classify"}, *PLAIN),
        "approve": ({"compare"}, *PLAIN),
        "load": ({"split", "approve"}, *PLAIN),
        "reconcile": ({"load"}, *PLAIN),
    },
    "transactions_arrivals": {
        "look": (set(), *PLAIN),
        "start": ({"look"}, *PLAIN),
        "mark": ({"look", "start"}, "default_pool", "none_failed"),
    },
    "dead_letters_replay": {"replay": (set(), *PLAIN)},
    "reconcile_daily": {"reconcile": (set(), *PLAIN)},
}
STRUCTURE["transactions_monthly"] = STRUCTURE["transactions_batch"]
MAPPED = {"classify", "load", "start"}


SECOND = 1.0


@pytest.fixture(scope="module")
def dags() -> dict[str, DAG]:
    """Every DAG, parsed twice: what the first one imports of Airflow is not its own time."""
    bag = DagBag(DAGS / "transactions_arrivals.py")
    bag = DagBag(DAGS)
    assert not bag.import_errors
    for stat in bag.dagbag_stats:
        print(f"{stat.file}: {stat.duration.total_seconds():.2f} s")
        assert stat.duration.total_seconds() < SECOND, stat
    return bag.dags


def test_every_dag_is_pinned(dags):
    assert set(dags) == set(STRUCTURE) == {path.stem for path in DAGS.glob("*.py")}


@pytest.mark.parametrize("name", STRUCTURE)
def test_parsing_touches_nothing(name, monkeypatch):
    """No connection, no variable, no database, no network."""

    def touched(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"touched while parsing: {args} {kwargs}")

    for owner, method in ((Connection, "get"), (Variable, "get"), (socket.socket, "connect")):
        monkeypatch.setattr(owner, method, touched)
    event.listen(engine, "before_cursor_execute", touched)
    try:
        bag = DagBag(DAGS / f"{name}.py")
    finally:
        event.remove(engine, "before_cursor_execute", touched)
    assert set(bag.dags) == {name}
    assert not bag.import_errors


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure(dags, name):
    tasks = {t.task_id: t for t in dags[name].tasks}
    assert {n: (set(t.upstream_task_ids), t.pool, t.trigger_rule.value) for n, t in tasks.items()} == STRUCTURE[name]
    assert {n for n, t in tasks.items() if t.is_mapped} == MAPPED & set(tasks)


@pytest.mark.parametrize("name", STRUCTURE)
def test_conventions(dags, name):
    dag = dags[name]
    assert dag.doc_md.strip().startswith("###")
    assert "txflow" in dag.tags
    for task in dag.tasks:
        assert task.owner == "txflow"
        if task.task_id != "approve":  # a human does not retry
            assert task.retries >= 5
        if task.task_id not in ("approve", "start"):
            assert task.retry_exponential_backoff == 2
            assert task.execution_timeout
            assert {link.name for link in task.operator_extra_links} >= {"Trace", "Rows"}
    for param in (dag.params.get_param(key) for key in dag.params):
        assert param.schema.get("title"), "a field of the form without a title"
        assert param.schema.get("type")


def test_limits(dags):
    chunks = dags["transactions_batch"].params.get_param("chunks")
    assert (chunks.value, chunks.schema["maximum"]) == (16, 1000)


def test_asset(dags):
    for name in ("transactions_batch", "transactions_monthly", "transactions_reclassify"):
        outlets = [asset.uri for asset in dags[name].get_task("reconcile").outlets]
        assert outlets == ["txflow://clickhouse/transactions"]
