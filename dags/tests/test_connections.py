"""Connections as Airflow's users make them become addresses that txflow takes."""

from __future__ import annotations

import json

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowFailException

from txflow_dags import connections
from txflow_dags.command import worker


def connection(extra=None, **fields):
    return Connection(conn_id="some", extra=json.dumps(extra) if extra else None, **fields)


@pytest.mark.parametrize(
    ("fields", "extra", "url"),
    [
        # The official provider's type speaks HTTP.
        ({"conn_type": "clickhouse", "host": "db"}, {}, "http://db:8123"),
        ({"conn_type": "clickhouse", "host": "db", "port": 8123, "schema": "tx"}, {}, "http://db:8123/?database=tx"),
        ({"conn_type": "clickhouse", "host": "db"}, {"secure": True}, "https://db:8443"),
        (
            {"conn_type": "clickhouse", "host": "db"},
            {"secure": "true", "verify": False},
            "https://db:8443/?skip_verify=true",
        ),
        ({"conn_type": "clickhouse", "host": "db"}, {"secure": False, "verify": False}, "http://db:8123"),
        ({"conn_type": "clickhouse", "host": "db", "login": "a b@c"}, {}, "http://a%20b%40c@db:8123"),
        # ClickHouse's own protocol, by its ports or by word.
        ({"conn_type": "clickhouse", "host": "db", "port": 9000}, {}, "clickhouse://db:9000"),
        ({"conn_type": "clickhouse", "host": "db", "port": 9440}, {}, "clickhouse://db:9440/?secure=true"),
        ({"conn_type": "clickhouse", "host": "db", "port": 9001}, {"scheme": "clickhouse"}, "clickhouse://db:9001"),
        (
            {"conn_type": "http", "host": "db"},
            {"scheme": "clickhouse", "secure": True},
            "clickhouse://db:9440/?secure=true",
        ),
        # HTTP in every spelling.
        ({"conn_type": "http", "host": "db"}, {}, "http://db:8123"),
        ({"conn_type": "https", "host": "db"}, {}, "https://db:8443"),
        ({"conn_type": "http", "host": "https://db"}, {}, "https://db:8443"),
        ({"conn_type": "https", "host": "https://db/"}, {}, "https://db:8443"),
        ({"conn_type": "http", "host": "HTTPS://db:443/proxy/"}, {}, "https://db:443/proxy"),
        ({"conn_type": "http", "host": "db", "schema": "https"}, {}, "https://db:8443"),
        ({"conn_type": "http", "host": "db", "schema": "tx"}, {"scheme": "https"}, "https://db:8443/?database=tx"),
        ({"conn_type": "http", "host": "db"}, {"database": "tx"}, "http://db:8123/?database=tx"),
        ({"conn_type": "http", "host": "db:18123"}, {}, "http://db:18123"),
        ({"conn_type": "generic", "host": "db"}, {}, "http://db:8123"),
        ({"conn_type": "http"}, {}, "http://127.0.0.1:8123"),
        # IPv6.
        ({"conn_type": "http", "host": "::1"}, {}, "http://[::1]:8123"),
        ({"conn_type": "http", "host": "[::1]", "port": 8124}, {}, "http://[::1]:8124"),
        ({"conn_type": "http", "host": "https://[fe80::1]:8443"}, {}, "https://[fe80::1]:8443"),
    ],
)
def test_clickhouse(fields, extra, url):
    assert connections.clickhouse_url(connection(extra, **fields)) == url


@pytest.mark.parametrize(
    ("fields", "extra", "url"),
    [
        ({"conn_type": "http", "host": "ml"}, {}, "http://ml:8000"),
        ({"conn_type": "http", "host": "ml", "port": 80}, {}, "http://ml:80"),
        ({"conn_type": "http", "host": "https://ml.example"}, {}, "https://ml.example:443"),
        ({"conn_type": "http", "host": "ml", "schema": "https", "port": 8443}, {}, "https://ml:8443"),
        ({"conn_type": "http", "host": "http://ml/v2/"}, {}, "http://ml:8000/v2"),
        (
            {"conn_type": "http", "host": "ml", "login": "me", "password": "p@ss/word"},
            {},
            "http://me:p%40ss%2Fword@ml:8000",
        ),
        ({"conn_type": "http", "host": "::1"}, {}, "http://[::1]:8000"),
    ],
)
def test_ml_api(fields, extra, url):
    assert connections.ml_api_url(connection(extra, **fields)) == url


@pytest.mark.parametrize(
    ("fields", "extra"), [({"host": "ftp://db"}, {}), ({"host": "db"}, {"scheme": "gopher"}), ({"host": "http://"}, {})]
)
def test_no_address(fields, extra):
    with pytest.raises(AirflowFailException, match="the connection some"):
        connections.clickhouse_url(connection(extra, conn_type="http", **fields))


def test_the_ml_api_token_goes_to_its_own_connection_alone(monkeypatch):
    """A token of the worker is for the usual ML API; another one has its own in its connection, or none."""
    usual = {"conn_type": "http", "host": "ml", "extra": {"ca_file": "/etc/ca.pem"}}
    monkeypatch.setenv("AIRFLOW_CONN_TXFLOW_ML_API", json.dumps(usual))
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps({"conn_type": "http", "host": "other"}))
    monkeypatch.setenv(
        "AIRFLOW_CONN_TOKEN", json.dumps({"conn_type": "http", "host": "other", "extra": {"token": "theirs"}})
    )
    monkeypatch.setenv("ML_API_TOKEN", "ours")
    monkeypatch.setenv("ML_API_TOKEN_FILE", "/our/token")

    def seen(ml_api):
        found = {**worker(), **connections.environment(ml_api=ml_api)}
        return found["ML_API_TOKEN"], found["ML_API_TOKEN_FILE"], found.get("ML_API_CA_FILE")

    assert seen("txflow_ml_api") == ("ours", "/our/token", "/etc/ca.pem")
    assert seen("other") == ("", "", None)
    assert seen("token") == ("theirs", "", None)


def test_a_connection_that_is_named_must_exist(monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_OTHER", '{"conn_type": "http", "host": "other", "login": "me", "password": "secret"}'
    )
    assert connections.environment(ml_api="other")["ML_API_URL"] == "http://me:secret@other:8000"
    assert "CLICKHOUSE_URL" not in connections.environment(), "txflow's own default holds without the usual one"
    with pytest.raises(AirflowFailException, match="there is no connection nobody\nnext: "):
        connections.environment(ml_api="nobody")
