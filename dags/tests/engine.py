"""The Docker engine that answers, with an image for the tests of the contract."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from layout import ROOT

IMAGE = "txflow/contract-test"
DOCKERFILE = 'FROM scratch\nCOPY txflow-task /txflow-task\nUSER 65532:65532\nENTRYPOINT ["/txflow-task"]\n'


def answers() -> bool:
    """Whether there is an engine: the one at DOCKER_HOST, or the machine's own."""
    return (
        bool(shutil.which("docker"))
        and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    )


def build(folder: Path) -> str:
    """An image of the built txflow-task; returns its name."""
    shutil.copy(ROOT / "bin" / "txflow-task", folder)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    command = ["docker", "build", "-q", "-t", IMAGE, str(folder)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"DOCKER_BUILDKIT": "0"})
    return IMAGE
