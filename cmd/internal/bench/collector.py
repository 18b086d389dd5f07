"""The collector as one would write it by hand: FastAPI, pydantic and kafka-python, acknowledged by the broker."""
import os
import sys
import uuid
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from kafka import KafkaProducer
from pydantic import BaseModel


class Data(BaseModel):
    id: str
    amount: float | None = None


class Event(BaseModel):
    data: Data
    headers: dict[str, Any]


app = FastAPI()
producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BROKERS"], acks="all", linger_ms=3, compression_type=None)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/collect")
def collect(events: list[Event]) -> dict[str, Any]:
    sent = []
    for event in events:
        key = str(uuid.uuid4())
        sent.append((key, producer.send("events.raw", key=key.encode(), value=event.model_dump_json().encode())))
    try:
        for _, future in sent:
            future.get(timeout=10)
    except Exception as error:
        raise HTTPException(503, "not written") from error
    return {"results": [{"event_id": key, "status": "accepted"} for key, _ in sent], "total_processed": len(sent)}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
