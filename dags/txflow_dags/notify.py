"""Who hears of a run that failed, is tried again, or takes too long: one notifier for all DAGs.

The log by default. TXFLOW_NOTIFIER names another, as the path of a class of Airflow's
(airflow.providers.smtp.notifications.smtp.SmtpNotifier and its like), and TXFLOW_NOTIFIER_ARGS its arguments as JSON.
They are templates; `{{ what }}` is what happened.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback
from airflow.sdk.bases.notifier import BaseNotifier

from txflow_dags import settings

LOG = logging.getLogger("txflow.notify")


class LogNotifier(BaseNotifier):
    """Writes an error to the log of the process that calls it: of the task, or of Airflow's DAG processor."""

    template_fields = ("message",)

    def __init__(self, message: str = "{{ what }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message = message

    def notify(self, context: Any) -> None:
        """Log it."""
        LOG.error(self.message)


def notifier() -> BaseNotifier:
    """The notifier that is configured. Raises ImportError or AttributeError without such a class, ValueError for bad
    JSON."""
    path = settings.text("TXFLOW_NOTIFIER", f"{__name__}.LogNotifier")
    module, _, name = path.rpartition(".")
    kind = getattr(__import__(module, fromlist=[name]), name)
    return kind(**json.loads(settings.text("TXFLOW_NOTIFIER_ARGS", "{}")))


def failed(context: Any) -> None:
    """A run failed: called once a run, whatever the number of its tasks."""
    _tell(context, f"{_run(context)} failed{_reason(context)}")


def retried(context: Any) -> None:
    """A task failed and is tried again."""
    ti = context["ti"]
    _tell(context, f"{_run(context)}: {ti.task_id} failed at try {ti.try_number} and is tried again{_error(context)}")


def late(**kwargs: Any) -> None:
    """A run takes longer than it should."""
    context = kwargs.get("context") or {}
    _tell(context, f"{_run(context)} takes longer than {kwargs.get('after', 'it should')}")


def stored(event: dict[str, Any], dag_run: Any) -> None:
    """A run stored transactions: the log has its counts, and the notifier hears of rows that were left out."""
    counts, run = event["counts"], f"{event['dag_id']} {event['dag_run_id']}"
    said = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items())
    LOG.info(f"{run}, source {event['source'] or '(none)'}: {said}")
    if left_out := counts.get("rejected", 0) + counts.get("dead_lettered", 0):
        _tell({"dag_run": dag_run}, f"{run} left {left_out:,} rows of {event['source'] or 'its file'} out: {said}")


def deadline() -> DeadlineAlert | None:
    """The alert for runs that take longer than TXFLOW_DEADLINE seconds (six hours); None for 0."""
    after = timedelta(seconds=settings.seconds("TXFLOW_DEADLINE", 6 * 3600))
    if not after:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=after,
        callback=SyncCallback(f"{__name__}.late", kwargs={"after": str(after)}),
    )


def _tell(context: Any, what: str) -> None:
    notifier()({**context, "what": what})


def _run(context: Any) -> str:
    run = context.get("dag_run")
    names = (run.get("dag_id"), run.get("dag_run_id") or run.get("run_id")) if isinstance(run, dict) else (
        getattr(run, "dag_id", None), getattr(run, "run_id", None))  # fmt: skip
    return " ".join(str(name) for name in names if name) or "a run"


def _reason(context: Any) -> str:
    """Airflow's reason, as "task_failure", and the task that it names."""
    ti = context.get("ti")
    task = f" in {ti.task_id}" if ti is not None else ""
    return f"{task} ({context['reason']})" if context.get("reason") else task


def _error(context: Any) -> str:
    error = context.get("exception")
    return f": {str(error).splitlines()[0]}" if error and str(error) else ""
