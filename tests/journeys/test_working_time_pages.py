"""The pages of working time in a real browser, at phone and desktop width, looked over by axe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attendance.service.operations import demo_data
from attendance.store.hours import rosters
from tests import needs
from tests.factories import NOON
from tests.journeys.pages import NARROW, WIDTHS_OF_A_LONG_WALK, Open, faults_of
from tests.site_fixtures import Web

expect = needs.package("playwright.sync_api", extra="test").expect
PAGES = (
    "/attendance",
    "/attendance/calendar",
    "/attendance/calendar?person=1",
    "/attendance/reports",
    "/attendance/reports/register",
    "/attendance/reports/timesheet?person=1",
    "/attendance/reports/lateness",
    "/attendance/reports/daily?sort=-worked",
    "/attendance/corrections",
    "/attendance/leave",
    "/attendance/rosters",
    "/attendance/shifts/1",
    "/attendance/shifts/new",
    "/attendance/periods",
    "/attendance/periods/preview?from=2024-04-26&to=2024-05-06&grace=3",
    "/people?q=a",
)


@pytest.fixture
def full(web: Web) -> Web:
    """A fortnight of a dozen people."""
    web.clock.time = NOON + timedelta(days=3)
    with web.sessions.begin() as session:
        demo_data.make(session, count=12, days=14, now=web.clock.now(), zone=web.app.extensions["attendance"].zone)
    return web


@WIDTHS_OF_A_LONG_WALK
def test_no_page_sticks_out_or_shuts_anybody_out(full: Web, open_page: Open, size: dict[str, Any]) -> None:
    page = open_page("/attendance", **size)
    found = []
    for path in PAGES:
        page.goto(path)
        found += faults_of(page, path)

    assert found == []


def test_a_correction_from_the_page_of_a_day_to_its_figures(full: Web, open_page: Open) -> None:
    day = (NOON + timedelta(days=2)).date()
    page = open_page(f"/attendance/person/2/{day}", **NARROW)
    page.fill("#at", "23:30")
    page.select_option("#direction", "out")
    page.fill("#reason", "Stayed for the audit.")
    page.click("form:has(#reason) button")

    page.wait_for_selector("text=The correction counts now.")
    expect(page.locator("main")).to_contain_text("23:30")
    expect(page.locator("main")).to_contain_text("Stayed for the audit.")


def test_a_form_that_was_refused_keeps_what_was_typed_and_leads_back_to_the_same_list(
    full: Web, open_page: Open
) -> None:
    page = open_page("/attendance/leave?q=ada&sort=-days")
    page.select_option("#person", index=3)
    page.fill("#first", "2024-06-10")
    page.fill("#last", "2024-06-03")
    page.select_option("#kind", "sickness")
    page.fill("#note", "Two weeks at the sea.")
    page.click("main button:has-text('Enter')")

    page.wait_for_selector(".notice-danger:has-text('The last day is before the first')")
    assert page.url.endswith("q=ada&sort=-days")
    assert [page.input_value(one) for one in ("#first", "#last", "#kind", "#note")] == [
        "2024-06-10", "2024-06-03", "sickness", "Two weeks at the sea.",
    ]  # fmt: skip
    page.fill("#last", "2024-06-14")
    page.click("main button:has-text('Enter')")
    page.wait_for_selector(".notice-success:has-text('10 Jun 2024 to 14 Jun 2024')")
    assert page.input_value("#note") == ""
    page.reload()
    assert page.input_value("#note") == ""


def test_people_chosen_on_two_pages_are_rostered_together_and_the_choice_is_then_forgotten(
    full: Web, open_page: Open
) -> None:
    people = [full.add(f"Packer {number:02}", department="Yard") for number in range(30)]
    page = open_page("/attendance/rosters?department=Yard&q=packer")
    page.check(f'input[value="{people[0]}"]')
    page.check(f'input[value="{people[3]}"]')
    page.click("text=Next")
    page.wait_for_url("**page=2**")
    page.check(f'input[value="{people[29]}"]')
    expect(page.locator(".chosen-words")).to_have_text("3 chosen, 2 of them on other pages")

    page.select_option("#day0", index=1)
    page.click("#assign button")
    page.wait_for_selector("text=3 people are rostered.")

    with full.sessions() as session:
        assert {row.person_id for row in rosters.rosters_of(session, people)} == {people[0], people[3], people[29]}
    page.goto("/attendance/rosters?department=Yard&q=packer")
    expect(page.locator(".chosen")).not_to_have_class("chosen some")


def test_one_tick_chooses_a_page_and_another_all_that_the_search_found(full: Web, open_page: Open) -> None:
    for number in range(30):
        full.add(f"Packer {number:02}", department="Yard")
    page = open_page("/attendance/rosters?q=packer", **NARROW)
    rows = page.locator("#people tbody tr:visible")
    expect(rows).to_have_count(12)  # of a long table, a phone shows the first rows
    page.click("button[data-choose-page]")
    expect(page.locator(".chosen-words")).to_have_text("25 chosen")
    page.click("[data-choose-none]")
    expect(page.locator('input[name="person"]:checked')).to_have_count(0)

    page.click("text=Show all 25")
    expect(rows).to_have_count(25)
    expect(page.locator(".cut-more")).to_have_count(0)

    page.check('input[name="every"]')
    expect(page.locator('input[name="person"]').first).to_be_disabled()
    page.select_option("#day0", index=1)
    page.click("#assign button")
    page.wait_for_selector("text=30 people are rostered.")
