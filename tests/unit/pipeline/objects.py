"""Objects of a store as bytes, and their checksums."""

import hashlib
import io

from shared.storage.port import ObjectStore


def held(store: ObjectStore, key: str) -> bytes:
    """Return an object."""
    with store.open(key) as body:
        pieces, buffer = bytearray(), memoryview(bytearray(2**20))
        while count := body.readinto(buffer):
            pieces += buffer[:count]
    return bytes(pieces)


def keep(store: ObjectStore, key: str, content: bytes) -> None:
    """Replace an object."""
    store.put(key, io.BytesIO(content), len(content))


def both(content: bytes) -> dict[str, str]:
    """Return the two checksums that are taken of everything."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "md5": hashlib.md5(content).hexdigest()}
