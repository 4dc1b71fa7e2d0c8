"""/threshold/comparing: the ways side by side, and another one in force."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np

from attendance.domain.access.scoring import Scoring
from attendance.service.access.doors import unproven
from attendance.store import settings
from attendance.store.access import events
from attendance.store.audit import entries
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from tests.factories import MODEL, make_passage
from tests.site_fixtures import Browser, Web


def send(browser: Browser, **values: str) -> Any:
    """Send what the page's form would."""
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', browser.text("/threshold/comparing"))
    assert seen
    return browser.submit("/threshold/comparing", {"seen": html.unescape(seen[1])} | values)


def test_each_way_shows_its_numbers_and_the_one_in_force(calibrated: Web, admin: Browser) -> None:
    page = admin.text("/threshold/comparing")
    assert "Each look with the best of a person’s photos" in page
    assert "without what all faces of this site have in common" in page
    assert page.count('type="radio"') == 5
    assert "one try a passage" in page
    assert page.count(">in force<") == 1
    assert "/threshold/comparing" in admin.text("/threshold")


def test_another_way_is_put_in_force_with_a_reason_and_stays_in_the_history(calibrated: Web, admin: Browser) -> None:
    refused = send(admin, way="mean photo", reason=" ")
    assert refused.status_code == 400 and "Say why" in refused.get_data(as_text=True)
    answer = send(admin, way="mean photo", reason="Photos of two sessions.")
    assert answer.status_code == 302
    with calibrated.sessions() as session:
        point = operating_points.current(session, MODEL)
        row, act = operating_points.history(session, MODEL, limit=1)[0], entries.list_entries(session)[0]
    assert point is not None and point.scoring == "mean photo"
    assert (row.reason, row.created_by) == ("Photos of two sessions.", "ada")
    assert act.detail["scoring"] == "mean photo"
    assert "mean of a person’s photos" in admin.text("/threshold")


def test_past_passages_are_not_decided_again_by_another_way_and_a_test_is_asked_for(
    calibrated: Web, admin: Browser
) -> None:
    """The photos are the replay; what was recorded by the old way is not shown as if it held."""
    page = " ".join(re.sub(r"<[^>]+>", " ", admin.text("/threshold/comparing")).split())
    assert "of 33 photos" in page and "of 16 people as strangers" in page
    assert "Past decisions cannot be decided again" in page
    with calibrated.sessions.begin() as session:
        events.record_passage(session, make_passage(calibrated.clock.now(), score=0.95))
    assert "0 of 1 change" in " ".join(re.sub(r"<[^>]+>", " ", admin.text("/threshold")).split())
    assert "Compared so since" not in admin.text("/threshold")
    calibrated.clock.advance(60)
    send(admin, way="mean photo", reason="Photos of two sessions.")
    page = " ".join(re.sub(r"<[^>]+>", " ", admin.text("/threshold")).split())
    assert "repeat the acceptance test" in page  # said once, by the answer
    assert "0 of 0 change" in page and "earlier decisions have scores of another kind" in page
    assert "No acceptance test was passed since faces are compared so" in page
    calibrated.clock.advance(60)
    with calibrated.sessions.begin() as session:
        finished = calibrated.clock.now()
        test = {"model_id": MODEL, "passed": True, "finished": finished.isoformat()}
        settings.put(session, unproven.PASSED, {"door": test}, finished)
    assert "No acceptance test was passed" not in admin.text("/threshold")


def test_a_way_that_is_none_is_refused(calibrated: Web, admin: Browser) -> None:
    answer = send(admin, way="the best", reason="x")
    assert answer.status_code == 400 and "Choose one of the ways" in answer.get_data(as_text=True)


def test_with_nobody_enrolled_the_page_answers(web: Web, admin: Browser) -> None:
    assert "needs at least five people" in admin.text("/threshold/comparing")


def test_what_somebody_else_set_meanwhile_is_not_undone_unseen(calibrated: Web, admin: Browser) -> None:
    page = admin.text("/threshold/comparing")
    calibrated.clock.advance(1)
    calibrated.set_threshold(0.95)
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', page)
    assert seen
    form = {"seen": html.unescape(seen[1]), "way": "mean photo", "reason": "Two sessions."}
    answer = admin.submit("/threshold/comparing", form)
    assert answer.status_code == 400 and "Somebody else set a threshold" in answer.get_data(as_text=True)


def test_a_damaged_centre_is_mended_on_the_page(calibrated: Web, admin: Browser) -> None:
    with calibrated.sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.5, margin=0.05, source="calibration", gallery_size=16,
            at=calibrated.clock.now(), scoring=Scoring(True, np.full(32, 0.01, np.float32)), keys=Keys(bytes(32)),
        )  # fmt: skip
    assert "Other ways" in admin.get("/threshold").get_data(as_text=True)
    assert send(admin, way="best photo", reason="The centre was damaged.").status_code == 302
    assert "best of a person’s photos" in admin.text("/threshold")
