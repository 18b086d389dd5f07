"""
### A batch for every file that arrives

Looks into the inbox until a file is new, and starts `transactions_batch` for each one: once, also after a crash or a
restart, since the run is named after the file's content, size and time, and files that were taken are marked. Between
two looks no worker is held. Files that still grow are left for the next look.

Unpause the DAG to have it watch: a run lasts until files arrive, and within a minute the next one starts.
"""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param

from txflow_dags import params, runs, settings
from txflow_dags.arrivals import inbox
from txflow_dags.factory import DEFAULTS, command

TAKEN = "--taken={{ params.taken }}"

with DAG(
    "transactions_arrivals",
    description="Starts transactions_batch for each new file of an inbox",
    doc_md=__doc__,
    schedule="* * * * *",
    catchup=False,
    tags=["txflow", "batch"],
    max_active_runs=1,
    user_defined_macros=runs.MACROS,
    params={
        "inbox": Param(
            settings.text("TXFLOW_INBOX", "inbox"),
            type="string",
            minLength=1,
            title="Inbox",
            description_md="Folder, bucket URL or glob.",
        ),
        "taken": Param(
            settings.text("TXFLOW_TAKEN", "taken"),
            type="string",
            minLength=1,
            title="Marks",
            description_md="Folder or bucket URL for the marks of files that were taken.",
        ),
        "settle": Param(
            settings.text("TXFLOW_INBOX_SETTLE", "10s"),
            type="string",
            pattern=r"^\d+(ms|s|m|h)$",
            title="Settle time",
            description_md="Leave files alone that changed within this time: they may still be written.",
        ),
        "every": Param(settings.seconds("TXFLOW_INBOX_EVERY", 30), type="number", minimum=1, title="Seconds between looks"),
        "source": params.source(),
    },
):
    look = inbox("look", "inbox", "--inbox={{ params.inbox }}", "--settle={{ params.settle }}", TAKEN)
    start = TriggerDagRunOperator.partial(
        task_id="start",
        trigger_dag_id="transactions_batch",
        skip_when_already_exists=True,
        owner=DEFAULTS["owner"],
        retries=DEFAULTS["retries"],
        retry_delay=DEFAULTS["retry_delay"],
    ).expand_kwargs(look.output)
    mark = command("mark", "inbox", TAKEN, look.output["marks"], trigger_rule="none_failed")
    start >> mark
