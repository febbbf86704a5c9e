"""The metrics of the exports."""

from prometheus_client import Counter

FILES = Counter("strongroom_export_files_total", "Files of exports that were decided, by how.", ["state"])
SENT = Counter("strongroom_export_bytes_total", "Bytes of headers and bodies written for readers.")
REMOVED = Counter("strongroom_exports_removed_total", "Exports removed with all that was written of them.")
