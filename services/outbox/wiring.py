"""The only file of outbox that names concrete classes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from anyio import CapacityLimiter

from services.outbox.download import Decide
from services.outbox.handler import OutboxHandler
from services.outbox.headers import ReaderHeaders
from services.outbox.record import Record
from services.outbox.settings import OutboxSettings
from services.outbox.streaming import Sender
from shared.access.tokens import token_verifier
from shared.broker.node import Assembly, Node
from shared.crypto.keys import PrivateKey
from shared.health import Readiness
from shared.http.protocol import Limits
from shared.http.server import HttpFront
from shared.storage.port import ObjectStore

# as many as the pool of the database has connections
_DATABASE_THREADS = 10
_STORE_THREADS = 32


def assemble(node: Node, settings: OutboxSettings) -> Assembly:
    """Put the service together on a node."""
    archive = settings.store(settings.archive, threads=_STORE_THREADS)
    (front,) = parts(node, settings, archive, settings.load_keys())
    return Assembly(parts=(front,), checks={"archive": archive.check})


def parts(node: Node, settings: OutboxSettings, archive: ObjectStore, keys: Sequence[PrivateKey]) -> tuple[HttpFront]:
    """Put the service together on a store and keys that are open already."""
    record = Record(node.committer)
    headers = ReaderHeaders(keys, seconds=settings.outbox_resume_hours * 3600)
    handler = OutboxHandler(
        verifier=token_verifier(settings),
        database=node.database,
        decide=Decide(database=node.database, headers=headers),
        sender=Sender(
            archive=archive, threads=ThreadPoolExecutor(_STORE_THREADS, thread_name_prefix="outbox"), record=record
        ),
        record=record,
        readiness=Readiness({**node.checks, "archive": archive.check}),
        threads=CapacityLimiter(_DATABASE_THREADS),
    )
    # Starlette, not FastAPI: what FastAPI declares it also validates, before a route can say who may ask at all, and
    # here a refusal comes before any validation. It costs 0.1 to 0.2 ms a request besides.
    return (
        HttpFront(
            handler.application(),
            address=settings.outbox_address,
            name="outbox",
            limits=Limits(stall_seconds=settings.outbox_stall_seconds),
        ),
    )
