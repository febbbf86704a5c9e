"""What a source of RabbitMQ does without a connection."""

import threading

from shared.broker.consuming import RabbitSource, _Receipt
from shared.broker.delivery import Delivery
from shared.broker.rabbit import Link

WAIT = 0.001
ROUNDS = 200


def test_no_worker_waits_longer_than_it_wants_to() -> None:
    """One that does would not notice that its process is to stop. It takes a delivery at the end of their waiting."""
    for _ in range(ROUNDS):
        source = RabbitSource(Link("amqp://127.0.0.1"), "ingest", prefetch=8)
        workers = [threading.Thread(target=source.get, args=(WAIT,), daemon=True) for _ in range(4)]
        for worker in workers:
            worker.start()
        threading.Event().wait(WAIT / 2)
        source._waiting.put(Delivery(queue="ingest", body=b"{}", receipt=_Receipt(None, 1)))
        for worker in workers:
            worker.join(10)
        assert not any(worker.is_alive() for worker in workers)
