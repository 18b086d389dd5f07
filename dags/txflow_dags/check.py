"""Whether an Airflow has what the DAGs need: `python -m txflow_dags.check`, in the DAGs folder and with Airflow's
configuration.

A task whose pool does not exist stays scheduled for ever, and only the scheduler's log says why.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from airflow.exceptions import AirflowNotFoundException
from airflow.models.connection import Connection
from airflow.models.pool import Pool

from txflow_dags import connections, notify, outcome, pipeline, settings

ADDRESSES = {
    connections.CLICKHOUSE: connections.clickhouse_url,
    connections.ML_API: connections.ml_api_url,
    connections.OTHER_ML_API: connections.ml_api_url,
}


def faults() -> Iterator[str]:
    """What is missing or wrong, with what to do."""
    for pool in (pipeline.ML_POOL, pipeline.OTHER_ML_POOL):
        if Pool.get_pool(pool) is None:
            missing = f"there is no pool {pool}, so tasks wait for ever"
            yield f"{missing}\nnext: airflow pools set {pool} 4 'calls to the ML API'"
    for name, address in ADDRESSES.items():
        try:
            address(Connection.get_connection_from_secrets(name))
        except AirflowNotFoundException:
            yield f"there is no connection {name}\nnext: make it under Admin → Connections"
        except outcome.Failed as error:
            yield str(error)
    try:
        settings.runner()
        notify.notifier()
    except (ValueError, ImportError, AttributeError, TypeError) as error:
        yield f"{error}\nnext: correct TXFLOW_RUNNER, TXFLOW_NOTIFIER or TXFLOW_NOTIFIER_ARGS"


def main() -> int:
    """Print every fault; 1 when there is one."""
    found = list(faults())
    print("\n".join(found) or "pools, connections and settings are as the DAGs need them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
