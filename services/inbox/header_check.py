"""A look at the beginning of an upload: is it Crypt4GH, and for this archive? Told while it comes, not days later."""

from collections.abc import Sequence

from shared.crypto.errors import BadHeader, NoFittingKey
from shared.crypto.header import header_length, open_header
from shared.crypto.keys import PrivateKey


class HeaderWatch:
    """Follows one upload until its header has come."""

    def __init__(self, keys: Sequence[PrivateKey]) -> None:
        self._keys = keys
        self._start = bytearray()
        self._over = not keys

    def feed(self, data: memoryview | bytes) -> None:
        """Take the bytes that follow. Raises FileRefused as soon as they show what is wrong."""
        if self._over:
            return
        self._start += data
        length = header_length(bytes(self._start))
        if length is not None:
            self._open(bytes(self._start[:length]))
            self._over = True
            self._start.clear()

    def end(self) -> None:
        """Say that no more will come. Raises FileRefused if the header has not come whole."""
        if not self._over:
            raise BadHeader("The file ends inside its Crypt4GH header: upload it again.")

    def _open(self, header: bytes) -> None:
        try:
            open_header(header, self._keys)
        except NoFittingKey:
            right = ", ".join(key.fingerprint for key in self._keys)
            raise NoFittingKey(
                "The file is not encrypted for this archive: encrypt it with the archive's public key, whose "
                f"fingerprint is {right}, and upload it again."
            ) from None


class HeaderCheck:
    """Looks at uploads with the archive's keys; without keys it lets everything pass."""

    def __init__(self, keys: Sequence[PrivateKey] = ()) -> None:
        self._keys = tuple(keys)

    def watch(self) -> HeaderWatch:
        """Follow another upload."""
        return HeaderWatch(self._keys)
