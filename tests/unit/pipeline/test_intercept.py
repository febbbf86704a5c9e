"""Intercept: messages of Central EGA go to the queue of the service that acts on them."""

import json

import pytest

from services.intercept.route import ROUTES, bury, route
from shared.broker.outcomes import Outcome
from tests.unit.pipeline.kit import Archive


@pytest.mark.parametrize("kind", sorted(ROUTES))
def test_message_is_passed_on_as_it_is(node: Archive, kind: str) -> None:
    message = {"type": kind, "what else": ["it", {"says": "ä"}]}
    result = node.deliver(route, message, "some-correlation")
    queue = {"cancel": "ingest", "ingest": "ingest", "accession": "accession"}.get(kind, "mappings")
    assert (result.outcome, result.sent) == (Outcome.DONE, {queue: [message]})


@pytest.mark.parametrize("kind", ["dac", "dac.dataset", "dac.members"])
def test_message_on_which_no_service_acts_is_kept(node: Archive, kind: str) -> None:
    message = {"type": kind, "user": "ann"}
    assert node.deliver(route, message).outcome is Outcome.DONE
    assert [json.loads(body) for body in node.dead()] == [message]


def test_heartbeat_is_ignored(node: Archive) -> None:
    result = node.deliver(route, {"type": "heartbeat"})
    assert (result.outcome, result.sent, node.dead()) == (Outcome.DONE, {}, [])


@pytest.mark.parametrize("body", [b"{}", b'{"type": 1}', b'{"type": "other"}', b"[]", b"\xff", b'{"type": "\\ud800"}'])
def test_what_is_no_message_of_central_ega_is_refused(node: Archive, body: bytes) -> None:
    result = node.deliver(route, body)
    assert result.outcome is Outcome.REFUSED
    assert result.sent["error"][0]["original-message"]
    assert not node.dead()


def test_message_given_up_by_the_broker_is_kept_whatever_it_is(node: Archive) -> None:
    assert node.deliver(bury, b"\xff\x00", died="ingest: delivery_limit").outcome is Outcome.DONE
    assert node.dead() == ["\ufffd\ufffd"]
