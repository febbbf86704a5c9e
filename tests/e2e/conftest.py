"""The node that an end-to-end test runs on: each story is told on both."""

import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.nodes import Node, RealNode, embedded_node
from tests.stack.node.ground import Ground, Servers
from tests.stack.node.node import ComposeNode, shared_secrets
from tests.stack.process import Home


@pytest.fixture(scope="module", params=["embedded", "real"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node without orchestrate, shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("node")
    if request.param == "embedded":
        with embedded_node(folder) as embedded:
            yield embedded
        return
    home: Home = request.getfixturevalue("home")
    servers = Servers(**{name: request.getfixturevalue(name) for name in ("rabbitmq", "postgres", "minio")})
    secrets = shared_secrets(home)
    ground = Ground(servers, secrets=secrets, name=f"e2e{uuid.uuid4().hex[:8]}")
    with ComposeNode(home, ground, secrets=secrets, profiles=()) as compose:
        yield RealNode(compose, servers.rabbitmq.url(ground.vhost), folder)
