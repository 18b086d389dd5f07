"""A process by its number and the time of its start: the number alone may be somebody else's by now."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """A process that the stack started, the leader of a session of its own."""

    pid: int
    start: str  # see started

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this number now."""
        return cls(pid, started(pid))

    def alive(self) -> bool:
        """Whether it is this process that has the number, and it runs."""
        return bool(self.start) and started(self.pid) == self.start

    def send(self, sig: signal.Signals) -> None:
        """Signal the process and what it started, if it is alive."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                leads = os.getpgid(self.pid) == self.pid
                (os.killpg if leads else os.kill)(self.pid, sig)

    def end(self, grace: float, sig: signal.Signals = signal.SIGTERM) -> bool:
        """End it and its group in good order, and after grace seconds by force. False when even that does not help."""
        group = self.group()
        self.send(sig)
        if not self.wait(grace):
            self.send(signal.SIGKILL)
        kill(group)
        return self.wait(grace)

    def group(self) -> list[Process]:
        """The processes of its group, itself among them; none when it is not alive."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
        members = [Process.of(int(pid)) for pid, group in map(str.split, listed.splitlines()) if int(group) == self.pid]
        return members if self.alive() else []

    def wait(self, limit: float) -> bool:
        """Wait until it has ended; False when time is up."""
        deadline = time.monotonic() + limit
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def started(pid: int) -> str:
    """When the process with this number started, as text that is equal for the same process alone; "" for none."""
    try:
        if BOOT.exists():
            # The name, in parentheses, may hold anything; state and start are the 1st and the 20th field after it.
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            return "" if fields[0] in "ZX" else f"{BOOT.read_text().strip()}:{fields[19]}"
    except (FileNotFoundError, ProcessLookupError):
        return ""
    listed = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    said = subprocess.run(
        listed, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"}
    ).stdout.split()
    return "" if not said or said[0].startswith("Z") else " ".join(said[1:])


def kill(processes: list[Process]) -> None:
    """Kill those that are still alive."""
    for process in processes:
        if process.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def kill_group(pid: int, sig: signal.Signals) -> None:
    """Signal the group of a process that is this one's child, or known to be alive."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the whole group may have ended
        os.killpg(pid, sig)
