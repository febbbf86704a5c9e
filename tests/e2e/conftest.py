"""The node that an end-to-end test runs on: each story is told on both."""

from collections.abc import Iterator

import pytest

from tests.e2e.nodes import Node, RealNode, embedded_node
from tests.stack.node import ComposeNode


@pytest.fixture(scope="module", params=["embedded", "real"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node without orchestrate, shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("node")
    if request.param == "embedded":
        with embedded_node(folder) as embedded:
            yield embedded
        return
    servers = [request.getfixturevalue(name) for name in ("rabbitmq", "postgres", "minio")]
    with ComposeNode(*servers, folder=folder) as compose:
        yield RealNode(compose, folder)
