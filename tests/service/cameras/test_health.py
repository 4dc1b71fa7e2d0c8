"""Whether a camera is watched, and whether pictures come."""

from __future__ import annotations

from contextvars import copy_context
from datetime import timedelta
from typing import Any

import pytest
from babel.support import NullTranslations

from attendance import texts
from attendance.errors import problem_and_advice
from attendance.service.cameras.health import State, health_of
from attendance.store.tables.cameras import Camera
from tests.factories import NOON

LONG_AGO = NOON - timedelta(minutes=1)
GOOD = {"owner": "here", "heartbeat_at": NOON, "last_seen_at": NOON, "last_error": None}


@pytest.mark.parametrize(
    ("change", "state", "words"),
    [
        ({}, State.WORKING, "working"),
        ({"owner": None, "heartbeat_at": None}, State.NOT_WATCHED, "not watched"),
        ({"heartbeat_at": LONG_AGO}, State.NOT_WATCHED, "not watched"),
        ({"owner": None, "last_error": "no webcam 7: plug it in"}, State.NOT_WATCHED, "not watched: no webcam 7"),
        ({"last_error": "no route"}, State.TROUBLE, "no route"),
        ({"last_error": "no route", "heartbeat_at": LONG_AGO}, State.NOT_WATCHED, "not watched"),
        ({"last_seen_at": None}, State.TROUBLE, "no picture yet"),
        ({"last_seen_at": LONG_AGO}, State.TROUBLE, "pictures have stopped"),
        ({"active": False}, State.OFF, "switched off"),
    ],
)
def test_health_follows_the_heartbeat_and_the_pictures(change: dict[str, Any], state: State, words: str) -> None:
    health = health_of(Camera(name="front", source="0", direction="in", **GOOD | change), NOON)

    assert (health.state, health.words) == (state, words)
    assert bool(health.advice) == (state is not State.WORKING)


@pytest.mark.parametrize(
    ("error", "cables"),
    [
        ("the camera refuses the user name or password (401): correct them in its address", False),
        ("the address shows a web page, perhaps to sign in: give the address of the camera's stream", False),
        ("it cannot be opened", True),
        ("no answer for 11 s", True),
    ],
)
def test_a_camera_that_answered_is_not_called_cable_trouble(error: str, cables: bool) -> None:
    health = health_of(Camera(name="front", source="0", direction="in", **GOOD | {"last_error": error}), NOON)

    assert ("cable" in health.advice) == cables
    assert cables or (health.words, health.advice) == problem_and_advice(error)  # each in its place on a narrow page


def test_the_words_of_a_trouble_are_translated_on_a_page() -> None:
    class German(NullTranslations):
        def ugettext(self, message: str) -> str:
            return {"no answer for %(seconds)s s": "seit %(seconds)s s keine Antwort"}.get(message, message)

    kept = '{"text": "no answer for %(seconds)s s", "values": {"seconds": "11"}}'
    camera = Camera(name="front", source="0", direction="in", **GOOD | {"last_error": kept})
    assert health_of(camera, NOON).words == "no answer for 11 s"

    def in_german() -> str:
        texts.use(German())
        return health_of(camera, NOON).words

    assert copy_context().run(in_german) == "seit 11 s keine Antwort"
