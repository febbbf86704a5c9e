"""Whatever happens to an embedded node, in whatever order: its files and datasets are those of the model."""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared.crypto.keys import write_key_pair
from shared.database.migrate import upgrade
from tests.faults.figures import Count
from tests.faults.model.contents import CONTENTS, KEY
from tests.faults.model.history import LONG_AGO, History, Work
from tests.faults.model.stepping import SteppedNode, small_is_large
from tests.faults.model.values import Message

T = TypeVar("T")
PATHS = ("a.c4gh", "b.c4gh")
ACCESSIONS = ("F-1", "F-2", "F-3")
DATASETS = ("D-1", "D-2")
MEMORY = Path("/dev/shm")
EXAMPLES, STEPS = 150, 60


class EmbeddedMachine(RuleBasedStateMachine):
    """Submitters, Central EGA, staff, workers and accidents."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = tempfile.mkdtemp(prefix="strongroom-model-", dir=MEMORY if MEMORY.is_dir() else None)
        self._stack.callback(shutil.rmtree, folder)
        self._stack.enter_context(small_is_large())
        root = Path(folder)
        shutil.copy(self.template / "strongroom.db", root)
        stores: dict[str, Any] = {name: f"dir:{root / name}" for name in ("inbox", "archive", "backup")}
        options = {"archive_keys": (self.template / "archive.sec",), "mapping_patience": LONG_AGO.total_seconds() / 2}
        node = SteppedNode(root, stores | options)
        self._stack.callback(node.close)
        self.history = History(node)

    def teardown(self) -> None:
        with self._stack:
            self.history.end()

    # ---- submitters

    @rule(path=st.sampled_from(PATHS), content=st.sampled_from(list(CONTENTS)))
    def upload(self, path: str, content: str) -> None:
        self.history.finish(self.history.begin(path, CONTENTS[content], store=True))

    @rule(path=st.sampled_from(PATHS), content=st.sampled_from(list(CONTENTS)), store=st.booleans())
    def begin(self, path: str, content: str, store: bool) -> None:
        self.history.begin(path, CONTENTS[content], store=store)

    @rule()
    def reconcile(self) -> None:
        self.history.reconcile()

    @rule(old=st.sampled_from(PATHS), new=st.sampled_from(PATHS))
    def rename(self, old: str, new: str) -> None:
        self.history.rename(old, new)

    @rule(path=st.sampled_from(PATHS))
    def remove(self, path: str) -> None:
        self.history.remove(path)

    # ---- Central EGA and staff

    @precondition(lambda self: self.history.model.files)
    @rule(data=st.data(), kind=st.sampled_from(("ingest", "ingest", "cancel")), cega=st.booleans(), known=st.booleans())
    def trigger(self, data: st.DataObject, kind: str, cega: bool, known: bool) -> None:
        file = self._one(data, list(self.history.model.files.values()))
        queue = "from_cega" if cega else "ingest"
        self.history.send(Message(queue, kind, file=file.id if known else None, path=file.path))

    @precondition(lambda self: self.history.model.files)
    @rule(data=st.data(), accession=st.sampled_from(ACCESSIONS), cega=st.booleans())
    def give_accession(self, data: st.DataObject, accession: str, cega: bool) -> None:
        file = self._one(data, list(self.history.model.files.values()))
        queue = "from_cega" if cega else "accession"
        self.history.send(Message(queue, "accession", file=file.id, path=file.path, accession=accession))

    @rule(dataset=st.sampled_from(DATASETS), names=st.sets(st.sampled_from(ACCESSIONS), min_size=1))
    def map(self, dataset: str, names: set[str]) -> None:
        self.history.send(Message("mappings", "mapping", dataset=dataset, names=tuple(sorted(names))))

    @rule(dataset=st.sampled_from(DATASETS), kind=st.sampled_from(("release", "deprecate")))
    def change_dataset(self, dataset: str, kind: str) -> None:
        self.history.send(Message("mappings", kind, dataset=dataset))

    @rule()
    def tell_what_nobody_understands(self) -> None:
        self.history.send(Message("from_cega", "dac"))

    @precondition(lambda self: self.history.model.dead)
    @rule()
    def replay(self) -> None:
        self.history.replay()

    # ---- workers

    @precondition(lambda self: self.history.free)
    @rule(data=st.data(), count=st.integers(1, 4))
    def deliver(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            if self.history.free:
                work = self.history.take(self._one(data, self.history.free))
                self.history.go_on(work)

    @precondition(lambda self: self.history.free)
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        self.history.take(self._one(data, self.history.free))

    @precondition(lambda self: self.history.works)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        self.history.go_on(self._one(data, self.history.works))

    # ---- accidents

    @precondition(lambda self: self._ready_to_commit())
    @rule(data=st.data())
    def database_is_away_at_a_commit(self, data: st.DataObject) -> None:
        self.history.lose(self._one(data, self._ready_to_commit()))

    @precondition(lambda self: self.history.free)
    @rule(data=st.data(), requests=st.integers(0, 3))
    def die(self, data: st.DataObject, requests: int) -> None:
        self.history.die(self._one(data, self.history.free), requests)

    @rule()
    def crash(self) -> None:
        self.history.crash()

    @rule()
    def leases_expire(self) -> None:
        self.history.expire_leases()

    @precondition(lambda self: self.history.free)
    @rule(data=st.data())
    def come_twice(self, data: st.DataObject) -> None:
        self.history.duplicate(self._one(data, self.history.free))

    @precondition(lambda self: self.history.free)
    @rule(data=st.data())
    def grow_old(self, data: st.DataObject) -> None:
        self.history.grow_old(self._one(data, self.history.free))

    @invariant()
    def node_is_as_the_model(self) -> None:
        self.history.check()

    def _ready_to_commit(self) -> list[Work]:
        return [work for work in self.history.works if work.anew is None]

    def _one(self, data: st.DataObject, things: Sequence[T]) -> T:
        return things[data.draw(st.integers(0, len(things) - 1))]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty database and the archive's key."""
    folder = tmp_path_factory.mktemp("template")
    upgrade(f"sqlite:///{folder / 'strongroom.db'}")
    write_key_pair(KEY, folder / "archive.sec", folder / "archive.pub", None)
    return folder


def test_every_history_of_an_embedded_node_is_one_of_the_model(template: Path, effort: int, count: Count) -> None:
    EmbeddedMachine.template = template
    chosen = settings(
        max_examples=EXAMPLES * effort,
        stateful_step_count=STEPS,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(EmbeddedMachine, settings=chosen)
    count("random histories of up to 60 steps, embedded", EXAMPLES * effort)
