"""The stories leave nothing out."""

import json

from services.intercept.route import PARKED, ROUTES
from tests.faults.crash.stories import STORIES, Sent


def test_stories_speak_of_every_kind_of_message() -> None:
    steps = [step for story in STORIES.values() for step in story.steps]
    kinds = {json.loads(one.body).get("type") for step in steps for one in step if isinstance(one, Sent)}
    assert ROUTES.keys() <= kinds
    assert kinds & PARKED
    assert any(story.coming for story in STORIES.values())
