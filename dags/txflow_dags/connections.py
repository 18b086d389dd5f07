"""Airflow's connections as the variables that txflow reads. They are read while a task runs, and shown nowhere."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlunsplit

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

CLICKHOUSE = "txflow_clickhouse"
ML_API = "txflow_ml_api"
SECRETS = ("CLICKHOUSE_PASSWORD",)


def environment() -> dict[str, str]:
    """Variables for the connections that exist; txflow's own defaults hold for the others."""
    env = {}
    if clickhouse := _find(CLICKHOUSE):
        env["CLICKHOUSE_URL"] = _url(clickhouse, user=clickhouse.login or "", database=clickhouse.schema or "")
        if clickhouse.password:
            env["CLICKHOUSE_PASSWORD"] = clickhouse.password
    if ml_api := _find(ML_API):
        env["ML_API_URL"] = _url(ml_api)
    return env


def _find(conn_id: str) -> Connection | None:
    try:
        return Connection.get(conn_id)
    except AirflowNotFoundException:
        return None


def _url(connection: Connection, user: str = "", database: str = "") -> str:
    """A connection's address. Its type is the scheme, unless the extra field "scheme" names another."""
    scheme = connection.extra_dejson.get("scheme") or connection.conn_type
    scheme = scheme if scheme in ("http", "https", "clickhouse", "clickhouses") else "http"
    at = f"{quote(user, safe='')}@" if user else ""
    port = f":{connection.port}" if connection.port else ""
    query = urlencode({"database": database}) if database else ""
    return urlunsplit((scheme, f"{at}{connection.host or '127.0.0.1'}{port}", "/" if query else "", query, ""))
