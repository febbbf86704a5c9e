"""One small file alone, from its trigger to ready: batching must not make it wait."""

from tests.benchmarks.central import CentralEga
from tests.benchmarks.floor import laid
from tests.benchmarks.ground import bench_node
from tests.benchmarks.measure import Amount, Figures, Ratio, Spread, quotients, rounds

FILES = 25
METHOD = f"""\
{FILES} files of 64 KiB, one after the other: each is triggered when the one before is ready. Beside it the same on
the floor, which gathers nothing and so waits for nothing. Gathering units of work for a common commit may take 20 ms
in each of three services; it must end as soon as no other delivery is under way.
"""


def run() -> Figures:
    """Let files through the pipeline and over the floor, one at a time, in turn."""
    with bench_node() as node:
        uploads = node.inbox.put_small(FILES)
        with CentralEga(node.broker) as central, laid(node.ground.servers, FILES) as floor:
            ours, beside = iter(uploads), iter(floor.files)
            taken = rounds(
                {
                    "pipeline": lambda: central.send_through([next(ours)]),
                    "floor": lambda: floor.send_through([next(beside)]),
                },
                FILES,
            )
    return Figures(
        title="A lone file",
        method=METHOD,
        ratios=[
            Ratio(
                name="time from trigger to ready, of the floor's",
                spread=quotients(taken["pipeline"], taken["floor"]),
                at_most=True,
            )
        ],
        amounts=[
            Amount(name=name, unit="ms", spread=Spread.of([value * 1000 for value in values]))
            for name, values in taken.items()
        ],
    )
