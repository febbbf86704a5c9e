"""The only file of outbox that names concrete classes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from services.outbox.api import api_description
from services.outbox.datasets import Lists
from services.outbox.download import Prepare
from services.outbox.files import FileRoutes
from services.outbox.handler import OutboxHandler
from services.outbox.headers import ReaderHeaders
from services.outbox.limits import ReaderLimits
from services.outbox.objects import Objects
from services.outbox.record import Recorder
from services.outbox.service_info import service_info
from services.outbox.settings import OutboxSettings
from services.outbox.streaming import Sender
from shared.access.audit import AuditLog
from shared.access.grants import Grants
from shared.access.readers import Readers, identify
from shared.broker.node import Assembly, Check, Node
from shared.crypto.keys import PrivateKey
from shared.database.reading import async_reads
from shared.health import Readiness
from shared.http.correlation import CorrelationIds
from shared.http.pages import Pages
from shared.http.protocol import Limits
from shared.http.server import HttpFront
from shared.lifecycle import Part
from shared.storage.streams import StreamingStore

_STORE_THREADS = 32
_TOKEN_THREADS = 4
_SECRET_BYTES = 32


def assemble(node: Node, settings: OutboxSettings) -> Assembly:
    """Put the service together on a node."""
    archive = settings.store(settings.archive, threads=_STORE_THREADS)
    threads = ThreadPoolExecutor(_STORE_THREADS, thread_name_prefix="outbox")
    streams = settings.archive_streams(archive, threads, public_endpoint=settings.outbox_redirect_endpoint)
    return Assembly(
        parts=parts(node, settings, streams, archive.check, settings.load_keys()), checks={"archive": archive.check}
    )


def parts(
    node: Node, settings: OutboxSettings, archive: StreamingStore, check: Check, keys: Sequence[PrivateKey]
) -> tuple[Part, HttpFront]:
    """Put the service together on a store and keys that are open already; the front is the last part."""
    audit = AuditLog(node.database)
    record = Recorder(audit)
    reads = async_reads(node.database)
    grants = Grants(reads)
    readers = Readers(
        identify(settings, own_files=settings.outbox_own_files),
        ThreadPoolExecutor(_TOKEN_THREADS, thread_name_prefix="tokens"),
    )
    limits = ReaderLimits(at_once=settings.outbox_reader_requests, per_second=settings.outbox_reader_rate)
    handler = OutboxHandler(
        readers=readers,
        limits=limits,
        lists=Lists(grants=grants, pages=Pages(keys[0].derived(b"page tokens of the outbox", _SECRET_BYTES))),
        objects=Objects(grants=grants, public_url=settings.outbox_public_url),
        record=record,
        readiness=Readiness({**node.checks, "archive": check}),
        service_info=service_info(settings),
        api=api_description(),
    )
    files = FileRoutes(
        others=handler.application(),
        readers=readers,
        limits=limits,
        grants=grants,
        prepare=Prepare(headers=ReaderHeaders(keys)),
        sender=Sender(archive=archive, record=record),
        record=record,
        redirect_seconds=settings.outbox_redirect_seconds if settings.outbox_content == "redirect" else None,
    )
    front = HttpFront(
        CorrelationIds(files),
        address=settings.outbox_address,
        shared=settings.outbox_address_shared,
        name="outbox",
        limits=Limits(stall_seconds=settings.outbox_stall_seconds),
        closing=(archive.close, reads.close),
    )
    return audit, front
