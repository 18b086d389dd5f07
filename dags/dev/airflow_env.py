"""Airflow's configuration for the development stack, as variables."""

from __future__ import annotations

import base64
import json
import os
import secrets

import database
from layout import ROOT, Layout


def variables(layout: Layout) -> dict[str, str]:
    """The variables of Airflow's processes. The other variables of the shell reach them as well."""
    home, url = layout.dir / "airflow", layout.url("airflow")
    settings = {
        "core.dags_folder": ROOT / "dags",
        "core.load_examples": False,
        "core.executor": "LocalExecutor",
        "core.parallelism": os.environ.get("DEV_PARALLELISM", "8"),
        "core.simple_auth_manager_all_admins": True,
        "core.execution_api_server_url": url + "/execution/",
        "database.sql_alchemy_conn": database.address(layout, "psycopg2"),
        "database.sql_alchemy_conn_async": database.address(layout, "asyncpg"),
        "api.host": "127.0.0.1",
        "api.port": layout.ports["airflow"],
        "api.base_url": url,
        "api.workers": 1,
        "logging.worker_log_server_port": layout.ports["airflow-logs"],
        "logging.trigger_log_server_port": layout.ports["airflow-trigger-logs"],
        # A task or scheduler that was killed is noticed within half a minute.
        "scheduler.task_instance_heartbeat_timeout": 30,
        "scheduler.task_instance_heartbeat_timeout_detection_interval": 5,
        "scheduler.scheduler_health_check_threshold": 20,
        "scheduler.orphaned_tasks_check_interval": 10,
        "triggerer.job_heartbeat_sec": 2,
        "traces.otel_on": layout.jaeger,
        "traces.task_runner_flush_timeout_milliseconds": 2000,  # a collector that is unavailable stalls nothing
        **_secrets(layout),
    }
    env = {f"AIRFLOW__{key.upper().replace('.', '__')}": str(value) for key, value in settings.items()}
    return env | {
        "AIRFLOW_HOME": str(home),
        "OTEL_SERVICE_NAME": "airflow",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http" if layout.jaeger else "none",
        "KAFKA_BROKERS": f"127.0.0.1:{layout.ports['kafka']}",
        "SCHEMA_REGISTRY_URL": layout.url("registry"),
        "TXFLOW_RUNNER": os.environ.get("TXFLOW_RUNNER", "process"),
        "TXFLOW_BIN": str(ROOT / "bin"),
        "TXFLOW_OUT": str(layout.dir / "out"),
        "TXFLOW_SAMPLE": str(ROOT / "data" / "transactions.csv"),
        "TXFLOW_INBOX": str(layout.dir / "inbox"),
        "TXFLOW_TAKEN": str(layout.dir / "taken"),
        "TXFLOW_JAEGER_URL_TEMPLATE": layout.url("jaeger") + "/trace/{trace_id}" if layout.jaeger else "off",
        "TXFLOW_UI_URL": layout.url("ui"),
        "PYTHONWARNINGS": "ignore",
    }


def _secrets(layout: Layout) -> dict[str, str]:
    """Keys that Airflow's processes share, made once and kept readable for their owner alone."""
    file = layout.dir / "airflow" / "secrets.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = {
            "core.fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "api_auth.jwt_secret": secrets.token_hex(32),
            "api.secret_key": secrets.token_hex(32),
        }
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            json.dump(made, f)
    return json.loads(file.read_text())
