"""Dead letters and the daily comparison on a real Airflow."""

from __future__ import annotations

import os
import re
import subprocess

from conftest import ROOT
from stack import wait


def test_dead_letters_and_reconcile(stack, batch):
    """A dry run counts, a run without dead letters is skipped, and a gap between batch and stream fails."""
    dry = stack.end("dead_letters_replay", stack.trigger("dead_letters_replay", since="2024-01-01T00:00:00Z"))
    assert stack.xcom(dry["replay"][0]) == "0 dead letters would be replayed"
    none = stack.end("dead_letters_replay", stack.trigger("dead_letters_replay", dry_run=False, reason="amount_format"))
    assert none["replay"][0]["state"] == "skipped"
    stack.pause("reconcile_daily", False)
    agree = stack.trigger("reconcile_daily", source="nobody")
    gap = stack.trigger("reconcile_daily", source="bank")
    stack.end("reconcile_daily", agree)
    tasks = stack.end("reconcile_daily", gap, want="failed")
    assert tasks["reconcile"][0]["try_number"] == 1


def test_dead_letters_go_back(stack):
    """Dead letters are sent back by a run. Still wrong, they come back as new ones, once replayed."""
    txflow = str(ROOT / "bin" / "txflow")
    env = os.environ | {
        "KAFKA_BROKERS": f"127.0.0.1:{stack.layout.ports['kafka']}",
        "ML_API_URL": stack.layout.url("ml-api"),
    }
    produce = [txflow, "stream", "produce", "--count=50", "--bad=0.2"]
    sent = subprocess.run(produce, env=env, check=True, capture_output=True, text=True)
    bad = int(re.search(r": (\d+) bad one", sent.stderr)[1])
    assert bad

    def dead_letters(state, replays):
        """How many dead letters there are."""
        where = f"pipeline = 'stream' AND state = '{state}' AND replays = {replays}"
        return int(stack.query(f"SELECT count() FROM dead_letters FINAL WHERE {where}"))

    with subprocess.Popen(
        [txflow, "stream", "classify", "--instance=test"], env=env, stderr=subprocess.DEVNULL
    ) as member:
        try:
            wait(lambda: dead_letters("open", 0) == bad, "they are dead letters")
            dry = stack.end("dead_letters_replay", stack.trigger("dead_letters_replay"))
            assert stack.xcom(dry["replay"][0]) == f"{bad} dead letters would be replayed"
            sent = stack.end("dead_letters_replay", stack.trigger("dead_letters_replay", dry_run=False, rate=0))
            assert stack.xcom(sent["replay"][0])["counts"]["in"] == bad
            wait(lambda: dead_letters("open", 1) == bad, "they are dead letters again")
            assert (dead_letters("open", 0), dead_letters("replayed", 0)) == (0, bad)
        finally:
            member.terminate()
    assert member.returncode == 0
