"""An upload that is broken off again and again, while its file changes and the archive forgets."""

import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from services.cli.transfer.endings import Interrupted
from services.cli.transfer.journal import journal_at
from services.cli.transfer.patience import Patience
from services.cli.transfer.report import ProgramReport
from services.cli.transfer.together import Buffers
from services.cli.upload.begun import read_begun
from services.cli.upload.config import UploadConfig
from services.cli.upload.identity import SourceChanged, identity_of, opened
from services.cli.upload.inbox import Inbox
from services.cli.upload.parts import PartsUpload, Task
from services.cli.upload.sources import Source
from shared.crypto.keys import generate
from shared.crypto.segments import CIPHER_SEGMENT, NONCE, SEGMENT
from shared.crypto.streams import decrypt_stream
from shared.storage.directory import DirectoryStore

KEY = generate()
CONFIG = UploadConfig(endpoint="", access_key=SecretStr("a"), secret_key=SecretStr("b"), bucket="inbox")
NAME = "a.c4gh"
STEP = 2 * SEGMENT


class Watched(DirectoryStore):
    """A store that breaks off after some parts, and remembers all that it was sent."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, name="inbox")
        self.left = 10**9
        self.bodies: list[tuple[int, bytes]] = []

    def put_part(self, key: str, upload_id: str, number: int, body: Any) -> Any:
        self.bodies.append((number, bytes(body)))
        if not self.left:
            raise Interrupted
        self.left -= 1
        return super().put_part(key, upload_id, number, body)


class World:
    """A file, its journal, and the archive."""

    def __init__(self, folder: Path, size: int) -> None:
        self.source = folder / "a"
        self.store = Watched(folder / "store")
        self.journal = folder / "a.journal"
        self.nonces: dict[bytes, list[bytes]] = defaultdict(list)
        self.contents: dict[bytes, set[bytes]] = defaultdict(set)
        self.change(size)

    def change(self, size: int) -> None:
        """Write other content, at another time: clocks of file systems tick slower than this test."""
        tick = self.source.stat().st_mtime_ns + 10**9 if self.source.exists() else 0
        self.source.write_bytes(os.urandom(size))
        os.utime(self.source, ns=(tick, tick))

    def forget(self) -> None:
        """Let the archive drop what is unfinished."""
        for upload in self.store.unfinished_uploads():
            self.store.abort_upload(upload.key, upload.upload_id)

    def run(self, parts: int = 10**9) -> bool:
        """Run until it is done, or breaks off when so many parts were sent; whether it was done."""
        self.store.left, self.store.bodies = parts, []
        with ThreadPoolExecutor(2) as workers, opened(self.source) as file, journal_at(self.journal) as journal:
            upload = PartsUpload(inbox=self.inbox(), workers=workers, buffers=Buffers(10**6), report=ProgramReport())
            try:
                upload.send(self.task(file), journal)
                self.note(journal.lines)
                journal.drop()
            except Interrupted:
                self.note(journal.lines)
                return False
        return True

    def inbox(self) -> Inbox:
        return Inbox(lambda: CONFIG, lambda _: self.store, Patience(timedelta(), lambda *_: None), remedy="")

    def task(self, file: int) -> Task:
        source = Source(self.source, NAME, self.source.stat().st_size)
        return Task(source=source, file=file, identity=identity_of(file), step=STEP, reader=KEY.public)

    def note(self, lines: list[Any]) -> None:
        """Remember which nonces and which content went with which data key."""
        found = read_begun(lines)
        assert found is not None
        begun, _ = found
        assert begun.data_key is not None
        self.contents[begun.data_key].add(self.source.read_bytes())
        for number, body in self.store.bodies:
            sealed = body[len(begun.header) :] if number == 1 else body
            nonces = [sealed[start : start + NONCE] for start in range(0, len(sealed), CIPHER_SEGMENT)]
            self.nonces[begun.data_key] += nonces

    def arrived(self) -> bytes:
        plain = bytearray()
        with self.store.open(NAME) as body:
            decrypt_stream(body, plain.extend, [KEY])
        return bytes(plain)


RUNS = st.integers(0, 4)
ACTIONS = st.lists(RUNS | st.sampled_from(["change", "forget"]), max_size=6)


@settings(max_examples=40, deadline=None)
@given(actions=ACTIONS, size=st.integers(1, 9 * SEGMENT))
def test_whatever_happens_meanwhile_the_whole_file_arrives(
    tmp_path_factory: pytest.TempPathFactory, actions: list[int | str], size: int
) -> None:
    world = World(tmp_path_factory.mktemp("world"), size)
    for action in actions:
        match action:
            case "change":
                world.change(size)
            case "forget":
                world.forget()
            case int():
                world.run(action)
    assert world.run()
    assert world.arrived() == world.source.read_bytes()
    assert not list(world.store.unfinished_uploads())
    for nonces in world.nonces.values():
        assert len(nonces) == len(set(nonces))
    assert all(len(contents) == 1 for contents in world.contents.values())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, 9 * SEGMENT)


def test_what_was_sent_is_not_sent_again(world: World) -> None:
    world.run(3)
    assert world.run()
    assert len(world.store.bodies) == 2
    assert len(world.contents) == 1


def test_a_change_that_the_time_does_not_show_is_found(world: World) -> None:
    world.run(3)
    before = world.source.stat()
    with world.source.open("r+b") as file:
        file.write(b"another beginning")
    os.utime(world.source, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert world.run()
    assert world.arrived() == world.source.read_bytes()
    assert len(world.contents) == 2


def test_a_file_that_is_written_to_while_it_is_sent_is_refused(world: World) -> None:
    with opened(world.source) as file, journal_at(world.journal) as journal, ThreadPoolExecutor(1) as workers:
        upload = PartsUpload(inbox=world.inbox(), workers=workers, buffers=Buffers(1), report=ProgramReport())
        task = world.task(file)
        world.source.write_bytes(os.urandom(9 * SEGMENT))
        with pytest.raises(SourceChanged):
            upload.send(task, journal)
    assert not world.journal.exists()
    assert not list(world.store.unfinished_uploads())


def test_another_reader_begins_anew(world: World) -> None:
    world.run(3)
    with journal_at(world.journal) as journal:
        head = {**journal.lines[0], "reader": generate().fingerprint}
        lines = journal.lines[1:]
        journal.begin(head)
        for line in lines:
            journal.add(line)
    assert world.run()
    assert len(world.store.bodies) == 5


@pytest.mark.parametrize(
    "head",
    [
        {"version": 0},
        {"version": 1},
        {"version": 1, "source": {}, "step": 1},
        {
            "version": 1,
            "source": {"inode": 1, "size": 1, "mtime_ns": 1},
            "key": "",
            "path": "",
            "upload_id": "",
            "step": SEGMENT,
            "reader": None,
            "header": "",
            "data_key": "00",
        },
    ],
)
def test_a_journal_that_says_something_else_is_begun_anew(world: World, head: dict[str, Any]) -> None:
    with journal_at(world.journal) as journal:
        journal.begin(head)
    assert world.run()
    assert world.arrived() == world.source.read_bytes()
