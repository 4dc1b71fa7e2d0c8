"""/threshold: a risk, its numbers, putting one in force; a threshold by hand."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from attendance.domain.faces import Template
from attendance.domain.reason import Reason
from attendance.service.calibration import impostors
from attendance.service.calibration.impostors import Reference, Source
from attendance.store.calibration import operating_points
from attendance.store.calibration.operating_points import Basis
from attendance.store.people import people, templates
from attendance.store.tables.calibration import OperatingPoint
from attendance.web.calibration.risk_slider import RISKS
from tests.factories import MODEL, NOON, near, vector_of
from tests.site_fixtures import Browser, Web
from tests.web.calibration.conftest import card_says_less, form_of


@pytest.fixture
def gallery(web: Web) -> Web:
    """Anna twice (0.8 alike) and Bert, who has 0.4 with Anna's first; a threshold of 0.5."""
    anna, bert = web.add("Anna Berg"), web.add("Bert Lind")
    first = vector_of((1,))
    for person, vector in ((anna, first), (anna, near(first, 0.8)), (bert, near(first, 0.4, seed=7))):
        with web.sessions.begin() as session:
            template = Template(vector.astype(np.float32), MODEL)
            templates.add_template(session, web.keys, person, template, "upload", {}, None, at=NOON)
    web.set_threshold(0.5)
    return web


def in_force(web: Web) -> OperatingPoint:
    with web.sessions() as session:
        return operating_points.history(session, MODEL)[0]


def risk_form(browser: Browser, risk: int, **values: Any) -> dict[str, Any]:
    return form_of(browser, mode="risk", step=str(RISKS.index(risk)), **values)


def confirm(browser: Browser, data: dict[str, Any]) -> Any:
    """Send the form, and the one that asks again with what stands in it."""
    asked = browser.submit("/threshold", data)
    assert asked.status_code == 200
    page = asked.get_data(as_text=True)
    assert "Yes, let more faces in" in page
    body = page[page.index('<form method="post" action="/threshold"') :]
    again = {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', body)}
    return browser.submit("/threshold", again)


def numbers(browser: Browser, query: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", browser.text(f"/threshold/numbers?{query}")).split())


def test_the_point_in_force_stands_there_with_its_origin(gallery: Web, admin: Browser) -> None:
    page = admin.text("/threshold")

    assert "0.500" in page
    assert "the model’s card" in page
    assert "public test set" in page
    assert MODEL in page
    assert 'class="genuine" d="M' in page
    assert 'class="impostor" d="M' in page


def test_the_numbers_follow_the_slider(gallery: Web, admin: Browser) -> None:
    low, high = numbers(admin, "threshold=0.3"), numbers(admin, "threshold=0.9")

    assert "1 of 2 pairs of two people accepted as one" in low  # Bert with Anna's first template
    assert "0 of 1 pairs of one person" in low
    assert "accepted as one person" in low
    assert "0 of 2 pairs of two people" in high
    assert "1 of 1 pairs of one person" in high
    assert "kept apart" in high
    assert "2 people with 3 photos" in low


def test_the_numbers_follow_the_gallery(gallery: Web, admin: Browser) -> None:
    assert "0 of 2 pairs of two people" in numbers(admin, "")
    with gallery.sessions.begin() as session:
        people.set_active(session, 2, False, at=NOON)
    assert "0 of 0 pairs of two people" in numbers(admin, "")
    assert "There are too few people" in numbers(admin, "")


def test_the_past_week_is_decided_again(gallery: Web, admin: Browser) -> None:
    gallery.passage(NOON - timedelta(days=1), 1, score=0.55, runner_up=0.1)
    gallery.passage(NOON - timedelta(days=2), 1, score=0.9, runner_up=0.1)
    gallery.passage(NOON - timedelta(days=3), score=0.45)
    gallery.passage(NOON - timedelta(days=3), score=None, reason=Reason.TOO_DARK)
    gallery.passage(NOON - timedelta(days=8), 1, score=0.51)

    assert "0 of 4 change" in numbers(admin, "threshold=0.5")
    assert "1 let in would be refused, 0 refused would be let in" in numbers(admin, "threshold=0.6")
    assert "0 let in would be refused, 1 refused would be let in" in numbers(admin, "threshold=0.4")


def test_how_far_back_is_chosen_and_stays_chosen(gallery: Web, admin: Browser) -> None:
    for days in (0.5, 3, 20, 40):
        gallery.passage(NOON - timedelta(days=days), 1, score=0.55, runner_up=0.1)
    told = {days: numbers(admin, f"threshold=0.6&days={days}") for days in ("1", "7", "30")}
    assert "The last day again 1 of 1 change" in told["1"]
    assert "The last 7 days again 2 of 2 change" in told["7"]
    assert "The last 30 days again 3 of 3 change" in told["30"]
    assert all(numbers(admin, f"threshold=0.6&days={bad}") == told["7"] for bad in (*HOSTILE, "2", "-1", "07"))

    assert '<option value="30" selected>' in admin.text("/threshold?days=30")
    assert admin.submit("/threshold", form_of(admin, threshold="0.7", days="30")).location == "/threshold?days=30"
    asked = admin.submit("/threshold", form_of(admin, threshold="0.6", days="1", reason="x")).get_data(as_text=True)
    assert 'name="days" value="1"' in asked


HOSTILE = ("nan", "sNaN", "NaN123", "inf", "-inf", "1e999", "-1e999", "1e400", "9" * 5000, "x", "", "%00", "0x1")


def test_impossible_positions_show_what_is_in_force(gallery: Web, admin: Browser) -> None:
    shown = numbers(admin, "")
    queries = [f"{name}={value}" for name in ("threshold", "margin") for value in (*HOSTILE, "-1", "1")]
    queries += [f"mode=risk&step={value}" for value in (*HOSTILE, "-1", "16")] + ["mode=x", "mode=hand"]

    assert [query for query in queries if numbers(admin, query) != shown] == []


def test_the_page_shows_a_chosen_threshold_without_scripts(gallery: Web, admin: Browser) -> None:
    assert 'value="0.300"' in admin.text("/threshold?threshold=0.3")


def test_tightening_needs_no_reason(gallery: Web, admin: Browser) -> None:
    answer = admin.submit("/threshold", form_of(admin, threshold="0.6"))

    assert answer.status_code == 302
    point = in_force(gallery)
    assert (point.threshold, point.source, point.created_by) == (0.6, "administrator", "ada")
    assert point.details["before"] == 0.5
    assert point.verdict == "not enough data"
    assert point.fpir is None


@pytest.mark.parametrize("looser", [{"threshold": "0.49"}, {"margin": "0.01"}])
def test_loosening_needs_a_reason_which_stays_in_the_history(
    gallery: Web, admin: Browser, looser: dict[str, str]
) -> None:
    refused = admin.submit("/threshold", form_of(admin, **looser))
    assert refused.status_code == 400
    assert "Say why" in refused.get_data(as_text=True)
    assert in_force(gallery).threshold == 0.5

    assert admin.submit("/threshold", form_of(admin, **looser, reason="masks", confirm="yes")).status_code == 200
    assert in_force(gallery).threshold == 0.5  # a confirmation of something else is none

    assert confirm(admin, form_of(admin, **looser, reason="masks <b>today</b>")).status_code == 302
    assert in_force(gallery).reason == "masks <b>today</b>"
    assert "masks &lt;b&gt;today&lt;/b&gt;" in admin.text("/threshold")


def test_the_first_threshold_needs_a_reason_too(web: Web, admin: Browser) -> None:
    assert admin.submit("/threshold", form_of(admin)).status_code == 400
    assert confirm(admin, form_of(admin, reason="first day")).status_code == 302


def test_an_impossible_threshold_is_not_put_in_force(gallery: Web, admin: Browser) -> None:
    form = form_of(admin, reason="because")
    for value in (*HOSTILE, "0", "1", "-0.3"):
        for name in ("threshold", "margin"):
            if (name, value) == ("margin", "0"):
                continue
            assert admin.submit("/threshold", form | {name: value}).status_code == 400, (name, value)
    for fields in ({"mode": "x"}, {"mode": "risk", "step": "99"}, {"mode": "risk", "step": "-1"}, {"step": "nan"}):
        assert admin.submit("/threshold", form | fields).status_code in (200, 302, 400), fields
        assert in_force(gallery).threshold == 0.5


def test_two_administrators_do_not_undo_each_other_unseen(gallery: Web, admin: Browser) -> None:
    read_before = form_of(admin, threshold="0.7")
    gallery.clock.advance(60)
    admin.submit("/threshold", form_of(admin, threshold="0.6"))
    late = admin.submit("/threshold", read_before)

    assert late.status_code == 400
    assert "Somebody else set a threshold meanwhile" in late.get_data(as_text=True)
    assert in_force(gallery).threshold == 0.6


def test_an_empty_gallery_says_what_is_missing(admin: Browser) -> None:
    page = admin.text("/threshold")

    assert page.index("Enrol at least two people") < page.index("In force") < page.index("too few people")
    assert "answer-value answer-unknown" in page
    assert "No threshold is set for the model" in page


def test_a_viewer_sees_the_numbers_and_no_button(gallery: Web, viewer: Browser) -> None:
    assert "Put in force" not in viewer.text("/threshold")


def stranger_in(told: str) -> int:
    """The words "about 1 in 1,500" as a number."""
    found = re.search(r"A stranger passes as somebody about 1 in ([\d,]+) attempts", told)
    assert found
    return int(found[1].replace(",", ""))


def test_a_risk_is_told_in_words_with_its_interval_and_verdict(calibrated: Web, admin: Browser) -> None:
    often, seldom, never = (numbers(admin, f"mode=risk&step={RISKS.index(risk)}") for risk in (10, 1000, 1_000_000))

    assert "A stranger passes as somebody about 1 in 10 attempts, among 16 people. 95 %:" in often
    assert "estimated" in often
    assert stranger_in(seldom) >= 1000
    assert "95 %: up to 1 in " in seldom
    assert "estimated" in seldom
    assert "1,500 machine-made faces" in seldom
    assert "not enough data" in never
    assert "The model’s conservative threshold" in never
    assert re.search(r"is used instead: 0\.900", never)


def test_a_smaller_risk_asks_for_a_higher_threshold_and_refuses_more(calibrated: Web, admin: Browser) -> None:
    thresholds, refused = [], []
    for risk in (10, 50, 100, 500, 1000):
        page = admin.text(f"/threshold/numbers?mode=risk&step={RISKS.index(risk)}")
        found = re.search(r'data-threshold="([^"]+)"', page)
        share = re.search(r"(\d+) in ([\d,]+)</p>\s*<p class=\"quiet\">looks", page)
        assert found
        assert share
        thresholds.append(float(found[1]))
        refused.append(int(share[1]) / int(share[2].replace(",", "")))

    assert thresholds == sorted(thresholds)
    assert refused == sorted(refused)


def test_a_chosen_risk_is_put_in_force_with_all_that_it_rests_on(calibrated: Web, admin: Browser) -> None:
    card_says_less(calibrated)
    data = risk_form(admin, 1000, reason="our own risk")
    assert "conservative" not in numbers(admin, f"mode=risk&step={data['step']}")
    assert confirm(admin, data).status_code == 302
    point = in_force(calibrated)

    assert (point.source, point.created_by, point.target, point.covers) == ("calibration", "ada", 0.001, 16)
    assert point.verdict == "estimated"
    assert point.fpir is not None
    assert point.fpir < 0.00101
    assert 0.2 < point.threshold < 0.9
    page = admin.text("/threshold")
    assert "the risk of at most 1 in 1,000" in page
    assert "our own risk" in page
    assert 'value="' + str(RISKS.index(1000)) + '" data-risks' in page  # the slider stands where it was put


def test_a_lower_risk_needs_no_second_word(calibrated: Web, admin: Browser) -> None:
    card_says_less(calibrated)
    confirm(admin, risk_form(admin, 100, reason="to begin with"))
    answer = admin.submit("/threshold", risk_form(admin, 1000))

    assert answer.status_code == 302
    assert in_force(calibrated).target == 0.001


def test_what_is_confirmed_is_what_was_shown(calibrated: Web, admin: Browser) -> None:
    """The people change between the question and the answer: it is asked again, with the new threshold."""
    card_says_less(calibrated)
    asked = admin.submit("/threshold", risk_form(admin, 1000, reason="quick"))
    body = asked.get_data(as_text=True)
    said = html.unescape(re.search(r'name="confirm" value="([^"]*)"', body)[1])  # type: ignore[index]
    with calibrated.sessions.begin() as session:
        for person in range(1, 5):
            people.set_active(session, person, False, at=NOON)
    again = admin.submit("/threshold", risk_form(admin, 1000, reason="quick", confirm=said))

    assert again.status_code == 200
    assert in_force(calibrated).threshold == 0.9


def test_without_data_for_a_risk_nothing_is_loosened(calibrated: Web, admin: Browser) -> None:
    with calibrated.sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.95, margin=0.05, source="administrator", gallery_size=16, at=NOON
        )
    answer = admin.submit("/threshold", risk_form(admin, 1_000_000, reason="none"))

    assert answer.status_code == 302
    point = in_force(calibrated)
    assert (point.threshold, point.target, point.verdict) == (0.95, 1e-6, "not enough data")


def test_a_year_is_predicted_from_the_sites_stranger_rate(calibrated: Web, admin: Browser) -> None:
    assert "not known yet" in numbers(admin, "")
    for hour in range(20 * 24):
        if hour % 12 == 0:
            calibrated.passage(NOON - timedelta(hours=hour), score=0.2)
    told = numbers(admin, f"mode=risk&step={RISKS.index(1000)}")

    assert "40 unknown faces in 19 days" in told
    year = re.search(r"Strangers let in, at your stranger rate about ([\d.]+) a year", told)
    assert year
    assert float(year[1]) == pytest.approx(40 / 19.5 * 365 / stranger_in(told), rel=0.1)


def test_who_is_refused_more_than_others_is_led_back_to_enrolment(calibrated: Web, admin: Browser) -> None:
    page = admin.text("/threshold?mode=hand&threshold=0.6")

    assert 'href="/people/8#photos">Person 07' in page
    assert "enrol again" in page
    assert "Person 06</a></td>" not in page


def test_past_decisions_that_would_change_are_named_with_the_reason(calibrated: Web, admin: Browser) -> None:
    passage = calibrated.passage(NOON - timedelta(days=1), 3, score=0.55, runner_up=0.1)
    told = admin.text("/threshold?mode=hand&threshold=0.6")

    assert f"/log/{passage}" in told
    assert "Person 02" in told
    assert "would be refused: the score 0.550 is below 0.600" in told


def test_the_price_of_safety_is_drawn(calibrated: Web, admin: Browser) -> None:
    page = admin.text("/threshold")
    line = re.search(r'class="det-line det-drawn" d="M([^"]+)"', page)  # so few people are estimated all along
    assert line
    points = [tuple(float(one) for one in pair.split(",")) for pair in line[1].split(" ")]

    assert len(points) > 5
    assert points == sorted(points, key=lambda one: -one[0])  # a higher threshold: fewer strangers to the left
    assert [one[1] for one in points] == sorted((one[1] for one in points), reverse=True)  # and more refused, upwards


def test_a_gallery_that_outgrew_its_threshold_says_so(calibrated: Web, admin: Browser) -> None:
    with calibrated.sessions.begin() as session:
        basis = Basis(0.001, 12, "measured", "a dozen people", 0.001, 0.0005, 0.002)
        operating_points.set_point(
            session,
            model_id=MODEL,
            threshold=0.95,
            margin=0.05,
            source="calibration",
            gallery_size=12,
            at=NOON,
            basis=basis,
        )
    assert "16 people are enrolled now, more than this threshold was set for" in admin.text("/threshold")


@pytest.mark.parametrize("damage", [b"not a reference", None], ids=["damaged", "another length"])
def test_strangers_that_cannot_be_used_are_told_and_give_no_number(
    calibrated: Web, admin: Browser, damage: bytes | None
) -> None:
    folder = calibrated.app.extensions["attendance"].settings.models.weights
    if damage is None:
        vectors = np.eye(48, dtype=np.float32)
        impostors.save(Reference(MODEL, vectors, (Source("x", "x", 48),)), folder)
    else:
        impostors.file_of(folder, MODEL).write_bytes(damage)
    told = numbers(admin, "")

    assert "not enough data" in told
    assert "weights impostors" in told


def test_without_a_threshold_nobody_is_said_to_lack_photos(web: Web, admin: Browser) -> None:
    """Anna has two photos; what is missing is a threshold to hold them against."""
    anna = web.add("Anna Berg")
    with web.sessions.begin() as session:
        for seed in (1, 2):
            template = Template(near(vector_of((1,)), 0.9, seed=seed), MODEL)
            templates.add_template(session, web.keys, anna, template, "upload", {}, None, at=NOON)
    page = numbers(admin, "mode=risk&step=5")
    assert "There is no threshold to try." in page and "Needs two photos" not in page


def test_a_kept_threshold_does_not_say_that_it_comes_from_a_risk_without_a_number(
    calibrated: Web, admin: Browser
) -> None:
    """Kept by the program, because today's people give no number for the risk that it once came from."""
    for fpir, words in ((0.001, "the risk of at most 1 in 1,000"), (None, "an earlier number for the risk of at most")):
        with calibrated.sessions.begin() as session:
            verdict = "not enough data" if fpir is None else "estimated"
            operating_points.set_point(
                session, model_id=MODEL, threshold=0.7, margin=0.05, source="calibration", gallery_size=16,
                at=calibrated.clock.now(), basis=Basis(0.001, 17, verdict, "16 people", fpir, fpir, fpir),
            )  # fmt: skip
        assert words in admin.text("/threshold")
        calibrated.clock.advance(1)
