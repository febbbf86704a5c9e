"""Run login as a process of the real stack."""

import sys

from services.login.settings import LoginSettings
from services.login.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(LoginSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("login", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
