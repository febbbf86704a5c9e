"""The other side of the pipeline: triggers files, gives accession ids, and counts what is completed."""

import json
import time
import uuid
from collections.abc import Collection
from typing import Any, Self

import pika

from shared.messages.ingestion import IngestTrigger
from tests.benchmarks.uploads import USER, Upload

PATIENCE = 120.0
MESSAGES = 2
"""Messages that it sends for each file: the trigger and the accession."""


class CentralEga:
    """A connection to a node's broker; a context manager."""

    def __init__(self, broker: str) -> None:
        self._broker = pika.URLParameters(broker)
        self._completed = 0

    def __enter__(self) -> Self:
        self._connection = pika.BlockingConnection(self._broker)
        self._channel = self._connection.channel()
        self._channel.basic_qos(prefetch_count=200)
        self._channel.basic_consume("verified", self._on_verified)
        self._channel.basic_consume("completed", self._on_completed)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send_through(self, files: Collection[Upload]) -> float:
        """Trigger all files at once; return the seconds until the last one is completed."""
        self._completed, started = 0, time.perf_counter()
        for file in files:
            trigger = IngestTrigger(type="ingest", user=USER, filepath=f"{USER}/{file.path}")
            self._publish("ingest", trigger.body(), file.id)
        while self._completed < len(files):
            self._connection.process_data_events(1)
            waited = time.perf_counter() - started
            assert waited < PATIENCE, f"{self._completed} of {len(files)} files came through"
        return time.perf_counter() - started

    def _publish(self, key: str, body: str, file: str) -> None:
        properties = pika.BasicProperties(delivery_mode=2, correlation_id=file, message_id=str(uuid.uuid4()))
        self._channel.basic_publish("sda", key, body.encode(), properties)

    def _on_verified(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        answer = {**json.loads(body), "type": "accession", "accession_id": f"acc-{properties.correlation_id}"}
        self._publish("accession", json.dumps(answer), properties.correlation_id)
        channel.basic_ack(method.delivery_tag)

    def _on_completed(self, channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        channel.basic_ack(method.delivery_tag)
        self._completed += 1
