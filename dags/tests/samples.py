"""Files that tests run, and what the ML API counted."""

from __future__ import annotations

from conftest import ROOT
from http_client import get

SAMPLE = str(ROOT / "data" / "transactions.csv")
DIRTY = str(ROOT / "data" / "transactions_dirty.csv")
ROWS = 10_000
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def sample(start, stop):
    """Rows of the sample as a file of their own."""
    with open(SAMPLE) as file:
        header, *rows = file
    return header + "".join(rows[start:stop])


def requests(stack):
    """The ML API's own count of predictions asked for."""
    lines = get(stack.layout.url("ml-api") + "/metrics").decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("txflow_ml_requests_total{"))
