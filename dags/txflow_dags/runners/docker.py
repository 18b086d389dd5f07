"""Tasks as containers of a Docker engine: an image a task, and as little as the task can do with."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from typing import Any

from airflow.providers.docker.operators.docker import DockerOperator
from docker.errors import APIError, NotFound
from docker.types import Mount

from txflow_dags import settings
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


class ContainerOperator(Command, DockerOperator):
    """Runs the image that TXFLOW_IMAGE names for the task. Its container ends with this task, however it ends.

    Settings: TXFLOW_IMAGE ("{task}" is the command), TXFLOW_DOCKER_NETWORK, TXFLOW_DOCKER_USER, TXFLOW_DOCKER_MEMORY,
    TXFLOW_DOCKER_CPUS, TXFLOW_DOCKER_MOUNTS (SOURCE:TARGET:ro|rw, with commas between); the engine is DOCKER_HOST's.
    """

    template_fields = (*Command.template_fields, "image")

    def __init__(self, *, argv: Any, program: str = "txflow-task", **kwargs: Any) -> None:
        task = argv[0] if program == "txflow-task" else program
        super().__init__(
            argv=argv,
            program=program,
            image=settings.text("TXFLOW_IMAGE", "txflow/{task}:latest").replace("{task}", task),
            entrypoint=[f"/{program}"],
            auto_remove="force",
            mount_tmp_dir=False,
            network_mode=settings.text("TXFLOW_DOCKER_NETWORK", "bridge"),
            user=settings.text("TXFLOW_DOCKER_USER", "65532:65532"),
            mem_limit=settings.text("TXFLOW_DOCKER_MEMORY", "512m"),
            cpus=float(settings.text("TXFLOW_DOCKER_CPUS", "1")),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Run the container and return its result."""
        self.command = self.command_line()
        self._private_environment = self.variables(context)
        self.labels = _labels(context["ti"])
        self._sweep()
        code, last, said = super().execute(context)
        return self.conclude(context, code, last, said)

    def _run_image_with_mounts(self, target_mounts: list[Mount], add_tmp_variable: bool) -> Any:
        """Create the container with limits that the provider's operator has no arguments for; returns its end."""
        self.container = self.cli.create_container(
            image=self.image,
            entrypoint=self.entrypoint,
            command=self.command,
            environment=self._private_environment,
            user=self.user,
            labels=self.labels,
            host_config=self.cli.create_host_config(
                read_only=True,
                tmpfs={"/tmp": "rw,noexec,nosuid,mode=1777"},  # noqa: S108 - in the container
                mounts=_mounts(),
                network_mode=self.network_mode,
                mem_limit=self.mem_limit,
                memswap_limit=self.mem_limit,
                nano_cpus=int(self.cpus * 1e9),
                pids_limit=256,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
            ),
        )
        reaper = subprocess.Popen(
            [sys.executable, "-Ic", REAPER, self.container["Id"]], stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            return self._run(self.container["Id"])
        finally:
            self._remove(self.container["Id"])
            reaper.communicate(DONE)

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

    def _sweep(self) -> None:
        """Remove what an earlier try left behind on this engine, as after a crash of the host."""
        labels = [f"{name}={value}" for name, value in self.labels.items()]
        for left in self.cli.containers(all=True, filters={"label": labels}):
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
        """What stands behind the last newline."""
        return [self.tail.decode(errors="replace")] if self.tail else []


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
