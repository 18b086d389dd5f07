"""Names that follow from a DAG run, so that a task that is cleared goes on in the same folder. `txflow` in templates."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from txflow_dags import settings

MONTH = "{{YYYY-MM}}"


def run_id(dag_run: Any) -> str:
    """The run's id for txflow: the DAG's and the run's, in letters that every store takes.

    Where letters had to be replaced, a digest of the original keeps two runs apart.
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


def month(template: str, start: datetime | None, override: str | None = None) -> str:
    """The source of a month: override (YYYY-MM), else that of the data interval.

    Raises ValueError when there is neither, as in a run that was triggered by hand without a month.
    """
    if not override and start is None:
        raise ValueError("which month? Fill in the parameter month, as YYYY-MM")
    return template.replace(MONTH, override or f"{start:%Y-%m}")


def utc(time: str | None) -> str:
    """A time as txflow's flags take it, "" for none."""
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else ""


def changes(comparison: dict[str, Any]) -> str:
    """What a comparison found, for the human who decides; the whole table is in its artifact."""
    share = comparison.get("changed_share", 0.0)
    report = next((a["url"] for a in comparison["outputs"] if a["name"] == "comparison"), "")
    return f"**{share:.2%}** of the stored rows would change category, out of {comparison['counts']['in']:,} rows. " + (
        f"From what to what: `{report}`" if report else ""
    )


RUN_ID = "{{ txflow.run_id(dag_run) }}"
FOLDER = "{{ txflow.folder(dag_run) }}"
CHUNKS = FOLDER + "/chunks.json"
MACROS = {"txflow": SimpleNamespace(run_id=run_id, out=out, folder=folder, month=month, utc=utc, changes=changes)}
