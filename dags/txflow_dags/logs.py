"""The child's stderr in the task's log: lines of JSON become messages with a level and fields."""

from __future__ import annotations

import json
import logging
from typing import Any

# Airflow stamps lines with its own time, and the link to the trace stands beside the log.
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
        if "error" in said and "exit_code" in said:  # the child's last line
            self.error, self.hint = str(said["error"]), str(said.get("next", ""))
            self.log.error(self.said)
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
