"""A random history on RabbitMQ, PostgreSQL and MinIO: after each action the node comes to rest as the model does."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from shared.crypto.keys import write_key_pair
from shared.database.engine import Database
from shared.storage.settings import S3Settings, open_store
from tests.contract.broker.real import RealFlow
from tests.faults.figures import Count
from tests.faults.model.contents import CONTENTS, KEY
from tests.faults.model.real import RealHistory
from tests.faults.model.values import Message
from tests.stack import s3
from tests.stack.handles import S3Server

ACTIONS = 160
PATHS = ("a.c4gh", "b.c4gh")
DATASETS = ("D-1", "D-2")
TOLD = ("inbox", "verified", "completed", "error")


@pytest.fixture
def history(migrated_database: str, vhost: str, minio: S3Server, tmp_path: Path) -> Iterator[RealHistory]:
    prefix = f"model-{os.urandom(6).hex()}"
    buckets = {name: f"{prefix}-{name}" for name in ("inbox", "archive", "backup")}
    for bucket in buckets.values():
        s3.client(minio).make_bucket(bucket)
    write_key_pair(KEY, tmp_path / "archive.sec", tmp_path / "archive.pub", None)
    account = {"endpoint": minio.endpoint, "access_key": minio.access_key, "secret_key": minio.secret_key}
    stores = {name: open_store(f"s3://{bucket}", S3Settings(**account)) for name, bucket in buckets.items()}
    settings = {name: f"s3://{bucket}" for name, bucket in buckets.items()} | {
        f"s3_{name}": value for name, value in account.items()
    }
    settings |= {"archive_keys": (tmp_path / "archive.sec",), "mapping_patience": 0}  # type: ignore[dict-item]
    with closing(Database(migrated_database)) as database:
        made = RealHistory(RealFlow(database, vhost), stores, settings)
        try:
            yield made
        finally:
            made.stop()
    for bucket in buckets.values():
        s3.delete_bucket(minio, bucket)


class Player:
    """Chooses what happens next."""

    def __init__(self, history: RealHistory, random: Random) -> None:
        self._history = history
        self._random = random
        self._accessions = 0
        common = (self.upload, self.trigger, self.trigger, self.give_accession, self.give_accession, self.map)
        rare = (self.rename, self.remove, self.cancel, self.change_dataset, self.odd, self.replay, self.restart)
        self._actions = (*common, *common, *rare)

    def step(self) -> None:
        self._random.choice(self._actions)()
        self._history.rest()

    def upload(self) -> None:
        self._history.upload(self._random.choice(PATHS), self._random.choice(list(CONTENTS.values())))

    def rename(self) -> None:
        self._history.rename(*self._random.sample(PATHS, 2))

    def remove(self) -> None:
        self._history.remove(self._random.choice(PATHS))

    def trigger(self, kind: str = "ingest") -> None:
        files = list(self._history.model.files.values())[-4:]
        if files:
            file = self._random.choice(files)
            known = file.id if self._random.random() < 0.7 else None
            queue = self._random.choice(("ingest", "from_cega"))
            self._history.send(Message(queue, kind, file=known, path=file.path), times=self._random.choice((1, 1, 2)))

    def cancel(self) -> None:
        self.trigger("cancel")

    def give_accession(self) -> None:
        files = [file for file in self._history.model.files.values() if not self._history.pending(file)][-4:]
        if files:
            file = self._random.choice(files)
            accession = f"F-{self._random.randint(1, 6)}"
            self._history.send(Message("accession", "accession", file=file.id, path=file.path, accession=accession))

    def map(self) -> None:
        held = sorted(file.accession for file in self._history.model.files.values() if file.accession)
        names = self._random.sample([*held, "F-1"], 1)
        dataset = self._random.choice(DATASETS)
        self._history.send(Message("mappings", "mapping", dataset=dataset, names=tuple(names)))

    def change_dataset(self) -> None:
        kind = self._random.choice(("release", "deprecate"))
        self._history.send(Message("mappings", kind, dataset=self._random.choice(DATASETS)), times=2)

    def odd(self) -> None:
        self._history.send(Message("from_cega", "dac"))

    def replay(self) -> None:
        self._history.replay()

    def restart(self) -> None:
        self._history.stop()
        self._history.start()


def test_a_random_history_on_the_real_stack_is_one_of_the_model(
    history: RealHistory, effort: int, count: Count
) -> None:
    seed = int(os.environ.get("SEED", "0")) or int.from_bytes(os.urandom(4))
    print(f"to play this again: SEED={seed}")  # noqa: T201
    player = Player(history, Random(seed))
    for _ in range(ACTIONS * effort):
        player.step()
    history.stop()
    assert Counter(message for queue in TOLD for message in history.taken(queue)) == Counter(history.told)
    count("random actions, real stack", ACTIONS * effort)
