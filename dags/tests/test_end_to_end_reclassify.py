"""transactions_reclassify on a real Airflow: what a human is asked, and a limit that stops before it."""

from __future__ import annotations

from samples import ROWS, SAMPLE
from stack import MLAPI, quote, wait


def asked(stack, **conf):
    """A run of transactions_reclassify that asks a human, with the question as it is put."""
    dag = "transactions_reclassify"
    run = stack.trigger(dag, url=SAMPLE, source="bank", chunks=2, min_rows=1, **conf)
    wait(lambda: state(stack, dag, run, "approve") == "awaiting_input", "a human is asked")
    # An answer within the same second overtakes the executor's word that the question is put (Airflow fails the task
    # then).
    wait(lambda: executed(stack, run, "approve"), "the scheduler knows that the question is put")
    return run, stack.api.call("GET", f"/dags/{dag}/dagRuns/{quote(run)}/hitlDetails")["hitl_details"][0]["body"]


def executed(stack, run, task):
    """Whether the scheduler has noted that a task's process ended."""
    said = stack.layout.log("scheduler").read_text().splitlines()
    return any("Received executor event" in line and run in line and f"task_id='{task}'" in line for line in said)


def state(stack, dag, run, task):
    instances = stack.tasks(dag, run).get(task)
    return instances[0]["state"] if instances else None


def answer(stack, run, option):
    approve = stack.tasks("transactions_reclassify", run)["approve"][0]
    stack.api.call("PATCH", f"{stack.at(approve)}/-1/hitlDetails", {"chosen_options": [option], "params_input": {}})


def by_model(stack, model):
    return stack.query(f"SELECT count() FROM transactions FINAL WHERE model_version = '{model}'")


def test_reclassify_with_approval(stack, batch):
    """One run is rejected and another approved, while both wait."""
    dag = "transactions_reclassify"
    with MLAPI("--model-version", "hash-v2", "--rotate", "1") as api:
        stack.connect("txflow_ml_api_other", api.url)
        (no, _), (yes, body) = asked(stack), asked(stack)
        assert by_model(stack, "hash-v2") == "0"
        assert "100.00%" in body
        assert f"| hash-v1 | hash-v2 | {ROWS:,} |" in body
        assert "| Example | From | To |" in body
        answer(stack, no, "Reject")
        tasks = stack.end(dag, no, want="failed")
        assert (tasks["approve"][0]["state"], tasks["load"][0]["state"]) == ("failed", "upstream_failed")
        assert by_model(stack, "hash-v2") == "0"
        answer(stack, yes, "Approve")
        tasks = stack.end(dag, yes)
        assert all(instance["pool"] == "ml_api_other" for instance in tasks["classify"])
        assert [i["rendered_map_index"] for i in tasks["classify"]] == ["chunk 1 of 2", "chunk 2 of 2"]
    assert by_model(stack, "hash-v2") == str(ROWS)


def test_reclassify_beyond_the_threshold(stack, batch):
    dag = "transactions_reclassify"
    with MLAPI("--model-version", "hash-v3", "--rotate", "2") as api:
        stack.connect("txflow_ml_api_other", api.url)
        tasks = stack.end(dag, stack.trigger(dag, url=SAMPLE, source="bank", max_changed=0.05), want="failed")
        assert (tasks["compare"][0]["state"], tasks["approve"][0]["state"]) == ("failed", "upstream_failed")
        # A source that was mistyped: nothing is stored under it unless that is asked for.
        run = stack.trigger(dag, url=SAMPLE, source="bnak", max_changed=1)
        compare = stack.end(dag, run, want="failed")["compare"][0]
        missing = f"{ROWS:,} of {ROWS:,} rows are not stored yet"
        said = [line["event"] for line in stack.log(compare) if missing in line["event"]]
        assert len(said) == 1
        assert "“Source name”" in said[0]
        assert "“Store new rows”" in said[0]
    assert by_model(stack, "hash-v3") == "0"
    assert stack.query("SELECT count() FROM transactions FINAL WHERE source = 'bnak'") == "0"
