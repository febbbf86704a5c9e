"""Make docs/explanation/faults.md of what the fault tests found (`build/faults.json`): the end of `make faults`."""

import json
from pathlib import Path
from typing import Any

FIGURES = Path("build/faults.json")
PAGE = Path(__file__).parent / "explanation" / "faults.md"

_TOP = """<!-- made by docs/faults.py from the figures of a run; `make faults` makes it anew -->

# Nothing lost, nothing twice

Servers go away, processes are stopped, killed and frozen, and messages come twice, too early or wrong, while files are
on their way through the pipeline. Each file must get ready exactly once: no body missing or changed in archive and
backup, each step's event and each message to Central EGA once. These are the figures of a run on one machine, or of its
parts one after the other; how much each part did is in the columns.

| fault | times | files | in flight | lost | doubled | recovery, s |
|---|---:|---:|---:|---:|---:|---:|
"""

_COLUMNS = """
- **times**: how often the fault struck; **files**: how many were sent in the course of it.
- **in flight**: files not ready when the fault was over; of a fault that struck several times, the least number of
  files not ready at any of these times.
- **lost**: files not `ready` in the end. **doubled**: files with an event `archived`, `verified` or `ready` more than
  once, or with more than one different message `completed`.
- **recovery**: from the end of the (last) fault until the next file is ready.

At the end, the bodies of all files in archive and backup are compared with what was sent, and no message may be owed,
no lease held, no dead letter kept, and no queue hold anything.
"""

_COUNTS = """
## Every place, every order

| what | how many |
|---|---:|
"""

_BOTTOM = """
- **Crash points**: every effect of the node (commit, publish, settle, lease, request to a store) is numbered; the
  process is ended before and after each of them in turn, and started again. What remains must be what a run without a
  crash leaves: states, events, checksums, messages by their meaning, objects; no lease and no unfinished upload.
- **Random histories**: uploads, renames, removals, triggers, cancellations, accession ids, mappings, releases,
  redeliveries, replays, crashes and expired leases in random order, each step compared with a small model of the legal
  states.

## Method

The tests are `tests/faults`. `load` runs the services as processes, each in several replicas, on RabbitMQ, PostgreSQL
and MinIO servers of its own, which it stops, kills and freezes; a proxy before the S3 server answers with errors, cuts
bodies and slows them down, so that work is under way when a process ends. Delays between attempts and leases are
shorter than in service (1 s and 5 s), so recovery times are those of the flow, not of the patience that one
configures. Twenty of a hundred kilobytes to one of nine megabytes is the mix of files.

To repeat it, from a checkout: `make faults` at full length (hours on two cores), `make test` in the short form, or a
part: `FAULTS=all .venv/bin/python -m pytest tests/faults/load`, then `.venv/bin/python docs/faults.py`.
"""


def page(figures: dict[str, Any]) -> str:
    """Return the page; `figures` as tests/faults/figures.py keeps them."""
    rows = "".join(_row(row) for row in figures["faults"].values())
    counts = "".join(f"| {what} | {sum(numbers.values()):,} |\n" for what, numbers in sorted(figures["counts"].items()))
    return _TOP + rows + _COLUMNS + (_COUNTS + counts if counts else "") + _BOTTOM


def _row(row: dict[str, Any]) -> str:
    figures = f"{row['files']} | {row['in_flight']} | {row['lost']} | {row['doubled']} | {row['recovery']:.1f}"
    return f"| {row['fault']} | {row['times']} | {figures} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(json.loads(FIGURES.read_text(encoding="utf-8"))), encoding="utf-8")
