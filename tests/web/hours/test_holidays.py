"""/attendance/holidays: calendars, their holidays, and for whom each holds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from attendance.service.hours import periods
from attendance.store.audit import entries
from attendance.store.hours import calendars
from attendance.store.people import people
from tests.site_fixtures import Browser, Web

PAGE = "/attendance/holidays"


def test_holidays_are_imported_added_and_removed(admin: Browser) -> None:
    admin.submit("/attendance/holidays", {"what": "import", "country": "DE", "region": "BE", "year": "2024"})
    admin.submit("/attendance/holidays", {"what": "add", "day": "2024-06-03", "name": "Summer party"})
    assert "Summer party" in admin.text("/attendance/leave")

    admin.submit("/attendance/holidays", {"what": "remove", "day": "2024-06-03"})

    assert "· Summer party" not in admin.text("/attendance/leave")
    assert "1 May" in admin.text("/attendance/leave")


def made(web: Web, admin: Browser, name: str, region: str) -> int:
    """Make a calendar on the page, with the holidays of a region."""
    admin.submit(PAGE, {"what": "create", "name": name, "calendar": ""})
    with web.sessions() as session:
        row = next(row for row in calendars.list_calendars(session) if row.name == name)
    form = {"what": "import", "country": "DE", "region": region, "year": "2024", "calendar": str(row.id)}
    admin.submit(PAGE, form)
    return row.id


def test_two_people_of_two_regions_have_the_holidays_of_theirs(web: Web, admin: Browser, viewer: Browser) -> None:
    anna, bo = web.add("Anna Berg", department="Munich"), web.add("Bo Dahl", department="Berlin")
    admin.submit(PAGE, {"what": "import", "country": "DE", "region": "BE", "year": "2024"})
    bavaria = made(web, admin, "Bavaria", "BY")
    days = {person: f"/attendance/person/{person}/2024-05-30" for person in (anna, bo)}  # Corpus Christi
    assert "Corpus Christi" not in admin.text(days[anna])

    chosen = {"what": "choose", "department": "Munich", "chosen": str(bavaria), "first": "2024-05-01", "calendar": "1"}
    assert admin.submit(PAGE, chosen).status_code == 302

    assert "Corpus Christi" in admin.text(days[anna])
    assert "Corpus Christi" not in admin.text(days[bo])
    admin.submit(PAGE, chosen | {"department": "", "person": str(bo), "first": ""})
    assert "Corpus Christi" in admin.text(days[bo])
    page = viewer.text(f"{PAGE}?calendar={bavaria}&year=2024")
    assert "Corpus Christi" in page and "Munich" in page and "Bo Dahl" in page and "always" in page
    assert "Choose a calendar" not in page
    with web.sessions() as session:
        acts = [(one.action, one.subject_kind, one.subject_id) for one in entries.list_entries(session)]
        uid = people.get_person(session, bo).uid
    assert ("choose_calendar", "department", "Munich") in acts
    assert ("choose_calendar", "person", uid) in acts  # by the random id, so that the name ends with the key
    assert ("change_holidays", "calendar", str(bavaria)) in acts


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"what": "create", "name": "Site"}, "There is a calendar Site already"),
        ({"what": "create", "name": ""}, "A calendar needs a name"),
        ({"what": "choose", "chosen": "1"}, "Choose a department or a person for the calendar"),
        ({"what": "choose", "department": "Sales", "person": "1"}, "not both"),
        ({"what": "choose", "department": "Salse", "chosen": "1"}, "Choose a department or a person"),
        ({"what": "choose", "department": "Sales", "chosen": "99"}, "There is no calendar 99"),
        ({"what": "add", "day": "2024-05-09", "name": "Fair", "calendar": "99"}, "There is no calendar 99"),
    ],
)
def test_what_is_not_possible_is_said_and_changes_nothing(
    web: Web, admin: Browser, form: dict[str, str], words: str
) -> None:
    web.add("Anna Berg", department="Sales")

    admin.submit(PAGE, {"calendar": "1", "first": "2024-05-01"} | form)

    assert words in admin.text(PAGE)
    with web.sessions() as session:
        assert [row.name for row in calendars.list_calendars(session)] == ["Site"]
        assert calendars.department_choices(session) == {}
        assert {entry.action for entry in entries.list_entries(session)} <= {"view_data"}


def test_a_calendar_is_not_chosen_for_days_of_a_closed_period(web: Web, admin: Browser) -> None:
    web.add("Anna Berg", department="Sales")
    with web.sessions.begin() as session:
        periods.close(
            session, date(2024, 3, 1), date(2024, 3, 31), grace=timedelta(0), now=web.clock.now(),
            zone=web.site.zone, by="ada",
        )  # fmt: skip
    form = {"what": "choose", "department": "Sales", "chosen": "1", "calendar": "1"}

    admin.submit(PAGE, form | {"first": "2024-03-15"})
    assert "is closed" in admin.text(PAGE)
    admin.submit(PAGE, form | {"first": ""})
    assert "is closed" in admin.text(PAGE)
    admin.submit(PAGE, form | {"first": "2024-04-01"})
    assert "The calendar is chosen." in admin.text(PAGE)
