"""Page tokens are opaque, and good for one list."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.http.pages import InvalidPageSize, InvalidPageToken, Page, page_token, parse_page

printable = st.text(min_size=1, max_size=200).filter(str.isprintable)


def test_nothing_asked_is_the_first_page() -> None:
    assert parse_page({}, "datasets") == Page(100, "")


@given(last=printable, size=st.integers(min_value=1, max_value=1000))
@settings(deadline=None)
def test_token_leads_to_the_entry_it_was_made_of(last: str, size: int) -> None:
    query = {"pageSize": str(size), "pageToken": page_token("datasets", last)}
    assert parse_page(query, "datasets") == Page(size, last)


@given(last=printable)
@settings(deadline=None)
def test_token_of_another_list_is_refused(last: str) -> None:
    with pytest.raises(InvalidPageToken):
        parse_page({"pageToken": page_token("files of EGAD1", last)}, "files of EGAD2")


@given(token=st.text(min_size=1, max_size=60))
@settings(deadline=None)
def test_made_up_tokens_are_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        parse_page({"pageToken": token}, "datasets")


def test_token_with_control_characters_is_refused() -> None:
    token = base64.urlsafe_b64decode(page_token("datasets", "xxxx")) + b"\x00\x00\x00"
    with pytest.raises(InvalidPageToken):
        parse_page({"pageToken": base64.urlsafe_b64encode(token).decode()}, "datasets")


@pytest.mark.parametrize("size", ["0", "1001", "-1", "1.5", "", "x", "٣", "9" * 5000])
def test_other_sizes_are_refused(size: str) -> None:
    with pytest.raises(InvalidPageSize):
        parse_page({"pageSize": size}, "datasets")
