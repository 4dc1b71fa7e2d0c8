"""Templates that grew: on the person's page and on the person's own, taken back by both; the consent to them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.domain.people.consent import Purpose
from attendance.store.audit import entries
from attendance.store.people import grown, people
from attendance.store.people.grown import GrownTemplate
from attendance.store.privacy import consent, person_keys
from attendance.web.site import site_of
from tests.factories import ANNA, MODEL, NOON, make_template
from tests.site_fixtures import Browser, Web

TICKED = {"text": "Yes.", "language": "en", "agreed": "yes", "channel": "page"}


@pytest.fixture
def grows(web: Web) -> Web:
    site = site_of(web.app)
    site.settings = site.settings.model_copy(
        update={"growth": site.settings.growth.model_copy(update={"enabled": True})}
    )
    return web


def with_two(web: Web, name: str = "Anna Berg") -> int:
    """Add somebody with a photo, a template that grew and is in use, and one that waits."""
    person_id = web.add(name)
    web.enrol(person_id, ANNA)
    keys = site_of(web.app).keys
    with web.sessions.begin() as session:
        consent.give_consent(session, person_id, "Yes.", at=NOON, purposes=[Purpose.GROWTH])
        wrapped = person_keys.wrapped_key(session, person_id)
        assert wrapped is not None
        for uid, used in (("one", NOON), ("two", None)):
            sealed = keys.unwrap(wrapped, person_id).seal(make_template(7))
            session.add(
                GrownTemplate(
                    uid=uid, person_id=person_id, model_id=MODEL, vector=sealed, quality={}, camera="back door",
                    passage_id="p", grown_at=NOON, usable_at=NOON + timedelta(days=7), used_since=used,
                )
            )  # fmt: skip
    return person_id


def left(web: Web, person_id: int) -> list[str]:
    with web.sessions() as session:
        return [row.uid for row in grown.of_person(session, person_id)]


def test_the_page_says_how_many_since_when_from_where_and_in_which_state(grows: Web, admin: Browser) -> None:
    page = admin.text(f"/people/{with_two(grows)}")

    assert "Templates that grew" in page and "2 looks of passages" in page
    assert "back door" in page.lower() and "in use" in page and "waiting" in page


def test_one_is_taken_back_and_then_all(grows: Web, admin: Browser) -> None:
    anna = with_two(grows)

    assert "1 template is taken back" in admin.submit(
        f"/people/{anna}/grown/take-back", {"uid": "one"}, follow_redirects=True
    ).get_data(as_text=True)
    assert left(grows, anna) == ["two"]
    admin.submit(f"/people/{anna}/grown/take-back")
    assert left(grows, anna) == []
    with grows.sessions() as session:
        assert [row.actor_kind for row in entries.list_entries(session, action="take_back_grown")] == ["operator"] * 2
    assert admin.submit("/people/999/grown/take-back").status_code == 404


def test_whoever_may_not_enrol_sees_them_and_takes_none_back(grows: Web, viewer: Browser) -> None:
    anna = with_two(grows)
    page = viewer.text(f"/people/{anna}")

    assert "Templates that grew" in page and "Take back" not in page
    assert viewer.submit(f"/people/{anna}/grown/take-back").status_code == 403
    assert len(left(grows, anna)) == 2


def test_the_consent_is_asked_for_only_where_templates_may_grow_and_never_ticked(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg", agreed=False)
    assert "Templates that grow" not in admin.text(f"/people/{anna}")

    site = site_of(web.app)
    site.settings = site.settings.model_copy(
        update={"growth": site.settings.growth.model_copy(update={"enabled": True})}
    )
    page = admin.text(f"/people/{anna}")
    box = page[page.index('name="growth"') - 200 : page.index('name="growth"') + 100]
    assert "confirmed with my PIN" in page and "checked" not in box.split('name="growth"')[1].split(">")[0]


def test_growth_alone_is_refused_and_beside_access_it_is_noted_and_withdrawn(grows: Web, admin: Browser) -> None:
    anna = grows.add("Anna Berg", agreed=False)
    refused = admin.submit(f"/people/{anna}/consent", TICKED | {"growth": "y"})
    assert refused.status_code == 400 and "tick access or working time" in refused.get_data(as_text=True)

    admin.submit(f"/people/{anna}/consent", TICKED | {"access": "y", "growth": "y"})
    with grows.sessions() as session:
        assert people.get_person(session, anna).agreed_to == {Purpose.ACCESS, Purpose.GROWTH}
    answer = admin.submit(f"/people/{anna}/consent/withdraw", {"purpose": "growth"}, follow_redirects=True)
    assert "that grew are erased" in answer.get_data(as_text=True)
    with grows.sessions() as session:
        assert people.get_person(session, anna).agreed_to == {Purpose.ACCESS}
