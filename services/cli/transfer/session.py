"""All files of one command."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.cli.output import Record
from services.cli.transfer.endings import Ending
from services.cli.transfer.patience import Patience
from services.cli.transfer.report import Report
from shared.errors import ConfigurationError, StrongroomError, UserError

FAILED = "failed"


class Item(Protocol):
    """A file to move."""

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    def record(self) -> Mapping[str, object]:
        """What a program needs to know which one it is."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What came of a file: in a word, as facts for a program, and as a sentence for people."""

    came: str
    facts: Record
    sentence: str


One = TypeVar("One", bound=Item)


def run_all(
    items: Sequence[One], work: Callable[[One], Outcome], report: Report, patience: Patience, *, at_once: int
) -> Counter[str]:
    """Do the work on all files, several at once, tell what came of each, and return how many came out how.

    A file that can't be done is told and counted, and the others go on. Raises Ending and ConfigurationError, which
    are about all of them, when no thread is at work any more.
    """
    tally: Counter[str] = Counter()
    with ThreadPoolExecutor(at_once, thread_name_prefix="file") as files:
        under_way = {files.submit(work, item): item for item in items}
        try:
            for future in as_completed(under_way):
                tally[_told(future, under_way[future], report)] += 1
        except BaseException:
            patience.stop()
            files.shutdown(cancel_futures=True)
            raise
    return tally


def conclude(tally: Counter[str]) -> None:
    """Raise UserError if files failed."""
    if tally[FAILED]:
        others = tally.total() - tally[FAILED]
        raise UserError(f"{tally[FAILED]} files failed, {others} did not; the lines above say why")


def _told(future: "Future[Outcome]", item: Item, report: Report) -> str:
    """Tell what came of a file, and return it in a word."""
    try:
        outcome = future.result()
    except (Ending, ConfigurationError):
        raise
    except (StrongroomError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        outcome = Outcome(FAILED, {"error": reason}, f"{item.label}: failed: {reason}")
    report.outcome({**item.record(), "outcome": outcome.came, **outcome.facts}, outcome.sentence)
    return outcome.came
