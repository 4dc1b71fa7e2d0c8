"""Liveness on /threshold: the drills of each camera and what was doubted of late, in the page's own language."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from attendance.domain.access.liveness.fusion import Judgement, LivenessPoint, Policy, Verdict
from attendance.store.access import liveness
from tests.factories import NOON
from tests.site_fixtures import SETTINGS, Browser, Web


def rate(species: str, errors: int, trials: int) -> dict[str, Any]:
    return {"species": species, "errors": errors, "trials": trials, "rate": errors / trials, "high95": 0.2487}


def add_drill(web: Web, camera: str, errors: int, passed: int, *, applied: bool, enough: bool = True) -> None:
    """20 trials of living people and 40 attacks; the point that was found refuses one more and lets one fewer pass."""
    now = [rate("live", errors, 20), rate("print", 0, 10), rate("phone", passed, 30)]
    found = [rate("live", errors + 1, 20), rate("print", 0, 10), rate("phone", passed - 1, 30)]
    with web.sessions.begin() as session:
        liveness.add_drill(
            session,
            camera=camera,
            model_id=SETTINGS.models.liveness,
            at=NOON,
            by="Ada",
            result={"rates": now, "rates_with_point_found": found, "enough": enough},
            point=LivenessPoint(1.0, 0.0, 0.0, -1.0) if applied else None,
        )


def card(browser: Browser) -> str:
    """The text of the card, without tags."""
    page = browser.text("/threshold")
    inside = page[page.index('id="liveness"') : page.index('id="history-title"')]
    return " ".join(re.sub(r"<[^>]+>", " ", inside).split())


def test_without_a_drill_the_page_says_that_nobody_knows(admin: Browser) -> None:
    assert "No drill has been made at any camera" in card(admin)
    assert "No passage was judged in the last 30 days" in card(admin)


def test_a_drill_is_said_as_one_in_so_many_and_as_attacks_that_passed(admin: Browser, web: Web) -> None:
    add_drill(web, "front", 1, 2, applied=False)
    text = card(admin)
    assert "1 in 20 from 20 trials; 95 %: up to 25 %." in text
    assert "2 of 40" in text
    assert "repeat the drill" not in text


def test_the_drill_whose_point_is_in_force_counts_and_says_that_it_flatters(admin: Browser, web: Web) -> None:
    add_drill(web, "front", 1, 2, applied=True)
    add_drill(web, "front", 5, 9, applied=False, enough=False)
    text = card(admin)
    assert "1 in 10 from 20 trials" in text
    assert "1 of 40" in text
    assert "repeat the drill to confirm it" in text
    assert "not enough data" not in text


def test_the_last_days_are_counted_and_older_ones_not(admin: Browser, web: Web) -> None:
    anna = web.add("Anna Berg")
    for days, verdict in ((1, Verdict.LIVE), (2, Verdict.UNCLEAR), (3, Verdict.ATTACK), (40, Verdict.ATTACK)):
        passage_id = web.passage(NOON - timedelta(days=days), anna)
        with web.sessions.begin() as session:
            judgement = Judgement(verdict, 0.0, 1, 0.0, None, None)
            liveness.add_ruling(session, passage_id, Policy.WATCH, judgement, "m", "card")
    assert "Of 3 passages that were judged in the last 30 days, 2 did not look alive." in card(admin)
