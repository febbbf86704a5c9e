"""Objects of a store as bytes."""

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
