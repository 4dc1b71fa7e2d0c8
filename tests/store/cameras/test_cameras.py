"""One camera, one daemon: a claim with a heartbeat."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from attendance.domain.passage import Direction
from attendance.errors import Phrase, UserError
from attendance.store.cameras import cameras
from attendance.store.session import Sessions
from tests.factories import NOON


def claim(sessions: Sessions, owner: str, at: datetime = NOON, source: str = "0") -> None:
    with sessions.begin() as session:
        cameras.claim(session, "door", source=source, direction=Direction.IN, owner=owner, at=at)


def owner_of(sessions: Sessions) -> str | None:
    with sessions() as session:
        camera = cameras.get_camera(session, "door")
        assert camera is not None
        return camera.owner


def test_a_second_daemon_on_the_same_camera_is_refused(sessions: Sessions) -> None:
    claim(sessions, "one")
    with pytest.raises(UserError, match="held by one: stop that daemon"):
        claim(sessions, "two", NOON + timedelta(seconds=10))
    assert owner_of(sessions) == "one"


def test_a_camera_is_free_again_after_release(sessions: Sessions) -> None:
    claim(sessions, "one")
    with sessions.begin() as session:
        cameras.release(session, "door", owner="somebody else")
    assert owner_of(sessions) == "one"
    with sessions.begin() as session:
        cameras.release(session, "door", owner="one")
    claim(sessions, "two")
    assert owner_of(sessions) == "two"


@pytest.mark.parametrize("seconds", [16, -3600])
def test_a_dead_daemons_camera_can_be_taken_whatever_the_clock_did(sessions: Sessions, seconds: int) -> None:
    claim(sessions, "one")
    claim(sessions, "two", NOON + timedelta(seconds=seconds))
    assert owner_of(sessions) == "two"
    with sessions.begin() as session:
        assert not cameras.heartbeat(session, "door", owner="one", at=NOON)
        assert cameras.heartbeat(session, "door", owner="two", at=NOON)


def test_a_heartbeat_keeps_the_claim_and_tells_what_is_wrong(sessions: Sessions) -> None:
    claim(sessions, "one")
    with sessions.begin() as session:
        later = NOON + timedelta(seconds=14)
        assert cameras.heartbeat(session, "door", owner="one", at=later, seen_at=NOON, error="no picture")
    with pytest.raises(UserError):
        claim(sessions, "two", NOON + timedelta(seconds=20))
    with sessions() as session:
        (camera,) = cameras.list_cameras(session)
        assert (camera.last_seen_at, camera.last_error) == (NOON, "no picture")


def test_a_streams_password_is_not_stored(sessions: Sessions) -> None:
    claim(sessions, "one", source="rtsp://user:secret@10.0.0.5/live")
    with sessions() as session:
        camera = cameras.get_camera(session, "door")
        assert camera is not None
        assert camera.source == "rtsp://…@10.0.0.5/live"


def edit(sessions: Sessions, name: str = "door", **changes: object) -> None:
    values: dict[str, object] = {"title": "", "direction": Direction.IN, "active": True}
    with sessions.begin() as session:
        camera = cameras.get_camera(session, name)
        assert camera is not None
        cameras.edit(session, camera.id, **values | changes)  # type: ignore[arg-type]


def direction_now(sessions: Sessions) -> Direction:
    with sessions() as session:
        camera = cameras.get_camera(session, "door")
        assert camera is not None
        return cameras.direction_of(camera)


def test_a_direction_given_on_a_page_goes_before_the_daemons_settings(sessions: Sessions) -> None:
    claim(sessions, "one")
    assert direction_now(sessions) is Direction.IN
    edit(sessions, direction=Direction.OUT)
    claim(sessions, "one")  # started again, with the settings it always had

    assert direction_now(sessions) is Direction.OUT


def test_a_title_is_for_pages_and_no_two_cameras_share_one(sessions: Sessions) -> None:
    claim(sessions, "one")
    with sessions.begin() as session:
        cameras.claim(session, "yard", source="1", direction=Direction.IN, owner="two", at=NOON)
    edit(sessions, title="  Main   entrance ")
    with sessions() as session:
        assert cameras.titles(session) == {"door": "Main entrance"}
    for taken in ("Main entrance", "door"):
        with pytest.raises(UserError, match="choose another name"):
            edit(sessions, "yard", title=taken)
    edit(sessions, title="door")  # its own name is no title
    with sessions() as session:
        assert cameras.titles(session) == {}


def test_a_trouble_keeps_what_fills_it_apart_so_that_a_page_can_translate_it(sessions: Sessions) -> None:
    claim(sessions, "one")
    words = Phrase("no answer for %(seconds)s s", seconds=11)
    for error, text in ((words, words.text), (Phrase("it cannot be opened"), "it cannot be opened"), (Phrase(), "")):
        with sessions.begin() as session:
            assert cameras.heartbeat(session, "door", owner="one", at=NOON, error=error)
        with sessions() as session:
            (camera,) = cameras.list_cameras(session)
            trouble = cameras.trouble_of(camera)
        assert (trouble, trouble.text) == (error, text)


def test_why_nobody_could_watch_it_stays_until_a_daemon_does(sessions: Sessions) -> None:
    def error() -> str | None:
        with sessions() as session:
            return cameras.list_cameras(session)[0].last_error

    def note(why: str) -> None:
        with sessions.begin() as session:
            cameras.note_failure(session, "door", why)

    claim(sessions, "one")
    note("there is no webcam 7")
    assert error() is None, "somebody watches it"
    with sessions.begin() as session:
        cameras.heartbeat(session, "door", owner="one", at=NOON, error="no further pictures")
        cameras.release(session, "door", owner="one")
    assert error() is None
    note("there is no webcam 7")
    assert error() == "there is no webcam 7"
    claim(sessions, "two")
    assert error() is None
