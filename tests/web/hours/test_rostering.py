"""Shifts, rosters and leave, as an administrator enters them."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from attendance.store.hours import rosters
from attendance.store.hours.leave import leave_between
from tests.site_fixtures import Browser, Web
from tests.web.hours.conftest import DAY


def test_a_shift_is_made_and_edited(web: Web, admin: Browser) -> None:
    form = {
        "name": "Night", "start0": "22:00", "end0": "06:00", "grace_in": "10", "grace_out": "5", "window_before": "120",
        "window_after": "240", "break0": "30", "break_after0": "300", "tier0": "480", "tier_rate0": "1.5",
    }  # fmt: skip
    assert admin.submit("/attendance/shifts/new", form).status_code == 302
    with web.sessions() as session:
        row = rosters.shift_named(session, "Night")
        assert row is not None
        assert row.rules["spans"] == [[1320, 1800]]

    assert 'value="22:00"' in admin.text(f"/attendance/shifts/{row.id}")
    admin.submit(f"/attendance/shifts/{row.id}", form | {"grace_in": "0"})
    with web.sessions() as session:
        assert rosters.get_shift(session, row.id).rules["grace"] == [0, 5]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "needs a name"),
        ({"start0": "", "end0": ""}, "at least one time"),
        ({"start1": "12:00", "end1": "20:00"}, "overlap"),
        ({"grace_in": "soon"}, "whole number"),
        ({"tier0": "480", "tier_rate0": "much"}, "1.25"),
        ({"rounding": "nearest", "step": "7"}, "rounded to"),
    ],
)
def test_a_shift_that_cannot_be_is_said_and_the_form_keeps_what_was_written(
    admin: Browser, changes: dict[str, str], words: str
) -> None:
    form = {"name": "Odd", "start0": "09:00", "end0": "17:00", "window_before": "60"} | changes

    answer = admin.submit("/attendance/shifts/new", form)

    assert answer.status_code == 400
    assert words in answer.get_data(as_text=True)
    assert 'value="60"' in answer.get_data(as_text=True)


def test_people_are_rostered_in_a_weekly_pattern(web: Web, anna: int, admin: Browser) -> None:
    with web.sessions() as session:
        shift_id = str(rosters.list_shifts(session)[0].id)
    carl = web.add("Carl Olsen")
    days = [shift_id, "", shift_id, "", "", "", "", *[""] * 14]

    admin.submit("/attendance/rosters", {"person": [str(carl)], "first": DAY.isoformat(), "day": days})

    with web.sessions() as session:
        (roster,) = rosters.rosters_of(session, [carl])
    assert roster.pattern == [int(shift_id), None, int(shift_id), None, None, None, None]


def test_rosters_come_from_a_file_whole_or_not(web: Web, anna: int, admin: Browser) -> None:
    text = b"staff_number,first,last,pattern\n7,2024-06-01,,Office|-\n9,2024-06-01,,Office\n"
    answer = admin.submit("/attendance/rosters/import", {"file": (io.BytesIO(text), "r.csv")}, follow_redirects=True)

    assert "r.csv line 3: nobody active has the staff number 9; nothing was imported" in answer.get_data(as_text=True)
    with web.sessions() as session:
        assert len(rosters.rosters_of(session, [anna])) == 1


def test_leave_is_entered_and_withdrawn(web: Web, anna: int, admin: Browser) -> None:
    admin.submit("/attendance/leave", {"person": str(anna), "kind": "vacation", "first": "2024-05-08", "paid": "yes"})
    assert "approved" in admin.text("/attendance/leave")

    with web.sessions() as session:
        row = leave_between(session, DAY, DAY + timedelta(days=5))[0].id
    admin.submit(f"/attendance/leave/{row}", {"state": "withdrawn"})

    assert "withdrawn" in admin.text("/attendance/leave")


def test_everybody_whom_a_search_found_is_rostered_at_once(web: Web, anna: int, admin: Browser) -> None:
    with web.sessions() as session:
        shift_id = str(rosters.list_shifts(session)[0].id)
    people = [web.add(f"Packer {number}", department="Yard") for number in range(30)]
    other = web.add("Packer 99", department="Lab")
    page = admin.text("/attendance/rosters?q=packer&department=Yard")
    assert page.count('name="person"') == 25
    assert "All 30 that “packer” found" in page

    form = {"every": "yes", "q": "packer", "department": "Yard", "first": DAY.isoformat(), "day": [shift_id] * 7}
    admin.submit("/attendance/rosters", form)

    with web.sessions() as session:
        assert {roster.person_id for roster in rosters.rosters_of(session, [*people, other])} == set(people)


def test_the_editor_unfolds_only_what_a_shift_uses_and_asks_for_24_hours(admin: Browser) -> None:
    plain = admin.text("/attendance/shifts/new")
    assert plain.count("<details", plain.index("<main")) == 6
    assert '<details class="card fold" open>' not in plain
    assert 'type="time"' not in plain

    form = {"name": "Shop", "start0": "0930", "end0": "13.00", "start1": "15:30", "end1": "19:30", "tier0": "480",
            "tier_rate0": "1.25"}  # fmt: skip
    assert admin.submit("/attendance/shifts/new", form).status_code == 302
    shop = admin.text("/attendance/shifts/1")

    assert shop.count('<details class="card fold" open>') == 2  # the second part of the day; overtime
    assert 'value="09:30"' in shop
    assert 'value="13:00"' in shop


def test_a_shift_may_count_from_the_first_check_in_to_the_last(web: Web, admin: Browser) -> None:
    form = {"name": "Simple", "start0": "09:00", "end0": "17:00", "window_before": "180", "window_after": "300"}
    admin.submit("/attendance/shifts/new", form | {"counting": "first_last"})

    with web.sessions() as session:
        row = rosters.shift_named(session, "Simple")
        assert row is not None
        assert row.rules["counting"] == "first_last"
    assert '<option value="first_last" selected>' in admin.text(f"/attendance/shifts/{row.id}")
