"""Times as programs read them."""

from datetime import UTC, datetime


def iso(at: datetime) -> str:
    """Write a time in UTC as ISO 8601, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
