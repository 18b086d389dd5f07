"""The child's stderr in the task's log: lines of JSON become messages with a level and fields."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import structlog

from txflow_dags.outcome import Expected

# Airflow stamps lines with its own time, and the link to the trace is beside the log.
DROPPED = {"time", "level", "msg", "trace_id", "span_id", "run_id"}
RESERVED = {
    "event",
    "logger",
    "timestamp",
    "exc_info",
    "stack_info",
    "name",
    "task_id",
    "dag_id",
    "try_number",
    "map_index",
    "ti_id",
}
# A flag as the form calls it.
FORM = {
    "max-reject-ratio": "Reject gate",
    "delimiter": "Delimiter",
    "decimal": "Decimal mark",
    "thousands": "Thousands mark",
    "source": "Source name",
    "expect-model": "Expected model",
    "max-chunks": "Chunks",
    "min-rows": "Rows a chunk",
    "max-changed": "Greatest share of changes",
    "max-new": "Store new rows",
    "ml-url": "ML API connection",
    "clickhouse-url": "ClickHouse connection",
    "reason": "Reason",
    "since": "Since",
    "max-replays": "Maximum replays",
    "rate": "Rate",
    "inbox": "Inbox",
    "taken": "Marks",
}
FLAG = re.compile(rf"(?<![\w-])--({'|'.join(FORM)})\b")


class Relay:
    """Passes lines on to a log and remembers the child's last words: its error and what to do next."""

    def __init__(self, log: Any) -> None:
        self.log = log
        self.error = ""
        self.hint = ""

    def line(self, raw: str) -> None:
        """Pass one line on."""
        text = raw.rstrip("\r\n")
        if not text.strip():
            return
        said = entry(text)
        if said is None:
            self.log.info(text)
            return
        if "error" in said and "exit_code" in said:  # the child's last line, which ends the task's log
            self.error, self.hint = in_form_words(str(said["error"])), in_form_words(str(said.get("next", "")))
            return
        level = logging.getLevelNamesMapping().get(str(said.get("level", "INFO")).upper(), logging.INFO)
        fields = {f"{k}_" if k in RESERVED else k: v for k, v in said.items() if k not in DROPPED}
        self.log.log(level, str(said["msg"]), **fields)

    @property
    def said(self) -> str:
        """The error and, on a line of its own, what to do next; empty when the child said neither."""
        return "\n".join(filter(None, (self.error, self.hint and f"next: {self.hint}")))


def entry(text: str) -> dict[str, Any] | None:
    """A line as what it says, None when it is no structured one."""
    try:
        decoded = json.loads(text) if text.startswith("{") else None
    except json.JSONDecodeError:
        return None
    return decoded if isinstance(decoded, dict) and "msg" in decoded else None


def in_form_words(text: str) -> str:
    """A message with the names of the form's fields instead of the command's flags."""
    return FLAG.sub(lambda match: f"“{FORM[match[1]]}”", text)


def without_tracebacks() -> None:
    """Have Airflow log the message alone of a failure that is expected: its traceback would name our own frames
    only."""
    processors = structlog.get_config()["processors"]
    if _message_alone not in processors:
        processors.insert(0, _message_alone)


def _message_alone(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    info = event.get("exc_info")
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, Expected):
        del event["exc_info"]
        event["event"] = str(error)
    return event
