"""Bodies of messages that must be refused, and messages in order about what is not there."""

import json
import random
from collections.abc import Iterator
from typing import Any

from shared.broker.delivery import Delivery
from shared.broker.outcomes import MOST_OF_ORIGINAL
from shared.broker.topology import DEAD_QUEUE
from shared.messages.catalogue import CATALOGUES, IdRules
from tests.contract.broker.delivery_promises import POISON
from tests.unit.messages.examples import VALID

EXAMPLES = {
    "inbox": ("inbox-upload", "inbox-rename", "inbox-remove"),
    "ingest": ("ingestion-trigger",),
    "archived": ("ingestion-verification",),
    "verified": ("ingestion-accession-request",),
    "accession": ("ingestion-accession",),
    "mappings": ("dataset-mapping", "dataset-release", "dataset-deprecate"),
    "cleanup": ("inbox-cleanup",),
    "exports": ("export-start", "export-file"),
    "from_cega": ("ingestion-trigger", "ingestion-accession", "dataset-release"),
    DEAD_QUEUE: (),
}
"""By queue the messages that its consumer knows."""

ACCEPTED = frozenset({"inbox", "cleanup", "exports", DEAD_QUEUE})
"""Queues whose consumers have nothing against a message about a file that is not there."""

HUGE = 4 * 2**20
ODD: tuple[Any, ...] = ({"odd": 1}, [[]], [1], [None], {"\x00": "\ud800"})
SEED = 20


def refused(queue: str, chance: random.Random) -> Iterator[bytes]:
    """Yield bodies that no consumer of a queue can act on."""
    yield from POISON.values()
    yield bytes([chance.choice(b'\xff"\x00[{')]) * HUGE
    for name in EXAMPLES[queue]:
        model, valid = CATALOGUES[IdRules.ISOLATED].models[name], VALID[name]
        for key, description in model.model_fields.items():
            field = description.alias or key
            yield json.dumps(valid | {field: chance.choice(ODD)}).encode("utf-8", "surrogatepass")
            if description.is_required():
                yield json.dumps({other: value for other, value in valid.items() if other != field}).encode()
        if queue not in ACCEPTED:
            yield json.dumps(valid | {"number": chance.random()}).encode()
            yield json.dumps(valid).encode("utf-16")


def as_told(body: bytes) -> str:
    """Return a body as an error message or a dead letter repeats it."""
    return Delivery("any", body).text[:MOST_OF_ORIGINAL]
