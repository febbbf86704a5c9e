"""Page tokens are opaque, signed, and good for one list of one reader for an hour."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.http.pages import InvalidPageSize, InvalidPageToken, Page, Pages

texts = st.text(min_size=1, max_size=200)
PAGES = Pages(b"secret")


class Clock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


def token(pages: Pages, last: str, *binding: str, size: int = 100) -> str:
    return pages.token(pages.parse({"pageSize": str(size)}, *binding), last)


def test_nothing_asked_is_the_first_page() -> None:
    assert PAGES.parse({}, "me", "datasets")[:2] == (100, "")


@given(last=texts, size=st.integers(min_value=1, max_value=1000))
@settings(deadline=None)
def test_token_leads_to_the_entry_it_was_made_of(last: str, size: int) -> None:
    query = {"pageSize": str(size), "pageToken": token(PAGES, last, "me", "datasets", size=size)}
    assert PAGES.parse(query, "me", "datasets")[:2] == (size, last)


@pytest.mark.parametrize(
    ("query", "binding"),
    [
        ({}, ("other", "list", "x")),
        ({}, ("me", "other", "x")),
        ({}, ("me", "list", "y")),
        ({}, ("me", "listx", "")),
        ({"pageSize": "5"}, ("me", "list", "x")),
    ],
)
def test_token_of_another_reader_list_filter_or_size_is_refused(
    query: dict[str, str], binding: tuple[str, ...]
) -> None:
    made = token(PAGES, "last", "me", "list", "x")
    with pytest.raises(InvalidPageToken):
        PAGES.parse({**query, "pageToken": made}, *binding)


def test_token_of_another_node_is_refused() -> None:
    with pytest.raises(InvalidPageToken):
        PAGES.parse({"pageToken": token(Pages(b"another"), "last", "me")}, "me")


def test_token_is_good_for_an_hour() -> None:
    clock = Clock()
    pages = Pages(b"secret", clock=clock)
    made = token(pages, "last", "me")
    clock.time += 3599
    assert pages.parse({"pageToken": made}, "me").after == "last"
    clock.time += 2
    with pytest.raises(InvalidPageToken):
        pages.parse({"pageToken": made}, "me")


@given(
    made_up=st.text(min_size=1, max_size=60)
    | st.binary(max_size=80).map(lambda b: base64.urlsafe_b64encode(b).decode())
)
@settings(deadline=None)
def test_made_up_tokens_are_refused(made_up: str) -> None:
    if made_up:
        with pytest.raises(InvalidPageToken):
            PAGES.parse({"pageToken": made_up}, "me")


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(deadline=None)
def test_token_with_a_changed_bit_is_refused(place: int, bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(token(PAGES, "last", "me") + "=="))
    raw[place % len(raw)] ^= 1 << bit
    with pytest.raises(InvalidPageToken):
        PAGES.parse({"pageToken": base64.urlsafe_b64encode(raw).decode()}, "me")


@pytest.mark.parametrize("size", ["0", "1001", "-1", "1.5", "", "x", "٣", "9" * 5000])
def test_other_sizes_are_refused(size: str) -> None:
    with pytest.raises(InvalidPageSize):
        PAGES.parse({"pageSize": size}, "me")


def test_page_knows_what_its_tokens_hold_for() -> None:
    assert PAGES.parse({}, "me") == Page(100, "", '[100, "me"]')
