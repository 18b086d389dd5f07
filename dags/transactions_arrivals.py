"""
### A batch for every file that arrives

Looks into the inbox until a file is new, and starts `transactions_batch` for each one: once, also after a crash or a
restart, since the run is named after the file's content, size and time, and files that were taken are marked. Between
two looks no worker is held. Files that still grow are left for the next look.

Unpause the DAG to have it watch: a run lasts until files arrive, and within a minute the next one starts.
"""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param

from txflow_dags import params, settings
from txflow_dags.command import ARRIVALS
from txflow_dags.factory import DEFAULTS, command, of_every_dag

TAKEN = "--taken={{ params.taken }}"

with DAG(
    "transactions_arrivals",
    description="Starts transactions_batch for each new file of an inbox",
    doc_md=__doc__,
    schedule="* * * * *",
    catchup=False,
    tags=["txflow", "batch"],
    max_active_runs=1,
    **of_every_dag(may_wait=True),
    params={
        "inbox": Param(
            settings.text("TXFLOW_INBOX", "inbox"),
            type="string",
            minLength=1,
            pattern=params.PRINTABLE,
            title="Inbox",
            description_md="Folder, bucket URL or glob.",
        ),
        "taken": Param(
            settings.text("TXFLOW_TAKEN", "taken"),
            type="string",
            minLength=1,
            pattern=params.PRINTABLE,
            title="Marks",
            description_md="Folder or bucket URL for the marks of files that were taken.",
        ),
        "settle": Param(
            settings.text("TXFLOW_INBOX_SETTLE", "10s"),
            type="string",
            pattern=rf"^\d+(ms|s|m|h){params.END}",
            title="Settle time",
            description_md="Ignore files that changed within this time: they may still be written.",
        ),
        "every": params.number(
            settings.seconds("TXFLOW_INBOX_EVERY", 30), "Seconds between looks", "While nothing is new.", 1, 86_400
        ),
        "source": params.source(),
    },
):
    look = command(
        "look",
        "inbox",
        "--inbox={{ params.inbox }}",
        "--settle={{ params.settle }}",
        TAKEN,
        result=ARRIVALS,
        every="{{ params.every }}",
    )
    start = TriggerDagRunOperator.partial(
        task_id="start",
        trigger_dag_id="transactions_batch",
        skip_when_already_exists=True,
        owner=DEFAULTS["owner"],
        retries=DEFAULTS["retries"],
        retry_delay=DEFAULTS["retry_delay"],
        on_retry_callback=DEFAULTS["on_retry_callback"],
    ).expand_kwargs(look.output)
    mark = command("mark", "inbox", TAKEN, look.output["marks"], trigger_rule="none_failed")
    start >> mark
