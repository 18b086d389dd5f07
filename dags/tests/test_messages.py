"""What a user reads: of a run that cannot be right, of what would change, of failures, and who is notified."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest
import structlog
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferred
from contract import Log, TaskInstance, make

from txflow_dags import comparison, logs, notify, outcome, runs, waiting

MONTHLY = "s3://bank/month={{YYYY-MM}}/x.csv"


def run(conf=None, kind="manual"):
    return SimpleNamespace(dag_id="transactions_batch", run_id="r", conf=conf, run_type=kind)


def context(conf=None, kind="manual"):
    dag = SimpleNamespace(dag_id="transactions_batch", params={"url": 1, "source": 1})
    return {"dag": dag, "dag_run": run(conf, kind)}


def test_an_unknown_parameter_is_refused():
    runs.check(context({"url": "x"}))
    with pytest.raises(AirflowFailException, match="no parameter sourc\nnext: did you mean source"):
        runs.check(context({"url": "x", "sourc": "y"}))


def test_a_backfill_whose_parameters_got_lost_is_refused():
    runs.check(context({"source": "x"}, "backfill"))
    runs.check(context({}, "scheduled"))
    for lost in (None, {}):
        with pytest.raises(
            AirflowFailException, match=r"(?s)without parameters.*next: .*Override parameters on existing runs"
        ):
            runs.check(context(lost, "backfill"))


def test_a_month_that_nobody_named():
    assert runs.month(MONTHLY, None, "2024-02", run()) == "s3://bank/month=2024-02/x.csv"
    with pytest.raises(AirflowFailException, match="which month"):
        runs.month(MONTHLY, None, None, run())
    with pytest.raises(AirflowFailException, match="which files"):
        runs.month(None, None, "2024-02", run())
    with pytest.raises(AirflowSkipException):
        runs.month(None, None, None, run(kind="scheduled"))


def test_a_template_that_cannot_be_rendered_is_no_reason_to_try_again():
    operator = make("validate", "{{ params.nothing.at_all }}")
    with pytest.raises(AirflowFailException, match="a parameter cannot be used"):
        operator.render_template_fields({"params": {}})


def test_nul_is_no_reason_to_try_again():
    operator = make("validate", "--source=a\0b", "--", "x.csv")
    with pytest.raises(AirflowFailException, match="NUL"):
        operator.pre_execute({})


def test_a_value_is_never_an_option():
    operator = make("validate", "--delimiter=", "--source=s", "--", "--help=")
    assert operator.command_line() == ["validate", "--source=s", "--", "--help="]


COMPARISON = {
    "rows": 10_000, "new": 4, "known": 9_996, "newer": 1, "changed": 2_500, "share": 0.2504,
    "changes": [{"from": "", "to": "Rent", "rows": 4}, {"from": "Food", "to": "Travel", "rows": 2_500}],
    "models": [{"from": "hash-v1", "to": "hash|v2", "rows": 9_996}],
    "examples": [{"id": "i", "source_id": "7<b>", "from": "Food", "to": "Travel"}],
}  # fmt: skip


def test_the_approval_shows_a_table():
    said = comparison.markdown({"comparison": COMPARISON})
    assert "**4** are not stored yet and would be added" in said
    assert "25.04%" in said
    lines = said.splitlines()
    assert lines.index("| *not stored yet* | Rent | 4 |") < lines.index("| Food | Travel | 2,500 |"), (
        "new rows come first"
    )
    assert r"| hash-v1 | hash\|v2 | 9,996 |" in lines
    assert r"| 7\<b\> | Food | Travel |" in lines
    assert "1 stored rows are newer" in said


def test_messages_use_the_words_of_the_form():
    said = logs.in_form_words(
        "more than --max-reject-ratio=0.1 allows; leave --delimiter out, not --delimiters or x--source"
    )
    assert said == "more than “Reject gate”=0.1 allows; leave “Delimiter” out, not --delimiters or x--source"


def test_the_last_words_are_said_once():
    log = Log()
    relay = logs.Relay(log)
    relay.line(json.dumps({"level": "INFO", "msg": "begins"}))
    relay.line(
        json.dumps(
            {"level": "ERROR", "msg": "failed", "error": "no such file", "exit_code": 65, "next": "check --source"}
        )
    )
    assert relay.said == "no such file\nnext: check “Source name”"
    assert [message for _, message, _ in log.lines] == ["begins"], "Airflow logs the failure itself"


@pytest.mark.parametrize(
    ("error", "traceback"),
    [(outcome.Failed("bad data"), False), (outcome.Again("killed"), False), (ValueError("x"), True)],
)
def test_a_failure_that_is_expected_has_no_traceback(error, traceback):
    """In Airflow's own way: the processors that are configured, and log.exception within the handler."""
    before = structlog.get_config()
    seen = []
    structlog.configure(
        processors=[lambda _, __, event: seen.append(event) or event, structlog.processors.JSONRenderer(default=str)]
    )
    try:
        logs.without_tracebacks()
        logs.without_tracebacks()
        assert len(structlog.get_config()["processors"]) == 3
        try:
            raise error
        except Exception:
            structlog.wrap_logger(structlog.ReturnLogger()).error("Task failed with exception", exc_info=True)
    finally:
        structlog.configure(**before)
    assert ("exc_info" in seen[0]) == traceback
    assert seen[0]["event"] == ("Task failed with exception" if traceback else str(error))


def test_waiting_is_deferred_and_says_until_when(monkeypatch):
    monkeypatch.delenv("TXFLOW_RETRY_DELAY", raising=False)
    operator = make("classify")
    with pytest.raises(TaskDeferred) as deferred:
        operator.conclude({"ti": TaskInstance()}, 75, "", "the ML API at http://ml:8000 is unavailable")
    assert deferred.value.method_name == "look_again"
    kwargs = deferred.value.kwargs
    assert kwargs["looks"] == 1
    assert "http://ml:8000" in operator.log.text
    assert "the next look is at" in operator.log.text
    assert "the last one at" in operator.log.text
    looked = []
    monkeypatch.setattr(type(operator), "execute", lambda self, context: looked.append(self.waited))
    operator.look_again({}, {}, **kwargs)
    assert looked == [kwargs]
    pauses = [pause(operator, looks) for looks in range(8)]
    assert pauses[0] == 10
    assert pauses == sorted(pauses)
    assert pauses[-1] == waiting.LONGEST


def pause(operator, looks):
    with pytest.raises(TaskDeferred) as deferred:
        waiting.later(operator, "x", looks=looks)
    trigger = deferred.value.trigger
    return round((trigger.moment - __import__("datetime").datetime.now(trigger.moment.tzinfo)).total_seconds())


def test_a_wait_ends():
    with pytest.raises(AirflowFailException, match=r"(?s)unavailable.*given up\nnext: clear"):
        waiting.later(make("load"), "ClickHouse is unavailable", since="2020-01-01T00:00:00+00:00", looks=9)


@pytest.mark.parametrize("code", [137, -9, 143, 1])
def test_a_command_that_was_killed_is_tried_again(code):
    with pytest.raises(AirflowException) as error:
        outcome.check(code)
    assert not isinstance(error.value, AirflowFailException | AirflowSkipException)


class Kept(notify.LogNotifier):
    """Keeps its messages."""

    said: list = []  # noqa: RUF012

    def notify(self, context):
        self.said.append(self.message)


@pytest.fixture
def notified(monkeypatch):
    """The messages to the notifier that the settings name."""
    monkeypatch.setenv("TXFLOW_NOTIFIER", f"{__name__}.Kept")
    monkeypatch.setenv("TXFLOW_NOTIFIER_ARGS", '{"message": "[bank] {{ what }}"}')
    Kept.said.clear()
    return Kept.said


def test_the_configured_notifier_hears_of_failures_retries_and_delays(notified):
    ti = TaskInstance(task_id="load")
    notify.failed({"dag_run": run(), "ti": ti, "reason": "task_failure"})
    notify.retried({"dag_run": run(), "ti": ti, "exception": ValueError("killed\nand more")})
    notify.late(context={"dag_run": {"dag_id": "transactions_batch", "dag_run_id": "r"}}, after="6:00:00")
    assert notified == [
        "[bank] transactions_batch r failed in load (task_failure)",
        "[bank] transactions_batch r: load failed at try 1 and is tried again: killed",
        "[bank] transactions_batch r takes longer than 6:00:00",
    ]


def test_rejected_rows_reach_somebody(notified):
    event = {
        "dag_id": "transactions_batch",
        "dag_run_id": "arrival__x",
        "source": "bank",
        "counts": {"in": 10, "rejected": 2, "stored": 8},
    }
    notify.stored(event, run())
    notify.stored(event | {"counts": {"in": 10, "stored": 10}}, run())
    assert notified == ["[bank] transactions_batch arrival__x left 2 rows of bank out: 10 in, 2 rejected, 8 stored"]


def test_the_log_is_the_default(caplog):
    with caplog.at_level(logging.ERROR):
        notify.failed({"dag_run": run()})
    assert "transactions_batch r failed" in caplog.text


def test_asset_events_carry_run_and_counts():
    asset, events = "asset", {"asset": SimpleNamespace(extra={})}
    found = {"run_id": "x", "source": "bank", "counts": {"in": 3, "stored": 3}}
    runs.publish({"dag_run": run(), "outlet_events": events}, [asset], found)
    assert events["asset"].extra == {
        "dag_id": "transactions_batch", "dag_run_id": "r", "run_id": "x", "source": "bank",
        "counts": {"in": 3, "stored": 3},
    }  # fmt: skip
