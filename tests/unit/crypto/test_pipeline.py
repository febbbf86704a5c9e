"""The scheduler by itself: order, exclusion and errors."""

import threading
from collections.abc import Callable

import pytest

from shared.crypto.pipeline import Pipeline, Stage
from tests.unit.crypto.kit import some_cores

BATCHES = 40


class Slot:
    number = -1


class Trace:
    """Notes what ran and fails the test when a stage overlaps with itself."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, int]] = []
        self._running: set[str] = set()

    def note(self, name: str, slot: Slot) -> None:
        assert name not in self._running
        self._running.add(name)
        self.ran.append((name, slot.number))
        self._running.discard(name)

    def batches(self, name: str) -> list[int]:
        return [batch for stage, batch in self.ran if stage == name]


def build(trace: Trace, *, batches: int = BATCHES, failing: Callable[[str, int], None] | None = None) -> Pipeline[Slot]:
    def work(name: str) -> Callable[[Slot], None]:
        def run(slot: Slot) -> None:
            if failing is not None:
                failing(name, slot.number)
            trace.note(name, slot)

        return run

    filled = iter(range(batches))

    def fill(slot: Slot) -> bool:
        slot.number = next(filled)
        work("fill")(slot)
        return slot.number + 1 < batches

    first = Stage(work=work("first"))
    second = Stage(work=work("second"), after=first)
    return Pipeline(make_slot=Slot, fill=fill, stages=[Stage(work=work("aside")), first, second])


def run(pipeline: Pipeline[Slot], cores: int) -> None:
    with some_cores(cores) as lent:
        pipeline.run(lent)


@pytest.mark.parametrize("cores", [0, 1, 2, 4])
def test_each_stage_sees_each_batch_once_and_in_order(cores: int) -> None:
    trace = Trace()
    run(build(trace), cores)
    for name in ("fill", "aside", "first", "second"):
        assert trace.batches(name) == list(range(BATCHES))
    for batch in range(BATCHES):
        assert trace.ran.index(("first", batch)) < trace.ran.index(("second", batch))


def test_slow_stage_holds_up_the_filling_after_three_slots() -> None:
    trace = Trace()
    pipeline = build(trace)
    pipeline._busy[1] = True
    while (stage := next(filter(pipeline._is_ready, (3, 2, 0)), None)) is not None:
        pipeline._perform(stage)
    assert trace.batches("fill") == trace.batches("second") == [0, 1, 2]


@pytest.mark.parametrize(("batches", "cores"), [(1, 2), (BATCHES, 0)])
def test_single_batch_and_work_without_cores_start_no_thread(
    monkeypatch: pytest.MonkeyPatch, batches: int, cores: int
) -> None:
    def start(thread: threading.Thread) -> None:
        raise AssertionError(f"{thread} was started")

    monkeypatch.setattr(threading.Thread, "start", start)
    trace = Trace()
    run(build(trace, batches=batches), cores)
    assert trace.batches("second") == list(range(batches))


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_no_slot_is_filled_before_all_stages_are_done_with_it(cores: int) -> None:
    trace = Trace()
    run(build(trace), cores)
    for batch in range(3, BATCHES):
        filled = trace.ran.index(("fill", batch))
        assert all(trace.ran.index((name, batch - 3)) < filled for name in ("aside", "first", "second"))


@pytest.mark.parametrize("cores", [0, 1, 2, 4])
@pytest.mark.parametrize("stage", ["fill", "aside", "first", "second"])
@pytest.mark.parametrize("batch", [0, 7, BATCHES - 1])
def test_first_error_ends_all_workers(stage: str, batch: int, cores: int) -> None:
    error, before = OSError("broken"), threading.active_count()

    def failing(name: str, number: int) -> None:
        if (name, number) == (stage, batch):
            raise error

    with pytest.raises(OSError, match="broken") as caught:
        run(build(Trace(), failing=failing), cores)
    assert caught.value is error
    assert threading.active_count() == before
