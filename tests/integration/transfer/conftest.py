"""An outbox to download from, embedded: how it stores is not a client's business."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.database.migrate import upgrade
from shared.storage.directory import DirectoryStore
from tests.integration.outbox.host import OutboxHost


@pytest.fixture
def settings() -> dict[str, Any]:
    """More settings of the outbox; tests that need some parametrize them."""
    return {}


@pytest.fixture
def outbox(tmp_path: Path, settings: dict[str, Any]) -> Iterator[OutboxHost]:
    """An outbox that serves."""
    url = f"sqlite:///{tmp_path / 'outbox.db'}"
    upgrade(url)
    host = OutboxHost(url, DirectoryStore(tmp_path / "archive", name="archive"), tmp_path)
    with host.up(**settings):
        yield host
    host.database.close()
