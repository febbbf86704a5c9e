"""The only file of the inbox that names concrete classes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from services.inbox.front import SftpFront
from services.inbox.header_check import HeaderCheck
from services.inbox.inbox import Inbox
from services.inbox.open_uploads import OpenUploads
from services.inbox.reconcile import Reconciler
from services.inbox.s3.admission import Admission
from services.inbox.s3.application import S3Application
from services.inbox.s3.authentication import Authenticator
from services.inbox.s3.calls import Ground
from services.inbox.s3.remote import S3Sink
from services.inbox.s3.sink import DirectorySink, Sink
from services.inbox.settings import InboxSettings
from shared.access.credentials import CredentialKeeper
from shared.access.directory import Directory
from shared.access.tokens import TokenVerifier, token_verifier
from shared.broker.node import Assembly, Node
from shared.crypto.keys import load_private_key
from shared.database.reading import async_reads
from shared.errors import ConfigurationError
from shared.health import Readiness
from shared.http.addresses import parse_address
from shared.http.server import HttpFront, TlsFiles
from shared.lifecycle import Part
from shared.storage.directory import DirectoryStore
from shared.storage.port import ObjectStore, unwrapped

_WAITING = 32
"""Threads that wait for database and store; more than the database has connections, since a store may hang."""
_HASHING = 4


@dataclass(frozen=True)
class InboxParts:
    """The parts of the service: the fronts whose addresses are set, and what brings interrupted uploads to an end."""

    reconciler: Reconciler
    sftp: SftpFront | None = None
    s3: HttpFront | None = None

    @property
    def all(self) -> Sequence[Part]:
        """In the order in which they start."""
        return [part for part in (self.sftp, self.s3, self.reconciler) if part is not None]


def parts(node: Node, settings: InboxSettings, inbox: ObjectStore) -> InboxParts:
    """Return the parts of the service, to be started after those of the node. Raises ConfigurationError."""
    if settings.sftp_address is None and settings.s3_address is None:
        raise ConfigurationError("STRONGROOM_SFTP_ADDRESS, STRONGROOM_S3_ADDRESS: one of them has to be set")
    keys = [load_private_key(path, None) for path in settings.inbox_header_keys]
    ground = Inbox(
        node.database,
        node.committer,
        inbox,
        OpenUploads(settings.sftp_open_uploads),
        settings.inbox_quota,
        HeaderCheck(keys),
    )
    return InboxParts(
        Reconciler(ground, patience=timedelta(days=settings.inbox_abandoned_days)),
        _sftp(node, ground, settings),
        _s3(node, ground, settings),
    )


def assemble(node: Node, settings: InboxSettings) -> Assembly:
    """Put the service together on a node."""
    store = settings.store(settings.inbox, threads=_WAITING)
    return Assembly(parts=parts(node, settings, store).all, checks={"inbox": store.check})


def _sftp(node: Node, ground: Inbox, settings: InboxSettings) -> SftpFront | None:
    if settings.sftp_address is None:
        return None
    if settings.sftp_host_key is None:
        raise ConfigurationError("STRONGROOM_SFTP_HOST_KEY: the SFTP front needs one")
    host, port = parse_address(settings.sftp_address)
    return SftpFront(ground, _directory(node, settings), host=host, port=port, host_key=settings.sftp_host_key)


def _s3(node: Node, inbox: Inbox, settings: InboxSettings) -> HttpFront | None:
    if settings.s3_address is None:
        return None
    if settings.credentials_secret is None:
        raise ConfigurationError("STRONGROOM_CREDENTIALS_SECRET: the S3 front needs it, the same as the log-in")
    threads = ThreadPoolExecutor(_WAITING, thread_name_prefix="s3")
    ground = Ground(
        inbox=inbox,
        sink=_sink(inbox.store, settings, threads),
        admission=Admission(settings.s3_bodies_per_user),
        threads=threads,
        hashing=ThreadPoolExecutor(_HASHING, thread_name_prefix="hashing"),
        gap_seconds=settings.s3_gap_seconds,
        reads=async_reads(node.database),
    )
    readiness = Readiness({**node.checks, "inbox": inbox.store.check})
    authenticator = Authenticator(
        node.database,
        _directory(node, settings),
        _keeper(settings.credentials_secret),
        _verifier(settings),
        ground.waiting,
    )
    return HttpFront(
        S3Application(ground, authenticator, readiness),
        address=settings.s3_address,
        name="s3",
        tls=_tls(settings),
        closing=(ground.sink.close, ground.reads.close),
    )


def _directory(node: Node, settings: InboxSettings) -> Directory:
    return Directory(node.database, settings.central_ega())


def _keeper(secret: SecretStr) -> CredentialKeeper:
    return CredentialKeeper(secret.get_secret_value())


def _verifier(settings: InboxSettings) -> TokenVerifier:
    """Return who believes tokens: nobody, if no keys are set."""
    return token_verifier(settings) if settings.token_keys or settings.token_jwks else TokenVerifier([])


def _sink(store: ObjectStore, settings: InboxSettings, threads: ThreadPoolExecutor) -> Sink:
    inner = unwrapped(store)
    if isinstance(inner, DirectoryStore):
        return DirectorySink(inner, threads)
    account = settings.account()
    if account is None:
        raise ConfigurationError("a store in S3 needs an endpoint and its keys")
    return S3Sink(inner.name, account)


def _tls(settings: InboxSettings) -> TlsFiles | None:
    certificate, key = settings.s3_certificate, settings.s3_certificate_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigurationError("STRONGROOM_S3_CERTIFICATE, STRONGROOM_S3_CERTIFICATE_KEY: set both or none")
    return TlsFiles(certificate, key)
