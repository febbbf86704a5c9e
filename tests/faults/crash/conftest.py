"""The process that forks nodes; one for each worker of a test run."""

from collections.abc import Iterator

import pytest

from tests.faults.crash.nursery import Nursery


@pytest.fixture(scope="session")
def _nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def nursery(_nursery: Nursery) -> Iterator[Nursery]:
    """Where nodes come from; none is left after a test."""
    yield _nursery
    _nursery.clear()
