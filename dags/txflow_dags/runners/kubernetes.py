"""Tasks as pods of a Kubernetes cluster. While a pod runs, the task is deferred and holds no worker."""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import models as k8s

from txflow_dags import logs, settings
from txflow_dags.command import MANIFEST, TEXT, Command

XCOM = "/airflow/xcom/return.json"  # where the provider's sidecar takes the result from
PLAIN = ("TXFLOW_", "CLICKHOUSE_URL", "ML_API_URL", "TRACEPARENT", "TRACESTATE", "KAFKA_BROKERS", "SCHEMA_REGISTRY_URL",
         "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL")  # fmt: skip


class PodOperator(Command, KubernetesPodOperator):
    """Runs the image that TXFLOW_IMAGE names for the task.

    Secrets are no part of the pod: it takes the keys of the Kubernetes secret that TXFLOW_K8S_SECRET names (txflow) as
    variables, such as CLICKHOUSE_PASSWORD, and ML_API_URL where it has a login.
    Other settings: TXFLOW_K8S_NAMESPACE, TXFLOW_K8S_SERVICE_ACCOUNT,
    TXFLOW_K8S_CPU, TXFLOW_K8S_MEMORY, and the connection kubernetes_default.
    """

    template_fields = (*Command.template_fields, "image", "namespace")

    def __init__(self, *, argv: Any, program: str = "txflow-task", result: str = MANIFEST, **kwargs: Any) -> None:
        task = argv[0] if program == "txflow-task" else program
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
            env_from=[_secret(settings.text("TXFLOW_K8S_SECRET", "txflow"))],
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
            volumes=[k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource())],
            volume_mounts=[k8s.V1VolumeMount(name="tmp", mount_path="/tmp")],  # noqa: S108 - in the pod
            do_xcom_push=result != TEXT,
            deferrable=True,
            on_finish_action="delete_pod",
            log_pod_spec_on_failure=False,
            container_name_log_prefix_enabled=False,
            log_formatter=_readable,
            **kwargs,
        )
        self.exit_code: int | None = None
        self.told: Any = None

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> k8s.V1Pod:
        """The pod, with this task instance's arguments and variables."""
        to = [] if self.result == TEXT else [f"--manifest={XCOM}"]
        task, *rest = self.command_line()
        self.arguments = [task, *to, *rest]  # before a --
        variables = {k: v for k, v in self.variables(context).items() if k.startswith(PLAIN)}
        if "@" in variables.get("ML_API_URL", ""):  # a login: a secret
            del variables["ML_API_URL"]
        self.env_vars = variables
        return super().build_pod_request_obj(context, dry_run=dry_run)

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """Note how the task ended, before the pod is removed."""
        self.exit_code = _exit_code(remote_pod, self.base_container_name)
        self.told = xcom_result
        super().cleanup(pod, remote_pod, xcom_result, context)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """Called when the pod has ended: its result."""
        try:
            super().trigger_reentry(context, event)
        except AirflowException:
            if self.exit_code is None:  # the pod itself failed: no image, no node
                raise
        told = self.told if isinstance(self.told, dict) else {}
        return self.conclude(context, self.exit_code or 0, json.dumps(told) if told else "", told.get("error", ""))


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


def _readable(_: str, line: str) -> str:
    """A line of the pod's log as one reads it."""
    entry = logs.entry(line)
    if entry is None:
        return line
    fields = " ".join(f"{k}={v}" for k, v in entry.items() if k not in logs.DROPPED)
    return f"{entry.get('level', 'INFO')} {entry['msg']} {fields}".rstrip()
