"""The contract of a task, whatever runs it: arguments and variables in, a manifest and an exit code out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from txflow_dags import connections, manifest, outcome, tracing
from txflow_dags.links import RowsLink, TraceLink

MANIFEST, CHUNKS, TEXT = "manifest", "chunks", "text"
MANIFEST_KEY = "manifest"

# Variables of the worker that every task may see; Airflow's own are not among them.
PASSED_ON = ("OTEL_", "KAFKA_", "SCHEMA_REGISTRY_", "CLICKHOUSE_", "ML_API_", "AWS_", "GOOGLE_", "AZURE_")
NOT_PASSED_ON = ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")


class Command(BaseOperator):
    """What the runners' operators have in common.

    argv: the command's arguments, templated; lists within are flattened, and a flag whose value renders to nothing
    (``--reason=``) is left out. program: txflow-task, or txflow for what needs Kafka.
    result: what the task returns: its manifest; for "chunks" the indexes 0 … n-1 to map over, with the manifest under
    the key "manifest"; for "text" the last line of stdout.
    index: the chunk of a mapped task. linked_trace: a traceparent that the task's span is linked to.
    """

    template_fields: Sequence[str] = ("argv", "index", "linked_trace")
    operator_extra_links = (TraceLink(), RowsLink())
    ui_color = "#e8f0fe"
    trace_id = ""
    txflow_run_id = ""

    def __init__(
        self,
        *,
        argv: Sequence[Any],
        program: str = "txflow-task",
        result: str = MANIFEST,
        index: int | None = None,
        linked_trace: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.argv = argv
        self.program = program
        self.result = result
        self.index = index
        self.linked_trace = linked_trace

    def command_line(self) -> list[str]:
        """The rendered arguments."""
        return list(_flat(self.argv))

    def variables(self, context: Any) -> dict[str, str]:
        """What the child's environment gets from this task instance: connections, trace, chunk and try."""
        self.trace_id = tracing.trace_id()
        if self.linked_trace and not tracing.link(self.linked_trace):
            self.log.warning(f"the external traceparent is none and is left out: {self.linked_trace}")
        index = {} if self.index is None else {"TXFLOW_INDEX": str(self.index)}
        attempt = {"TXFLOW_TRY": str(context["ti"].try_number), "TXFLOW_LOG_FORMAT": "json"}
        return {**worker(), **connections.environment(), **tracing.environment(), **index, **attempt}

    def conclude(self, context: Any, code: int, last_line: str, said: str) -> Any:
        """Turn the end of the child into the task's result, or raise what Airflow is to do."""
        outcome.check(code, said)
        if self.result == TEXT:
            return last_line.strip()
        try:
            told = manifest.parse(last_line)
        except manifest.ManifestError as error:
            raise AirflowFailException(f"{self.program} {self.command_line()[0]}: {error}") from error
        self.trace_id = self.trace_id or told["trace_id"]
        self.txflow_run_id = told["run_id"]
        if self.result == CHUNKS:
            context["ti"].xcom_push(key=MANIFEST_KEY, value=told)
            return list(range(told.get("chunks", 0)))
        return told


def worker() -> dict[str, str]:
    """The worker's variables that tasks may see, wherever they run."""
    env = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON) and k not in NOT_PASSED_ON}
    if env.get("OTEL_TRACES_EXPORTER", "").startswith("otlp"):  # Python alone has a name for each protocol
        env["OTEL_TRACES_EXPORTER"] = "otlp"
    return env


def _flat(argv: Iterable[Any]) -> Iterator[str]:
    for item in argv:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        elif item is not None and not (str(item).startswith("--") and str(item).endswith("=")):
            yield str(item)
