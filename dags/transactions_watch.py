"""
### Rows that were left out

Runs whenever a run of another DAG stored transactions, and reports rows that were rejected or that the ML API refused
to the notifier: a file within its reject gate is stored without them, and its run is green. Its log has what each run
stored.
"""

from typing import Any

from airflow.sdk import DAG, task

from txflow_dags import notify
from txflow_dags.factory import DEFAULTS, of_every_dag
from txflow_dags.pipeline import CATEGORIES, TRANSACTIONS

with DAG(
    "transactions_watch",
    description="Reports rows that were rejected or refused",
    doc_md=__doc__,
    schedule=(TRANSACTIONS | CATEGORIES),
    catchup=False,
    tags=["txflow", "batch"],
    is_paused_upon_creation=False,
    **of_every_dag(),
):

    @task(**DEFAULTS)
    def watch(triggering_asset_events: Any = None, dag_run: Any = None) -> list[dict]:
        """What each run stored; the result."""
        events = [event.extra for events in triggering_asset_events.values() for event in events if event.extra]
        for event in events:
            notify.stored(event, dag_run)
        return events

    watch()
