"""Route a message of Central EGA to the queue of the service that acts on it."""

from dataclasses import replace

import structlog

from shared.broker import topology
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.statements import DEAD_LETTER
from shared.errors import MessageRefused
from shared.messages.catalogue import message_type

log = structlog.get_logger(__name__)

ROUTES = {
    "ingest": topology.INGEST,
    "cancel": topology.INGEST,
    "accession": topology.ACCESSION,
    "mapping": topology.MAPPINGS,
    "release": topology.MAPPINGS,
    "deprecate": topology.MAPPINGS,
    "permission": topology.MAPPINGS,
    "permission.deleted": topology.MAPPINGS,
}

PARKED = frozenset({"dac", "dac.dataset", "dac.members"})
"""Messages of Central EGA on which no service acts: kept as dead letters, to be replayed by one that does."""

IGNORED = frozenset({"heartbeat"})


def route(delivery: Delivery, unit: Unit) -> None:
    """Pass a message on as it is. Raises MessageRefused for what is no message of Central EGA."""
    kind = message_type(delivery.body)
    if kind in ROUTES:
        unit.send_raw(ROUTES[kind].name, delivery.text, delivery.correlation_id, first_seen=delivery.first_seen)
    elif kind in PARKED:
        park(delivery, unit, f"no service acts on messages of type {kind}")
    elif kind not in IGNORED:
        raise MessageRefused(f"the message has the unknown type {kind[:40]}; known are {', '.join(ROUTES)}")


def bury(delivery: Delivery, unit: Unit) -> None:
    """Take a message from the broker's queue `dead` into the table, where staff see it and can replay it."""
    log.warning("message_died", died=delivery.died)
    origin = (delivery.died or delivery.queue).partition(":")[0]
    park(replace(delivery, queue=origin), unit, f"given up by the broker ({delivery.died})")


def park(delivery: Delivery, unit: Unit, reason: str) -> None:
    """Keep a message as a dead letter."""
    unit.add(
        DEAD_LETTER,
        queue=delivery.queue,
        correlation_id=delivery.correlation_id,
        body=delivery.text,
        reason=reason,
        trace=None,
        at=unit.at,
    )
