"""Run finalize as a process of the real stack."""

import sys

from services.finalize.settings import FinalizeSettings
from services.finalize.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(FinalizeSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("finalize", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
