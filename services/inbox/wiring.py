"""The only file of the inbox that names concrete classes."""

from datetime import timedelta

from services.inbox.front import SftpFront
from services.inbox.inbox import Inbox
from services.inbox.open_uploads import OpenUploads
from services.inbox.reconcile import Reconciler
from services.inbox.settings import InboxSettings
from shared.access.directory import Directory
from shared.broker.node import Assembly, Node
from shared.storage.port import ObjectStore


def parts(node: Node, settings: InboxSettings, inbox: ObjectStore) -> tuple[SftpFront, Reconciler]:
    """Return the parts of the service, to be started after those of the node. Raises ConfigurationError."""
    ground = Inbox(node.database, node.committer, inbox, OpenUploads(settings.sftp_open_uploads))
    host, port = settings.sftp_endpoint
    directory = Directory(node.database, settings.central_ega())
    front = SftpFront(ground, directory, host=host, port=port, host_key=settings.sftp_host_key)
    return front, Reconciler(ground, patience=timedelta(days=settings.inbox_abandoned_days))


def assemble(node: Node, settings: InboxSettings) -> Assembly:
    """Put the service together on a node."""
    store = settings.store(settings.inbox)
    return Assembly(parts=parts(node, settings, store), checks={"inbox": store.check})
