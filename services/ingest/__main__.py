"""Run ingest as a process of the real stack."""

import sys
from collections.abc import Iterable

from services.ingest.settings import IngestSettings
from services.ingest.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(IngestSettings, ServerSettings):
    """All that the process needs to know."""


def main(known: Iterable[str] = ()) -> int:
    """Run until a signal comes; return the exit code."""
    return serve("ingest", ServiceSettings, assemble, known)


if __name__ == "__main__":
    sys.exit(main())
