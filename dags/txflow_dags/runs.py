"""Names that follow from a DAG run, so that a task that is cleared goes on in the same folder. `txflow` in
templates."""

from __future__ import annotations

import difflib
import hashlib
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from txflow_dags import comparison, outcome, settings

MONTH = "{{YYYY-MM}}"


def run_id(dag_run: Any) -> str:
    """The run's id for txflow: the DAG's and the run's, in characters that every store takes.

    Where characters had to be replaced, a digest of the original keeps two runs apart.
    """
    name = f"{dag_run.dag_id}.{dag_run.run_id}"
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return clean if clean == name else f"{clean}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def out() -> str:
    """Where runs keep their artifacts."""
    return settings.out()


def folder(dag_run: Any) -> str:
    """The run's folder."""
    return f"{settings.out()}/{run_id(dag_run)}"


def month(template: str | None, start: datetime | None, override: str | None, dag_run: Any) -> str:
    """The source of a month: override (YYYY-MM), else that of the data interval.

    Raises Failed without a template, and when there is no month, as in a run that was triggered by hand without one. A
    run that the schedule started is skipped without a template: nobody asked for it.
    """
    if not template and getattr(dag_run.run_type, "value", dag_run.run_type) == "scheduled":
        raise AirflowSkipException("no source template: set TXFLOW_MONTHLY_TEMPLATE to have the schedule load months")
    if not template:
        raise outcome.Failed(
            "which files?\nnext: fill in “Source template”, or set TXFLOW_MONTHLY_TEMPLATE for every run"
        )
    if not override and start is None:
        raise outcome.Failed("which month?\nnext: fill in “Month”, as YYYY-MM")
    return template.replace(MONTH, override or f"{start:%Y-%m}")


def chosen(value: str | None) -> str:
    """The value on the command line for a choice of the form: "" leaves the flag out."""
    return {None: "", "detect": "", "none": "", "space": " "}.get(value, value)


def month_end(end: datetime | None, override: str | None = None) -> str:
    """As of when the contents of a month are: its end, but never in the future; "" where there is no month."""
    if override:
        year, month_number = (int(part) for part in override.split("-"))
        end = datetime(year + month_number // 12, month_number % 12 + 1, 1, tzinfo=UTC)
    if end is None:
        return ""
    return end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if end <= datetime.now(UTC) else ""


def utc(time: str | None) -> str:
    """A time as txflow's flags take it, "" for none."""
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else ""


def check(context: Any) -> None:
    """Refuse a run with parameters that its DAG does not have, and a backfill whose parameters got lost in the form."""
    dag, dag_run = context.get("dag"), context.get("dag_run")
    if dag is None or dag_run is None:
        return
    conf, known = dag_run.conf or {}, set(dag.params)
    if unknown := sorted(set(conf) - known):
        likely = difflib.get_close_matches(unknown[0], known, 1)
        raise outcome.Failed(
            f"{dag.dag_id} has no parameter {', '.join(unknown)}"
            f"\nnext: {f'did you mean {likely[0]}? it' if likely else 'it'} has {', '.join(sorted(known))}"
        )
    if getattr(dag_run.run_type, "value", dag_run.run_type) == "backfill" and not conf:
        raise outcome.Failed(
            "the backfill came without parameters, and would take the defaults for every month"
            "\nnext: in the form, tick “Override parameters on existing runs”: without it Airflow sends none; "
            """on the command line add --dag-run-conf '{"source": "…"}'"""
        )


def publish(context: Any, outlets: list[Any], manifest: dict[str, Any]) -> None:
    """Put the run, its source and its counts into the asset events of the task."""
    events, dag_run = context.get("outlet_events"), context.get("dag_run")
    for asset in outlets if events is not None else ():
        events[asset].extra = {
            "dag_id": dag_run.dag_id,
            "dag_run_id": dag_run.run_id,
            "run_id": manifest["run_id"],
            "source": manifest.get("source", ""),
            "counts": manifest["counts"],
        }


RUN_ID = "{{ txflow.run_id(dag_run) }}"
FOLDER = "{{ txflow.folder(dag_run) }}"
CHUNKS = FOLDER + "/chunks.json"
MACROS = {
    "txflow": SimpleNamespace(
        run_id=run_id,
        out=out,
        folder=folder,
        month=month,
        month_end=month_end,
        chosen=chosen,
        utc=utc,
        changes=comparison.markdown,
    )
}
