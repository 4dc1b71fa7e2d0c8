"""/threshold/comparing: the ways side by side, and another one in force."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np

from attendance.domain.access.scoring import Scoring
from attendance.store.audit import entries
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from tests.factories import MODEL
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
