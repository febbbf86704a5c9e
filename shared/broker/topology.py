"""Exchanges, queues and bindings as values (design, section 4). `docker/rabbitmq/definitions.json` says the same."""

from dataclasses import dataclass

EXCHANGE = "sda"
DEAD_EXCHANGE = "sda.dead"
DEAD_QUEUE = "dead"
DELIVERY_LIMIT = 20


@dataclass(frozen=True)
class Queue:
    """A durable quorum queue, bound to the exchange with its own name as the key."""

    name: str

    @property
    def arguments(self) -> dict[str, str | int]:
        """Arguments of its declaration: what kills its consumer again and again ends in the queue `dead`."""
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_EXCHANGE,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }


INBOX = Queue("inbox")
INGEST = Queue("ingest")
ARCHIVED = Queue("archived")
VERIFIED = Queue("verified")
ACCESSION = Queue("accession")
COMPLETED = Queue("completed")
MAPPINGS = Queue("mappings")
ERROR = Queue("error")
ROTATEKEY = Queue("rotatekey")
CLEANUP = Queue("cleanup")
EXPORTS = Queue("exports")
FROM_CEGA = Queue("from_cega")

QUEUES = (
    INBOX, INGEST, ARCHIVED, VERIFIED, ACCESSION, COMPLETED, MAPPINGS, ERROR, ROTATEKEY, CLEANUP, EXPORTS,
    FROM_CEGA,
)  # fmt: skip

EMBEDDED_QUEUES = frozenset({INBOX, INGEST, ARCHIVED, VERIFIED, ACCESSION, MAPPINGS, CLEANUP, EXPORTS, FROM_CEGA})
"""Queues that a stand-alone process keeps. `completed` and `error` are for Central EGA, which is not there:
what they would say stands in the events."""
