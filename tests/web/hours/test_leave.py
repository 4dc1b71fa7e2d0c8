"""Leave as supervisors and administrators enter and decide it: list, calendar, balances."""

from __future__ import annotations

from datetime import timedelta

from attendance.domain.hours.shift import Half
from attendance.service.hours.leave import requests
from attendance.store.audit.entries import list_entries
from attendance.store.hours.leave import leave_between
from tests.factories import NOON
from tests.site_fixtures import Browser, Web
from tests.web.hours.conftest import DAY

MAY = {"back_from": "2024-05-01", "back_to": "2024-05-31", "back_department": "Lab"}


def asked(web: Web, person_id: int) -> int:
    with web.sessions.begin() as session:
        row = requests.ask_for_leave(
            session, person_id, kind="vacation", first=DAY + timedelta(days=2), last=DAY + timedelta(days=3),
            half=Half.SECOND, last_half=Half.WHOLE, note="", now=NOON,
        )  # fmt: skip
        return row.id


def test_a_decision_leads_back_to_the_filter_and_is_audited(web: Web, anna: int, admin: Browser) -> None:
    leave_id = asked(web, anna)

    answer = admin.submit(f"/attendance/leave/{leave_id}", MAY | {"state": "refused", "note": "The fair is then."})

    assert answer.location == "/attendance/leave?from=2024-05-01&to=2024-05-31&department=Lab"
    assert "The fair is then." in admin.text(answer.location)
    with web.sessions() as session:
        assert "refuse_leave" in [entry.action for entry in list_entries(session)]


def test_the_filter_shows_a_department_or_a_person_only(web: Web, anna: int, admin: Browser) -> None:
    bert = web.add("Bert Lind", department="Shop")
    asked(web, anna)
    asked(web, bert)

    assert "Bert Lind</span>" not in admin.text("/attendance/leave?department=Lab")
    page = admin.text(f"/attendance/leave?person={bert}")
    assert "Bert Lind</span>" in page
    assert "Anna Berg</span>" not in page
    assert "1.5 working days" in page


def test_a_request_shows_what_is_left_after_it(web: Web, anna: int, admin: Browser) -> None:
    asked(web, anna)
    admin.submit("/attendance/leave/rules", {"year": "2024", "days": "24,5", "carry_until": "03-31"})

    assert "23 days left of the year after it" in admin.text("/attendance/leave")


def test_the_calendar_shows_the_department_and_who_waits(web: Web, anna: int, admin: Browser) -> None:
    asked(web, anna)
    admin.submit("/attendance/leave", {"person": str(anna), "kind": "sickness", "first": "2024-05-13", "half": "first"})

    page = admin.text("/attendance/leave/calendar?department=Lab")

    assert page.count("vacation, waits for a decision") == 2
    assert "sickness (half, first)" in page
    assert "<td>0.5</td>" in page


def test_balances_are_as_of_a_day_and_differ_for_a_person(web: Web, anna: int, admin: Browser) -> None:
    admin.submit("/attendance/leave/rules", {"year": "2024", "days": "30", "monthly": "yes", "carry_most": "5"})
    admin.submit("/attendance/leave/entitlements", {"person": str(anna), "year": "2024", "brought": "2.5"})

    page = admin.text("/attendance/leave/balances?on=2024-03-31")

    assert "<strong>10</strong>" in page  # 2.5 brought and a quarter of 30
    assert "<strong>32.5</strong>" in page


def test_rules_that_make_no_sense_are_refused(web: Web, anna: int, admin: Browser) -> None:
    for form in ({"days": "30.3"}, {"days": "many"}, {"days": "30", "carry_until": "02-31"}):
        answer = admin.submit("/attendance/leave/rules", {"year": "2024"} | form, follow_redirects=True)
        assert "such as 27.5" in (text := answer.get_data(as_text=True)) or "write it as 03-31" in text


def test_a_kind_that_is_not_offered_cannot_be_entered(web: Web, anna: int, admin: Browser) -> None:
    admin.submit("/attendance/leave/kinds", {"name": "moving house", "paid": "yes"})
    form = {"person": str(anna), "kind": "moving house", "first": "2024-05-08"}
    admin.submit("/attendance/leave/kinds", {"name": "moving house", "paid": "yes", "active": "no"})
    answer = admin.submit("/attendance/leave", form, follow_redirects=True)
    assert "leave is one of" in answer.get_data(as_text=True).lower()

    admin.submit("/attendance/leave/kinds", {"name": "moving house", "paid": "yes"})
    admin.submit("/attendance/leave", form)

    with web.sessions() as session:
        (row,) = leave_between(session, DAY, DAY + timedelta(days=9))
    assert (row.kind, row.paid, row.state) == ("moving house", True, "approved")
