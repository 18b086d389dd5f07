"""
### Transactions of files into ClickHouse

`validate` checks every row, `split` cuts the good ones into chunks, one `classify` a chunk asks the ML API for
categories, one `load` a chunk stores them, and `reconcile` reads the files again and proves that every row ended in
exactly one place.

A task that is cleared goes on in the run's folder: nothing is stored twice, and no answer of the ML API is asked
for again. `Trace` on a task opens its trace; `Rows` shows what the run stored.
"""

from airflow.sdk import DAG

from txflow_dags import params, pipeline
from txflow_dags.factory import of_every_dag

with DAG(
    "transactions_batch",
    description="Files of transactions: validate, classify, store, prove",
    doc_md=__doc__,
    schedule=None,
    tags=["txflow", "batch"],
    max_active_runs=8,
    is_paused_upon_creation=False,
    **of_every_dag(),
    params={"url": params.url(), "source": params.source(), **params.pipeline()},
):
    split, classify = pipeline.prepare_and_classify("{{ params.url }}")
    load, _ = pipeline.load_and_reconcile(split)
    classify >> load
