"""The pods of the kubernetes runner are sound by Kubernetes' own schema, and locked down. No cluster runs them here."""

from __future__ import annotations

import json

import kubernetes_validate
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException, TaskDeferred
from contract import TaskInstance, make
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

from txflow_dags import outcome

SCHEMA = "1.34"
SECRET = "kept-to-itself"


@pytest.fixture(autouse=True)
def runner(monkeypatch):
    monkeypatch.setenv("TXFLOW_RUNNER", "kubernetes")
    monkeypatch.setenv("TXFLOW_IMAGE", "registry.example/txflow/{task}:1")
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", '{"conn_type": "kubernetes"}')
    monkeypatch.setenv("AIRFLOW_CONN_TXFLOW_ML_API", '{"conn_type": "http", "host": "ml-api", "port": 8000}')
    monkeypatch.setenv(
        "AIRFLOW_CONN_TXFLOW_CLICKHOUSE",
        f'{{"conn_type": "http", "host": "db", "port": 8123, "login": "loader", "password": "{SECRET}"}}',
    )
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def pod_of(operator):
    context = {"ti": TaskInstance(try_number=2), "run_id": "run", "dag": None}
    pod = operator.build_pod_request_obj(context, dry_run=True)
    return ApiClient().sanitize_for_serialization(pod)


@pytest.mark.parametrize(
    "argv", [("validate", "s3://bank/01.csv"), ("classify", "--chunks=s3://bank/out/r/chunks.json")]
)
def test_pod_is_sound(argv):
    kubernetes_validate.validate(pod_of(make(*argv, index=3)), SCHEMA, strict=True)


def test_schema_finds_faults():
    pod = pod_of(make("validate", "s3://bank/01.csv"))
    pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = "yes"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, SCHEMA, strict=True)


def test_pod_is_locked_down():
    pod = pod_of(make("classify", "--chunks=s3://bank/out/r/chunks.json", index=3))
    spec, base = pod["spec"], pod["spec"]["containers"][0]
    assert base["image"] == "registry.example/txflow/classify:1"
    assert base["command"] == ["/txflow-task"]
    assert base["args"] == ["classify", "--manifest=/airflow/xcom/return.json", "--chunks=s3://bank/out/r/chunks.json"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["automountServiceAccountToken"] is False
    assert base["resources"]["limits"] == {"cpu": "1", "memory": "512Mi"}
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}
    assert {"name": "TXFLOW_INDEX", "value": "3"} in base["env"]
    assert {"name": "TXFLOW_TRY", "value": "2"} in base["env"]
    assert {"name": "CLICKHOUSE_URL", "value": "http://loader@db:8123"} in base["env"]


def test_secrets_are_no_part_of_the_pod():
    pod = pod_of(make("load", "--chunks=s3://bank/out/r/chunks.json", index=0))
    assert SECRET not in json.dumps(pod)
    assert pod["spec"]["containers"][0]["envFrom"] == [{"secretRef": {"name": "txflow", "optional": True}}]


def test_the_login_of_the_ml_api_is_a_secret(monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_TXFLOW_ML_API", json.dumps({"conn_type": "http", "host": "ml", "login": "me", "password": SECRET})
    )
    pod = pod_of(make("classify", "--chunks=s3://bank/out/r/chunks.json", index=0))
    assert SECRET not in json.dumps(pod)
    assert "ML_API_URL" not in [variable["name"] for variable in pod["spec"]["containers"][0]["env"]]


def test_what_the_ml_api_wants_reaches_the_pod(monkeypatch):
    for name in ("TXFLOW_CATEGORIES", "TXFLOW_MAX_REFUSED", "ML_API_TOKEN_FILE", "ML_API_CA_FILE", "ML_API_TOKEN"):
        monkeypatch.setenv(name, SECRET if name == "ML_API_TOKEN" else f"/etc/txflow/{name}")
    pod = pod_of(make("classify", "--chunks=s3://bank/out/r/chunks.json", index=0))
    base = pod["spec"]["containers"][0]
    env = {variable["name"]: variable["value"] for variable in base["env"]}
    for name in ("TXFLOW_CATEGORIES", "TXFLOW_MAX_REFUSED", "ML_API_TOKEN_FILE", "ML_API_CA_FILE"):
        assert env[name] == f"/etc/txflow/{name}"
    assert SECRET not in json.dumps(pod)
    assert "ML_API_TOKEN" not in env, "it is a key of the secret"
    assert {"mountPath": "/etc/txflow", "name": "files", "readOnly": True} in base["volumeMounts"]
    assert [v["secret"]["secretName"] for v in pod["spec"]["volumes"] if v["name"] == "files"] == ["txflow"]


def test_the_token_of_one_ml_api_is_not_for_another(monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_OTHER", json.dumps({"conn_type": "http", "host": "other", "extra": {"token_file": "/f"}})
    )
    pod = pod_of(make("classify", "--chunks=s3://bank/out/r/chunks.json", index=0, ml_api_conn_id="other"))
    env = {variable["name"]: variable.get("value") or "" for variable in pod["spec"]["containers"][0]["env"]}
    assert (env["ML_API_TOKEN"], env["ML_API_TOKEN_FILE"], env["ML_API_URL"]) == ("", "/f", "http://other:8000")
    monkeypatch.setenv(
        "AIRFLOW_CONN_OTHER", json.dumps({"conn_type": "http", "host": "other", "extra": {"token": SECRET}})
    )
    with pytest.raises(outcome.Failed, match=r"(?s)a pod does not get.*token_file"):
        pod_of(make("classify", "--chunks=s3://bank/out/r/chunks.json", index=0, ml_api_conn_id="other"))


def ended(code):
    state = k8s.V1ContainerState(terminated=k8s.V1ContainerStateTerminated(exit_code=code))
    status = k8s.V1ContainerStatus(name="base", image="", image_id="", ready=False, restart_count=0, state=state)
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="pod"), status=k8s.V1PodStatus(phase="Failed", container_statuses=[status])
    )


@pytest.mark.parametrize(
    ("code", "raised"),
    [(65, outcome.Failed), (64, outcome.Failed), (75, TaskDeferred), (137, outcome.Again), (99, AirflowSkipException)],
)
def test_exit_codes(monkeypatch, code, raised):
    """What the provider's operator does with the pod is replaced; what is made of its end is ours."""
    operator = make("validate", "s3://bank/01.csv")
    found = {"error": "no such file"}

    def provider(self, context, event):
        self.cleanup(ended(code), ended(code), found, context)

    base = type(operator).__mro__[2]
    monkeypatch.setattr(
        base, "cleanup", lambda *a, **k: (_ for _ in ()).throw(AirflowException("Pod returned a failure"))
    )
    monkeypatch.setattr(base, "trigger_reentry", provider)
    with pytest.raises(raised) as error:
        operator.trigger_reentry({"ti": TaskInstance()}, {})
    assert type(error.value) is raised
    assert raised is TaskDeferred or "no such file" in str(error.value)


def test_manifest_is_the_result(monkeypatch):
    operator = make("validate", "s3://bank/01.csv")
    found = {
        "task": "validate", "status": "done", "run_id": "r", "counts": {"in": 1}, "exit_code": 0,
        "duration_ms": 1, "trace_id": "t",
    }  # fmt: skip
    base = type(operator).__mro__[2]
    monkeypatch.setattr(base, "cleanup", lambda *a, **k: None)
    monkeypatch.setattr(
        base, "trigger_reentry", lambda self, context, event: self.cleanup(ended(0), ended(0), found, context)
    )
    assert operator.trigger_reentry({"ti": TaskInstance()}, {}) == found
