"""How a task waits for what is unavailable: deferred, so that it holds neither a worker nor a slot of its pool.

A command itself waits for settings.patience(); then the task looks again after 10, 20, 40 … seconds, two minutes at
most, until settings.wait_limit() has passed. The log has each look, with what is waited for and until when; between two
looks Airflow's trigger counts the seconds down in the same log, every ten seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

from txflow_dags import outcome, settings

LONGEST = 120.0  # seconds between two looks: from there on the trigger would count down by the minute


def later(operator: Any, what: str, since: str = "", looks: int = 0) -> None:
    """Defer the operator until its next look; since and looks are of the wait so far. Raises Failed when it took too
    long."""
    now = datetime.now(UTC)
    began = datetime.fromisoformat(since) if since else now
    until = began + timedelta(seconds=settings.wait_limit())
    if now >= until:
        raise outcome.Failed(
            f"{what}\nwaited since {_clock(began)}: given up\nnext: clear this task when it is available"
        )
    pause = min(settings.seconds("TXFLOW_RETRY_DELAY", 10) * 2**looks, LONGEST)
    operator.log.warning(f"waits: {what}")
    operator.log.info(f"the next look is at {_clock(now + timedelta(seconds=pause))}, the last one at {_clock(until)}")
    operator.defer(
        trigger=TimeDeltaTrigger(timedelta(seconds=pause)),
        method_name="look_again",
        kwargs={"since": began.isoformat(), "looks": looks + 1},
    )


def for_more(operator: Any, seconds: float) -> None:
    """Defer the operator until its next look for something to do."""
    operator.log.info(f"nothing is new: the next look is in {seconds:g} s")
    operator.defer(trigger=TimeDeltaTrigger(timedelta(seconds=seconds)), method_name="look_again")


def _clock(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
