"""Two spellings of a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import inbox_paths, new_file_id, parse_file_id, wire_path


@pytest.mark.parametrize(
    ("filepath", "paths"),
    [
        ("a.c4gh", ["a.c4gh"]),
        ("/a.c4gh", ["a.c4gh"]),
        ("ann_example.org/run/a.c4gh", ["run/a.c4gh", "ann_example.org/run/a.c4gh"]),
        ("/ann@example.org/a.c4gh", ["a.c4gh", "ann@example.org/a.c4gh"]),
        ("ann_example.org", ["ann_example.org"]),
        ("bob/a.c4gh", ["bob/a.c4gh"]),
    ],
)
def test_path_of_a_message_means(filepath: str, paths: list[str]) -> None:
    assert inbox_paths("ann@example.org", filepath) == paths


@given(st.text(min_size=1), st.text(min_size=1))
def test_path_as_we_send_it_means_the_file_itself(user: str, path: str) -> None:
    path = path.lstrip("/")
    user = user.replace("/", "")
    assert path in inbox_paths(user, wire_path(user, path))


def test_file_id_is_read_back() -> None:
    file_id = new_file_id()
    assert parse_file_id(file_id) == parse_file_id(file_id.upper()) == file_id


@pytest.mark.parametrize("text", [None, "", "x", "5b1d6a3e"])
def test_what_is_no_uuid_is_no_file_id(text: str | None) -> None:
    assert parse_file_id(text) is None
