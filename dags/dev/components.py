"""The parts of the development stack: how each is started, and how one sees that it is ready."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import airflow_env
import database
import jaeger
from http_client import get
from layout import ROOT, Layout


@dataclass
class Component:
    """A process of the stack. ready() raises or returns False until it is; stop is the signal that ends it in good
    order."""

    name: str
    argv: list[str]
    ready: Callable[[], bool]
    env: dict[str, str] = field(default_factory=dict)
    stop: signal.Signals = signal.SIGTERM


def txflow() -> str:
    """The built command."""
    return str(ROOT / "bin" / "txflow")


DATABASE = "database"  # starts first and ends last


def components(layout: Layout) -> list[Component]:
    """All parts, in the order in which they start."""
    ports, traced = layout.ports, otel(layout)
    parts = [Component(DATABASE, database.command(layout), lambda: database.ready(layout), stop=signal.SIGINT)]
    if layout.jaeger:
        parts.append(
            Component(
                "jaeger",
                jaeger.command(layout),
                lambda: get(layout.url("jaeger") + "/api/services"),
                jaeger.environment(layout),
            )
        )
    parts += [
        Component(
            "platform",
            [
                txflow(),
                "platform",
                "--data",
                str(layout.dir / "platform"),
                "--clickhouse-addr",
                f"127.0.0.1:{ports['clickhouse']}",
                "--kafka-addr",
                f"127.0.0.1:{ports['kafka']}",
                "--registry-addr",
                f"127.0.0.1:{ports['registry']}",
                "--ui-addr",
                f"127.0.0.1:{ports['ui']}",
                "--jaeger-url",
                layout.url("jaeger") if layout.jaeger else "",
                "--airflow-url",
                layout.url("airflow"),
            ],
            lambda: get(layout.url("clickhouse") + "/?query=SELECT+count()+FROM+txflow.transactions"),
            traced,
        ),
        Component(
            "ml-api",
            [txflow(), "ml-api", "--addr", f"127.0.0.1:{ports['ml-api']}"],
            lambda: get(layout.url("ml-api") + "/health"),
            traced,
        ),
    ]
    parts += events(layout, traced)
    env = traced | airflow_env.variables(layout)
    for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
        parts.append(Component(name, [*airflow(), name], _airflow_ready(layout, name), env))
    return parts


# A command after the schemas are registered, once the platform's registry answers.
REGISTERED = 'until "$0" schemas register; do sleep 1; done; exec "$0" "$@"'


def events(layout: Layout, traced: dict[str, str]) -> list[Component]:
    """The pipeline of events, over the platform: the collector, refine, and the publisher of roll-ups."""
    ports = layout.ports
    env = traced | {
        "KAFKA_BROKERS": f"127.0.0.1:{ports['kafka']}",
        "CLICKHOUSE_URL": layout.url("clickhouse") + "/?database=txflow",
        "SCHEMA_REGISTRY_URL": layout.url("registry"),
    }
    watch = {part: ["--watch-addr", f"127.0.0.1:{ports[part]}"] for part in ("refine", "publish")}
    return [
        Component(
            "collect",
            ["sh", "-c", REGISTERED, txflow(), "collect", "--addr", f"127.0.0.1:{ports['collect']}"],
            lambda: get(layout.url("collect") + "/ready"),
            env,
        ),
        Component(
            "refine",
            [txflow(), "stream", "refine", "--instance", "dev", *watch["refine"]],
            lambda: get(layout.url("refine") + "/readyz"),
            env,
        ),
        Component(
            "publish",
            [txflow(), "events", "publish", *watch["publish"]],
            lambda: get(layout.url("publish") + "/readyz"),
            env,
        ),
    ]


def airflow() -> list[str]:
    """Airflow's command in the virtual environment that the Makefile built: not by its script, whose first line cannot
    name every folder."""
    return [str(Path(os.environ.get("TXFLOW_AIRFLOW") or sys.prefix) / "bin" / "python"), "-m", "airflow"]


def otel(layout: Layout) -> dict[str, str]:
    """Where traces go; nowhere without Jaeger."""
    if not layout.jaeger:
        return {"OTEL_TRACES_EXPORTER": "none"}
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": layout.url("otlp"), "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


def _airflow_ready(layout: Layout, name: str) -> Callable[[], bool]:
    def ready() -> bool:
        if name == "api-server":
            return bool(get(layout.url("airflow") + "/execution/health"))  # what tasks talk to; made at its first call
        health = json.loads(get(layout.url("airflow") + "/api/v2/monitor/health"))
        return (health.get(name.replace("-", "_")) or {}).get("status") == "healthy"

    return ready
