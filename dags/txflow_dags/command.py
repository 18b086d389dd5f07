"""The contract of a task, whatever runs it: arguments and variables in, a manifest and an exit code out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from txflow_dags import arrivals, connections, logs, manifest, outcome, runs, settings, tracing, waiting
from txflow_dags.links import RejectedLink, RowsLink, RunLink, TraceLink

MANIFEST, CHUNKS, ARRIVALS, TEXT = "manifest", "chunks", "arrivals", "text"
MANIFEST_KEY = "manifest"
REJECTED = "rejected"  # the name of validate's output, and of the XCom

# Variables of the worker that every task may see; Airflow's own are not among them.
PASSED_ON = ("OTEL_", "KAFKA_", "SCHEMA_REGISTRY_", "CLICKHOUSE_", "ML_API_", "AWS_", "GOOGLE_", "AZURE_",
             "TXFLOW_CATEGORIES", "TXFLOW_MAX_REFUSED", "TXFLOW_ARTIFACT_ENDPOINTS")  # fmt: skip
NOT_PASSED_ON = ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")


class Command(BaseOperator):
    """What the runners' operators have in common.

    argv: the command's arguments, templated; lists within are flattened, a flag whose value renders to nothing
    (``--reason=``) is left out, and what follows ``--`` is an argument, whatever it looks like.
    program: txflow-task, or txflow for what needs Kafka.
    result: what the task returns: its manifest; for "chunks" the indexes 0 … n-1 to map over, with the manifest under
    the key "manifest"; for "arrivals" the runs to start, one a file; for "text" the last line of stdout, or the
    manifest where that is one.
    every: seconds until another look when there is nothing to do; without it the task is skipped then.
    index: the chunk of a mapped task. linked_trace: a traceparent that the task's span is linked to.
    clickhouse_conn_id, ml_api_conn_id: Airflow's connections.
    """

    template_fields: Sequence[str] = ("argv", "index", "linked_trace", "every", "clickhouse_conn_id", "ml_api_conn_id")
    operator_extra_links = (TraceLink(), RunLink(), RowsLink(), RejectedLink())
    ui_color = "#e8f0fe"
    trace_id = ""
    txflow_run_id = ""
    rejected_url = ""  # of the rows that a gate refused
    waited: Mapping[str, Any] = MappingProxyType({})  # since when, and how many looks ago

    def __init__(
        self,
        *,
        argv: Sequence[Any],
        program: str = "txflow-task",
        result: str = MANIFEST,
        index: int | None = None,
        linked_trace: str = "",
        every: str = "",
        clickhouse_conn_id: str = connections.CLICKHOUSE,
        ml_api_conn_id: str = connections.ML_API,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.argv = argv
        self.program = program
        self.result = result
        self.index = index
        self.linked_trace = linked_trace
        self.every = every
        self.clickhouse_conn_id = clickhouse_conn_id
        self.ml_api_conn_id = ml_api_conn_id

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render. A parameter that a template cannot use is wrong at every try."""
        logs.without_tracebacks()
        try:
            super().render_template_fields(context, jinja_env)
        except AirflowException:
            raise
        except Exception as error:
            raise outcome.Failed(f"a parameter cannot be used: {error}") from error

    def pre_execute(self, context: Any) -> None:
        """Refuse a run whose parameters are not what its user meant, and a value that no command line can hold."""
        logs.without_tracebacks()
        super().pre_execute(context)
        runs.check(context)
        if any("\0" in argument for argument in self.command_line()):
            raise outcome.Failed("a parameter has a NUL character in it\nnext: write it without")

    def look_again(self, context: Any, event: Any, since: str = "", looks: int = 0) -> Any:
        """Another look for what was unavailable or not there yet."""
        self.waited = {"since": since, "looks": looks}
        return self.execute(context)

    def command_line(self) -> list[str]:
        """The rendered arguments."""
        return list(_flat(self.argv))

    def variables(self, context: Any) -> dict[str, str]:
        """What the child's environment gets from this task instance: connections, trace, chunk and try."""
        self.trace_id = tracing.trace_id()
        if self.linked_trace and not tracing.link(self.linked_trace):
            self.log.warning(f"the external traceparent is none and is left out: {self.linked_trace}")
        index = {} if self.index is None else {"TXFLOW_INDEX": str(self.index)}
        own = {
            "TXFLOW_TRY": str(context["ti"].try_number),
            "TXFLOW_LOG_FORMAT": "json",
            "TXFLOW_ML_OUTAGE": settings.patience(),
            "TXFLOW_CLICKHOUSE_OUTAGE": settings.patience(),
        }
        addresses = connections.environment(self.clickhouse_conn_id, self.ml_api_conn_id)
        return {**worker(), **addresses, **tracing.environment(), **index, **own}

    def conclude(self, context: Any, code: int, last_line: str, said: str) -> Any:
        """Turn the end of the child into the task's result, or raise what Airflow is to do."""
        if code == outcome.NOTHING and self.every:
            waiting.for_more(self, float(self.every))
        try:
            outcome.check(code, said)
        except outcome.Waits as what:
            waiting.later(self, str(what), **self.waited)
        except outcome.Failed:
            self._show_rejected(context, last_line)
            raise
        if self.result == TEXT and not last_line.startswith("{"):
            self.log.info(last_line.strip())
            return last_line.strip()
        try:
            found = manifest.parse(last_line)
        except manifest.ManifestError as error:
            raise outcome.Failed(f"{self.program} {self.command_line()[0]}: {error}") from error
        self.trace_id = self.trace_id or found["trace_id"]
        self.txflow_run_id = found["run_id"]
        runs.publish(context, self.outlets, found)
        if self.result == ARRIVALS:
            return arrivals.starts(context, found)
        if self.result == CHUNKS:
            context["ti"].xcom_push(key=MANIFEST_KEY, value=found)
            return list(range(found.get("chunks", 0)))
        return found

    def _show_rejected(self, context: Any, last_line: str) -> None:
        """Keep where the rejected rows of a file are that its gate refused, and the first of them, for a link."""
        try:
            found = manifest.parse(last_line)
        except manifest.ManifestError:
            return
        for artifact in found.get("outputs") or []:
            if artifact["name"] == REJECTED and artifact.get("rows"):
                self.rejected_url = artifact["url"]
                _, *first = found.get("error", "").splitlines()
                shown = {"file": artifact["url"], "rows": artifact["rows"], "first": [line.strip() for line in first]}
                context["ti"].xcom_push(key=REJECTED, value=shown)


def worker() -> dict[str, str]:
    """The worker's variables that tasks may see, wherever they run."""
    env = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON) and k not in NOT_PASSED_ON}
    if env.get("OTEL_TRACES_EXPORTER", "").startswith("otlp"):  # Python alone has a name for each protocol
        env["OTEL_TRACES_EXPORTER"] = "otlp"
    return env


def _flat(argv: Iterable[Any]) -> Iterator[str]:
    flags = True
    for item in _items(argv):
        if flags and item == "--":
            flags = False
        elif flags and _unset(item):
            continue
        yield item


def _items(argv: Iterable[Any]) -> Iterator[str]:
    for item in argv:
        if isinstance(item, (list, tuple)):
            yield from _items(item)
        elif item is not None:
            yield str(item)


def _unset(argument: str) -> bool:
    """Whether it is a flag whose value rendered to nothing; a value may end in "="."""
    flag, equals, value = argument.partition("=")
    return flag.startswith("--") and equals == "=" and value == ""
