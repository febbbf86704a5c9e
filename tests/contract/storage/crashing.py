"""A process that stores one object and is to be killed meanwhile: `crashing.py ROOT put|UPLOAD`."""

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from shared.storage.directory import DirectoryStore
from shared.storage.sizes import MIB
from tests.contract.storage.kit import body_of


def main(root: Path, action: str) -> None:
    """Put the object again and again, or complete an upload of it; say when it begins."""
    store = DirectoryStore(root, name="store")
    body = body_of(24 * MIB)
    parts = [] if action == "put" else store.list_parts("key", action)
    sys.stdout.write("writes\n")
    sys.stdout.flush()
    while action == "put":
        store.put("key", io.BytesIO(body), len(body))
    store.complete_upload("key", action, parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
