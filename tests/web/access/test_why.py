"""/log/<id>: why somebody was refused, or let in."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import numpy as np

from attendance.domain.access.liveness.challenge import Challenge, Done, Ended, Look, Step, Who, begin
from attendance.domain.faces import Box
from attendance.domain.reason import Reason
from attendance.store.access import challenges, events
from attendance.store.people import templates
from tests.factories import MODEL, NOON, make_template
from tests.site_fixtures import Browser, Web


def shown_to_all(page: str) -> str:
    """What stands there before the operators' part is opened, as text."""
    main = page[page.index("<main") :].partition("<details class=")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_every_row_of_the_log_leads_to_its_reason(web: Web, admin: Browser) -> None:
    refused, granted = web.passage(), web.passage(NOON + timedelta(minutes=5), web.add("Anna Berg"))

    page = admin.text("/log")
    assert f"/log/{refused}" in page
    assert f"/log/{granted}" in page
    assert "Why was I refused?" in admin.text(f"/log/{refused}")
    assert "Why was I let in?" in admin.text(f"/log/{granted}")
    assert f"/log/{granted}" in admin.text("/people/1")


def test_the_part_for_the_person_holds_no_score_and_nobody_elses_name(web: Web, admin: Browser) -> None:
    web.set_threshold(0.5123, 0.0511)
    anna = web.add("Anna Berg")
    web.passage(NOON + timedelta(seconds=20), anna)
    passage = web.passage(score=0.4876, runner_up=0.4316, threshold=0.5123, margin=0.0511)
    page = admin.text(f"/log/{passage}")
    told = shown_to_all(page)

    assert "Your face was not recognised" in told
    assert "PIN or badge" in told
    assert not re.search(r"0\.\d", told)
    assert "Anna" not in told
    for number in ("0.488", "0.512", "0.432", "0.056", "0.051"):
        assert number in page
    assert "A near miss" in page
    assert "Anna Berg" in page  # who was let in at this camera twenty seconds later


def test_after_a_change_of_recogniser_people_without_templates_are_told_apart_from_strangers(
    web: Web, admin: Browser
) -> None:
    web.set_threshold()
    old, new = web.add("Anna Berg"), web.add("Bert Cole")
    with web.sessions.begin() as session:
        for person, model in ((old, "of-before"), (new, "of-before"), (new, MODEL)):
            template = make_template(person, model_id=model)
            templates.add_template(session, web.keys, person, template, "upload", {}, None, at=NOON)
    passage = web.passage(score=0.1, threshold=0.5)
    page = admin.text(f"/log/{passage}")
    assert "the person who is enrolled with another recognition model only" in page
    assert "another recognition model" not in shown_to_all(page)


def test_a_poor_picture_is_told_with_what_was_measured_and_what_is_asked_for(web: Web, admin: Browser) -> None:
    passage = web.passage(reason=Reason.TOO_SMALL, score=None, measured=53.7)
    older = web.passage(NOON + timedelta(minutes=9), reason=Reason.COVERED, score=None)
    page = admin.text(f"/log/{passage}")
    least = web.app.extensions["attendance"].settings.quality.min_size

    assert "too far away" in shown_to_all(page)
    assert "54 pixels" in page
    assert f"at least {least:.0f} pixels" in page
    assert "not recorded" in admin.text(f"/log/{older}")


def test_look_alikes_are_told_apart_from_others_by_the_margin_in_force_then(web: Web, admin: Browser) -> None:
    web.set_threshold(0.5, 0.05)
    doubt = {"reason": Reason.AMBIGUOUS, "score": 0.6, "runner_up": 0.57, "threshold": 0.5}
    plain, alike = (web.passage(NOON + timedelta(minutes=1), **doubt, margin=margin) for margin in (0.05, 0.1))
    web.clock.advance(3600)
    web.set_threshold(0.5, 0.2)  # later: not the one of then

    assert "known to look alike" not in shown_to_all(admin.text(f"/log/{plain}"))
    assert "known to look alike" in shown_to_all(admin.text(f"/log/{alike}"))


def test_an_entry_from_before_the_margin_was_kept_is_told_without_it(web: Web, admin: Browser) -> None:
    passage = web.passage(reason=Reason.AMBIGUOUS, score=0.6, runner_up=0.59, threshold=0.5, margin=None)

    assert "not recorded then" in admin.text(f"/log/{passage}")


def test_a_door_that_stayed_shut_is_told(web: Web, admin: Browser) -> None:
    passage = web.passage(NOON, web.add("Anna Berg"))
    with web.sessions.begin() as session:
        events.record_door_event(
            session, event_id=passage, passage_id=passage, at=NOON, door="front", outcome="failed", detail="no <answer>"
        )

    assert "It did not open: no &lt;answer&gt;" in admin.text(f"/log/{passage}")


def asked_to_move(web: Web, passage: str, camera: str, ended: Ended, done: int, why: str) -> None:
    """A challenge of two steps before this passage, as the daemon writes it."""
    points = np.array([[0, 0], [50, 0], [25, 25], [5, 50], [45, 50]], float)
    asked = Challenge(f"c-{passage}", camera, (Step.LEFT, Step.NEARER), NOON, timedelta(seconds=12))
    begun = begin(asked, Look(NOON, Box(0, 0, 100, 150), points, Who.SAME))
    seen = (Done(Step.LEFT, 1.75, 0.212), Done(Step.NEARER, 2.0, 1.31))[:done]
    with web.sessions.begin() as session:
        challenges.put(session, begun, why)
        challenges.end(session, replace(begun, done=seen, ended=ended), passage)


def test_how_a_person_moved_who_was_asked_to_stands_in_the_log_and_in_its_reason(web: Web, admin: Browser) -> None:
    granted = web.passage(NOON, web.add("Anna Berg"))
    refused = web.passage(NOON + timedelta(minutes=5), reason=Reason.CHALLENGE_FAILED, score=None)
    asked_to_move(web, granted, "front", Ended.PASSED, 2, "rule")
    asked_to_move(web, refused, "front", Ended.TOO_LATE, 1, "doubt")

    page = admin.text(f"/log/{granted}")
    assert "asks every face. The person moved as asked." in page
    assert [text in page for text in ("0.21", "After 1.8 s", "1.31", "After 2.0 s")] == [True] * 4
    assert "Not seen." not in page

    page = admin.text(f"/log/{refused}")
    assert "The cues did not decide. The time was over before all was done." in page
    assert page.count("Not seen.") == 1
    assert not re.search(r"0\.21", shown_to_all(page))

    log = admin.text("/log")
    assert log.count("moved as asked") == 1
    assert "moved as asked" not in admin.text("/log?" + urlencode({"outcome": "denied"}))


def test_there_is_a_page_for_every_reason(web: Web, viewer: Browser) -> None:
    for reason in Reason:
        if reason is not Reason.MATCHED:
            assert viewer.get(f"/log/{web.passage(reason=reason, threshold=None)}").status_code == 200


def test_what_is_no_entry_is_not_found(admin: Browser) -> None:
    for path in ("x", "0", "018f4e6c-0000-7000-8000-000000000000", "%00", "18446744073709551616", "nan"):
        assert admin.get(f"/log/{path}").status_code == 404


def test_strangers_are_led_to_the_login(web: Web, stranger: Browser) -> None:
    assert stranger.get(f"/log/{web.passage()}").status_code == 302
