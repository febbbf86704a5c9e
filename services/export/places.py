"""Where the files of an export are: `<export id>/<file id>/<path>`.

Two files of a dataset may have the same path, so each has a folder of its own. No user's name is in it; what a key
cannot hold of a path is written as `_`.
"""

import re

from shared.storage.port import ObjectStore

_UNFIT = re.compile(r"^\.|[^A-Za-z0-9._-]")
_LONGEST_SEGMENT = 200
_LONGEST = 1024


def folder(export: str, file: str = "") -> str:
    """Return what the keys of an export, or of one file of it, begin with."""
    return f"{export}/{file}/" if file else f"{export}/"


def key_of(export: str, file: str, path: str) -> str:
    """Return the key of a file; of a path that is too long only the end."""
    segments = [_UNFIT.sub("_", part[-_LONGEST_SEGMENT:]) for part in path.split("/") if part]
    while len(key := folder(export, file) + "/".join(segments)) > _LONGEST:
        del segments[0]
    return key


def clear(store: ObjectStore, prefix: str) -> None:
    """Delete all objects below a prefix, and what unfinished work has left there. Raises what the store raises."""
    for upload in list(store.unfinished_uploads()):
        if upload.key.startswith(prefix):
            store.abort_upload(upload.key, upload.upload_id)
    for key in list(store.list(prefix)):
        store.delete(key)
