"""What the process of a node is told, as it goes over a pipe."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

Side = Literal["before", "after"]


class Point(NamedTuple):
    """Where a process ends: at its effect of this number, counted from 1."""

    number: int
    side: Side


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file that a submitter uploads: `content` is the path of what is sent."""

    user: str
    path: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """A node to be run. `values` are settings; `resumes`: whether submitters go on with interrupted uploads."""

    database_url: str
    broker_url: str | None
    values: dict[str, Any]
    services: tuple[str, ...]
    uploads: tuple[Wanted, ...]
    log: str
    output: str
    point: Point | None = None
    resumes: bool = False

    def line(self) -> str:
        return json.dumps(asdict(self))


def parse(line: str) -> Task:
    """Read what `line` wrote."""
    read = json.loads(line)
    point = Point(*read["point"]) if read["point"] else None
    uploads = tuple(Wanted(**wanted) for wanted in read["uploads"])
    return Task(**{**read, "services": tuple(read["services"]), "point": point, "uploads": uploads})
