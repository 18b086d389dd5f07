"""The table of what an Airflow run survives."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REPORT = """# What happens when things break: Airflow

Written by `make faults-dags` at commit {commit}: one run of {rows} rows on a real Airflow, with the process runner,
whose parts are killed one after the other. It ends green, `reconcile` counts {rows} rows in and {rows} stored,
ClickHouse has each once in `transactions` and in the ledger, and no process is left.

| fault | what is done | what one sees |
| --- | --- | --- |
{table}

A container that is killed, or whose task is, is in the contract of the runners (`dags/tests/test_contract.py`), on a
real Docker engine: Airflow tries again, and no container is left.
"""


class Report:
    """docs/reliability-airflow.md, written where TXFLOW_AIRFLOW_FAULT_REPORT names it."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []

    def saw(self, fault: str, done: str, seen: str) -> None:
        self.rows.append([fault, done, seen])

    def also(self, seen: str) -> None:
        self.rows[-1][2] += "; " + seen

    def write(self, rows: int) -> None:
        if path := os.environ.get("TXFLOW_AIRFLOW_FAULT_REPORT"):
            described = subprocess.run(["git", "describe", "--always"], capture_output=True, text=True, check=True)
            table = "\n".join(f"| {' | '.join(row)} |" for row in self.rows)
            Path(path).write_text(REPORT.format(rows=f"{rows:,}", commit=described.stdout.strip(), table=table))
