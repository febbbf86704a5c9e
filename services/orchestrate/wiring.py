"""The only file of orchestrate that names concrete classes."""

from services.orchestrate.decide import AccessionPattern
from services.orchestrate.handler import InboxHandler, VerifiedHandler
from services.orchestrate.settings import OrchestrateSettings
from shared.broker import topology
from shared.broker.node import Assembly, Node


def assemble(node: Node, settings: OrchestrateSettings) -> Assembly:
    """Put the service together on a node."""
    pattern = AccessionPattern(settings.accession_pattern)
    pattern.require_fit(settings.catalogue)
    inbox = InboxHandler(catalogue=settings.catalogue)
    verified = VerifiedHandler(database=node.database, catalogue=settings.catalogue, pattern=pattern)
    parts = (
        node.runner("orchestrate", topology.INBOX.name, inbox, workers=1),
        node.runner("orchestrate", topology.VERIFIED.name, verified, load=verified.load, workers=1),
    )
    return Assembly(parts=parts, checks={})
