"""The only file of finalize that names concrete classes."""

from services.finalize.finalize import Finalize
from services.finalize.handler import FinalizeHandler
from services.finalize.settings import FinalizeSettings
from shared.broker import topology
from shared.broker.node import Assembly, Node


def assemble(node: Node, settings: FinalizeSettings) -> Assembly:
    """Put the service together on a node."""
    archive, backup = settings.store(settings.archive), settings.backup_store()
    finalize = Finalize(archive=archive, backup=backup, leases=node.leases, catalogue=settings.catalogue)
    handler = FinalizeHandler(catalogue=settings.catalogue, finalize=finalize)
    checks = {"archive": archive.check} | ({"backup": backup.check} if backup is not None else {})
    return Assembly(
        parts=(node.runner("finalize", topology.ACCESSION.name, handler, load=handler.load),), checks=checks
    )
