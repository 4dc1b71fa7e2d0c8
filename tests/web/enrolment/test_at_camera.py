"""Photos at an entrance, on the person's page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from attendance.domain.passage import Direction
from attendance.store.cameras import cameras
from attendance.store.enrolment import camera_enrolments
from attendance.store.enrolment.camera_enrolments import Stage
from attendance.store.people import people, templates
from tests.factories import ANNA, BERT, make_photo
from tests.site_fixtures import Browser, Web


@pytest.fixture
def anna(web: Web) -> int:
    return web.add("Anna Berg")


def watch(web: Web, name: str = "door") -> None:
    """A daemon lives and sees pictures."""
    at = web.clock.now()
    with web.sessions.begin() as session:
        cameras.claim(session, name, source="0", direction=Direction.IN, owner="daemon", at=at)
        cameras.heartbeat(session, name, owner="daemon", at=at, seen_at=at, error=None)


def take(web: Web, person_id: int, *colours: tuple[int, int, int]) -> list[int]:
    """What the daemon does: photos wait."""
    with web.sessions.begin() as session:
        found = camera_enrolments.of_person(session, person_id, web.clock.now())
        assert found is not None
        camera_enrolments.note(session, found.id, Stage.TAKEN, taken=len(colours))
        sealed = [web.keys.seal_photo(make_photo(colour, "JPEG"), found.id) for colour in colours]
        camera_enrolments.add_photos(session, found.id, sealed)
        return camera_enrolments.photo_ids(session, found.id)


def count(web: Web, person_id: int) -> int:
    with web.sessions() as session:
        return len(templates.list_templates(session, person_id))


def test_photos_are_asked_for_looked_at_and_the_chosen_are_enrolled(web: Web, anna: int, admin: Browser) -> None:
    watch(web)
    here = f"/people/{anna}"
    assert "Take photos there" in admin.text(here)
    admin.submit(f"{here}/at-camera", {"camera": "door"})
    assert "please look at the camera" in admin.text(f"{here}/at-camera")
    first, second = take(web, anna, ANNA, ANNA)

    page = admin.text(here)
    assert len(re.findall(r"at-camera/photos/\d+\.jpg", page)) == 2
    shown = admin.get(f"{here}/at-camera/photos/{first}.jpg")
    assert shown.data.startswith(b"\xff\xd8") and shown.headers["Cache-Control"] == "no-store"
    assert count(web, anna) == 0, "nothing is enrolled before somebody looked"
    admin.submit(f"{here}/at-camera/confirm", {"photo": [second]})

    text = admin.text(here)
    assert count(web, anna) == 1
    assert "1 photo is enrolled" in text and "a camera" in text
    assert admin.get(f"{here}/at-camera/photos/{first}.jpg").status_code == 404


def test_what_is_discarded_is_gone(web: Web, anna: int, admin: Browser) -> None:
    watch(web)
    admin.submit(f"/people/{anna}/at-camera", {"camera": "door"})
    (only,) = take(web, anna, ANNA)
    admin.submit(f"/people/{anna}/at-camera/discard")

    assert count(web, anna) == 0
    assert admin.get(f"/people/{anna}/at-camera/photos/{only}.jpg").status_code == 404
    admin.submit(f"/people/{anna}/at-camera/confirm", {"photo": [only]})
    assert count(web, anna) == 0
    assert "photos wait for ten minutes" in admin.text(f"/people/{anna}")


def test_a_photo_of_somebody_else_is_refused_with_the_name(web: Web, anna: int, admin: Browser) -> None:
    web.enrol(web.add("Bert Olsen"), BERT)
    web.set_threshold()
    watch(web)
    admin.submit(f"/people/{anna}/at-camera", {"camera": "door"})
    chosen = take(web, anna, BERT)
    admin.submit(f"/people/{anna}/at-camera/confirm", {"photo": chosen})

    assert count(web, anna) == 0
    assert "This may be Bert Olsen" in admin.text(f"/people/{anna}")


def test_a_camera_that_nobody_watches_is_not_asked(web: Web, anna: int, admin: Browser) -> None:
    assert "No camera is watched" in admin.text(f"/people/{anna}")
    admin.submit(f"/people/{anna}/at-camera", {"camera": "door"})

    assert "is not watched at the moment" in admin.text(f"/people/{anna}")
    with web.sessions() as session:
        assert camera_enrolments.of_person(session, anna, web.clock.now()) is None


def test_without_consent_no_photo_is_taken(web: Web, admin: Browser) -> None:
    watch(web)
    with web.sessions.begin() as session:
        person = people.create_person(session, name="Carl", at=web.clock.now()).id
    admin.submit(f"/people/{person}/at-camera", {"camera": "door"})

    with web.sessions() as session:
        assert camera_enrolments.of_person(session, person, web.clock.now()) is None


def test_a_camera_that_is_busy_with_somebody_else_is_not_taken_away(web: Web, anna: int, admin: Browser) -> None:
    bert = web.add("Bert Olsen")
    watch(web)
    admin.submit(f"/people/{bert}/at-camera", {"camera": "door"})
    admin.submit(f"/people/{anna}/at-camera", {"camera": "door"})
    assert "taking photos of somebody else" in admin.text(f"/people/{anna}")
    chosen = take(web, bert, BERT)

    admin.submit(f"/people/{anna}/at-camera", {"camera": "door"})
    assert "please look at the camera" in admin.text(f"/people/{anna}/at-camera")
    admin.submit(f"/people/{bert}/at-camera", {"camera": "door"})
    assert "wait already" in admin.text(f"/people/{bert}")
    admin.submit(f"/people/{bert}/at-camera/confirm", {"photo": chosen})
    assert (count(web, anna), count(web, bert)) == (0, 1)


def test_a_camera_whose_daemon_ends_is_said_to_send_nothing(web: Web, anna: int, admin: Browser) -> None:
    watch(web)
    admin.submit(f"/people/{anna}/at-camera", {"camera": "door"})
    web.clock.advance(camera_enrolments.ENDS / timedelta(seconds=1))

    text = admin.text(f"/people/{anna}/at-camera")
    assert "The camera door sends no pictures" in text and "please look" not in text
    admin.submit(f"/people/{anna}/at-camera/discard")
    assert "No camera is watched" in admin.text(f"/people/{anna}/at-camera")


def test_a_deactivated_person_is_not_photographed(web: Web, anna: int, admin: Browser) -> None:
    watch(web)
    with web.sessions.begin() as session:
        people.set_active(session, anna, False, at=web.clock.now())
    admin.submit(f"/people/{anna}/at-camera", {"camera": "door"})

    assert "is deactivated" in admin.text(f"/people/{anna}")
    with web.sessions() as session:
        assert camera_enrolments.of_person(session, anna, web.clock.now()) is None
