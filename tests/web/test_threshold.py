"""/threshold: the page, its numbers, putting one in force."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from attendance.domain.faces import Template
from attendance.domain.reason import Reason
from attendance.store import operating_points, people
from attendance.store.tables import OperatingPoint
from tests.factories import MODEL, NOON, near, vector_of
from tests.web.conftest import Browser, Web


@pytest.fixture
def gallery(web: Web) -> Web:
    """Anna twice (0.8 alike) and Bert, who has 0.4 with Anna's first; a threshold of 0.5."""
    anna, bert = web.add("Anna Berg"), web.add("Bert Lind")
    first = vector_of((1,))
    for person, vector in ((anna, first), (anna, near(first, 0.8)), (bert, near(first, 0.4, seed=7))):
        with web.sessions.begin() as session:
            template = Template(vector.astype(np.float32), MODEL)
            people.add_template(session, web.keys, person, template, "upload", {}, None, at=NOON)
    web.set_threshold(0.5)
    return web


def in_force(web: Web) -> OperatingPoint:
    with web.sessions() as session:
        return operating_points.history(session, MODEL)[0]


def form_of(browser: Browser, **values: Any) -> dict[str, Any]:
    """What the page's form would send."""
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', browser.text("/threshold"))
    assert seen
    return {"threshold": "0.5", "margin": "0.05", "reason": "", "seen": html.unescape(seen[1])} | values


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

    assert "1 of 2 pairs" in low  # Bert with Anna's first template
    assert "0 of 1 pairs" in low
    assert "taken for one person" in low
    assert "0 of 2 pairs" in high
    assert "1 of 1 pairs" in high
    assert "kept apart" in high
    assert "Compared with 3 templates of 2 people" in low


def test_the_numbers_follow_the_gallery(gallery: Web, admin: Browser) -> None:
    assert "of 2 people" in numbers(admin, "")
    with gallery.sessions.begin() as session:
        people.set_active(session, 2, False, at=NOON)
    assert "Needs two people" in numbers(admin, "")


def test_the_past_week_is_decided_again(gallery: Web, admin: Browser) -> None:
    gallery.passage(NOON - timedelta(days=1), 1, score=0.55, runner_up=0.1)
    gallery.passage(NOON - timedelta(days=2), 1, score=0.9, runner_up=0.1)
    gallery.passage(NOON - timedelta(days=3), score=0.45)
    gallery.passage(NOON - timedelta(days=3), score=None, reason=Reason.TOO_DARK)
    gallery.passage(NOON - timedelta(days=8), 1, score=0.51)

    assert "0 of 4 change" in numbers(admin, "threshold=0.5")
    assert "1 let in would be refused, 0 refused would be let in" in numbers(admin, "threshold=0.6")
    assert "0 let in would be refused, 1 refused would be let in" in numbers(admin, "threshold=0.4")


@pytest.mark.parametrize("query", ["threshold=nan", "threshold=-1", "threshold=1", "threshold=x", "margin=inf"])
def test_impossible_positions_show_what_is_in_force(gallery: Web, admin: Browser, query: str) -> None:
    assert numbers(admin, query) == numbers(admin, "")


def test_the_page_shows_a_chosen_threshold_without_scripts(gallery: Web, admin: Browser) -> None:
    assert 'value="0.300"' in admin.text("/threshold?threshold=0.3")


def test_tightening_needs_no_reason(gallery: Web, admin: Browser) -> None:
    answer = admin.submit("/threshold", form_of(admin, threshold="0.6"))

    assert answer.status_code == 302
    point = in_force(gallery)
    assert (point.threshold, point.source, point.created_by) == (0.6, "administrator", "ada")
    assert point.details["before"] == 0.5
    assert point.details["false_matches"] == [0, 2]


@pytest.mark.parametrize("looser", [{"threshold": "0.49"}, {"margin": "0.01"}])
def test_loosening_needs_a_reason_which_stays_in_the_history(
    gallery: Web, admin: Browser, looser: dict[str, str]
) -> None:
    refused = admin.submit("/threshold", form_of(admin, **looser))
    assert refused.status_code == 400
    assert "Say why" in refused.get_data(as_text=True)
    assert in_force(gallery).threshold == 0.5

    admin.submit("/threshold", form_of(admin, **looser, reason="masks <b>today</b>"))
    assert in_force(gallery).details["reason"] == "masks <b>today</b>"
    assert "masks &lt;b&gt;today&lt;/b&gt;" in admin.text("/threshold")


def test_the_first_threshold_needs_a_reason_too(web: Web, admin: Browser) -> None:
    assert admin.submit("/threshold", form_of(admin)).status_code == 400
    assert admin.submit("/threshold", form_of(admin, reason="first day")).status_code == 302


@pytest.mark.parametrize("value", ["0", "1", "-0.3", "nan", "inf", "", "abc", "1e400"])
def test_an_impossible_threshold_is_not_put_in_force(gallery: Web, admin: Browser, value: str) -> None:
    answer = admin.submit("/threshold", form_of(admin, threshold=value, reason="because"))

    assert answer.status_code == 400
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

    assert "Enrol at least two people" in page
    assert "No threshold is set for the model" in page


def test_a_viewer_sees_the_numbers_and_no_button(gallery: Web, viewer: Browser) -> None:
    assert "Put in force" not in viewer.text("/threshold")
