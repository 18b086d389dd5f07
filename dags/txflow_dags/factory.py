"""Makes tasks. All that tasks have in common is fixed here, once."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

from airflow.sdk import XComArg

from txflow_dags import notify, runs, settings
from txflow_dags.command import MANIFEST

OPERATORS = {
    "process": ("txflow_dags.runners.process", "ProcessOperator"),
    "docker": ("txflow_dags.runners.docker", "ContainerOperator"),
    "kubernetes": ("txflow_dags.runners.kubernetes", "PodOperator"),
}

# Tries after 10 s, 20 s, 40 s … up to 10 minutes, for a command that was killed. What is unavailable is waited for, see
# waiting.
DEFAULTS: dict[str, Any] = {
    "owner": "txflow",
    "retries": 7,
    "retry_delay": timedelta(seconds=settings.seconds("TXFLOW_RETRY_DELAY", 10)),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
    "pool": "default_pool",
    "on_retry_callback": notify.retried,
}

CLICKHOUSE = "{{ params.get('clickhouse_conn_id', 'txflow_clickhouse') }}"


def of_every_dag(*, may_wait: bool = False) -> dict[str, Any]:
    """What all DAGs have in common. may_wait: its runs may take as long as a human or a file takes, so none is late."""
    return {
        "user_defined_macros": runs.MACROS,
        "on_failure_callback": notify.failed,
        "deadline": None if may_wait else notify.deadline(),
    }


def operator_class() -> type:
    """The operator of the runner that TXFLOW_RUNNER names; only its module is imported."""
    module, name = OPERATORS[settings.runner()]
    return getattr(import_module(module), name)


def command(task_id: str, *argv: Any, over: XComArg | None = None, result: str = MANIFEST, **kwargs: Any) -> Any:
    """Make a task that runs a command of txflow.

    argv: see Command. over: the indexes to map over, the output of a task with result="chunks". What else Airflow's
    operators take (pool, execution_timeout, outlets …) wins over the defaults.
    """
    fixed = {
        **DEFAULTS,
        "clickhouse_conn_id": CLICKHOUSE,
        **kwargs,
        "task_id": task_id,
        "argv": list(argv),
        "result": result,
    }
    if over is None:
        return operator_class()(**fixed)
    return operator_class().partial(**fixed).expand(index=over)
