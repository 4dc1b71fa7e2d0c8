"""Photos that a camera takes of somebody who is enrolled at the door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest

from attendance.domain.faces import Frame
from attendance.domain.reason import Reason
from attendance.service.access.check_in import Outcome
from attendance.service.enrolment.at_camera import PHOTOS, EnrolAtCamera
from attendance.service.enrolment.at_camera_state import state_of
from attendance.service.kiosk.screen import Screen
from attendance.store.enrolment import camera_enrolments
from attendance.store.enrolment.camera_enrolments import KEPT, Stage, Standing
from tests.factories import ANNA, BERT, make_image
from tests.service.conftest import Site

CARL = (40, 200, 90)


class Entrance:
    """A door's camera, before which people stand differently each time, five pictures a second."""

    def __init__(self, site: Site) -> None:
        self.site, self.seconds = site, count()
        self.judge = EnrolAtCamera(
            site.check_in(), site.analyser, site.sessions, site.keys, site.clock, "door", lambda: next(self.seconds)
        )
        self.judge.start()
        self._places = count()

    def ask(self, person_id: int) -> int:
        with self.site.sessions.begin() as session:
            return camera_enrolments.ask(session, person_id, "door", by="ada", at=self.site.clock.now())

    def show(self, colour: tuple[int, int, int], pictures: int, still: bool = False) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for _ in range(pictures):
            self.site.clock.advance(0.5)
            width = 80 if still else round(60 * 1.3 ** (next(self._places) % 12))
            image = make_image(colour, width, width)
            outcomes += self.judge.process(Frame(image, self.site.clock.now(), "door"))
        return outcomes

    def standing(self, person_id: int) -> Standing | None:
        with self.site.sessions() as session:
            return camera_enrolments.of_person(session, person_id, self.site.clock.now())

    def photos(self, enrolment: int) -> list[bytes]:
        with self.site.sessions() as session:
            ids = camera_enrolments.photo_ids(session, enrolment)
            found = [camera_enrolments.photo(session, self.site.keys, enrolment, one) for one in ids]
        return [one for one in found if one is not None]


@pytest.fixture
def entrance(staffed: Site) -> Iterator[Entrance]:
    with staffed.sessions.begin() as session:
        staffed.add(session, "Carl")  # 3
    yield Entrance(staffed)


def test_six_different_photos_wait_and_the_door_moves_for_nobody_meanwhile(entrance: Entrance) -> None:
    number = entrance.ask(3)
    outcomes = entrance.show(CARL, PHOTOS)
    standing = entrance.standing(3)

    assert not outcomes and not entrance.site.log() and not entrance.site.door.unlocked
    assert standing is not None and (standing.stage, standing.taken) == (Stage.TAKEN, PHOTOS)
    photos = entrance.photos(number)
    assert len(photos) == PHOTOS
    picture = cv2.imdecode(np.frombuffer(photos[0], np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(picture.reshape(-1, 3).mean(axis=0) - CARL).max() < 4
    assert entrance.show(ANNA, 8)[-1].person_name == "Anna", "the check-in goes on"


def test_pictures_of_one_moment_and_of_somebody_else_are_no_further_photos(entrance: Entrance) -> None:
    number = entrance.ask(3)
    entrance.show(CARL, 5, still=True)
    entrance.show(BERT, 5)
    standing = entrance.standing(3)
    assert standing is not None and (standing.stage, standing.taken) == (Stage.TAKING, 1)

    entrance.show(CARL, 12, still=True)  # ten seconds are over
    standing = entrance.standing(3)

    assert standing is not None and (standing.stage, standing.taken) == (Stage.TAKEN, 1)
    assert len(entrance.photos(number)) == 1


def test_a_poor_picture_is_no_photo_and_the_person_is_told_what_to_do(entrance: Entrance) -> None:
    site = entrance.site
    screen = Screen(site.sessions, site.clock, ZoneInfo("Europe/Berlin"), "door")
    entrance.ask(3)
    asked = screen.guidance()
    site.analyser.flaws = (Reason.TOO_SMALL,)
    entrance.show(CARL, 2)
    with site.sessions() as session:
        assert state_of(session, 3, site.clock.now()).hint == "Come closer"
    guided = screen.guidance()
    same = screen.guidance()
    site.analyser.flaws = ()
    entrance.show(CARL, PHOTOS)
    ended = screen.guidance()

    assert asked is not None and (asked.words, asked.advice) == ("Look at the camera", "Carl: photo 1 of 6")
    assert guided is not None and guided.words == "Come closer"
    assert same is None
    assert ended is not None and ended.state == "done"
    assert screen.guidance() is None


def test_nobody_within_a_minute_is_said_and_leaves_nothing(entrance: Entrance) -> None:
    number = entrance.ask(3)
    entrance.show((0, 0, 0), 122)
    standing = entrance.standing(3)

    assert standing is not None and standing.stage is Stage.NOBODY
    assert entrance.photos(number) == []


def test_what_is_stopped_or_forgotten_ends_and_its_photos_go(entrance: Entrance) -> None:
    site = entrance.site
    first = entrance.ask(3)
    entrance.show(CARL, 3)
    with site.sessions.begin() as session:
        camera_enrolments.drop(session, first)
    entrance.show(CARL, PHOTOS + 2)
    assert entrance.photos(first) == [] and entrance.standing(3) is None

    second = entrance.ask(3)
    entrance.show(CARL, PHOTOS + 1)
    assert len(entrance.photos(second)) == PHOTOS
    site.clock.advance(KEPT / timedelta(seconds=1))
    assert entrance.standing(3) is None
    with site.sessions.begin() as session:
        assert camera_enrolments.drop_old(session, site.clock.now()) == 1
    assert entrance.photos(second) == []


def test_photos_are_sealed_for_their_enrolment(entrance: Entrance) -> None:
    number = entrance.ask(3)
    entrance.show(CARL, PHOTOS)
    with entrance.site.sessions() as session:
        (first, *_) = camera_enrolments.photo_ids(session, number)
        assert camera_enrolments.photo(session, entrance.site.keys, number + 1, first) is None
