"""Run export as a process of the real stack."""

import sys

from services.export.settings import ExportSettings
from services.export.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(ExportSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("export", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
