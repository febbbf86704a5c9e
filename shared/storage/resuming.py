"""Uploads in parts that go on where a killed process has left them: the store's own unfinished upload is the memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from shared.errors import StrongroomError, TransientError
from shared.storage.errors import SourceReplaced, StoreUnavailable, UploadMissing
from shared.storage.port import ObjectStore, Part


class Resumed(NamedTuple):
    """An upload, and the parts of it by number that need not be sent again."""

    upload_id: str
    kept: dict[int, Part]


@contextmanager
def resumed(store: ObjectStore, key: str, plan: Mapping[int, int]) -> Iterator[Resumed]:
    """Go on with the unfinished upload of `key` that has most of the parts in `plan` (bytes by number), or begin one.

    Only for keys that stand for the same bytes for ever, as file ids do: a part of the planned size then is the planned
    part. An upload with any other part was cut otherwise and is not gone on with. Two processes may be at the same
    upload, since they send the same parts. Once the object is made, all other uploads of the key are dropped.

    A passing fault leaves the upload to the next attempt, any other error drops it. An upload that somebody else has
    ended raises StoreUnavailable.
    """
    upload = _furthest(store, key, plan) or Resumed(store.start_upload(key), {})
    try:
        yield upload
    except UploadMissing as error:
        raise StoreUnavailable("someone else has ended the upload") from error
    except BaseException as error:
        if isinstance(error, SourceReplaced) or not isinstance(error, TransientError):
            with suppress(StrongroomError):
                store.abort_upload(key, upload.upload_id)
        raise
    abort_uploads(store, key)


def abort_uploads(store: ObjectStore, key: str) -> None:
    """Drop all unfinished uploads of `key`."""
    for upload in list(store.unfinished_uploads(key)):
        store.abort_upload(key, upload.upload_id)


def _furthest(store: ObjectStore, key: str, plan: Mapping[int, int]) -> Resumed | None:
    found = []
    for upload in store.unfinished_uploads(key):
        with suppress(UploadMissing):  # it may end while we look
            parts = {part.number: part for part in store.list_parts(key, upload.upload_id)}
            if all(plan.get(part.number) == part.size for part in parts.values()):
                found.append(Resumed(upload.upload_id, parts))
    return max(found, key=lambda upload: len(upload.kept), default=None)
