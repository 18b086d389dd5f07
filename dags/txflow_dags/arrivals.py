"""The runs that new files of an inbox start."""

from __future__ import annotations

from typing import Any


def starts(context: Any, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What TriggerDagRunOperator expands over, one entry a new file. Under the key "marks" go the arguments that mark
    those files as taken. A run's id follows from its file's, so that it can exist but once; without the month that a
    file's id begins with, as it did when there was none."""
    files, source = manifest["outputs"], context["params"]["source"]
    context["ti"].xcom_push(key="marks", value=[f"--take={file['name']}={file['url']}" for file in files])
    return [
        {
            "trigger_run_id": f"arrival__{file['name'].rpartition('-')[2]}",
            "conf": {"url": file["url"], "source": source},
        }
        for file in files
    ]
