import string
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.storage.keys import check_key

SAFE = string.ascii_letters + string.digits + "._-"
SEGMENTS = st.text(SAFE, min_size=1, max_size=50).filter(lambda segment: not segment.startswith("."))


@given(st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join))
def test_keys_of_the_safe_alphabet_pass_unchanged(key: str) -> None:
    assert check_key(key) == key


@given(st.text(max_size=60))
def test_whatever_passes_stays_below_its_folder(key: str) -> None:
    try:
        check_key(key)
    except ValueError:
        return
    assert set(key) <= set(SAFE + "/")
    path = PurePosixPath(key)
    assert str(path) == key
    assert not path.is_absolute()
    assert not any(part.startswith(".") for part in path.parts)


@pytest.mark.parametrize(
    "key",
    [
        *["", "/", "a/", "/a", "a//b", ".", "..", "a/..", "./a", ".hidden", "a/.b"],
        *["a b", "a\n", "ä", "a\\b", "a\0", "a" * 256, "/".join(["a" * 200] * 6)],
    ],
)
def test_unsafe_keys_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        check_key(key)
