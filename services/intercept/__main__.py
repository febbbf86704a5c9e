"""Run intercept as a process of the real stack."""

import sys

from services.intercept.settings import InterceptSettings
from services.intercept.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(InterceptSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("intercept", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
