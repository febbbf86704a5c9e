"""Buckets: no two users share one, whatever they are called."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.access.buckets import bucket_of, incumbent_bucket_of, is_bucket_of, owner_of

NAMES = st.text(min_size=1, max_size=80).filter(lambda name: name.isprintable())
ALIKE = st.text("aA0_@.-hp", min_size=1, max_size=70)
"""Names made of what the spellings are made of."""


@given(NAMES | ALIKE)
@example("a")
@example("-")
@example("A" * 30)
@example("sthree-x")
@example("x" * 63)
@example("x" * 64)
def test_every_bucket_is_a_name_that_clients_take(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket_of(name))
    assert not bucket_of(name).startswith(("xn--", "sthree-"))


@given(NAMES | ALIKE)
def test_bucket_tells_its_owner_unless_it_is_a_digest(name: str) -> None:
    bucket = bucket_of(name)
    assert owner_of(bucket) == (None if bucket.startswith("h--") else name)


@given(NAMES | ALIKE, NAMES | ALIKE)
@example("ann@example.org", "ann_example.org")
@example("ann", "Ann")
@example("a", "p--a")
@example("ann@x", "ann-40x")
@example("é", "e\u0301")
def test_two_users_never_share_a_bucket(one: str, other: str) -> None:
    assume(one != other)
    assert bucket_of(one) != bucket_of(other)


@given(st.text("ab_@", min_size=2, max_size=6), st.text("ab_@-40p", min_size=1, max_size=8))
@example("a", "p--a")
@example("ann@x", "ann-40x")
def test_a_bucket_of_one_user_is_never_anothers_by_the_incumbents_spelling(one: str, other: str) -> None:
    assume(one != other)
    assert not is_bucket_of(other, bucket_of(one))


def test_buckets_of_ordinary_names_can_be_read() -> None:
    assert bucket_of("ann") == "ann"
    assert bucket_of("ann@example.org") == "ann-40example-2eorg"
    assert bucket_of("a1") == "p--a1"
    assert bucket_of("_x") == "p---5fx"
    assert bucket_of("x" * 64).startswith("h--")


def test_the_incumbents_spelling_is_taken_for_the_own_bucket() -> None:
    for user in ("ann@example.org", "ann_example.org"):
        assert incumbent_bucket_of(user) == "ann_example.org"
        assert is_bucket_of(user, "ann_example.org")
        assert is_bucket_of(user, bucket_of(user))
    assert not is_bucket_of("eve@example.org", "ann_example.org")


@pytest.mark.parametrize(
    "bucket", ["", "-", "a-", "a-4", "a-zz", "A", "ann-61", "p--ann", "p--", "h--aaaa", "a-ff", "a.b"]
)
def test_what_is_no_bucket_has_no_owner(bucket: str) -> None:
    assert owner_of(bucket) is None
