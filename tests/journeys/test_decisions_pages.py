"""Why somebody was refused, many people at once, and the threshold in a real browser, looked over by axe."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from attendance.store.people import people
from tests import needs
from tests.factories import ANNA, BERT, NOBODY, NOON, make_photo
from tests.journeys.pages import NARROW, WIDTHS_OF_A_LONG_WALK, Open, faults_of
from tests.site_fixtures import Web
from tests.web.calibration.conftest import calibrated, card_says_less

__all__ = ["calibrated"]
expect = needs.package("playwright.sync_api", extra="test").expect


@WIDTHS_OF_A_LONG_WALK
def test_from_a_refusal_to_a_risk_that_is_put_in_force(calibrated: Web, open_page: Open, size: dict[str, Any]) -> None:
    card_says_less(calibrated)
    calibrated.passage(NOON - timedelta(minutes=1), 3, score=0.8, runner_up=0.2, margin=0.05)
    calibrated.passage(score=0.88, runner_up=0.2, threshold=0.9, margin=0.05)
    page = open_page("/log", **size)
    page.click("tr:has-text('not recognised') >> text=Why?")
    page.wait_for_selector("text=Your face was not recognised")
    expect(page.locator("text=0.880")).to_be_hidden()  # scores only for whoever opens the operators' part
    found = faults_of(page, "why")
    page.click("text=For operators")
    expect(page.locator("td:has-text('0.880')")).to_be_visible()
    found += faults_of(page, "why, opened")

    page.click("text=Threshold page")
    page.wait_for_selector("[data-risk-output]:has-text('at most 1 stranger in 1,000')")
    page.click("text=The scores behind it")
    dot = page.locator("[data-dot]")
    before = dot.get_attribute("cx")
    page.locator("#step").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".answer-value:has-text('about 1 in 100')")
    page.select_option("#days", "30")
    page.wait_for_selector("text=The last 30 days again")
    page.wait_for_url("**days=30*")
    assert float(dot.get_attribute("cx")) > float(before)
    assert float(page.locator("#threshold").input_value()) == pytest.approx(
        float(page.locator("[data-meaning]").get_attribute("data-threshold")), abs=0.001
    )
    found += faults_of(page, "threshold")
    page.fill("#reason", "our own risk")
    page.click("text=Put in force")
    page.wait_for_selector("h1:has-text('Let more faces in?')")
    found += faults_of(page, "confirmation")
    page.click("text=Yes, let more faces in")
    page.wait_for_selector("text=the risk of at most 1 in 100")

    assert found == []


def test_many_people_at_once_come_in_pieces_and_together(web: Web, open_page: Open) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("padding.bin", bytes(2_500_000))  # more than two pieces
        for name, colour in (("Anna_Berg", ANNA), ("Bert", BERT), ("Nobody", NOBODY)):
            packed.writestr(f"{name}/1.png", make_photo(colour))
    page = open_page("/people/bulk", **NARROW)
    page.set_input_files("#files", [{"name": "p.zip", "mimeType": "application/zip", "buffer": archive.getvalue()}])
    page.fill("#consent", "I agree.")
    page.click("text=Send and report")
    expect(page.locator("[data-trouble]")).to_contain_text("Tick the box")
    found = faults_of(page, "sending")
    page.check("#agreed")
    page.click("text=Send and report")
    page.wait_for_selector("text=Report: nothing is written yet")
    page.click("text=1 file not taken")
    found += faults_of(page, "report")
    page.click("button:has-text('Enrol 2 people')")
    page.wait_for_selector("h2:text-is('Enrolled')")

    assert found == []
    with web.sessions() as session:
        assert [one.name for one in people.search_people(session)] == ["Anna Berg", "Bert"]
