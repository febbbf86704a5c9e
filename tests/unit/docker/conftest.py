"""The secrets of a node and the containers of compose.yaml."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from services.cli import registry
from shared.settings import SECRETS as SECRETS_DIR
from shared.settings import Settings, load, refuse_unknown
from tests.stack.node.compose import SECRETS, Container, containers
from tests.stack.node.ground import make_secrets
from tests.stack.node.worker import STRONGROOM

Loading = Callable[[str], Settings]


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `docker/make-secrets.sh` has made."""
    return make_secrets(tmp_path_factory.mktemp("secrets"), " ".join(STRONGROOM))


@pytest.fixture(scope="session")
def node(secrets: Path) -> dict[str, Container]:
    """compose.yaml as compose reads it."""
    return containers(secrets)


@pytest.fixture
def loading(node: dict[str, Container], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loading:
    """Load the settings of a service as its container would: from its environment and its secrets alone."""

    def load_service(service: str) -> Settings:
        for target, file in node[service].secrets.items():
            (tmp_path / target).write_bytes(file.read_bytes())
        environment = {name: value.replace(SECRETS, str(tmp_path)) for name, value in node[service].environment.items()}
        assert environment[SECRETS_DIR] == str(tmp_path)
        with monkeypatch.context() as process:
            for name, value in environment.items():
                process.setenv(name, value)
            kind: type[Settings] = import_module(f"services.{service}.__main__").ServiceSettings
            refuse_unknown(registry.all_fields(), environment)
            return load(kind, environment)

    return load_service
