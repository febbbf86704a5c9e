"""Commit units of work, several in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.broker.topology import EMBEDDED_QUEUES
from shared.broker.unit import Effect, Unit
from shared.database.engine import Conflict, Database
from shared.database.sets import Values
from shared.database.statements import SEND, Statement, run_all

Routing = Callable[[Effect], Effect | None]
"""What a `SEND` becomes: itself, one for another queue, or nothing."""

_EMBEDDED = frozenset(queue.name for queue in EMBEDDED_QUEUES)


def to_exchange(effect: Effect) -> Effect:
    """Leave it to the exchange, which knows the queues."""
    return effect


def to_local_queue(effect: Effect) -> Effect | None:
    """Do the exchange's work where there is none: each key has the queue of its name, or none."""
    if effect.values["queue"] is not None:
        return effect
    key = effect.values["routing_key"]
    return Effect(SEND, {**effect.values, "queue": key}) if key in _EMBEDDED else None


class UnitWriter:
    """Writes groups of units to a database."""

    def __init__(self, database: Database, routing: Routing) -> None:
        self._database = database
        self._routing = routing

    def write(self, units: Sequence[Unit]) -> None:
        """Write all units in one transaction; raises Conflict (then none is written) or DatabaseAway."""
        with self._database.write() as connection:
            groups = self._grouped(units)
            for (statement, values), touched in zip(groups, run_all(connection, groups), strict=True):
                if statement.conditional and touched != len(values):
                    raise Conflict

    def _grouped(self, units: Sequence[Unit]) -> list[tuple[Statement, Values]]:
        groups: dict[Statement, list[Mapping[str, Any]]] = {}
        for unit in units:
            for effect in unit.effects:
                routed = self._routing(effect) if effect.statement is SEND else effect
                if routed is not None:
                    groups.setdefault(routed.statement, []).append(routed.values)
        return sorted(groups.items(), key=lambda group: group[0].order)
