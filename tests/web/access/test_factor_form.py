"""/doors/…/settings: what people prove at a camera or tablet, and the doubts that ask for a second proof."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from attendance.domain.access.rules.factors import Doubt, Factor, FactorRule
from attendance.domain.people.consent import BOTH, Purpose
from attendance.service.access.policy import door_rows
from attendance.store.kiosk import devices
from tests.site_fixtures import Browser, Web
from tests.web.access.conftest import TIMES, rules
from tests.web.kiosk.conftest import add_tablet

FACE, PIN, BADGE = Factor.FACE, Factor.PIN, Factor.BADGE
IN_VAIN = "nobody could give the second proof"


def save(admin: Browser, door: int, what: str, **form: Any) -> str:
    sent = {"what": what, **form}
    return admin.submit(f"/doors/{door}/settings", sent, follow_redirects=True).get_data(as_text=True)


@pytest.fixture
def tablet(web: Web, front: int, admin: Browser) -> str:
    """A tablet that an operator moved to the front door, beside the camera "entrance"."""
    add_tablet(web)
    save(admin, front, "point", point="canteen")
    return "canteen"


def test_proofs_are_chosen_by_schedule_and_shown_again(web: Web, front: int, admin: Browser, tablet: str) -> None:
    [always] = rules(web).schedules
    sent = {"point": "entrance", "schedule": str(always), "inside": ["face"], "otherwise": ["face+pin", "badge+pin"]}
    assert "Saved." in save(admin, front, "proofs", **sent)
    by_hour, otherwise = rules(web).points["entrance"].factors
    assert by_hour == FactorRule((frozenset({FACE}),), always)
    assert otherwise.schedule is None
    assert set(otherwise.sets) == {frozenset({FACE, PIN}), frozenset({BADGE, PIN})}
    page = admin.text(f"/doors/{front}/settings")
    assert 'name="otherwise" value="face+pin" checked' in page
    assert 'name="otherwise" value="badge+face" checked' not in page
    assert "what people prove at the door" in admin.text("/audit/")

    save(admin, front, "proofs", point="entrance", otherwise=["face", "pin", "badge"])
    assert rules(web).points["entrance"].factors == ()  # any one proof


def test_proofs_that_nobody_could_give_are_refused(web: Web, front: int, admin: Browser) -> None:
    for otherwise, words in (
        (["face+pin"], "nobody could prove this"),
        (["face", "face+pin"], IN_VAIN),
        (["pin"], "nobody could prove this"),
        ([], "tick at least one proof"),
    ):
        page = save(admin, front, "proofs", point="entrance", otherwise=otherwise)
        assert words in page.lower(), otherwise
    assert (
        "choose the schedule"
        in save(admin, front, "proofs", point="entrance", inside=["face"], otherwise=["face"]).lower()
    )
    assert "not at this door" in save(admin, front, "proofs", point="elsewhere", otherwise=["face"])
    page = save(admin, front, "proofs", point="entrance", schedule="999", inside=["face"], otherwise=["face"])
    assert "schedule is not there" in page
    assert rules(web).points["entrance"].factors == ()


@pytest.mark.parametrize(
    ("proofs", "words"),
    [
        (["face"], "cannot turn their head"),
        (["face", "face+pin"], "cannot turn their head"),
        (["face+pin", "badge+face"], "cannot turn their head"),
        (["face+pin", "pin"], "cannot turn their head"),  # one proof is not of the rank of two
        (["pin", "badge"], "only a face can be asked to move"),
        (["face", "pin"], "Saved."),
        (["face", "badge+pin"], "Saved."),
        (["face+pin", "badge+pin"], "Saved."),
    ],
)
def test_who_cannot_move_has_another_way_of_equal_rank(
    web: Web, front: int, admin: Browser, tablet: str, proofs: list[str], words: str
) -> None:
    page = save(admin, front, "proofs", point="entrance", otherwise=proofs, **{"move-otherwise": "1"})
    assert words.lower() in page.lower()
    assert [rule.challenge for rule in rules(web).points["entrance"].factors] == ([True] if words == "Saved." else [])


def test_the_other_way_is_one_that_can_be_taken_at_this_door(web: Web, front: int, admin: Browser) -> None:
    """Without a tablet or reader a PIN is a tick on a page, and nothing for a person before the camera."""
    sent: dict[str, Any] = {"point": "entrance", "otherwise": ["face", "pin", "badge"]}
    assert "cannot turn their head" in save(admin, front, "proofs", **sent, **{"move-otherwise": "1"})
    assert rules(web).points["entrance"].factors == ()
    assert "Saved." in save(admin, front, "proofs", **sent)


def test_doubts_are_ticked_and_those_of_other_sources_stay(web: Web, front: int, admin: Browser, tablet: str) -> None:
    with web.sessions.begin() as session:
        door_rows.change(session, front, "front", {"step_up": [str(Doubt.LIVENESS)]}, web.clock.now())
    save(admin, front, "doubts", **{"doubt-look_alike": "y", "doubt-thin_margin": "y"})
    assert rules(web).doors[front].step_up == {Doubt.LOOK_ALIKE, Doubt.THIN_MARGIN, Doubt.LIVENESS}
    save(admin, front, "doubts")
    assert rules(web).doors[front].step_up == {Doubt.LIVENESS}


def test_a_second_proof_needs_a_tablet_on_that_side_that_is_in_use(
    web: Web, front: int, admin: Browser, tablet: str
) -> None:
    [always] = rules(web).schedules
    with web.sessions.begin() as session:
        [device] = devices.list_devices(session)
        devices.revoke(session, device.id, at=web.clock.now())
    assert IN_VAIN in save(admin, front, "doubts", **{"doubt-thin_margin": "y"})
    times = TIMES | {"name": "front", "usual_schedule_id": str(always)}
    assert IN_VAIN in save(admin, front, "rules", **times)
    assert (rules(web).doors[front].step_up, rules(web).doors[front].usual_schedule) == (frozenset(), None)


def test_a_point_is_for_access_for_working_time_or_for_both(web: Web, front: int, admin: Browser) -> None:
    assert rules(web).points["entrance"].purposes == BOTH

    assert "Saved." in save(admin, front, "purposes", point="entrance", purposes="access")
    assert rules(web).points["entrance"].purposes == {Purpose.ACCESS}
    page = admin.text(f"/doors/{front}/settings")
    assert '<option value="access" selected>' in page
    assert "choose what the camera" in save(admin, front, "purposes", point="entrance", purposes="fun").lower()
    assert "not at this door" in save(admin, front, "purposes", point="elsewhere", purposes="access")
    assert rules(web).points["entrance"].purposes == {Purpose.ACCESS}


def test_only_known_changes_are_made_and_reach_the_audit(web: Web, front: int, admin: Browser) -> None:
    [always] = rules(web).schedules
    for path in (f"/doors/{front}/settings", f"/doors/schedules/{always}"):
        assert admin.submit(path, {"what": "Robin was here"}).status_code == 400, path

    with web.sessions() as session:
        assert "Robin" not in str(session.execute(text("SELECT detail FROM audit_entries")).all())


VAIN, SECOND, LAST = (
    "Nobody passes entrance at some hours",
    "asks for a second proof, in doubt",
    "That was the last tablet",
)


def revoke(web: Web, admin: Browser, name: str) -> str:
    with web.sessions() as session:
        number = next(row.id for row in devices.list_devices(session) if row.name == name)
    return admin.submit(f"/kiosks/{number}/revoke", follow_redirects=True).get_data(as_text=True)


def test_the_last_tablet_of_a_door_does_not_go_unnoticed(web: Web, front: int, admin: Browser, tablet: str) -> None:
    with web.sessions.begin() as session:
        door_rows.add(session, "back", web.clock.now())
    add_tablet(web, "lobby")
    save(admin, front, "point", point="lobby")
    page = revoke(web, admin, "lobby")
    assert "is revoked" in page
    assert not any(words in page for words in (VAIN, SECOND, LAST)), "the other one is still there"

    page = revoke(web, admin, tablet)
    assert "is revoked" in page
    assert LAST in page
    assert VAIN not in admin.text(f"/doors/{front}"), "no rule asks for a PIN"


@pytest.mark.parametrize("act", ["move", "revoke"])
def test_rules_that_nobody_can_meet_any_more_are_told_at_once_and_on_the_door_s_pages(
    web: Web, front: int, admin: Browser, viewer: Browser, tablet: str, act: str
) -> None:
    with web.sessions.begin() as session:
        back = door_rows.add(session, "back", web.clock.now())
    save(admin, front, "proofs", point="entrance", otherwise=["face+pin", "badge+pin"])
    save(admin, front, "proofs", point=tablet, otherwise=["face", "pin", "badge"])
    page = revoke(web, admin, tablet) if act == "revoke" else save(admin, back, "point", point=tablet)

    assert VAIN in page
    for browser, path in ((admin, f"/doors/{front}/settings"), (viewer, f"/doors/{front}")):
        assert VAIN in browser.text(path)
    assert VAIN not in admin.text(f"/doors/{back}")
    add_tablet(web, "lobby")
    assert VAIN not in save(admin, front, "point", point="lobby")


def test_doubts_that_ask_in_vain_are_told_too(web: Web, front: int, admin: Browser, tablet: str) -> None:
    save(admin, front, "doubts", **{"doubt-look_alike": "y"})
    with web.sessions.begin() as session:
        door_rows.add(session, "back", web.clock.now())
    page = revoke(web, admin, tablet)

    assert SECOND in page
    assert VAIN not in page
    assert SECOND in admin.text(f"/doors/{front}/settings")
