"""Run verify as a process of the real stack."""

import sys

from services.verify.settings import VerifySettings
from services.verify.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(VerifySettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("verify", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
