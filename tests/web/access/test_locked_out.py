"""/doors/locked-out: who, why, since when; locked out means refused, unlocked means let in again."""

from __future__ import annotations

from datetime import timedelta

from attendance.service.access.policy import person_states
from attendance.store.access import policies
from tests.site_fixtures import Browser, Web


def state(web: Web, person: int) -> tuple[bool, object]:
    with web.sessions() as session:
        rules = policies.for_person(session, policies.load_rules(session, web.site.zone), person)
    return rules.people[person].enabled, rules.people[person].locked_until


def test_a_person_is_locked_out_and_unlocked_with_reasons(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    page = admin.submit("/doors/locked-out", {"person": str(anna)}, follow_redirects=True)
    assert "Enter a reason" in page.get_data(as_text=True)
    assert state(web, anna) == (True, None)

    admin.submit("/doors/locked-out", {"person": str(anna), "reason": "lost badge"})
    assert state(web, anna) == (False, None)
    page_text = admin.text("/doors/locked-out")
    assert "lost badge" in page_text
    assert "by ada" in page_text
    with web.sessions() as session:
        [one] = person_states.locked_out(session, web.clock.now())
    assert (one.since, one.by, one.until) == (web.clock.now(), "ada", None)

    unlock = f"/doors/locked-out/{anna}/unlock"
    admin.submit(unlock, {"reason": ""})
    assert state(web, anna) == (False, None)
    admin.submit(unlock, {"reason": "badge found"})
    assert state(web, anna) == (True, None)
    assert "Nobody is locked out." in admin.text("/doors/locked-out")


def test_a_lock_with_an_end_ends(web: Web, admin: Browser) -> None:
    anna, now = web.add("Anna Berg"), web.clock.now()
    local = web.site.local(now + timedelta(hours=2))
    form = {"person": str(anna), "reason": "visit over", "day": f"{local.date()}", "time": f"{local:%H:%M}"}
    admin.submit("/doors/locked-out", form)
    assert state(web, anna) == (True, now + timedelta(hours=2))
    with web.sessions() as session:
        assert len(person_states.locked_out(session, now)) == 1
        assert person_states.locked_out(session, now + timedelta(hours=2)) == []

    page = admin.submit("/doors/locked-out", form | {"time": "00:00"}, follow_redirects=True)
    assert "The end is over already" in page.get_data(as_text=True)
