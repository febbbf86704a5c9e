"""Run mapper as a process of the real stack."""

import sys

from services.mapper.settings import MapperSettings
from services.mapper.wiring import assemble
from shared.service import ServerSettings
from shared.service import main as serve


class ServiceSettings(MapperSettings, ServerSettings):
    """All that the process needs to know."""


def main() -> int:
    """Run until a signal comes; return the exit code."""
    return serve("mapper", ServiceSettings, assemble)


if __name__ == "__main__":
    sys.exit(main())
