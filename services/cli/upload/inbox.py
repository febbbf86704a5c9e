"""The archive's inbox as an upload sees it: requests are tried again, and go on with new credentials."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from services.cli.transfer.endings import AccessEnded
from services.cli.transfer.patience import Patience
from services.cli.upload.config import UploadConfig
from shared.errors import ConfigurationError, StrongroomError, UserError
from shared.storage.errors import StoreRefused
from shared.storage.port import ObjectStore, Part, Parts, Stat

Result = TypeVar("Result")

Read = Callable[[], UploadConfig]
Open = Callable[[UploadConfig], ObjectStore]

_ENDED = frozenset(
    {
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
_OF_ALL = frozenset({"NoSuchBucket", "QuotaExceeded", "RequestTimeTooSkewed"})
"""What is refused to one file and would be to the next."""


class Inbox:
    """A bucket behind credentials that may end while an upload goes on.

    read: reads the configuration, which its owner may replace meanwhile; open_inbox: opens the bucket it names.
    """

    def __init__(self, read: Read, open_inbox: Open, patience: Patience, *, remedy: str) -> None:
        """`remedy` says how to get new credentials. Raises AccessEnded if those that are there have expired."""
        self._read = read
        self._open = open_inbox
        self._patience = patience
        self._remedy = remedy
        self._renewing = threading.Lock()
        self._config = read()
        if self._expired():
            raise self._ended("")
        self._store = open_inbox(self._config)

    def put(self, key: str, body: memoryview) -> Stat:
        """Store an object in one request."""

        def send(store: ObjectStore) -> Stat:
            return store.put(key, _Body(body), len(body))

        return self._do(send)

    def stat(self, key: str) -> Stat:
        """Size and tag of an object. Raises ObjectMissing."""
        return self._do(lambda store: store.stat(key))

    def start(self, key: str) -> str:
        """Begin an upload in parts and return its id."""
        return self._do(lambda store: store.start_upload(key))

    def put_part(self, key: str, upload_id: str, number: int, body: memoryview) -> Part:
        """Store a part. Raises UploadMissing."""
        return self._do(lambda store: store.put_part(key, upload_id, number, body))

    def parts(self, key: str, upload_id: str) -> Parts:
        """Parts that are there. Raises UploadMissing."""
        return self._do(lambda store: store.list_parts(key, upload_id))

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> Stat:
        """Make the object of its parts; a repeated call is fine. Raises UploadMissing."""
        return self._do(lambda store: store.complete_upload(key, upload_id, parts))

    def abort(self, key: str, upload_id: str) -> None:
        """Drop an upload; a missing one is fine."""
        self._do(lambda store: store.abort_upload(key, upload_id))

    def _do(self, work: Callable[[ObjectStore], Result]) -> Result:
        """Do it, patiently.

        Raises AccessEnded, Unfinished, Interrupted, ConfigurationError for what is refused to all files, and UserError
        for what is refused to this one.
        """
        while True:
            store = self._store
            try:
                return self._patience.call(partial(work, store))
            except StoreRefused as refusal:
                if refusal.code not in _ENDED:
                    raise self._translated(refusal) from refusal
                if not self._renewed(store):
                    raise self._denied(refusal) from refusal

    def _renewed(self, store: ObjectStore) -> bool:
        """Take what the configuration says now; whether that is anything new."""
        with self._renewing:
            if self._store is not store:
                return True
            config = self._read()
            if config == self._config:
                return False
            self._config, self._store = config, self._open(config)
            return True

    def _denied(self, refusal: StoreRefused) -> StrongroomError:
        """Tell credentials that have ended from a file that may not be sent."""
        if refusal.code == "AccessDenied" and not self._expired():
            return UserError(f"the archive refuses it: {_words(refusal)}")
        return self._ended(f" ({_words(refusal)})")

    def _translated(self, refusal: StoreRefused) -> StrongroomError:
        words = f"the archive refuses it: {_words(refusal)}"
        return ConfigurationError(words) if refusal.code in _OF_ALL or not refusal.code else UserError(words)

    def _expired(self) -> bool:
        return self._config.expires is not None and self._config.expires <= datetime.now(UTC)

    def _ended(self, why: str) -> AccessEnded:
        return AccessEnded(f"the credentials are not valid any more{why}; {self._remedy}")


def _words(refusal: StoreRefused) -> str:
    return f"{refusal.said} ({refusal.code})" if refusal.said else str(refusal)


class _Body:
    """Reads out of memory without a copy in between."""

    def __init__(self, content: memoryview) -> None:
        self._left = content

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
