"""Links from a task instance to its trace, its run, its rows and what its gate refused. Airflow keeps them when the
task ends."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink, conf

from txflow_dags import settings

OFF = "off"  # as a template: no link
JAEGER = "http://127.0.0.1:16686/trace/{trace_id}"
CLICKHOUSE = "http://127.0.0.1:8123/?database=txflow&default_format=PrettyCompact&query={query}"
# No wider than a screen: the file's name alone, and times to the second.
ROWS = """SELECT id, toDateTime(timestamp, 'UTC') AS time, amount, merchant, category, model_version AS model,
splitByChar('/', origin)[-1] AS file, position AS line
FROM transactions FINAL WHERE run_id = '{run_id}' ORDER BY origin, position LIMIT 100"""


class TraceLink(BaseOperatorLink):
    """The task's trace, in Jaeger or where TXFLOW_JAEGER_URL_TEMPLATE says."""

    name = "Trace"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address, or "" when nothing was traced."""
        template = settings.text("TXFLOW_JAEGER_URL_TEMPLATE", JAEGER)
        if template == OFF or not operator.trace_id:
            return ""
        return template.replace("{trace_id}", operator.trace_id)


class RunLink(BaseOperatorLink):
    """The run on the page of `txflow ui`, where TXFLOW_UI_URL names one."""

    name = "Run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address, or "" without a page or for a task without a run of txflow."""
        return page(operator.txflow_run_id)


class RowsLink(BaseOperatorLink):
    """The run's rows: where TXFLOW_CLICKHOUSE_URL_TEMPLATE says, with {run_id}, or {query} for a whole query, or
    {query_base64} for ClickHouse's /play, which reads one from the fragment; else on the page of `txflow ui`, where
    TXFLOW_UI_URL names one; else in ClickHouse."""

    name = "Rows"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address, or "" for a task without a run of txflow."""
        template = settings.text("TXFLOW_CLICKHOUSE_URL_TEMPLATE")
        if template == OFF or not (run_id := operator.txflow_run_id):
            return ""
        if not template and (run := page(run_id)):
            return run + "/rows"
        template = template or CLICKHOUSE
        query = ROWS.format(run_id=run_id)
        template = template.replace("{query_base64}", quote(base64.b64encode(query.encode()).decode()))
        return template.replace("{query}", quote(query)).replace("{run_id}", quote(run_id))


class RejectedLink(BaseOperatorLink):
    """The rows for which a file was refused: the task's XComs, or where TXFLOW_REJECTED_URL_TEMPLATE says, with {url}
    for the artifact's address."""

    name = "Rejected rows"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address, or "" for a task whose gate refused nothing."""
        template = settings.text("TXFLOW_REJECTED_URL_TEMPLATE")
        if template == OFF or not operator.rejected_url:
            return ""
        if template:
            return template.replace("{url}", quote(operator.rejected_url, safe=""))
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        return f"{base}/dags/{ti_key.dag_id}/runs/{quote(ti_key.run_id, safe='')}/tasks/{ti_key.task_id}/xcom"


def page(run_id: str) -> str:
    """The address of a run on the page of `txflow ui`; "" without a page or a run."""
    base = settings.text("TXFLOW_UI_URL").rstrip("/")
    return f"{base}/runs/{quote(run_id, safe='')}" if base and run_id else ""
