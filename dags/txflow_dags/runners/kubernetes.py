"""Tasks as pods of a Kubernetes cluster. While a pod runs, the task is deferred and holds no worker."""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import models as k8s

from txflow_dags import connections, logs, outcome, settings
from txflow_dags.command import MANIFEST, TEXT, Command

XCOM = "/airflow/xcom/return.json"  # where the provider's sidecar takes the result from
FILES = "/etc/txflow"  # where the keys of the secret are files: ML_API_TOKEN_FILE and ML_API_CA_FILE name such
PLAIN = ("TXFLOW_", "CLICKHOUSE_URL", "ML_API_URL", "ML_API_TOKEN_FILE", "ML_API_CA_FILE", "TRACEPARENT", "TRACESTATE",
         "KAFKA_BROKERS", "SCHEMA_REGISTRY_URL", "OTEL_EXPORTER_OTLP_ENDPOINT",
         "OTEL_EXPORTER_OTLP_PROTOCOL")  # fmt: skip


class PodOperator(Command, KubernetesPodOperator):
    """Runs the image that TXFLOW_IMAGE names for the task.

    Secrets are no part of the pod: it takes the keys of the Kubernetes secret that TXFLOW_K8S_SECRET names (txflow) as
    variables, such as CLICKHOUSE_PASSWORD, ML_API_TOKEN, and ML_API_URL where it has a login; and as files in
    /etc/txflow. Other settings: TXFLOW_K8S_NAMESPACE, TXFLOW_K8S_SERVICE_ACCOUNT, TXFLOW_K8S_CPU, TXFLOW_K8S_MEMORY,
    and the connection kubernetes_default.
    """

    template_fields = (*Command.template_fields, "image", "namespace")

    def __init__(self, *, argv: Any, program: str = "txflow-task", result: str = MANIFEST, **kwargs: Any) -> None:
        task = argv[0] if program == "txflow-task" else program
        secret = settings.text("TXFLOW_K8S_SECRET", "txflow")
        resources = {"cpu": settings.text("TXFLOW_K8S_CPU", "1"), "memory": settings.text("TXFLOW_K8S_MEMORY", "512Mi")}
        super().__init__(
            argv=argv,
            program=program,
            result=result,
            image=settings.text("TXFLOW_IMAGE", "txflow/{task}:latest").replace("{task}", task),
            cmds=[f"/{program}"],
            namespace=settings.text("TXFLOW_K8S_NAMESPACE", "txflow"),
            service_account_name=settings.text("TXFLOW_K8S_SERVICE_ACCOUNT") or None,
            automount_service_account_token=False,
            labels={"app.kubernetes.io/name": "txflow", "app.kubernetes.io/component": argv[0]},
            env_from=[_secret(secret)],
            container_resources=k8s.V1ResourceRequirements(requests=resources, limits=resources),
            security_context=k8s.V1PodSecurityContext(
                run_as_non_root=True,
                run_as_user=65532,
                run_as_group=65532,
                fs_group=65532,
                seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
            ),
            container_security_context=_locked(),
            xcom_sidecar_container_security_context=_locked(),
            volumes=[k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource()), _files(secret)],
            volume_mounts=[
                k8s.V1VolumeMount(name="tmp", mount_path="/tmp"),  # noqa: S108 - in the pod
                k8s.V1VolumeMount(name="files", mount_path=FILES, read_only=True),
            ],
            do_xcom_push=result != TEXT,
            deferrable=True,
            on_finish_action="delete_pod",
            log_pod_spec_on_failure=False,
            container_name_log_prefix_enabled=False,
            log_formatter=_readable,
            **kwargs,
        )
        self.exit_code: int | None = None
        self.result_read: Any = None

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> k8s.V1Pod:
        """The pod, with this task instance's arguments and variables."""
        to = [] if self.result == TEXT else [f"--manifest={XCOM}"]
        task, *rest = self.command_line()
        self.arguments = [task, *to, *rest]  # before a --
        known = self.variables(context)
        variables = {k: v for k, v in known.items() if k.startswith(PLAIN)}
        login = "@" in variables.get("ML_API_URL", "")
        if login:  # a secret
            del variables["ML_API_URL"]
        if self.ml_api_conn_id != connections.ML_API:
            if login or known["ML_API_TOKEN"]:
                raise outcome.Failed(
                    f"the connection {self.ml_api_conn_id} has a login or a token, which a pod does not get"
                    f"\nnext: put the token into the Kubernetes secret, and name its file {FILES}/KEY in "
                    "the extra token_file"
                )
            variables["ML_API_TOKEN"] = ""  # that of the Kubernetes secret is for the usual ML API
        self.env_vars = variables
        return super().build_pod_request_obj(context, dry_run=dry_run)

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """Note how the task ended, before the pod is removed."""
        self.exit_code = _exit_code(remote_pod, self.base_container_name)
        self.result_read = xcom_result
        super().cleanup(pod, remote_pod, xcom_result, context)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """Called when the pod has ended: its result."""
        try:
            super().trigger_reentry(context, event)
        except AirflowException:
            if self.exit_code is None:  # the pod itself failed: no image, no node
                raise
        found = self.result_read if isinstance(self.result_read, dict) else {}
        return self.conclude(context, self.exit_code or 0, json.dumps(found) if found else "", found.get("error", ""))


def _exit_code(pod: Any, container: str) -> int | None:
    """The exit code of the task's own container, None when it never ran."""
    for status in (pod and pod.status and pod.status.container_statuses) or []:
        if status.name == container and status.state and status.state.terminated:
            return status.state.terminated.exit_code
    return None


def _locked() -> k8s.V1SecurityContext:
    return k8s.V1SecurityContext(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
        run_as_user=65532,
        capabilities=k8s.V1Capabilities(drop=["ALL"]),
    )


def _secret(name: str) -> k8s.V1EnvFromSource:
    return k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=name, optional=True))


def _files(name: str) -> k8s.V1Volume:
    return k8s.V1Volume(
        name="files", secret=k8s.V1SecretVolumeSource(secret_name=name, optional=True, default_mode=0o440)
    )


def _readable(_: str, line: str) -> str:
    """A line of the pod's log as one reads it."""
    entry = logs.entry(line)
    if entry is None:
        return line
    fields = " ".join(f"{k}={v}" for k, v in entry.items() if k not in logs.DROPPED)
    return f"{entry.get('level', 'INFO')} {entry['msg']} {fields}".rstrip()
