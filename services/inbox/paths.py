"""Paths in a user's inbox: `a/b`, without leading slash; the root is the empty path."""

import unicodedata

from services.inbox.errors import InboxError, NotAllowed

MAX_NAME = 255
MAX_PATH = 4096
"""Bytes in UTF-8, as in the file systems that the names come from."""

_FORBIDDEN = frozenset({"Cc", "Zl", "Zp"})
_SIDECARS = {".sha256": "sha256", ".md5": "md5"}


def inbox_path(raw: bytes, folder: str = "") -> str:
    """Read a path as a client sends it, relative to `folder`; `..` ends at the root. Raises InboxError."""
    if len(raw) > MAX_PATH:
        raise InboxError(f"a path has {MAX_PATH} bytes at most")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise InboxError("names are in UTF-8") from None
    if any(unicodedata.category(character) in _FORBIDDEN for character in text):
        raise InboxError("names hold no control characters")
    return _resolved([] if text.startswith("/") else folder.split("/"), text)


def _resolved(names: list[str], text: str) -> str:
    kept = [name for name in names if name]
    for name in text.split("/"):
        if name == "..":
            kept[-1:] = []
        elif name not in {"", "."}:
            kept.append(_checked(name))
    return "/".join(kept)


def _checked(name: str) -> str:
    if len(name.encode()) > MAX_NAME:
        raise InboxError(f"a name has {MAX_NAME} bytes at most")
    return name


def parent(path: str) -> str:
    """Return the folder of a path."""
    return path.rpartition("/")[0]


def is_below(path: str, folder: str) -> bool:
    """Tell whether a path is inside a folder, at any depth."""
    return path.startswith(folder + "/") if folder else bool(path)


def moved(path: str, old: str, new: str) -> str:
    """Return where a path below (or at) `old` goes when `old` becomes `new`."""
    return new + path[len(old) :]


def sidecar_algorithm(path: str) -> str | None:
    """Return the algorithm of a checksum file (`.sha256`, `.md5`, also in capitals); None for any other file."""
    return next((name for ending, name in _SIDECARS.items() if path.lower().endswith(ending)), None)


def not_root(path: str) -> str:
    """Return the path unless it is the root. Raises NotAllowed."""
    if not path:
        raise NotAllowed("the root of the inbox stays as it is")
    return path
