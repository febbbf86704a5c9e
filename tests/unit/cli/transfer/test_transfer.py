"""What uploads and downloads share."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.transfer.endings import Interrupted, Unfinished
from services.cli.transfer.journal import journal_at
from services.cli.transfer.patience import Patience, TryLater
from services.cli.transfer.report import PeopleReport, ProgramReport
from services.cli.transfer.together import Buffers, all_of
from shared.errors import TransientError, UserError


class Failing:
    """Fails so many times, and then returns how often it was called."""

    def __init__(self, times: int, error: TransientError) -> None:
        self.times, self.error, self.called = times, error, 0

    def __call__(self) -> int:
        self.called += 1
        if self.called <= self.times:
            raise self.error
        return self.called


def test_what_passes_is_tried_again_with_growing_pauses() -> None:
    pauses: list[float] = []
    patience = Patience(timedelta(minutes=1), lambda _, seconds: pauses.append(seconds))
    assert patience.call(Failing(2, TransientError("away"))) == 3
    assert 0.3 < pauses[0] <= 0.5 < pauses[1] <= 1


def test_patience_ends_without_waiting_for_what_is_beyond_its_limit() -> None:
    patience = Patience(timedelta(seconds=5), lambda *_: None)
    began = time.monotonic()
    with pytest.raises(Unfinished, match="the store is away; run the same command again"):
        patience.call(Failing(1, TryLater("the store is away", 3600)))
    assert time.monotonic() < began + 1


def test_a_server_that_says_how_long_is_believed() -> None:
    pauses: list[float] = []
    patience = Patience(timedelta(minutes=1), lambda _, seconds: pauses.append(seconds))
    patience.call(Failing(1, TryLater("busy", 0.9)))
    assert pauses == [0.9]


def test_a_stop_ends_those_who_wait() -> None:
    waiting = threading.Event()
    patience = Patience(timedelta(hours=1), lambda *_: waiting.set())
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(patience.call, Failing(1, TryLater("busy", 600)))
        assert waiting.wait(10)
        patience.stop()
        with pytest.raises(Interrupted):
            call.result(10)
    with pytest.raises(Interrupted):
        patience.call(Failing(0, TransientError()))


def test_other_errors_are_not_tried_again() -> None:
    patience = Patience(timedelta(hours=1), lambda *_: None)
    with pytest.raises(ZeroDivisionError):
        patience.call(lambda: 1 // 0)


LINES = st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9)), max_size=5)


@given(LINES, st.integers(0, 40))
def test_a_journal_keeps_all_lines_but_one_that_was_torn(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, object]], torn: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "a.journal"
    with journal_at(path) as journal:
        journal.begin({"head": 1})
        for line in lines:
            journal.add(line)
    whole = path.read_bytes()
    path.write_bytes(whole + json.dumps({"torn": "x" * 40}).encode()[:torn])
    with journal_at(path) as journal:
        assert journal.lines == [{"head": 1}, *lines]
        journal.add({"after": 1})
    with journal_at(path) as journal:
        assert journal.lines == [{"head": 1}, *lines, {"after": 1}]
        journal.begin({"head": 2})
    assert path.read_text() == '{"head": 2}\n'


def test_a_journal_is_its_owners_alone_and_open_once(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with journal_at(path) as journal:
        journal.begin({"head": 1})
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(UserError, match="another process"), journal_at(path):
            pass
    with journal_at(path) as journal:
        journal.drop()
        with journal_at(path) as other:
            assert other.lines == []
    assert not path.exists()


def test_a_journal_that_nothing_was_written_to_is_not_left_behind(tmp_path: Path) -> None:
    with journal_at(tmp_path / "a.journal"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_journal_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "a.journal").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), journal_at(tmp_path / "a.journal"):
        pass


def test_all_results_come_in_order_and_the_first_error_ends_it() -> None:
    done: list[int] = []

    def work(number: int) -> int:
        time.sleep(0.01)
        done.append(number)
        return 10 // (number - 7)

    with ThreadPoolExecutor(2) as pool:
        assert all_of(pool, (partial(work, number) for number in range(5))) == [-2, -2, -2, -3, -4]
        with pytest.raises(ZeroDivisionError):
            all_of(pool, (partial(work, number) for number in range(5, 99)))
    assert len(done) < 30


def test_the_limit_of_memory_is_never_exceeded_but_by_one_alone() -> None:
    buffers, lock, used, most = Buffers(10), threading.Lock(), [0], [0]

    def take(size: int) -> None:
        with buffers.of(size) as memory:
            assert len(memory) == size
            memory[:] = bytes([size]) * size
            with lock:
                used[0] += size
                most[0] = max(most[0], used[0])
                assert used[0] <= 10 or used[0] == size
            time.sleep(0.002)
            assert bytes(memory) == bytes([size]) * size
            with lock:
                used[0] -= size

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, [3, 4, 5, 25, 1, 9, 2, 6] * 3))
    assert most[0] == 25


def test_a_program_gets_a_line_for_each_event(capsys: pytest.CaptureFixture[str]) -> None:
    report = ProgramReport()
    meter = report.begun("a", 10, done=4)
    report.moved(meter, 2)
    report.ended(meter)
    report.outcome({"file": "a", "outcome": "uploaded"}, "a is there")
    report.beside("waiting", "away", seconds=2)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "begun", "file": "a", "size": 10, "done": 4},
        {"event": "outcome", "file": "a", "outcome": "uploaded"},
        {"event": "waiting", "seconds": 2, "message": "away"},
    ]


def test_people_get_sentences_and_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    with PeopleReport() as report:
        report.total(10)
        meter = report.begun("a\x1b[2J", 10)
        report.moved(meter, 10)
        report.ended(meter)
        report.outcome({}, "a\x1b[2J is there")
        report.beside("waiting", "away")
    out, err = capsys.readouterr()
    assert out == "a\ufffd[2J is there\n"
    assert err == "note: away\n"
