"""Where the development stack keeps its state, and at which addresses its parts listen."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Part and variable of each port, with its default; 0 takes a free one.
PORTS = {
    "airflow": ("DEV_AIRFLOW_PORT", 8080),
    "clickhouse": ("DEV_CLICKHOUSE_PORT", 8123),
    "database": ("DEV_DATABASE_PORT", 15432),
    "kafka": ("DEV_KAFKA_PORT", 9092),
    "registry": ("DEV_REGISTRY_PORT", 8081),
    "ml-api": ("DEV_ML_API_PORT", 8000),
    "ui": ("DEV_UI_PORT", 8090),
    "collect": ("DEV_COLLECT_PORT", 8001),
    "refine": ("DEV_REFINE_PORT", 9466),
    "publish": ("DEV_PUBLISH_PORT", 9467),
    "jaeger": ("DEV_JAEGER_PORT", 16686),
    "jaeger-grpc": ("DEV_JAEGER_GRPC_PORT", 16685),
    "otlp": ("DEV_OTLP_PORT", 4318),
    "otlp-grpc": ("DEV_OTLP_GRPC_PORT", 4317),
    "airflow-logs": ("DEV_AIRFLOW_LOG_PORT", 8793),
    "airflow-trigger-logs": ("DEV_AIRFLOW_TRIGGER_LOG_PORT", 8794),
}


@dataclass
class Layout:
    """The stack's folder, ports and whether it traces."""

    dir: Path
    ports: dict[str, int]
    jaeger: bool

    @classmethod
    def from_environment(cls) -> Layout:
        """Read DEV_*_PORT, JAEGER and TXFLOW_DEV_DIR."""
        ports = {part: int(os.environ.get(variable) or default) for part, (variable, default) in PORTS.items()}
        free = iter(free_ports(sum(port == 0 for port in ports.values())))
        ports = {part: port or next(free) for part, port in ports.items()}
        return cls(folder(), ports, os.environ.get("JAEGER", "on") != "off")

    def url(self, part: str) -> str:
        """The part's address over HTTP."""
        return f"http://127.0.0.1:{self.ports[part]}"

    def log(self, part: str) -> Path:
        """The part's log."""
        return self.dir / "logs" / f"{part}.log"


def folder() -> Path:
    """The stack's folder: TXFLOW_DEV_DIR, else .dev in the repository."""
    return Path(os.environ.get("TXFLOW_DEV_DIR") or ROOT / ".dev").resolve()


def free_ports(n: int) -> list[int]:
    """Ports that nobody listens at now, all different."""
    sockets = [socket.socket() for _ in range(n)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()
