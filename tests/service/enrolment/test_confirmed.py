"""Faces at a door that asks for a second proof count as the site's own once the person's PIN or badge confirms them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from attendance.domain.access.rules.doors import Antipassback
from attendance.domain.passage import Direction, Method
from attendance.domain.reason import Reason
from attendance.service.access.doors.relay import Relay
from attendance.service.access.policy import door_rows
from attendance.service.access.recording import Recorder
from attendance.service.calibration.site_scores import score_site
from attendance.service.enrolment.confirmed import confirmed_scores
from attendance.service.hours import corrections
from attendance.service.ids import new_event_id
from attendance.store.access import events
from attendance.store.access.events import granted_scores
from attendance.store.cameras import cameras
from attendance.store.people import templates
from tests.factories import MODEL, make_passage, make_template
from tests.service.access.doors.asking import ZONE
from tests.service.conftest import Site

TWO = [{"sets": [["face", "pin"], ["face", "badge"], ["badge", "pin"]], "schedule": None}]
THREE = [{"sets": [["face", "pin", "badge"]], "schedule": None}]


@pytest.fixture
def vault(site: Site) -> Site:
    """Five people; a door that asks for two factors, with a camera and a tablet on one side."""
    with site.sessions.begin() as session:
        now = site.clock.now()
        for number in range(5):
            person = site.add(session, f"Person {number}")
            templates.add_template(session, site.keys, person.id, make_template(number), "upload", {}, None, at=now)
        cameras.claim(session, "door", source="0", direction=Direction.IN, owner="daemon", at=now)
        for point in ("door", "tablet"):
            door_rows.move_point(session, point, 1, now)
            door_rows.change_point(session, point, {"factors": TWO}, now)
    return site


def asked(
    site: Site, person: int | None, method: Method = Method.FACE, score: float | None = None, **changes: Any
) -> Reason:
    """A face with this score at the camera, or a PIN or badge at the tablet, a second later; return the answer."""
    site.clock.advance(1)
    now = site.clock.now()
    face = method is Method.FACE
    numbers = {"score": score, "model_id": MODEL} if face else {"score": None, "model_id": "", "received_at": now}
    passage = make_passage(
        now, id=new_event_id(now), camera="door" if face else "tablet", method=method, person_id=person,
        **numbers | changes,
    )  # fmt: skip
    recorder = Recorder(site.sessions, site.clock, site.door if face else None, timedelta(seconds=30), ZONE)
    recorded = recorder.record(passage.id, lambda _session: passage)
    assert recorded is not None
    return recorded.passage.reason


def scores(site: Site, model_id: str = MODEL, days: float = 30) -> list[tuple[int, float]]:
    with site.sessions() as session:
        return confirmed_scores(session, site.clock.now() - timedelta(days=days), model_id)


@pytest.mark.parametrize("proof", [Method.PIN, Method.BADGE])
def test_a_face_that_the_persons_own_proof_confirmed_counts_once(vault: Site, proof: Method) -> None:
    assert asked(vault, 3, score=0.61) is Reason.SECOND_FACTOR
    assert scores(vault) == []
    assert asked(vault, 3, proof) is Reason.MATCHED

    assert scores(vault) == [(3, 0.61)]
    assert scores(vault, "another-model") == [] and scores(vault, days=0) == []
    with vault.sessions() as session:
        since = vault.clock.now() - timedelta(days=1)
        assert granted_scores(session, since, MODEL) == []
        known = score_site(session, vault.keys, MODEL, None, passages_since=since)
    assert known.passages == 1 and known.owners.tolist() == [3]
    assert np.allclose(known.genuine, [0.61])


def test_a_face_that_came_second_counts_once_by_itself(vault: Site) -> None:
    assert asked(vault, 3, Method.PIN) is Reason.SECOND_FACTOR
    assert asked(vault, 3, score=0.7) is Reason.MATCHED
    with vault.sessions() as session:
        assert granted_scores(session, vault.clock.now() - timedelta(days=1), MODEL) == [(3, 0.7)]
    assert scores(vault) == []


def test_who_is_looked_at_again_while_typing_gives_one_score(vault: Site) -> None:
    asked(vault, 3, score=0.61)
    asked(vault, 3, score=0.8)
    asked(vault, 3, Method.PIN)
    asked(vault, 3, score=0.9)

    assert scores(vault) == [(3, 0.61)]


def test_a_wrong_pin_before_the_right_one_changes_nothing(vault: Site) -> None:
    asked(vault, 3, score=0.61)
    wrong = asked(vault, None, Method.PIN, granted=False, reason=Reason.WRONG_PIN)
    assert wrong is Reason.WRONG_PIN
    assert asked(vault, 3, Method.PIN) is Reason.MATCHED
    assert scores(vault) == [(3, 0.61)]


def test_another_persons_pin_confirms_nobody(vault: Site) -> None:
    asked(vault, 3, score=0.61)
    assert asked(vault, 4, Method.PIN) is Reason.WRONG_FACTOR
    assert asked(vault, 3, Method.PIN) is Reason.SECOND_FACTOR
    assert asked(vault, 3, Method.BADGE) is Reason.MATCHED
    assert scores(vault) == []


def test_what_came_too_late_or_never_confirms_nobody(vault: Site) -> None:
    asked(vault, 3, score=0.61)
    vault.clock.advance(20)
    assert asked(vault, 3, Method.PIN) is Reason.FACTOR_TIMEOUT
    asked(vault, 5, score=0.62)
    vault.clock.advance(25)
    Relay(vault.sessions, vault.clock, vault.door, "door", ZONE).step()  # notes that nothing came
    vault.clock.advance(60)
    asked(vault, 5, Method.PIN)
    asked(vault, 5, Method.BADGE)

    assert scores(vault) == []


def test_a_grant_long_after_a_face_that_nobody_timed_out_is_not_its_own(vault: Site) -> None:
    """The door's program was down meanwhile, and by now the PIN alone is enough."""
    asked(vault, 3, score=0.61)
    vault.clock.advance(300)
    with vault.sessions.begin() as session:
        door_rows.change_point(session, "tablet", {"factors": []}, vault.clock.now())
    assert asked(vault, 3, Method.PIN) is Reason.MATCHED
    assert scores(vault) == []


def test_three_factors_are_confirmed_by_the_last(vault: Site) -> None:
    with vault.sessions.begin() as session:
        for point in ("door", "tablet"):
            door_rows.change_point(session, point, {"factors": THREE}, vault.clock.now())
    asked(vault, 3, score=0.61)
    assert asked(vault, 3, Method.PIN) is Reason.SECOND_FACTOR
    assert scores(vault) == []
    assert asked(vault, 3, Method.BADGE) is Reason.MATCHED
    assert scores(vault) == [(3, 0.61)]


def test_the_other_side_of_the_door_confirms_nobody(vault: Site) -> None:
    asked(vault, 3, score=0.61)
    with vault.sessions.begin() as session:
        hall = door_rows.save_area(session, None, "Hall", Antipassback.OFF, {}, vault.clock.now())
        door_rows.change_point(session, "tablet", {"area_to_id": hall, "factors": []}, vault.clock.now())
    assert asked(vault, 3, Method.PIN) is Reason.MATCHED
    assert scores(vault) == []


@pytest.mark.parametrize("change", [{"marks": "offline"}, {"clock_doubt": True}])
def test_what_lay_in_doubt_confirms_nobody(vault: Site, change: dict[str, Any]) -> None:
    """Rows as a door without the database, or with a clock that was set back, leaves them."""
    with vault.sessions.begin() as session:
        for number, values in enumerate(({"score": 0.61, "granted": False, "reason": Reason.SECOND_FACTOR}, {})):
            at = vault.clock.now() + timedelta(seconds=number)
            face = make_passage(at, id=new_event_id(at), person_id=3, door_id=1, **values)
            pin = replace(face, camera="tablet", method=Method.PIN, score=None, model_id="")
            events.record_passage(session, replace(pin if number else face, **change))
    vault.clock.advance(2)
    assert scores(vault) == []


def test_a_passage_that_was_taken_back_is_nobodys_score(vault: Site) -> None:
    asked(vault, 3, score=0.61)
    asked(vault, 3, Method.PIN)
    with vault.sessions.begin() as session:
        for point in ("door", "tablet"):
            door_rows.change_point(session, point, {"factors": []}, vault.clock.now())
    vault.clock.advance(60)
    asked(vault, 4, score=0.7)
    since = vault.clock.now() - timedelta(days=1)
    with vault.sessions.begin() as session:
        assert confirmed_scores(session, since, MODEL) == [(3, 0.61)]
        assert granted_scores(session, since, MODEL) == [(4, 0.7)]
        for view in events.list_passages(session, granted=True):
            passage, now = view.passage, vault.clock.now()
            row = corrections.request_correction(
                session, person_id=passage.person_id or 0, action="void", at=passage.at, direction=passage.direction,
                reason="It was not me.", by="me", now=now, zone=ZONE, passage_id=passage.id,
            )  # fmt: skip
            corrections.decide_correction(session, row.id, approve=True, by="ada", now=now)
    with vault.sessions() as session:
        assert confirmed_scores(session, since, MODEL) == granted_scores(session, since, MODEL) == []
