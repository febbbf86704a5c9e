"""The only file of intercept that names concrete classes."""

from services.intercept.route import bury, route
from services.intercept.settings import InterceptSettings
from shared.broker import topology
from shared.broker.node import Assembly, Node


def assemble(node: Node, _settings: InterceptSettings) -> Assembly:
    """Put the service together on a node. An embedded node has no broker in which messages could die."""
    parts = [node.runner("intercept", topology.FROM_CEGA.name, route)]
    if node.has_broker:
        parts.append(node.runner("intercept", topology.DEAD_QUEUE, bury, workers=1))
    return Assembly(parts=parts, checks={})
