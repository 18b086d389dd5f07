"""The contract of a task, on every runner that can run here: one suite over real commands."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferred
from conftest import ROOT
from contract import TaskInstance, execute, make
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from stack import processes, wait

TRACER = TracerProvider().get_tracer("test")
SAMPLE = ROOT / "data" / "transactions.csv"
SECRET, TOKEN = "kept-to-itself", "a-token-of-the-ml-api"


@pytest.fixture(params=["process", "docker"])
def runner(request, monkeypatch, tmp_path):
    """Each runner with a folder that its tasks can write to."""
    if request.param == "docker":
        request.getfixturevalue("docker_engine")
        monkeypatch.setenv("TXFLOW_DOCKER_MOUNTS", f"{tmp_path}:{tmp_path}:rw,{ROOT / 'data'}:{ROOT / 'data'}:ro")
        monkeypatch.setenv("TXFLOW_DOCKER_NETWORK", "host")
        monkeypatch.setenv("TXFLOW_DOCKER_USER", f"{os.getuid()}:{os.getgid()}" if os.getuid() else "65532:65532")
        tmp_path.chmod(0o777)
    monkeypatch.setenv("TXFLOW_RUNNER", request.param)
    monkeypatch.setenv("TXFLOW_BIN", str(ROOT / "bin"))
    monkeypatch.setenv("AIRFLOW__TRACES__OTEL_ON", "True")
    monkeypatch.setenv("ML_API_TOKEN", TOKEN)
    monkeypatch.setenv("TXFLOW_CATEGORIES", "Food,Rent")
    monkeypatch.setenv("TXFLOW_MAX_REFUSED", "0.7")
    monkeypatch.setenv("AIRFLOW_CONN_TXFLOW_ML_API", '{"conn_type": "http", "host": "127.0.0.1", "port": 1}')
    monkeypatch.setenv(
        "AIRFLOW_CONN_TXFLOW_CLICKHOUSE",
        f'{{"conn_type": "http", "host": "127.0.0.1", "port": 1, "login": "loader", "password": "{SECRET}"}}',
    )
    return request.param


def validated(folder, **kwargs):
    return make("validate", f"--out={folder}", "--run-id=run", "--source=", str(SAMPLE), **kwargs)


def test_manifest_is_the_result(runner, tmp_path):
    found = execute(validated(tmp_path))
    assert (found["task"], found["status"], found["run_id"]) == ("validate", "done", "run")
    assert found["counts"]["in"] == found["counts"]["accepted"] == 10_000


def test_chunks_are_what_to_map_over(runner, tmp_path):
    execute(validated(tmp_path))
    instance = TaskInstance()
    assert execute(make("split", "--max-chunks=3", "--min-rows=1", f"{tmp_path}/run", result="chunks"), instance) == [
        0,
        1,
        2,
    ]
    assert instance.pushed["manifest"]["chunks"] == 3


def test_bad_data_is_not_tried_again(runner, tmp_path):
    operator = make("validate", f"--out={tmp_path}", "/nowhere/at/all.csv")
    with pytest.raises(AirflowFailException, match=r"all\.csv: no such file\nnext: check the path"):
        execute(operator)
    assert not [message for level, message, _ in operator.log.lines if level >= 40], "Airflow logs the failure itself"


def test_a_gate_that_refuses_links_to_the_rejected_rows(runner, tmp_path):
    dirty = ROOT / "data" / "transactions_dirty.csv"
    operator = make("validate", f"--out={tmp_path}", "--run-id=run", "--max-reject-ratio=0.01", str(dirty))
    instance = TaskInstance(run_id="manual__1+1")
    with pytest.raises(AirflowFailException, match="rejected"):
        execute(operator, instance)
    shown = instance.pushed["rejected"]
    assert shown["file"].endswith("/run/rejected.ndjson")
    assert (shown["rows"], len(shown["first"])) == (300, 10)
    assert "transactions_dirty.csv:3" in shown["first"][0]
    link = next(link for link in operator.operator_extra_links if link.name == "Rejected rows")
    assert link.get_link(operator, ti_key=instance).endswith("/dags/dag/runs/manual__1%2B1/tasks/task/xcom")
    assert not link.get_link(make("validate"), ti_key=instance)


def test_wrong_usage_is_not_tried_again(runner):
    with pytest.raises(AirflowFailException, match="missing argument: the run"):
        execute(make("split"))


def test_a_dependency_that_is_unavailable_is_waited_for_without_a_worker(runner, tmp_path):
    execute(validated(tmp_path))
    execute(make("split", f"{tmp_path}/run", result="chunks"))
    operator = make("classify", "--ml-outage=1ms", f"--chunks={tmp_path}/run/chunks.json", index=0)
    with pytest.raises(TaskDeferred):
        execute(operator)
    assert "127.0.0.1:1" in operator.log.text.split("waits: ")[1], "the log says what is waited for"


def test_nothing_to_do_is_skipped(runner, tmp_path):
    with pytest.raises(AirflowSkipException, match="no new file"):
        execute(make("inbox", f"--inbox={tmp_path}", f"--taken={tmp_path}/taken"))


def test_trace_goes_on(runner, tmp_path):
    with TRACER.start_as_current_span("task") as span:
        found = execute(operator := validated(tmp_path, linked_trace=f"00-{'a' * 32}-{'b' * 16}-01"))
        expected = trace.format_trace_id(span.get_span_context().trace_id)
    assert found["trace_id"] == operator.trace_id == expected
    assert [trace.format_trace_id(link.context.trace_id) for link in span.links] == ["a" * 32]


def test_log_is_readable(runner, tmp_path):
    execute(operator := validated(tmp_path))
    done = [(level, fields) for level, message, fields in operator.log.lines if message == "validate is done"]
    assert done[0][0] == 20
    assert done[0][1]["accepted"] == 10_000
    assert "time" not in done[0][1]


def test_secrets_stay_out_of_sight(runner, tmp_path, monkeypatch):
    """A task that waits for the ML API is looked at from outside: the password is in its environment alone."""
    execute(validated(tmp_path))
    execute(make("split", f"{tmp_path}/run", result="chunks"))
    operator = make("classify", "--ml-outage=1m", f"--chunks={tmp_path}/run/chunks.json", index=0)
    ended = []
    task = threading.Thread(target=lambda: ended.append(pytest.raises(AirflowException, execute, operator)))
    task.start()
    argv, environ = wait(lambda: looked_at(runner, operator), "the task runs")
    operator.on_kill()
    task.join()
    assert f"CLICKHOUSE_PASSWORD={SECRET}" in environ
    assert "CLICKHOUSE_URL=http://loader@127.0.0.1:1" in environ
    assert {f"ML_API_TOKEN={TOKEN}", "TXFLOW_CATEGORIES=Food,Rent", "TXFLOW_MAX_REFUSED=0.7"} <= set(environ)
    assert not [name for name in environ if name.startswith("AIRFLOW")]
    shown = [str(getattr(operator, name)) for name in operator.template_fields]
    seen = " ".join([*argv, *shown, operator.log.text, str(ended[0].value)])
    assert SECRET not in seen
    assert TOKEN not in seen


def looked_at(runner, operator):
    """Arguments and environment of the running task, as its host sees them."""
    if runner == "docker":
        if not (container := operator.container):
            return None
        config = operator.cli.inspect_container(container["Id"])
        return (config["Config"]["Cmd"], config["Config"]["Env"]) if config["State"]["Running"] else None
    if operator.child is None or operator.child.poll() is not None:
        return None
    listed = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(operator.child.pid)], capture_output=True, text=True, check=True
    )
    with open(f"/proc/{operator.child.pid}/environ") as f:
        return (listed.stdout.split(), f.read().split("\0")) if "classify" in listed.stdout else None


def test_killed_with_its_task(runner, tmp_path):
    execute(validated(tmp_path))
    execute(make("split", f"{tmp_path}/run", result="chunks"))
    operator = make("classify", "--ml-outage=5m", f"--chunks={tmp_path}/run/chunks.json", index=0)
    ended = []
    task = threading.Thread(target=lambda: ended.append(pytest.raises(AirflowException, execute, operator)))
    task.start()
    wait(lambda: looked_at(runner, operator), "the task runs")
    operator.on_kill()
    task.join()
    assert not isinstance(ended[0].value, AirflowFailException | AirflowSkipException)
    assert not left(runner, operator)


def left(runner, operator):
    if runner == "docker":
        return operator.cli.containers(all=True, filters={"id": operator.container["Id"]})
    return operator.child.poll() is None


def test_nothing_outlives_a_killed_task(runner, tmp_path):
    """The process of the task is killed with no chance to clean up, as the kernel does when memory is short."""
    if os.uname().sysname != "Linux":
        pytest.skip("NOT RUN: only Linux ties a child to its parent")
    execute(validated(tmp_path))
    execute(make("split", f"{tmp_path}/run", result="chunks"))
    operator = make("classify", "--ml-outage=5m", f"--chunks={tmp_path}/run/chunks.json", index=0)
    instance = TaskInstance(run_id=tmp_path.name)
    task = os.fork()
    if not task:
        execute(operator, instance)
        os._exit(0)
    wait(lambda: running(runner, task, instance), "the child runs")
    os.kill(task, signal.SIGKILL)
    os.waitpid(task, 0)
    wait(lambda: not running(runner, None, instance), "the child is gone", 20)


def running(runner, task, instance):
    """What runs for a task instance: its container, or the child of its process (of whichever, when task is None)."""
    if runner == "docker":
        label = f"label=txflow.run_id={instance.run_id}"
        return subprocess.run(["docker", "ps", "-aq", "--filter", label], capture_output=True, check=True).stdout
    return [pid for pid, args in processes(instance.run_id) if "txflow-task classify" in args]


def test_container_has_no_more_than_it_needs(docker_engine, monkeypatch, tmp_path):
    monkeypatch.setenv("TXFLOW_RUNNER", "docker")
    operator = make("classify", "--ml-outage=1m", "--chunks=/nowhere/chunks.json")
    seen = []
    monkeypatch.setattr(
        type(operator), "_run", lambda self, id: seen.append(self.cli.inspect_container(id)) or (0, "", "")
    )
    with pytest.raises(AirflowFailException, match="no manifest"):
        execute(operator)
    config, host = seen[0]["Config"], seen[0]["HostConfig"]
    assert config["User"] == "65532:65532"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (512 << 20, 512 << 20, 1_000_000_000)
    assert not seen[0]["Mounts"]
    assert not left("docker", operator)


def test_socket_is_not_for_tasks(docker_engine, monkeypatch):
    monkeypatch.setenv("TXFLOW_RUNNER", "docker")
    monkeypatch.setenv("TXFLOW_DOCKER_MOUNTS", "/var/run/docker.sock:/var/run/docker.sock:rw")
    with pytest.raises(ValueError, match="no access to the Docker engine"):
        execute(make("validate", "x.csv"))


def test_secrets_in_files_become_variables_of_a_container(tmp_path):
    """A task mounts nothing, so what its worker has as a file it gets as a variable; what is given itself wins."""
    from txflow_dags.runners.docker import with_secrets

    file = tmp_path / "secret"
    file.write_text("hush\n")
    given = {
        "AWS_SECRET_ACCESS_KEY_FILE": str(file),
        "CLICKHOUSE_PASSWORD": "own",
        "CLICKHOUSE_PASSWORD_FILE": str(tmp_path / "gone"),
        "ML_API_CA_FILE": "/ca.pem",
    }
    assert with_secrets(given) == {
        "AWS_SECRET_ACCESS_KEY": "hush",
        "CLICKHOUSE_PASSWORD": "own",
        "ML_API_CA_FILE": "/ca.pem",
    }
