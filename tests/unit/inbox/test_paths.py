"""Paths as clients send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inbox.errors import InboxError, NotAllowed
from services.inbox.paths import MAX_NAME, MAX_PATH, inbox_path, is_below, moved, not_root, parent, sidecar_algorithm


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"", ""), (b"/", ""), (b".", ""), (b"a", "a"), (b"/a//b/./c/", "a/b/c"), (b"a/../b", "b"),
        (b"../../../etc/passwd", "etc/passwd"), (b"/..", ""), (b"a/b/../../..", ""), ("ä/猫".encode(), "ä/猫"),
    ],
)  # fmt: skip
def test_paths_are_resolved_inside_the_root(raw: bytes, path: str) -> None:
    assert inbox_path(raw) == path


@pytest.mark.parametrize(
    "raw",
    [b"a\0", b"a\nb", b"\x1b[2J", b"\x7f", b"\xff", "\x85".encode(), "\u2028".encode(),
     b"n" * (MAX_NAME + 1), b"a/" * (MAX_PATH // 2) + b"a"],
)  # fmt: skip
def test_bad_paths_are_refused(raw: bytes) -> None:
    with pytest.raises(InboxError):
        inbox_path(raw)


@given(st.lists(st.sampled_from(["a", "..", ".", "", "b.c4gh", "..."]), max_size=12).map("/".join))
def test_no_path_leaves_the_root(text: str) -> None:
    path = inbox_path(text.encode())
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(path.split("/")) or path == ""
    assert inbox_path(path.encode()) == path


def test_a_path_is_relative_to_its_folder() -> None:
    assert inbox_path(b"../b", "a/c") == "a/b"
    assert inbox_path(b"/b", "a/c") == "b"


def test_below_is_not_a_matter_of_letters() -> None:
    assert is_below("a/b", "a")
    assert is_below("a", "")
    assert not is_below("ab", "a")
    assert not is_below("a", "a")


def test_moved_and_parent() -> None:
    assert moved("a/b/c", "a/b", "x") == "x/c"
    assert parent("a/b") == "a"
    assert parent("a") == ""


def test_root_is_not_for_changing() -> None:
    with pytest.raises(NotAllowed):
        not_root("")


@pytest.mark.parametrize(
    ("path", "algorithm"), [("a.sha256", "sha256"), ("f/A.MD5", "md5"), ("a.sha256.c4gh", None), ("md5", None)]
)
def test_checksum_files_are_known_by_their_ending(path: str, algorithm: str | None) -> None:
    assert sidecar_algorithm(path) == algorithm
