"""Tasks as processes of the worker, for a laptop: no container, the same contract."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from typing import Any

from txflow_dags import settings
from txflow_dags.command import Command
from txflow_dags.logs import Relay

GRACE = 10  # seconds between SIGTERM, on which a task keeps what it has done, and SIGKILL
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ProcessOperator(Command):
    """Runs the binary as a child in a process group of its own, which ends with this task however it ends."""

    child: subprocess.Popen[str] | None = None

    def execute(self, context: Any) -> Any:
        """Run the command and return its result."""
        _die_with_parent()  # a task without its supervisor can report nothing
        argv = [settings.binary(self.program), *self.command_line()]
        env = {**_inherited(), **self.variables(context)}
        relay, last = Relay(self.log), deque(maxlen=1)
        with subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            process_group=0 if _libc else None,
            preexec_fn=_die_with_parent,
        ) as self.child:
            try:
                reader = threading.Thread(target=last.extend, args=(self.child.stdout,), daemon=True)
                reader.start()
                for line in self.child.stderr:
                    relay.line(line)
                reader.join()
                code = self.child.wait()
            finally:
                self.on_kill()
        return self.conclude(context, code, "".join(last), relay.said)

    def on_kill(self) -> None:
        """End the child, if it still runs: in good order, and after a while by force."""
        child = self.child
        if child is None or child.poll() is not None:
            return
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if child.poll() is None:
                os.killpg(child.pid, sig) if _libc else child.send_signal(sig)
            try:
                child.wait(GRACE)
                return
            except subprocess.TimeoutExpired:
                self.log.warning(f"the child did not end in {GRACE} s")


def _die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies. Linux alone can: elsewhere the child stays in the task's
    process group, which Airflow signals as a whole."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _inherited() -> dict[str, str]:
    """The worker's environment without what is Airflow's own: its secrets are not for tasks."""
    own = ("AIRFLOW", "_AIRFLOW", "OTEL_", "TXFLOW_")
    return {k: v for k, v in os.environ.items() if not k.startswith(own)}
