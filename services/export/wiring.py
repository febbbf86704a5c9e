"""The only file of export that names concrete classes."""

from services.export.expiry import Expiry
from services.export.handler import ExportHandler
from services.export.settings import ExportSettings
from services.export.write import WriteFile
from shared.broker import topology
from shared.broker.node import Assembly, Node


def assemble(node: Node, settings: ExportSettings) -> Assembly:
    """Put the service together on a node."""
    archive, exports = settings.store(settings.archive), settings.export_store()
    write = WriteFile(archive=archive, exports=exports, keys=settings.load_keys(), leases=node.leases)
    handler = ExportHandler(database=node.database, catalogue=settings.catalogue, write=write)
    parts = (node.runner("export", topology.EXPORTS.name, handler), Expiry(node.database, exports))
    return Assembly(parts=parts, checks={"archive": archive.check, "exports": exports.check})
