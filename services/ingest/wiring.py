"""The only file of ingest that names concrete classes."""

from services.ingest.cancel import Cancel
from services.ingest.handler import IngestHandler
from services.ingest.ingest import Ingest
from services.ingest.queries import registration
from services.ingest.settings import IngestSettings
from services.ingest.stores import Stores
from shared.broker import topology
from shared.broker.node import Assembly, Node
from shared.broker.preparation import Preparation


def assemble(node: Node, settings: IngestSettings) -> Assembly:
    """Put the service together on a node."""
    stores = Stores(settings.store(settings.inbox), settings.store(settings.archive), settings.backup_store())
    keys = settings.load_keys()
    handler = IngestHandler(
        database=node.database,
        catalogue=settings.catalogue,
        ingest=Ingest(stores=stores, keys=keys, leases=node.leases),
        cancel=Cancel(stores=stores, leases=node.leases),
    )
    checks = {"inbox": stores.inbox.check, "archive": stores.archive.check}
    if stores.backup is not None:
        checks["backup"] = stores.backup.check
    parts = (
        Preparation(node.committer, registration(keys)),
        node.runner("ingest", topology.INGEST.name, handler, load=handler.load),
    )
    return Assembly(parts=parts, checks=checks)
