"""What Airflow's own database must have before DAGs run: pools, and connections that the UI shows."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from http_client import API, HTTPError
from layout import Layout

LIMIT = 120.0  # seconds in which an Airflow that is busy is asked again
OURS = "of make dev, which writes its address at each start"


def prepare(layout: Layout) -> None:
    """Make the pools and connections. A pool that exists keeps its slots; a connection that is not of make dev stays as
    it is."""
    api, slots = API(layout.url("airflow")), int(os.environ.get("DEV_ML_SLOTS", "4"))
    for name, text in (("ml_api", "calls to the ML API"), ("ml_api_other", "calls to the other model's ML API")):
        pool = {"name": name, "slots": slots, "description": text, "include_deferred": False}
        _patiently(layout, f"the pool {name}", lambda pool=pool: _create(api, "/pools", pool))
    for connection in connections(layout):
        _patiently(layout, f"the connection {connection['connection_id']}", lambda c=connection: _connect(api, c))


def connections(layout: Layout) -> list[dict[str, Any]]:
    """The connections of the stack. The other model is the same one until somebody names another."""
    ml_api = {"conn_type": "http", "host": "127.0.0.1", "port": layout.ports["ml-api"]}
    return [
        {"connection_id": "txflow_clickhouse", "conn_type": "clickhouse", "host": "127.0.0.1",
         "port": layout.ports["clickhouse"], "schema": "txflow",
         "description": f"where transactions are stored, {OURS}"},
        {"connection_id": "txflow_ml_api", **ml_api, "description": f"who is asked for categories, {OURS}"},
        {"connection_id": "txflow_ml_api_other", **ml_api,
         "description": f"the other model of transactions_reclassify, {OURS}"},
    ]  # fmt: skip


def _connect(api: API, connection: dict[str, Any]) -> None:
    at = f"/connections/{connection['connection_id']}"
    if _create(api, "/connections", connection):
        return
    if (api.call("GET", at).get("description") or "").endswith(OURS):
        api.call("PATCH", at, connection)


def _create(api: API, at: str, body: dict[str, Any]) -> bool:
    """Make it; False when it is there."""
    try:
        api.call("POST", at, body)
    except HTTPError as error:
        if error.status == 409:
            return False
        raise
    return True


def _patiently(layout: Layout, what: str, make: Callable[[], Any]) -> None:
    """Call make until Airflow is not too busy for it. Exits with a message when it refuses, or when time is up."""
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            make()
            return
        except HTTPError as error:
            if error.status < 500 or time.monotonic() > deadline:
                sys.exit(f"{what} could not be made: {error}; see {layout.log('api-server')}")
        except (OSError, ValueError) as error:
            if time.monotonic() > deadline:
                sys.exit(f"{what} could not be made: {error}; see {layout.log('api-server')}")
        time.sleep(0.5)
