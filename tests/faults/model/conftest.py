"""How long the random histories are."""

import os

import pytest


@pytest.fixture(scope="session")
def effort() -> int:
    """1, or 10 if all faults are asked for: `FAULTS=all make test`."""
    return 10 if os.environ.get("FAULTS") == "all" else 1
