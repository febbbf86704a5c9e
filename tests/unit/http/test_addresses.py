"""Addresses to listen on."""

from contextlib import closing

import pytest

from shared.errors import ConfigurationError
from shared.http.addresses import bound_address, listen, parse_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:0", ("::1", 0)),
        ("outbox.example.org:65535", ("outbox.example.org", 65535)),
    ],
)
def test_host_and_port_are_read(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["", "8080", ":8080", "host", "host:", "::1:80", "[::1]", "host:65536", "a b:1"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="host:port"):
        parse_address(text)


def test_address_in_use_is_told_at_once() -> None:
    with closing(listen("127.0.0.1:0")) as first:
        host, port = bound_address(first)
        assert host == "127.0.0.1"
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            listen(f"127.0.0.1:{port}")
