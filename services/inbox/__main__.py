"""Run inbox as a process of the real stack."""

import sys

from services.inbox.settings import InboxSettings
from services.inbox.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(InboxSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("inbox", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
