"""The metrics of the download side."""

from prometheus_client import Counter, Histogram

DOWNLOADS = Counter("strongroom_downloads_total", "Downloads that began, by how they ended.", ["outcome"])
SENT = Counter("strongroom_download_bytes_total", "Bytes of headers and bodies sent to readers.")
SECONDS = Histogram(
    "strongroom_download_seconds",
    "Time from the request to the last byte, by how the download ended.",
    ["outcome"],
    buckets=(0.01, 0.05, 0.2, 1, 5, 20, 60, 300, 1800, 7200, 43200),
)
REFUSALS = Counter("strongroom_outbox_refusals_total", "Requests answered with a problem, by its code.", ["code"])
