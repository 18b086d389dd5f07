"""A plain pipeline: read the CSV, ask the ML API 500 rows at a time, store the answers. It checks nothing."""

import sys
import uuid
from urllib.parse import urlsplit

import clickhouse_connect
import pandas
import requests

NAMESPACE = uuid.UUID("44248856-64a8-59d4-8dcc-1e9017e3d95d")
BATCH = 500


def main(file: str, ml_api: str, clickhouse: str) -> None:
    address = urlsplit(clickhouse)
    db = clickhouse_connect.get_client(host=address.hostname, port=address.port)
    db.command("DROP TABLE IF EXISTS baseline")
    db.command(
        "CREATE TABLE baseline (id UUID, description String, amount Float64, timestamp DateTime64(6, 'UTC'), merchant String,"
        " operation_type String, side String, category String, model_version String) ENGINE = MergeTree ORDER BY id"
    )
    rows = pandas.read_csv(file, sep=";", decimal=",", keep_default_na=False, parse_dates=["timestamp"])
    rows["id"] = [str(uuid.uuid5(NAMESPACE, "bench\x1f" + str(i))) for i in rows["id"]]
    session = requests.Session()
    answers = []
    for first in range(0, len(rows), BATCH):
        batch = rows.iloc[first : first + BATCH].copy()
        batch["timestamp"] = batch["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        response = session.post(f"{ml_api}/predict", json=batch.to_dict("records"), timeout=30)
        response.raise_for_status()
        answers += response.json()
    answered = pandas.DataFrame(answers).rename(columns={"transaction_id": "id"})
    merged = rows.merge(answered, on="id")
    merged["timestamp"] = merged["timestamp"].dt.tz_localize("UTC")
    merged["id"] = merged["id"].map(uuid.UUID)
    db.insert_df("baseline", merged)
    stored = int(db.command("SELECT count() FROM baseline"))
    db.command("DROP TABLE baseline")
    print(stored)


main(*sys.argv[1:])
