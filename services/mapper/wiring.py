"""The only file of mapper that names concrete classes."""

from datetime import timedelta

from services.mapper.handler import CleanupHandler, MappingsHandler
from services.mapper.settings import MapperSettings
from shared.broker import topology
from shared.broker.node import Assembly, Node


def assemble(node: Node, settings: MapperSettings) -> Assembly:
    """Put the service together on a node."""
    inbox = settings.store(settings.inbox)
    patience = timedelta(seconds=settings.mapping_patience)
    mappings = MappingsHandler(database=node.database, catalogue=settings.catalogue, patience=patience)
    cleanup = CleanupHandler(database=node.database, catalogue=settings.catalogue, inbox=inbox)
    parts = (
        # one worker: a release that follows its mapping need not wait
        node.runner("mapper", topology.MAPPINGS.name, mappings, workers=1),
        node.runner("mapper", topology.CLEANUP.name, cleanup, workers=1),
    )
    return Assembly(parts=parts, checks={"inbox": inbox.check})
