"""Run orchestrate as a process of the real stack."""

import sys

from services.orchestrate.settings import OrchestrateSettings
from services.orchestrate.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(OrchestrateSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("orchestrate", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
