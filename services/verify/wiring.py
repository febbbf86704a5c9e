"""The only file of verify that names concrete classes."""

from services.verify.handler import VerifyHandler
from services.verify.settings import VerifySettings
from services.verify.verify import Verify
from shared.broker import topology
from shared.broker.node import Assembly, Node
from shared.crypto.cores import Cores


def assemble(node: Node, settings: VerifySettings) -> Assembly:
    """Put the service together on a node."""
    archive = settings.store(settings.archive)
    verify = Verify(
        archive=archive,
        keys=settings.load_keys(),
        leases=node.leases,
        cores=Cores(settings.verify_cores),
        md5=settings.verify_md5,
    )
    handler = VerifyHandler(catalogue=settings.catalogue, verify=verify)
    runner = node.runner("verify", topology.ARCHIVED.name, handler, load=handler.load)
    return Assembly(parts=(runner,), checks={"archive": archive.check})
