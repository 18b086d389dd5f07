"""The look into an inbox: a command that is run again and again, without holding a worker between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

from txflow_dags import outcome
from txflow_dags.factory import DEFAULTS, operator_class


def inbox(task_id: str, *argv: Any) -> Any:
    """Make the task. It returns what TriggerDagRunOperator expands over, one entry a new file, and under the key "marks"
    the arguments that mark those files as taken."""
    return _looking(operator_class())(**DEFAULTS, task_id=task_id, argv=list(argv))


def _looking(runner: type) -> type:
    """A runner's operator that waits for a new file instead of skipping when there is none."""

    class InboxOperator(runner):
        """Looks, and when nothing is new waits in the triggerer before it looks again."""

        def conclude(self, context: Any, code: int, last_line: str, said: str) -> Any:
            """The runs to start, or another look later."""
            if code == outcome.NOTHING:
                self.log.info(f"nothing is new: the next look is in {context['params']['every']:g} s")
                self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=context["params"]["every"])), method_name="look_again")
            files = super().conclude(context, code, last_line, said)["outputs"]
            context["ti"].xcom_push(key="marks", value=[f"--take={file['name']}={file['url']}" for file in files])
            return [_run(file, context["params"]["source"]) for file in files]

        def look_again(self, context: Any, event: Any) -> Any:
            """The next look, when the time of the trigger has come."""
            return self.execute(context)

    return InboxOperator


def _run(file: dict[str, Any], source: str) -> dict[str, Any]:
    """The run of one file; its id follows from the file, so that it can exist but once."""
    return {"trigger_run_id": f"arrival__{file['name']}", "conf": {"url": file["url"], "source": source}}
