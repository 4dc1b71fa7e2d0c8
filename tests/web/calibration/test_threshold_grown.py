"""Grown templates that wait for a threshold: the pages say so, and a threshold that is put in force counts them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.domain.faces import Template
from attendance.domain.people.consent import Purpose
from attendance.service.people.growth import rules_of, settle
from attendance.store.calibration import operating_points
from attendance.store.people import grown, templates
from attendance.store.people.grown import GrownTemplate
from attendance.store.privacy import consent, person_keys
from tests.factories import MODEL, NOON, near
from tests.fakes import FakeClock
from tests.site_fixtures import Browser, Web
from tests.web.calibration.conftest import form_of

WAITS = "1 grown template waits for a threshold that is computed with it"


@pytest.fixture
def waiting(calibrated: Web) -> Web:
    """A look of person 1 whose quarantine is over, under a threshold that somebody set before it grew."""
    site = calibrated.app.extensions["attendance"]
    site.settings = site.settings.model_copy(
        update={"growth": site.settings.growth.model_copy(update={"enabled": True})}
    )
    with calibrated.sessions.begin() as session:
        consent.give_consent(session, 1, "Yes.", at=NOON, purposes=[Purpose.ACCESS, Purpose.GROWTH])
        [photo, *_more] = templates.enrolled_templates(session, calibrated.keys, MODEL, 1)
        look = Template(near(photo.template.vector, 0.93, seed=3), MODEL)
        wrapped = person_keys.wrapped_key(session, 1)
        assert wrapped is not None
        session.add(
            GrownTemplate(
                uid="one", person_id=1, model_id=MODEL, vector=calibrated.keys.unwrap(wrapped, 1).seal(look),
                quality={}, camera="door", passage_id="p", grown_at=NOON - timedelta(days=8),
                usable_at=NOON - timedelta(days=1),
            )
        )  # fmt: skip
    return calibrated


def test_what_waits_is_told_until_somebody_puts_a_threshold_in_force(waiting: Web, admin: Browser) -> None:
    for page in ("/threshold", "/"):
        assert WAITS in admin.text(page)
    assert "With them, at this threshold" in admin.text("/threshold")
    assert "for a threshold computed with it" in admin.text("/people/1")
    assert "1 templates that grew" in admin.text("/threshold/numbers")

    assert admin.submit("/threshold", form_of(admin, mode="hand", threshold="0.92")).status_code == 302
    with waiting.sessions() as session:
        assert operating_points.counted_grown(session, MODEL) == {"one"}
    assert WAITS not in admin.text("/threshold") and WAITS not in admin.text("/")
    site = waiting.app.extensions["attendance"]
    assert settle(waiting.sessions, waiting.keys, MODEL, rules_of(site.settings), FakeClock()) == 1


def test_another_way_of_comparing_counts_it_too(waiting: Web, admin: Browser) -> None:
    with waiting.sessions() as session:
        seen = operating_points.current(session, MODEL)
    assert seen is not None
    form = {
        "way": "mean photo",
        "reason": "try",
        "seen": f"{seen.created_at.isoformat()} {seen.threshold!r} 0.05 best photo",
    }
    assert admin.submit("/threshold/comparing", form).status_code == 302
    with waiting.sessions() as session:
        assert operating_points.counted_grown(session, MODEL) == {"one"}


def test_a_template_that_is_gone_is_told_where_the_threshold_follows_no_risk(waiting: Web, admin: Browser) -> None:
    admin.submit("/threshold", form_of(admin, mode="hand", threshold="0.92"))
    with waiting.sessions.begin() as session:
        grown.delete_rows(session, grown.by_uid(session, ["one"]), NOON)
    assert "1 grown template is gone that this threshold was computed with" in admin.text("/threshold")
