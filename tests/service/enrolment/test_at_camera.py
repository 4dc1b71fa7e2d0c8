"""Photos that a camera takes of somebody who is enrolled at the door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest
from sqlalchemy import func, select

from attendance.domain.faces import Frame
from attendance.domain.reason import Reason
from attendance.service.access.check_in import Outcome
from attendance.service.enrolment.at_camera import PHOTOS, EnrolAtCamera
from attendance.service.enrolment.at_camera_state import state_of
from attendance.service.kiosk.screen import Screen
from attendance.store.enrolment import camera_enrolments
from attendance.store.enrolment.camera_enrolments import ENDS, KEPT, Stage, Standing
from attendance.store.people import people
from attendance.store.privacy import consent
from attendance.store.tables.people import CameraEnrolmentPhoto
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
        number = self.try_to_ask(person_id)
        assert number is not None
        return number

    def try_to_ask(self, person_id: int) -> int | None:
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

    def stored(self) -> int:
        with self.site.sessions() as session:
            return session.scalar(select(func.count()).select_from(CameraEnrolmentPhoto)) or 0

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


def test_a_camera_serves_one_person_at_a_time_and_nobody_loses_photos_that_wait(entrance: Entrance) -> None:
    first = entrance.ask(3)
    entrance.show(CARL, PHOTOS)
    entrance.ask(1)
    entrance.show(ANNA, 2)
    refused = entrance.try_to_ask(2)
    entrance.site.clock.advance(1)
    again = entrance.ask(1)
    standing = entrance.standing(1)

    assert len(entrance.photos(first)) == PHOTOS, "they wait for their decision"
    assert refused is None and entrance.standing(2) is None
    assert standing is not None and (standing.id, standing.stage, standing.taken) == (again, Stage.ASKED, 0)


def test_photos_of_one_person_never_become_those_of_the_next(entrance: Entrance) -> None:
    first = entrance.ask(1)
    entrance.show(ANNA, PHOTOS - 1)
    with entrance.site.sessions.begin() as session:
        camera_enrolments.drop(session, first)
    entrance.site.clock.advance(0.1)
    second = entrance.ask(3)
    assert second == first, "the database gives the number again"
    entrance.show(CARL, PHOTOS + 1)

    assert len(entrance.photos(second)) == PHOTOS
    for photo in entrance.photos(second):
        picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(picture.reshape(-1, 3).mean(axis=0) - CARL).max() < 4


@pytest.mark.parametrize("away_s", [70, 100, 500])
def test_a_daemon_that_comes_late_takes_no_photo_of_whoever_stands_there(entrance: Entrance, away_s: int) -> None:
    number = entrance.ask(3)
    entrance.site.clock.advance(away_s)
    entrance.show(CARL, PHOTOS + 2)

    assert entrance.photos(number) == []
    with entrance.site.sessions() as session:
        state = state_of(session, 3, entrance.site.clock.now())
    assert state.enrolment is not None and (state.lost or state.enrolment.stage is Stage.NOBODY)


def test_a_camera_that_vanishes_keeps_no_photo_and_is_said(entrance: Entrance) -> None:
    number, site = entrance.ask(3), entrance.site
    entrance.show(CARL, 3)
    with site.sessions() as session:
        assert state_of(session, 3, site.clock.now()).lost, "no daemon sends heartbeats here"
    site.clock.advance(ENDS / timedelta(seconds=1))
    entrance.show(CARL, 3)

    assert entrance.photos(number) == []
    assert entrance.show(ANNA, 8)[-1].person_name == "Anna", "the check-in goes on"


@pytest.mark.parametrize("how", ["deactivated", "withdrawn"])
def test_nothing_is_kept_of_who_is_deactivated_or_withdraws_meanwhile(entrance: Entrance, how: str) -> None:
    site = entrance.site

    def leave() -> None:
        with site.sessions.begin() as session:
            if how == "deactivated":
                people.set_active(session, 3, False, at=site.clock.now())
            else:
                consent.withdraw_consent(session, 3, at=site.clock.now())

    entrance.ask(3)
    entrance.show(CARL, PHOTOS - 1)
    leave()
    entrance.show(CARL, PHOTOS)
    assert entrance.standing(3) is None and entrance.stored() == 0

    with site.sessions.begin() as session:
        people.set_active(session, 3, True, at=site.clock.now())
        consent.give_consent(session, 3, "Yes.", at=site.clock.now())
    entrance.ask(3)
    entrance.show(CARL, PHOTOS + 1)
    assert entrance.stored() == PHOTOS
    leave()
    assert entrance.standing(3) is None and entrance.stored() == 0


def test_photos_are_sealed_for_their_enrolment(entrance: Entrance) -> None:
    number = entrance.ask(3)
    entrance.show(CARL, PHOTOS)
    with entrance.site.sessions() as session:
        (first, *_) = camera_enrolments.photo_ids(session, number)
        assert camera_enrolments.photo(session, entrance.site.keys, number + 1, first) is None
