"""/threshold/comparing: the ways side by side, and another one in force."""

from __future__ import annotations

from attendance.store.audit import entries
from attendance.store.calibration import operating_points
from tests.factories import MODEL
from tests.site_fixtures import Browser, Web


def test_each_way_shows_its_numbers_and_the_one_in_force(calibrated: Web, admin: Browser) -> None:
    page = admin.text("/threshold/comparing")
    assert "Each look with the best of a person’s photos" in page
    assert "without what all faces of this site have in common" in page
    assert page.count('type="radio"') == 3
    assert page.count(">in force<") == 1
    assert "/threshold/comparing" in admin.text("/threshold")


def test_another_way_is_put_in_force_with_a_reason_and_stays_in_the_history(calibrated: Web, admin: Browser) -> None:
    refused = admin.submit("/threshold/comparing", {"way": "mean photo", "reason": " "})
    assert refused.status_code == 400 and "Say why" in refused.get_data(as_text=True)
    answer = admin.submit("/threshold/comparing", {"way": "mean photo", "reason": "Photos of two sessions."})
    assert answer.status_code == 302
    with calibrated.sessions() as session:
        point = operating_points.current(session, MODEL)
        row, act = operating_points.history(session, MODEL, limit=1)[0], entries.list_entries(session)[0]
    assert point is not None and point.scoring == "pooled"
    assert (row.reason, row.created_by) == ("Photos of two sessions.", "ada")
    assert act.detail["scoring"] == "pooled"
    assert "mean of a person’s photos" in admin.text("/threshold")


def test_a_way_that_is_none_is_refused(calibrated: Web, admin: Browser) -> None:
    answer = admin.submit("/threshold/comparing", {"way": "the best", "reason": "x"})
    assert answer.status_code == 400 and "Choose one of the ways" in answer.get_data(as_text=True)


def test_with_nobody_enrolled_the_page_answers(web: Web, admin: Browser) -> None:
    assert "needs at least five people" in admin.text("/threshold/comparing")
