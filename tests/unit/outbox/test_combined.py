"""Header and body as one stream: any span in pieces of any size is a slice of both."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.outbox.combined import CombinedStream
from services.outbox.download import Download
from shared.access.grants import ReadableFile
from shared.http.ranges import Span
from shared.identifiers import FileId
from shared.storage.directory import DirectoryStore
from shared.storage.errors import ObjectMissing, StoreUnavailable
from shared.storage.port import ObjectStore

FILE = FileId("0b7d8f4e-0000-4000-8000-000000000001")
HEADER = bytes(range(124))
BODY = bytes(index * 7 % 256 for index in range(1000))
WHOLE = HEADER + BODY


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    made = DirectoryStore(tmp_path / "archive", name="archive")
    made.put(FILE, io.BytesIO(BODY), len(BODY))
    return made


def download(span: Span, size: int = len(BODY)) -> Download:
    file = ReadableFile(id=FILE, path="a", header=b"", archive_size=size, archived_sha256=None)
    return Download(file=file, header=HEADER, etag='"a"', span=span, partial=True)


def pieces(stream: CombinedStream) -> Iterator[bytes]:
    while stream.remaining:
        yield bytes(stream.read())


spans = st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, len(WHOLE))).map(
    lambda pair: Span(pair[0], min(pair[0] + pair[1], len(WHOLE)))
)


@given(span=spans, chunk=st.integers(1, 1500))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_pieces_of_any_span_join_to_the_slice(store: DirectoryStore, span: Span, chunk: int) -> None:
    stream = CombinedStream(store, download(span), chunk=chunk)
    found = list(pieces(stream))
    stream.close()
    assert b"".join(found) == WHOLE[span.start : span.stop]
    assert {len(piece) for piece in found[:-1]} <= {chunk}


def test_piece_is_good_until_the_third_read_after_it(store: DirectoryStore) -> None:
    stream = CombinedStream(store, download(Span(0, len(WHOLE))), chunk=100)
    first, second, third = stream.read(), stream.read(), stream.read()
    assert b"".join((first, second, third)) == WHOLE[:300]
    stream.close()


def test_header_alone_asks_no_store(store: DirectoryStore) -> None:
    store.delete(FILE)
    assert b"".join(pieces(CombinedStream(store, download(Span(0, 124))))) == HEADER
    with pytest.raises(ObjectMissing):
        CombinedStream(store, download(Span(0, 125))).read()


def test_short_body_never_passes_for_whole(store: DirectoryStore) -> None:
    stream = CombinedStream(store, download(Span(0, len(WHOLE) + 1), len(BODY) + 1), chunk=200)
    with pytest.raises(StoreUnavailable, match="shorter"):
        list(pieces(stream))
    stream.close()


def test_close_during_a_read_waits_for_nobody() -> None:
    reading, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    class SlowStore:
        """Answers when told, as a store far away does."""

        @contextmanager
        def open(self, *_: object) -> Iterator["SlowStore"]:
            yield self
            closed.set()

        def readinto(self, buffer: memoryview, /) -> int:
            reading.set()
            assert go_on.wait(10)
            assert not closed.is_set(), "closed under the reader's hands"
            return len(buffer)

    stream = CombinedStream(cast("ObjectStore", SlowStore()), download(Span(0, len(WHOLE))))
    thread = threading.Thread(target=stream.read)
    thread.start()
    assert reading.wait(10)
    stream.close()
    assert not closed.is_set()
    go_on.set()
    thread.join(10)
    assert closed.is_set()
