"""Tasks as containers of a Docker engine: an image a task, and as little as the task can do with."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import Mount

from txflow_dags import outcome, settings
from txflow_dags.command import Command
from txflow_dags.logs import Relay

GRACE = 10  # seconds between SIGTERM, on which a task keeps what it has done, and SIGKILL

# Removes a container when whoever holds the other end of its stdin is gone, however that came.
REAPER = """
import sys
if not sys.stdin.read():
    import docker
    docker.from_env().api.remove_container(sys.argv[1], force=True)
"""
DONE = b"done"  # said to the reaper by a task that cleaned up itself


class ContainerOperator(Command):
    """Runs the image that TXFLOW_IMAGE names for the task. Its container ends with this task, however it ends.

    Settings: TXFLOW_IMAGE ("{task}" is the command), TXFLOW_DOCKER_NETWORK, TXFLOW_DOCKER_USER, TXFLOW_DOCKER_MEMORY,
    TXFLOW_DOCKER_CPUS, TXFLOW_DOCKER_MOUNTS (SOURCE:TARGET:ro|rw, with commas between); the engine is DOCKER_HOST's.
    """

    template_fields = (*Command.template_fields, "image")
    container: dict[str, Any] | None = None

    def __init__(self, *, argv: Any, program: str = "txflow-task", **kwargs: Any) -> None:
        super().__init__(argv=argv, program=program, **kwargs)
        task = argv[0] if program == "txflow-task" else program
        self.image = settings.text("TXFLOW_IMAGE", "txflow/{task}:latest").replace("{task}", task)

    @cached_property
    def cli(self) -> APIClient:
        """The engine."""
        return docker.from_env(timeout=60).api

    def execute(self, context: Any) -> Any:
        """Run the container and return its result."""
        environment, labels = with_secrets(self.variables(context)), _labels(context["ti"])
        self._sweep(labels)
        self._fetch()
        memory = settings.text("TXFLOW_DOCKER_MEMORY", "512m")
        self.container = self.cli.create_container(
            image=self.image,
            entrypoint=[f"/{self.program}"],
            command=self.command_line(),
            environment=environment,
            user=settings.text("TXFLOW_DOCKER_USER", "65532:65532"),
            labels=labels,
            host_config=self.cli.create_host_config(
                read_only=True,
                tmpfs={"/tmp": "rw,noexec,nosuid,mode=1777"},  # noqa: S108 - in the container
                mounts=_mounts(),
                network_mode=settings.text("TXFLOW_DOCKER_NETWORK", "bridge"),
                mem_limit=memory,
                memswap_limit=memory,
                nano_cpus=int(float(settings.text("TXFLOW_DOCKER_CPUS", "1")) * 1e9),
                pids_limit=256,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
            ),
        )
        reaper = subprocess.Popen(
            [sys.executable, "-Ic", REAPER, self.container["Id"]], stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            code, last, said = self._run(self.container["Id"])
        finally:
            self._remove(self.container["Id"])
            reaper.communicate(DONE)
        return self.conclude(context, code, last, said)

    def _fetch(self) -> None:
        """Pull the image, unless the engine has it."""
        try:
            self.cli.inspect_image(self.image)
        except NotFound:
            self.log.info(f"pulling {self.image}")
            for step in self.cli.pull(self.image, stream=True, decode=True):
                if "error" in step:
                    raise outcome.Again(f"the image {self.image} could not be pulled: {step['error']}") from None

    def _run(self, container: str) -> tuple[int, str, str]:
        """Start it and pass its log on; returns exit code, last line of stdout, and the task's last words."""
        relay, out, err = Relay(self.log), _Lines(), _Lines()
        stream = self.cli.attach(container, stdout=True, stderr=True, stream=True, demux=True)
        self.cli.start(container)
        last: deque[str] = deque(maxlen=1)
        for stdout, stderr in stream:
            last.extend(out.feed(stdout))
            for line in err.feed(stderr):
                relay.line(line)
        last.extend(out.rest())
        for line in err.rest():
            relay.line(line)
        return self.cli.wait(container)["StatusCode"], "".join(last), relay.said

    def _sweep(self, labels: dict[str, str]) -> None:
        """Remove the containers of an earlier try on this engine, as after a crash of the host."""
        wanted = [f"{name}={value}" for name, value in labels.items()]
        for left in self.cli.containers(all=True, filters={"label": wanted}):
            self.log.warning(f"removing the container {left['Id'][:12]} of an earlier try")
            self._remove(left["Id"])

    def _remove(self, container: str) -> None:
        try:
            self.cli.remove_container(container, force=True)
        except NotFound:
            pass
        except APIError as error:
            if error.status_code != 409:  # its removal is under way
                raise

    def on_kill(self) -> None:
        """End the container: in good order, and after a while by force; then it is removed."""
        if self.container is not None:
            try:
                self.cli.stop(self.container["Id"], timeout=GRACE)
            except NotFound:
                return
            self._remove(self.container["Id"])


class _Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self) -> None:
        self.tail = b""

    def feed(self, data: bytes | None) -> list[str]:
        """The lines that data completes."""
        *lines, self.tail = (self.tail + (data or b"")).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def rest(self) -> list[str]:
        """The bytes after the last newline."""
        return [self.tail.decode(errors="replace")] if self.tail else []


# Secrets that the worker has as files. A task mounts nothing, so it gets them as variables.
SECRETS = ("CLICKHOUSE_PASSWORD", "ML_API_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def with_secrets(environment: dict[str, str]) -> dict[str, str]:
    """The variables with the contents of the files that NAME_FILE names, for each secret that is not given itself."""
    env = dict(environment)
    for name in SECRETS:
        if (file := env.pop(f"{name}_FILE", None)) and name not in env:
            env[name] = Path(file).read_text().strip()
    return env


def _labels(ti: Any) -> dict[str, str]:
    """What names a task instance, whatever its try."""
    return {f"txflow.{name}": str(getattr(ti, name)) for name in ("dag_id", "run_id", "task_id", "map_index")}


def _mounts() -> list[Mount]:
    """TXFLOW_DOCKER_MOUNTS. Raises ValueError for one that would hand the engine's socket to a task."""
    mounts = []
    for text in filter(None, settings.text("TXFLOW_DOCKER_MOUNTS").split(",")):
        source, target, *mode = text.split(":")
        if source.endswith("docker.sock"):
            raise ValueError("a task gets no access to the Docker engine: TXFLOW_DOCKER_MOUNTS")
        kind = "bind" if source.startswith("/") else "volume"
        mounts.append(Mount(target, source, type=kind, read_only=mode == ["ro"]))
    return mounts
