"""Objects on their way from one store to another, whatever the two are; what was begun before is gone on with."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue

from shared.storage.bodies import Joined
from shared.storage.copying import fill
from shared.storage.parallel import in_order
from shared.storage.port import ObjectStore, Part, Stat
from shared.storage.resuming import Resumed, abort_uploads, resumed
from shared.storage.sizes import PartSizes, Span, buffers, part_size, spans


def move(  # noqa: PLR0917 - from where, which range, to where
    source: ObjectStore, source_key: str, offset: int, length: int, target: ObjectStore, key: str, *, head: bytes = b""
) -> Stat:
    """Make an object of `head` and a range of another object: by a copy inside the store if it can, else streamed.

    For large ranges: below `sizes.LARGE` a GET and a PUT are cheaper. `key` stands for the same bytes for ever (see
    `resumed`). Raises ObjectMissing for a missing source, IncompleteBody for a range that reaches past its end;
    nothing is stored then.
    """
    if target.can_copy_from(source):
        return target.copy_range(source, source_key, offset, length, key, head=head)
    return stream(source, source_key, offset, length, target, key, head=head)


def stream(  # noqa: PLR0917 - from where, which range, to where
    source: ObjectStore,
    source_key: str,
    offset: int,
    length: int,
    target: ObjectStore,
    key: str,
    *,
    head: bytes = b"",
    least_part: int = PartSizes().upload,
) -> Stat:
    """Move it through this process: up to one part in one go, more in parts, several at once, in 64 MiB of memory."""
    if len(head) + length <= least_part:
        with source.open(source_key, offset, length) as body:
            return target.put(key, Joined(head, body), len(head) + length)
    step = part_size(length, least_part)
    pieces = list(spans(offset, length, step))
    first = {1: len(head) + pieces[0].length}
    with resumed(target, key, {piece.number: piece.length for piece in pieces} | first) as upload:
        if head:
            upload.kept.pop(1, None)  # of the same size, but perhaps with another head
        at_once = buffers(step)
        with ThreadPoolExecutor(at_once, thread_name_prefix="stream") as pool:
            sender = _Sender(source, source_key, target, key, upload, head)
            sender.provide(at_once, len(head) + step)
            sent = in_order(pool, sender.tasks(pieces), at_once=at_once)
        return target.complete_upload(key, upload.upload_id, [*upload.kept.values(), *sent])


def remove(store: ObjectStore, key: str) -> None:
    """Delete an object, and what unfinished work on it has left; a missing one is fine."""
    abort_uploads(store, key)
    store.delete(key)


class _Sender:
    """Sends the parts that are missing, each from a range of the source, by way of a buffer that is used again."""

    def __init__(  # noqa: PLR0917 - from where to where
        self, source: ObjectStore, source_key: str, target: ObjectStore, key: str, upload: Resumed, head: bytes
    ) -> None:
        self._source, self._source_key = source, source_key
        self._target, self._key = target, key
        self._upload = upload
        self._head = head
        self._free: SimpleQueue[memoryview] = SimpleQueue()

    def provide(self, count: int, size: int) -> None:
        for _ in range(count):
            self._free.put(memoryview(bytearray(size)))

    def tasks(self, pieces: list[Span]) -> Iterator[Callable[[], Part]]:
        return (partial(self._send, piece) for piece in pieces if piece.number not in self._upload.kept)

    def _send(self, piece: Span) -> Part:
        buffer = self._free.get()
        try:
            head = self._head if piece.number == 1 else b""
            part = buffer[: len(head) + piece.length]
            with self._source.open(self._source_key, piece.offset, piece.length) as body:
                fill(Joined(head, body), part)
            return self._target.put_part(self._key, self._upload.upload_id, piece.number, part)
        finally:
            self._free.put(buffer)
