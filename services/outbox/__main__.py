"""Run outbox as a process of the real stack."""

import sys

from services.outbox.settings import OutboxSettings
from services.outbox.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(OutboxSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("outbox", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
