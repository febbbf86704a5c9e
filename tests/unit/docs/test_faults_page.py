"""The page of faults says what the tests found, and the list of fault tests names no others than there are."""

import re
from pathlib import Path

from docs.faults import page

TESTS = Path(__file__).parents[2]
ROW = {"fault": "S3 hung", "times": 1, "files": 200, "in_flight": 170, "lost": 0, "doubled": 0, "recovery": 1.25}


def test_page_has_a_row_for_every_fault() -> None:
    text = page({"faults": {"S3 hung": ROW, "other": {**ROW, "fault": "other", "lost": 3}}, "counts": {}})
    assert "| S3 hung | 1 | 200 | 170 | 0 | 0 | 1.2 |\n| other | 1 | 200 | 170 | 3 | 0 | 1.2 |\n" in text
    assert "| how many |" not in text


def test_page_adds_up_what_the_tests_counted() -> None:
    text = page({"faults": {}, "counts": {"crash points": {"one test": 1200, "another": 34}, "messages": {"x": 7}}})
    assert "| crash points | 1,234 |\n| messages | 7 |\n" in text


def test_every_test_in_the_list_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (TESTS / "faults" / "README.md").read_text(encoding="utf-8")))
    sources = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py"))
    assert named
    assert not {name for name in named if f"def {name}(" not in sources}
