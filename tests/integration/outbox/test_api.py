"""The interface is what its description says, whatever is asked (schemathesis)."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.outbox.api import api_description
from services.outbox.exports.api import with_exports
from tests.integration.outbox.client import KEY, Client
from tests.integration.outbox.host import OutboxHost

DESCRIPTION = with_exports(api_description())
METHODS = ("GET", "HEAD")
EXAMPLES = 12
"""For each operation."""


@pytest.fixture
def offering(outbox: OutboxHost) -> Iterator[OutboxHost]:
    """An outbox with something to find, and no limit to how often it may be asked."""
    outbox.offer(b"x" * 100_000, "10.1234/data")
    with outbox.up(outbox_reader_rate=100_000):
        yield outbox


def test_description_is_served(outbox: OutboxHost) -> None:
    assert Client(outbox.url, None).ask("/openapi.json", key=None).json == DESCRIPTION


def test_answers_are_as_described(offering: OutboxHost) -> None:
    schema = schemathesis.openapi.from_dict(DESCRIPTION)
    headers = {"Authorization": f"Bearer {offering.token()}", "X-C4GH-Public-Key": KEY}
    found: list[Any] = list(schema.get_all_operations())
    for operation in found:
        _ask_often(operation.ok(), offering.url, headers)


def _ask_often(operation: Any, url: str, headers: dict[str, str]) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        # made-up page tokens, ranges and keys are malformed, in ways that a schema can't say
        case.call_and_validate(base_url=url, headers=headers, excluded_checks=[positive_data_acceptance])

    ask()


NAMES = st.text(max_size=40) | st.sampled_from(["10.1234/data", "10.1234%2Fdata", "..", "a/../b", "%", "%00", "//"])


@given(name=NAMES, tail=st.sampled_from(["", "/files", "/header", "/content", "/"]), method=st.sampled_from(METHODS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_is_an_error_of_ours(offering: OutboxHost, name: str, tail: str, method: str) -> None:
    from urllib.parse import quote

    client = Client(offering.url, offering.token())
    for collection in ("files", "datasets", "objects"):
        answer = client.ask(f"/{collection}/{quote(name, safe='%/')}{tail}", method=method)
        assert answer.status in {200, 400, 403, 404, 405}, answer
