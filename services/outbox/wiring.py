"""The only file of outbox that names concrete classes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from starlette.routing import Route
from starlette.types import ASGIApp

from services.outbox.api import api_description
from services.outbox.datasets import Lists
from services.outbox.desk import Desk
from services.outbox.download import Prepare
from services.outbox.drs.objects import DrsObjects
from services.outbox.drs.routes import DrsRoutes
from services.outbox.exports.api import with_exports
from services.outbox.exports.exports import Exports, Rules
from services.outbox.exports.queries import OwnExports
from services.outbox.exports.routes import ExportRoutes
from services.outbox.files import FileRoutes
from services.outbox.handler import OutboxHandler
from services.outbox.headers import ReaderHeaders
from services.outbox.htsget.extract import Extractor
from services.outbox.htsget.routes import HtsgetRoutes
from services.outbox.htsget.ticket import WriteTicket
from services.outbox.limits import ReaderLimits
from services.outbox.objects import Objects
from services.outbox.record import Recorder
from services.outbox.service_info import DRS, HTSGET, service_info
from services.outbox.settings import OutboxSettings
from services.outbox.streaming import Sender
from shared.access.audit import AuditLog
from shared.access.grants import Grants
from shared.access.readers import Readers, identify
from shared.broker.committer import Committer
from shared.broker.node import Assembly, Check, Node
from shared.crypto.keys import PrivateKey
from shared.database.reading import async_reads
from shared.health import Readiness
from shared.http.correlation import CorrelationIds
from shared.http.pages import Pages
from shared.http.protocol import Limits
from shared.http.server import HttpFront
from shared.lifecycle import Part
from shared.storage.streaming import streaming
from shared.storage.streams import StreamingStore

_STORE_THREADS = 32
_TOKEN_THREADS = 4
_GENOME_THREADS = 2
_SECRET_BYTES = 32


def assemble(node: Node, settings: OutboxSettings) -> Assembly:
    """Put the service together on a node."""
    archive = settings.store(settings.archive, threads=_STORE_THREADS)
    threads = ThreadPoolExecutor(_STORE_THREADS, thread_name_prefix="outbox")
    streams = streaming(archive, settings.account(), threads, public_endpoint=settings.outbox_redirect_endpoint)
    return Assembly(
        parts=parts(node, settings, streams, archive.check, settings.load_keys()), checks={"archive": archive.check}
    )


def parts(
    node: Node, settings: OutboxSettings, archive: StreamingStore, check: Check, keys: Sequence[PrivateKey]
) -> tuple[Part, HttpFront]:
    """Put the service together on a store and keys that are open already; the front is the last part."""
    audit = AuditLog(node.database)
    reads = async_reads(node.database)
    tools = _tools(settings, archive, Grants(reads), Recorder(audit), keys)
    handler = OutboxHandler(
        desk=tools.desk,
        lists=Lists(grants=tools.grants, pages=Pages(keys[0].derived(b"page tokens of the outbox", _SECRET_BYTES))),
        objects=Objects(grants=tools.grants),
        record=tools.desk.record,
        readiness=Readiness({**node.checks, "archive": check}),
        service_info=service_info(settings, DRS),
        api=api_description() if settings.exports is None else with_exports(api_description()),
        public_url=settings.outbox_public_url,
        more=[
            *_htsget(settings, tools).routes(),
            *_drs(settings, tools).routes(),
            *_exports(settings, tools, OwnExports(reads), node.committer),
        ],
    )
    front = HttpFront(
        CorrelationIds(_files(tools, handler.application())),
        address=settings.outbox_address,
        shared=settings.outbox_address_shared,
        name="outbox",
        limits=Limits(stall_seconds=settings.outbox_stall_seconds),
        closing=(archive.close, reads.close),
    )
    return audit, front


@dataclass(frozen=True, kw_only=True)
class _Tools:
    """What several of the interfaces work with."""

    desk: Desk
    grants: Grants
    prepare: Prepare
    archive: StreamingStore
    redirect_seconds: int | None


def _tools(
    settings: OutboxSettings, archive: StreamingStore, grants: Grants, record: Recorder, keys: Sequence[PrivateKey]
) -> _Tools:
    threads = ThreadPoolExecutor(_TOKEN_THREADS, thread_name_prefix="tokens")
    desk = Desk(
        readers=Readers(identify(settings, own_files=settings.outbox_own_files), threads),
        limits=ReaderLimits(at_once=settings.outbox_reader_requests, per_second=settings.outbox_reader_rate),
        record=record,
    )
    return _Tools(
        desk=desk,
        grants=grants,
        prepare=Prepare(headers=ReaderHeaders(keys)),
        archive=archive,
        redirect_seconds=settings.outbox_redirect_seconds if settings.outbox_content == "redirect" else None,
    )


def _files(tools: _Tools, others: ASGIApp) -> FileRoutes:
    return FileRoutes(
        others=others,
        readers=tools.desk.readers,
        limits=tools.desk.limits,
        grants=tools.grants,
        prepare=tools.prepare,
        sender=Sender(archive=tools.archive, record=tools.desk.record),
        record=tools.desk.record,
        redirect_seconds=tools.redirect_seconds,
    )


def _htsget(settings: OutboxSettings, tools: _Tools) -> HtsgetRoutes:
    extract = Extractor(
        grants=tools.grants,
        headers=tools.prepare.headers,
        archive=tools.archive,
        threads=ThreadPoolExecutor(_GENOME_THREADS, thread_name_prefix="regions"),
    )
    write = WriteTicket(
        grants=tools.grants,
        prepare=tools.prepare,
        extract=extract,
        archive=tools.archive,
        redirect_seconds=tools.redirect_seconds,
    )
    return HtsgetRoutes(
        desk=tools.desk,
        write=write,
        record=tools.desk.record,
        service_info=service_info(settings, HTSGET),
        public_url=settings.outbox_public_url,
    )


def _exports(settings: OutboxSettings, tools: _Tools, own: OwnExports, committer: Committer) -> list[Route]:
    if settings.exports is None:
        return []
    rules = Rules(location=settings.exports, kept=timedelta(days=settings.export_days), most=settings.export_most)
    exports = Exports(grants=tools.grants, own=own, committer=committer, rules=rules)
    return ExportRoutes(desk=tools.desk, exports=exports, public_url=settings.outbox_public_url).routes()


def _drs(settings: OutboxSettings, tools: _Tools) -> DrsRoutes:
    objects = DrsObjects(grants=tools.grants, archive=tools.archive, redirect_seconds=tools.redirect_seconds)
    return DrsRoutes(
        desk=tools.desk,
        objects=objects,
        service_info=service_info(settings, DRS),
        public_url=settings.outbox_public_url,
        issuers=[*settings.token_issuers, *settings.token_jwks],
    )
