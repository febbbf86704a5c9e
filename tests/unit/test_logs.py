"""Log lines: one JSON object each, with the service and the file they are about."""

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, structlog
from shared import logs
logs.configure("ingest", level="INFO")
log = structlog.get_logger("a")
structlog.contextvars.bind_contextvars(queue="ingest", correlation_id="5b1d6a3e")
log.info("one", file_id="f")
log.debug("never seen")
logging.getLogger("some.library").warning("two %s", 2)
logging.getLogger("pika").warning("never seen")
structlog.contextvars.clear_contextvars()
try:
    1 / 0
except ZeroDivisionError:
    log.exception("three")
log.info("four", odd="\\ud800 \\x00 \\n", value=object)
"""


def lines() -> list[dict[str, Any]]:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert not run.stdout
    return [json.loads(line) for line in run.stderr.splitlines()]


def test_every_line_is_json_with_the_service_and_what_it_is_about() -> None:
    one, two, three, four = lines()
    for line in (one, two, three, four):
        assert line["service"] == "ingest"
        assert line["timestamp"].endswith("Z")
        assert line["level"] in {"info", "warning", "error"}
    assert (one["event"], one["file_id"], one["correlation_id"], one["queue"]) == ("one", "f", "5b1d6a3e", "ingest")
    assert (two["event"], two["correlation_id"]) == ("two 2", "5b1d6a3e")
    assert "ZeroDivisionError" in three["exception"]
    assert "correlation_id" not in three
    assert four["event"] == "four"
