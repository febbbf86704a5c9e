"""How long the random histories are."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog

ALL = os.environ.get("FAULTS") == "all"


@pytest.fixture(scope="session")
def effort() -> int:
    """1, or 10 if all faults are asked for: `make faults`."""
    return 10 if ALL else 1


@pytest.fixture(scope="module", autouse=True)
def few_words() -> Iterator[None]:
    """Hundreds of histories would fill the report of a failure with their logs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()
