"""The metrics of the inbox; no label names a person."""

from prometheus_client import Counter, Gauge

SESSIONS = Gauge("strongroom_inbox_sessions", "SFTP sessions that are open.")
LOGINS = Counter("strongroom_inbox_logins_total", "Log-ins, by outcome: key, password, refused.", ["outcome"])
EVICTIONS = Counter("strongroom_inbox_evictions_total", "Connections ended because their user may not log in any more.")
UPLOADS = Counter(
    "strongroom_inbox_uploads_total",
    "Uploads, by outcome: finished, recovered, interrupted, resumed, abandoned.",
    ["outcome"],
)
RECEIVED = Counter("strongroom_inbox_received_bytes_total", "Bytes of files received.")
S3_REQUESTS = Counter(
    "strongroom_inbox_s3_requests_total",
    "S3 requests, by operation and outcome: ok, or S3's code.",
    ["operation", "outcome"],
)
