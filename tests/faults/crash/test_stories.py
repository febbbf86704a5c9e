"""The stories leave nothing out."""

import json

from services.intercept.route import PARKED, ROUTES
from tests.faults.crash.stories import STORIES


def test_stories_speak_of_every_kind_of_message() -> None:
    sent = [message for story in STORIES.values() for step in story.steps for message in step]
    kinds = {json.loads(message.body).get("type") for message in sent}
    assert ROUTES.keys() <= kinds
    assert kinds & PARKED
    assert any(story.coming for story in STORIES.values())
