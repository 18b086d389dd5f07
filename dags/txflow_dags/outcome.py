"""What an exit code of txflow means to Airflow."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

DONE = 0
NOTHING = 99
FINAL = {64: "wrong usage", 65: "bad data", 70: "a fault of txflow itself"}
PASSING = {
    69: "a dependency is away",
    75: "waited long enough, try again",
    130: "interrupted",
    137: "killed",
    143: "ended",
}


def check(code: int, said: str = "") -> None:
    """Return for exit code 0, else raise what makes Airflow skip, fail for good, or retry.

    said is the task's own last words; a negative code is a signal, as Popen tells it.
    """
    if code == DONE:
        return
    if code < 0:
        code = 128 - code
    if code == NOTHING:
        raise AirflowSkipException(said or "nothing to do")
    if code in FINAL:
        raise AirflowFailException(said or f"exit {code}: {FINAL[code]}")
    reason = PASSING.get(code, "not a code of txflow")
    raise AirflowException(f"{said or 'the task ended'} (exit {code}: {reason})")
