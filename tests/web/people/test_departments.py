"""/people/departments: a rename keeps what supervisors see."""

from __future__ import annotations

from attendance.store.audit import entries
from attendance.store.operators import operators
from tests.factories import NOON
from tests.site_fixtures import PASSWORD, Browser, Web

PAGE = "/people/departments"


def test_a_supervisor_sees_the_same_people_after_a_rename(web: Web, admin: Browser, viewer: Browser) -> None:
    web.add("Anna Berg", department="Sales & Care")
    web.add("Bo Dahl", department="Lab")
    password = operators.hashed_password(PASSWORD)
    with web.sessions.begin() as session:
        operators.create_operator(session, "sue", password, role="supervisor", departments=["Sales & Care"], at=NOON)
    sue = web.browser("sue")
    assert "Anna Berg" in sue.text("/attendance/calendar")

    admin.submit(PAGE, {"department": "Sales & Care", "name": "Customers"})

    assert "Sales &amp; Care is called Customers now. Its supervisors stay." in admin.text(PAGE)
    page = viewer.text(PAGE)
    assert "Customers" in page and "sue" in page and "Rename" not in page
    seen = sue.text("/attendance/calendar")
    assert "Anna Berg" in seen and "Bo Dahl" not in seen
    with web.sessions() as session:
        (entry,) = entries.list_entries(session, action="rename_department")
    assert (entry.action, entry.subject_kind) == ("rename_department", "department")
    assert entry.detail == {"before": "Sales & Care", "after": "Customers", "people": 1, "joined": False}


def test_a_name_in_use_changes_nothing_without_the_tick(web: Web, admin: Browser) -> None:
    web.add("Anna Berg", department="Sales")
    web.add("Bo Dahl", department="Lab")

    admin.submit(PAGE, {"department": "Sales", "name": "Lab"})
    assert "There is a department Lab already" in admin.text(PAGE)
    with web.sessions() as session:
        assert {entry.action for entry in entries.list_entries(session)} <= {"view_data"}

    admin.submit(PAGE, {"department": "Sales", "name": "Lab", "join": "yes"})
    assert "Sales is called Lab now" in admin.text(PAGE)
