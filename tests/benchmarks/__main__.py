"""`python -m tests.benchmarks [NAME...]`: run benchmarks, print their tables, keep their figures as JSON."""

import argparse
from importlib import import_module

from tests.benchmarks import NAMES, machine
from tests.benchmarks.report import FILE, Record, table


def main() -> None:
    """Run what is named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; without a name all")
    record = Record(machine.facts(), machine.versions()).going_on()
    for name in parser.parse_args().names or NAMES:
        busy = machine.busy()
        figures = import_module(f"tests.benchmarks.{name}").run()
        print(table(figures))
        print(f"  others took {busy:.0%} of the processors when it began")
        record.keep(name, figures, busy=busy)
    print(f"\nfigures: {FILE}")


main()
