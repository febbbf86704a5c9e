import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.folder import Folder
from shared.settings import PREFIX
from tests.unit.cli.node import CommandLine, Node


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture
def strongroom(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prepared") / "node"
    root.mkdir()
    Folder(root).prepare()
    return root


@pytest.fixture
def node(prepared: Path, tmp_path: Path, strongroom: CommandLine) -> Iterator[Node]:
    root = tmp_path / "node"
    shutil.copytree(prepared, root)
    made = Node(Folder(root), strongroom)
    yield made
    made.database.close()
