"""Airflow's connections as the variables that txflow reads. They are read while a task runs, and shown nowhere.

Whatever spelling Airflow's users know is taken: the types `clickhouse` (the official provider's, which speaks HTTP),
`http` and `https`, a scheme in the host, in the schema or in the extra field "scheme", and "secure" in the extra field.
The ML API's has "token", "token_file" and "ca_file" there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from txflow_dags import outcome

CLICKHOUSE, ML_API, OTHER_ML_API = "txflow_clickhouse", "txflow_ml_api", "txflow_ml_api_other"
TOKENS = ("ML_API_TOKEN", "ML_API_TOKEN_FILE")  # the worker's are for the usual ML API, and for no other

NATIVE = {9000: "clickhouse", 9440: "clickhouses"}  # ports at which ClickHouse speaks its own protocol
PORTS = {
    "clickhouse": {"http": 8123, "https": 8443, "clickhouse": 9000, "clickhouses": 9440},
    "ml_api": {"http": 8000, "https": 443},
}
YES = ("1", "true", "yes", "on")


def environment(clickhouse: str = CLICKHOUSE, ml_api: str = ML_API) -> dict[str, str]:
    """Variables for the connections with these ids; txflow's own defaults hold where the usual ones do not exist.

    Raises Failed for another id that does not exist, and for a connection that is no address.
    """
    env = {}
    if found := _find(clickhouse, CLICKHOUSE):
        env["CLICKHOUSE_URL"] = clickhouse_url(found)
        if found.password:
            env["CLICKHOUSE_PASSWORD"] = found.password
    if ml_api != ML_API:
        env |= dict.fromkeys(TOKENS, "")
    if found := _find(ml_api, ML_API):
        env["ML_API_URL"] = ml_api_url(found)
        extra = found.extra_dejson
        env |= {
            f"ML_API_{name.upper()}": str(extra[name]) for name in ("token", "token_file", "ca_file") if extra.get(name)
        }
    return env


def clickhouse_url(connection: Any) -> str:
    """ClickHouse's address, without its password."""
    at, extra = _address(connection, "clickhouse"), connection.extra_dejson
    database = at.database or extra.get("database") or ""
    native, query = at.scheme.startswith("clickhouse"), {}
    if database:
        query["database"] = database
    if at.scheme == "clickhouses":
        query["secure"] = "true"
    if (at.scheme == "clickhouses" or at.scheme == "https") and str(extra.get("verify", True)).lower() not in YES:
        query["skip_verify"] = "true"
    user = f"{quote(connection.login, safe='')}@" if connection.login else ""
    scheme = "clickhouse" if native else at.scheme
    path = at.path or ("/" if query else "")
    return f"{scheme}://{user}{at.host}:{at.port}{path}{'?' + urlencode(query) if query else ''}"


def ml_api_url(connection: Any) -> str:
    """The ML API's address, with its login where it has one: it is a secret then."""
    at = _address(connection, "ml_api")
    login = quote(connection.login, safe="") if connection.login else ""
    if connection.password:
        login += ":" + quote(connection.password, safe="")
    return f"{at.scheme}://{login + '@' if login else ''}{at.host}:{at.port}{at.path}"


@dataclass
class _Address:
    scheme: str
    host: str  # with brackets for IPv6
    port: int
    path: str
    database: str


def _address(connection: Any, kind: str) -> _Address:
    """A connection's address, with the port that kind has where none is given."""
    extra, host = connection.extra_dejson, (connection.host or "127.0.0.1").strip()
    schema = (connection.schema or "").strip()
    known = PORTS[kind]
    written, _, rest = host.rpartition("://")
    named = urlsplit(f"//{rest if ':' not in rest or rest.count(':') == 1 or rest.startswith('[') else f'[{rest}]'}")
    port = connection.port or named.port
    scheme = str(extra.get("scheme") or written or (schema if schema in known else "")).lower()
    database = "" if schema in known else schema
    if not scheme:
        scheme = connection.conn_type if connection.conn_type == "https" else "http"
        if connection.conn_type == "clickhouse" and port in NATIVE and kind == "clickhouse":
            scheme = NATIVE[port]
    if str(extra.get("secure", False)).lower() in YES:
        scheme = {"http": "https", "clickhouse": "clickhouses"}.get(scheme, scheme)
    if scheme not in known:
        raise outcome.Failed(
            f"the connection {connection.conn_id} has the scheme {scheme!r}, none of {', '.join(known)}"
        )
    if not named.hostname:
        raise outcome.Failed(f"the connection {connection.conn_id} has no host")
    bracketed = f"[{named.hostname}]" if ":" in named.hostname else named.hostname
    return _Address(scheme, bracketed, port or known[scheme], named.path.rstrip("/"), database)


def _find(conn_id: str, usual: str) -> Any:
    try:
        return Connection.get(conn_id)
    except AirflowNotFoundException:
        if conn_id == usual:
            return None
        raise outcome.Failed(f"there is no connection {conn_id}\nnext: make it under Admin → Connections") from None
