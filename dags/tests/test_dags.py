"""The DAGs parse quickly, from nothing but their files, and have the structure that is pinned here."""

from __future__ import annotations

import base64
import copy
import socket
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Connection, Variable
from airflow.sdk.exceptions import ParamValidationError
from airflow.settings import engine
from conftest import DAGS
from sqlalchemy import event

from txflow_dags.links import RowsLink, RunLink

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
        "classify": ({"split"}, "ml_api_other", "all_success"),
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
    "reconcile_daily": {"reconcile": (set(), *PLAIN), "reconcile_stream": (set(), *PLAIN)},
    "events_reconcile_daily": {"reconcile": (set(), *PLAIN)},
    "artifacts_prune": {"prune": (set(), *PLAIN)},
    "transactions_watch": {"watch": (set(), *PLAIN)},
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
    assert dag.on_failure_callback
    for task in dag.tasks:
        assert task.owner == "txflow"
        if task.task_id != "approve":  # a human does not retry
            assert task.retries >= 5
            assert task.on_retry_callback
        if task.task_id not in ("approve", "start", "watch"):
            assert task.retry_exponential_backoff == 2
            assert task.execution_timeout
            assert {link.name for link in task.operator_extra_links} >= {"Trace", "Run", "Rows"}
    for param in (dag.params.get_param(key) for key in dag.params):
        assert param.schema.get("title"), "a field of the form without a title"
        assert param.schema.get("type")


def refused(dag, **conf):
    """Whether Airflow refuses a run with these parameters, as its form and its API do."""
    params = copy.deepcopy(dag.params)
    try:
        params.update({"url": "x.csv", **conf})
        params.validate()
    except ParamValidationError:
        return True
    return False


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("chunks", [0, -1, 1001, 99999, 1.5, "many"]),
        ("min_rows", [0, -5, 10**9]),
        ("max_reject_ratio", [-0.1, 1.0001, 5]),
        ("source", ["", " ", "a\nb", "bank\n", "../../x", "a\u202eb", "x" * 201, "a\0b"]),
        ("url", ["", "a\0.csv", "a\n.csv", "x" * 2001]),
        ("delimiter", ["null", "x", ""]),
        ("decimal", ["", ";", "x"]),
        ("expect_model", ["a\nb"]),
        ("traceparent", ["x", f"00-{'a' * 32}-{'b' * 16}-01\n"]),
        ("ml_api_conn_id", ["", "http://10.0.0.1:8000", "a b"]),
        ("clickhouse_conn_id", ["", "http://db"]),
    ],
)
def test_the_form_refuses_and_does_not_clamp(dags, name, values):
    """No value is taken, and no bound is where the form would change a number to it without a word."""
    dag = dags["transactions_batch"]
    assert not refused(dag)
    assert not [value for value in values if not refused(dag, **{name: value})]
    assert not set(dag.params.get_param(name).schema) & {"minimum", "maximum"}


def test_the_form_takes_what_is_right(dags):
    dag = dags["transactions_batch"]
    for conf in (
        {"chunks": 1}, {"chunks": 1000}, {"max_reject_ratio": 0}, {"max_reject_ratio": 1}, {"delimiter": None},
        {"delimiter": ";"}, {"decimal": ","}, {"thousands": "space"}, {"source": "Банк 2.0 @ Zürich"}, {"url": "s3://b/möbel/month=2024-01/*.csv.gz"},
        {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    ):  # fmt: skip
        assert not refused(dag, **conf), conf


@pytest.mark.parametrize("name", ["transactions_batch", "transactions_monthly", "transactions_reclassify"])
def test_what_few_need_is_in_a_section_of_its_own(dags, name):
    params = dags[name].params
    advanced = {key for key in params if params.get_param(key).schema.get("section") == "Advanced"}
    assert {"chunks", "min_rows", "delimiter", "expect_model", "traceparent", "clickhouse_conn_id"} <= advanced
    assert not {"url", "template", "source", "max_reject_ratio"} & advanced
    assert ("ml_api_conn_id" in advanced) == (name != "transactions_reclassify")


def test_values_are_never_options(dags):
    """What a user fills in comes after -- or is part of its flag."""
    for dag in dags.values():
        for task in dag.tasks:
            argv = list(getattr(task, "argv", ()) or ())
            words = argv[: argv.index("--")] if "--" in argv else argv
            free = [
                word
                for word in words
                if isinstance(word, str) and word.startswith("{{") and "txflow.folder" not in word
            ]
            assert not free, (dag.dag_id, task.task_id, free)


def test_limits(dags):
    assert dags["transactions_batch"].params.get_param("chunks").value == 16
    for name in ("transactions_batch", "transactions_reclassify"):
        assert dags[name].get_task("classify").partial_kwargs["max_active_tis_per_dagrun"] == 3
    assert dags["transactions_reclassify"].max_active_runs >= 16, "approvals that wait hold up other runs"


def test_runs_that_take_too_long_are_reported(dags):
    for name, dag in dags.items():
        may_wait = name in ("transactions_reclassify", "transactions_arrivals")
        assert bool(dag.deadline) != may_wait, name


def test_asset(dags):
    def outlets(name):
        return [asset.uri for asset in dags[name].get_task("reconcile").outlets]

    assert outlets("transactions_batch") == outlets("transactions_monthly") == ["txflow://clickhouse/transactions"]
    assert outlets("transactions_reclassify") == ["txflow://clickhouse/transactions/categories"]


def test_links_without_and_with_a_page(monkeypatch):
    for name in ("TXFLOW_UI_URL", "TXFLOW_CLICKHOUSE_URL_TEMPLATE"):
        monkeypatch.delenv(name, raising=False)
    task = SimpleNamespace(txflow_run_id="dag.manual__2024/é")

    def link(one):
        return one.get_link(task, ti_key=None)

    assert link(RunLink()) == ""
    assert link(RowsLink()).startswith("http://127.0.0.1:8123/?database=txflow")
    monkeypatch.setenv("TXFLOW_UI_URL", "http://page:8090/")
    assert link(RunLink()) == "http://page:8090/runs/dag.manual__2024%2F%C3%A9"
    assert link(RowsLink()) == link(RunLink()) + "/rows"
    monkeypatch.setenv("TXFLOW_CLICKHOUSE_URL_TEMPLATE", "http://mine/{run_id}")
    assert link(RowsLink()).startswith("http://mine/dag.")
    monkeypatch.setenv("TXFLOW_CLICKHOUSE_URL_TEMPLATE", "http://mine/play#{query_base64}")
    query = base64.b64decode(unquote(link(RowsLink()).partition("#")[2])).decode()
    assert "WHERE run_id = 'dag.manual__2024/é'" in query
    monkeypatch.setenv("TXFLOW_CLICKHOUSE_URL_TEMPLATE", "off")
    assert link(RowsLink()) == ""
    task.txflow_run_id = ""
    assert link(RunLink()) == ""
