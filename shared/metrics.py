"""The metrics of the message flow. Those of the stores are in shared/storage/metered.py."""

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter("strongroom_deliveries_total", "Deliveries settled, by queue and outcome.", ["queue", "outcome"])
HANDLER_SECONDS = Histogram(
    "strongroom_handler_seconds",
    "Time from taking a delivery to a decided unit of work.",
    ["queue"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 1800, 7200),
)
IN_FLIGHT = Gauge("strongroom_deliveries_in_flight", "Deliveries being handled.", ["queue"])
COMMITS = Counter("strongroom_commits_total", "Transactions of the group commit.")
COMMITTED_UNITS = Counter("strongroom_committed_units_total", "Units of work committed.")
COMMIT_SECONDS = Histogram("strongroom_commit_seconds", "Time of a group commit.")
PUBLISHED = Counter("strongroom_published_total", "Messages confirmed by the broker.", ["routing_key"])
PAUSED = Gauge("strongroom_paused", "1 while the database is away and nothing is consumed.", ["queue"])
