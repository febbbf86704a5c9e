"""`python -m tests.benchmarks [NAME...]`: run benchmarks, print their tables, keep their figures as JSON."""

import json
import sys
from importlib import import_module
from pathlib import Path

NAMES = ("small_files", "large_file")
FIGURES = Path("build/benchmarks.json")


def main() -> None:
    """Run what is named, or all."""
    figures = {name: import_module(f"tests.benchmarks.{name}").run() for name in sys.argv[1:] or NAMES}
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"figures: {FIGURES}")


main()
