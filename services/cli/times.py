"""Times as staff write and read them."""

import re
from datetime import UTC, datetime, time, timedelta

import typer

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d{1,6})([smhd])")
_DATE = len("2027-01-31")


def duration(text: str, option: str) -> timedelta:
    """Read 30s, 15m, 1h or 7d; a number alone counts seconds. Raises BadParameter, which names the option."""
    match = _DURATION.fullmatch(text if not text.isdecimal() else f"{text}s")
    found = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not found:
        raise typer.BadParameter(f"{text!r} is no length of time: write it as 30s, 15m, 1h or 7d", param_hint=option)
    return found


def moment(text: str, option: str) -> datetime:
    """Read a date (its last moment, UTC), an ISO 8601 time (UTC if it names no zone), or a duration from now on.

    Raises BadParameter, which names the option.
    """
    if _DURATION.fullmatch(text):
        return datetime.now(UTC) + duration(text, option)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no time: write it as 2027-01-31, 2027-01-31T12:00:00Z or 30d"
        raise typer.BadParameter(message, param_hint=option) from None
    if len(text) <= _DATE:
        found = datetime.combine(found, time.max)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def age(since: datetime) -> str:
    """Write how long ago a time was, in its largest unit."""
    seconds = max(0, int((datetime.now(UTC) - since).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
