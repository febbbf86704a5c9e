"""Run ingest as a process of the real stack."""

import sys

from services.ingest.settings import IngestSettings
from services.ingest.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(IngestSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("ingest", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
