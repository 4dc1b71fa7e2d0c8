"""Leave on an employee's page: asked for, withdrawn, and how many days are left."""

from __future__ import annotations

from datetime import date

from attendance.domain.hours.entitlement import LeaveRules
from attendance.service.hours.leave import balances
from attendance.store.hours.leave import leave_between
from tests.site_fixtures import Browser, Web

JUNE = (date(2024, 6, 1), date(2024, 6, 30))


def test_an_employee_asks_for_leave_and_withdraws_it(web: Web, anna: int, me: Browser) -> None:
    form = {"kind": "vacation", "first": "2024-06-10", "last": "2024-06-12", "last_half": "first", "note": "Sea"}
    me.submit("/me/leave", form)

    page = me.text("/me/leave")
    assert "2.5 working days" in page
    with web.sessions() as session:
        (row,) = leave_between(session, *JUNE, states=("requested",))
    assert (row.person_id, row.requested_by, row.last_half) == (anna, "self-service", "first")

    me.submit(f"/me/leave/{row.id}/withdraw", {})

    with web.sessions() as session:
        assert [one.id for one in leave_between(session, *JUNE, states=("withdrawn",))] == [row.id]


def test_one_day_is_written_as_one_day(me: Browser) -> None:
    me.submit("/me/leave", {"kind": "vacation", "first": "2024-06-10", "last": "2024-06-10"})

    page = " ".join(me.text("/me/leave").split())
    assert "1 working day" in page
    assert "1 working days" not in page


def test_an_employee_sees_the_days_that_are_left(web: Web, anna: int, me: Browser) -> None:
    """Wednesday and Thursday are planned; 2024 began with 30 days."""
    with web.sessions.begin() as session:
        balances.save_rules(session, 2024, LeaveRules(30))

    page = me.text("/me/leave")

    assert "<strong>28</strong>" in page


def test_leave_of_somebody_else_is_not_withdrawn(web: Web, anna: int, me: Browser) -> None:
    with web.sessions() as session:
        other = next(row.id for row in leave_between(session, date(2024, 1, 1), JUNE[1]) if row.person_id != anna)
    answer = me.submit(f"/me/leave/{other}/withdraw", {}, follow_redirects=True)

    assert f"here is no leave {other}" in answer.get_data(as_text=True)
