"""The borders between the parts (ADR 1), read from the imports; and the sizes that keep them readable."""

import ast
import statistics
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(chain(ROOT.glob("services/**/*.py"), ROOT.glob("shared/**/*.py")))
HOMES = {"pika": "shared/broker", "minio": "shared/storage", "crypt4gh": "shared/crypto", "alembic": "shared/database"}
WORKERS = ("ingest", "verify", "finalize", "mapper", "intercept", "export", "orchestrate")
SHAPE = {"__init__.py", "__main__.py", "settings.py", "wiring.py", "README.md"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_border_is_crossed(path: Path) -> None:
    place = name_of(path)
    for module in imports(path):
        package, *rest = module.split(".")
        assert package not in HOMES or place.startswith(HOMES[package]), f"{place} imports {module}"
        if package == "services":
            assert not place.startswith("shared/"), f"{place} imports {module}"
            assert rest[0] == place.split("/")[1] or place.startswith("services/cli/"), f"{place} imports {module}"


def test_every_service_has_the_same_shape() -> None:
    for service in (*WORKERS, "inbox", "outbox"):
        files = {path.name for path in (ROOT / "services" / service).iterdir()}
        assert files >= SHAPE, f"{service} lacks {SHAPE - files}"


def test_files_and_functions_stay_short() -> None:
    lengths = []
    for path in SOURCES:
        text = path.read_text()
        assert text.count("\n") <= 300 or "versions" in path.parts, name_of(path)
        functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
        lengths += [(node.end_lineno or 0) - node.lineno + 1 for node in functions]
    assert statistics.median(lengths) < 10
    assert sorted(lengths)[int(len(lengths) * 0.9)] <= 35


def test_only_the_runner_and_its_sources_settle() -> None:
    for path in SOURCES:
        if not name_of(path).startswith("shared/broker/"):
            assert "basic_ack" not in path.read_text()
