"""The stores under test; the servers themselves are the fixtures `minio` and `radosgw` of the whole test suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.storage.directory import DirectoryStore
from shared.storage.port import ObjectStore
from tests.contract.storage.kit import Bucket, Reopen, new_bucket


@pytest.fixture(params=["minio", "radosgw"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    with new_bucket(request.getfixturevalue(request.param)) as made:
        yield made


@pytest.fixture(params=["directory", "minio", "radosgw"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Makes stores on the same data, each as a new process would."""
    if request.param == "directory":
        yield lambda: DirectoryStore(tmp_path / "store", name="store")
    else:
        with new_bucket(request.getfixturevalue(request.param)) as made:
            yield made.store


@pytest.fixture
def store(reopen: Reopen) -> ObjectStore:
    return reopen()
