"""Runs one operator as Airflow's task runner does, without Airflow around it."""

from __future__ import annotations

import contextvars
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk.bases.operator import ExecutorSafeguard

from txflow_dags.factory import DEFAULTS, operator_class


@dataclass
class TaskInstance:
    """As much of a task instance as a task looks at."""

    dag_id: str = "dag"
    run_id: str = "run"
    task_id: str = "task"
    try_number: int = 1
    map_index: int = -1
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, dict[str, Any]]] = []

    def log(self, level: int, message: str, *args: Any, **fields: Any) -> None:
        self.lines.append((level, message % args if args else message, fields))

    def debug(self, message: str, *args: Any, **fields: Any) -> None:
        self.log(10, message, *args, **fields)

    def info(self, message: str, *args: Any, **fields: Any) -> None:
        self.log(20, message, *args, **fields)

    def warning(self, message: str, *args: Any, **fields: Any) -> None:
        self.log(30, message, *args, **fields)

    def error(self, message: str, *args: Any, **fields: Any) -> None:
        self.log(40, message, *args, **fields)

    @property
    def text(self) -> str:
        return "\n".join(f"{message} {fields}" for _, message, fields in self.lines)


def make(*argv: str, **kwargs: Any) -> Any:
    """An operator of the runner that TXFLOW_RUNNER names, with a log that can be read."""
    operator = operator_class()(**{**DEFAULTS, "task_id": "task", "argv": list(argv), **kwargs})
    operator._cached_logger = Log()
    return operator


def execute(operator: Any, instance: TaskInstance | None = None) -> Any:
    """Execute it; returns what it returns, raises what it raises."""
    context = contextvars.copy_context()
    context.run(ExecutorSafeguard.tracker.set, operator)
    return context.run(operator.execute, context={"ti": instance or TaskInstance(), "params": {}})
