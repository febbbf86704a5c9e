"""All files of one command."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeAlias

from services.cli.transfer.endings import Ending
from services.cli.transfer.patience import Patience
from services.cli.transfer.report import Report
from services.cli.upload.records import SentFile
from services.cli.upload.send import Came, Sender
from services.cli.upload.sources import Source
from shared.errors import ConfigurationError, StrongroomError

Sending: TypeAlias = "Future[tuple[Came, SentFile]]"

FAILED = "failed"

_SENTENCES = {
    Came.UPLOADED: "{path} -> {key}",
    Came.SENT_BEFORE: "{path} -> {key}: is there, sent before",
    Came.TAKEN: "{path} -> {key}: was sent before, and is not in the inbox any more; --again sends it once more",
}


def send_all(sources: Sequence[Source], sender: Sender, patience: Patience, *, at_once: int) -> Counter[str]:
    """Send all files, several at once, and return how many came out how.

    A file that can't be sent is told and counted, and the others go on. Raises Ending and ConfigurationError, which
    are about all of them, when no thread is at work any more.
    """
    tally: Counter[str] = Counter()
    with ThreadPoolExecutor(at_once, thread_name_prefix="file") as files:
        sendings = {files.submit(sender.send, source): source for source in sources}
        try:
            for sending in as_completed(sendings):
                tally[_told(sending, sendings[sending], sender.report)] += 1
        except BaseException:
            patience.stop()
            files.shutdown(cancel_futures=True)
            raise
    return tally


def _told(sending: Sending, source: Source, report: Report) -> str:
    """Tell what came of a file, and return it in a word."""
    named = {"file": str(source.path), "key": source.key}
    try:
        came, sent = sending.result()
    except (Ending, ConfigurationError):
        raise
    except (StrongroomError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        report.outcome({**named, "outcome": FAILED, "error": reason}, f"{source.path}: failed: {reason}")
        return FAILED
    record = {**named, "outcome": came.value, "size": sent.size, "sealed_size": sent.sealed_size, "etag": sent.etag}
    report.outcome(record, _SENTENCES[came].format(path=source.path, key=source.key))
    return came.value
