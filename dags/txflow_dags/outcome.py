"""What an exit code of txflow means to Airflow."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

DONE = 0
NOTHING = 99
FINAL = {64: "wrong usage", 65: "bad data", 70: "a fault of txflow itself"}
WAITING = {69: "a dependency is unavailable", 75: "a dependency was waited for"}
PASSING = {130: "interrupted", 137: "killed", 143: "ended"}


class Expected:
    """Marks failures whose reason is in the log already: their traceback would say nothing more."""


class Failed(Expected, AirflowFailException):
    """The command failed for good: another try would fail as well."""


class Again(Expected, AirflowException):
    """The command ended for a reason that passes: it is tried again."""


class Waits(Exception):
    """Something that the command needs is unavailable. Its text says what."""


def check(code: int, said: str = "") -> None:
    """Return for exit code 0, else raise what makes Airflow skip, fail for good, wait or retry.

    said is the task's own last words; a negative code is a signal, as Popen gives it.
    """
    if code == DONE:
        return
    if code < 0:
        code = 128 - code
    if code == NOTHING:
        raise AirflowSkipException(said or "nothing to do")
    if code in FINAL:
        raise Failed(said or f"exit {code}: {FINAL[code]}")
    if code in WAITING:
        raise Waits(said or f"exit {code}: {WAITING[code]}")
    raise Again(f"{said or 'the task ended'} (exit {code}: {PASSING.get(code, 'not a code of txflow')})")
