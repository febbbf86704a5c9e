"""Real: whichever effect the process ends at, what is left in the end is what a run without faults leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.crash.driving import cover, refer
from tests.faults.crash.nursery import Nursery
from tests.faults.crash.real_world import RealWorld
from tests.faults.crash.sample import sample
from tests.faults.crash.stories import STORIES
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.node.ground import Servers


@pytest.mark.parametrize("name", STORIES)
def test_crash_at_any_effect_changes_nothing(
    name: str,
    nursery: Nursery,
    tmp_path: Path,
    rabbitmq: RabbitMQ,
    postgres: PostgresServer,
    minio: S3Server,
    migrated_template: str,
    record_property: Callable[[str, object], None],
) -> None:
    servers = Servers(rabbitmq=rabbitmq, postgres=postgres, minio=minio)
    with RealWorld(tmp_path, STORIES[name], servers, migrated_template) as world:
        reference = refer(world, nursery)
        points, seed = sample(reference.points)
        record_property("crash seed", seed)
        covered = cover(world, nursery, reference, points)
    record_property("crash points", covered)
    assert covered >= len(points) // 2
