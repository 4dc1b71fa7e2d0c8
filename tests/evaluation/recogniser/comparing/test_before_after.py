"""Choices and stated risks on people whose faces are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.domain.access.scoring import unit
from attendance.evaluation.recogniser import pair_rates, site
from attendance.evaluation.recogniser.comparing import before_after
from attendance.evaluation.recogniser.site import Visitor, Way


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bootstrap and the attempts take nearly all of the time, and nothing here depends on their number."""
    monkeypatch.setattr(site, "draws", lambda people: pair_rates.draws(people, count=10))
    monkeypatch.setattr(site.attempts, "__defaults__", (6,))


def _people(count: int, noise: float, common: float = 0.0) -> list[Visitor]:
    random = np.random.default_rng(3)
    shared = random.standard_normal(32)
    people = []
    for number in range(count):
        own = random.standard_normal(32) + common * shared
        photos, looks = (own + noise * random.standard_normal((n, 32)) for n in (3, 10))
        people.append(Visitor(f"{number:04}", unit(photos.astype(np.float32)), unit(looks.astype(np.float32))))
    return people


def _strangers(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return unit(np.random.default_rng(9).standard_normal((number, 32)).astype(np.float32))


def test_each_choice_is_measured_alone_and_all_together_beat_the_old_way() -> None:
    measured = before_after.choices(_people(5, 1.3, common=1.0), 0.01)

    assert set(measured) == {"passage", "attempt"}
    for rows in measured.values():
        assert [row["way"] for row in rows] == [way.name for way in before_after.CHOICES]
        assert rows[-1]["fnir"] < rows[0]["fnir"]
        assert all(row["known"] == 5 and row["tries_of_strangers"] > 0 for row in rows)


@pytest.mark.long
def test_what_is_stated_is_held_against_every_strangers_passages() -> None:
    rows = before_after.stated(_people(12, 0.4), _strangers(200), "m", 2, [6, 11, 40])

    assert [row["stated"] for row in rows] == ["1 in 20", "1 in 100"] * 4
    assert [(row["enrolled"], row["sites"]) for row in rows] == [(11, 12), (11, 12), (6, 36), (6, 36)] * 2
    for row in rows:
        assert 0 < row["sites_with_a_number"] <= row["sites"]
        assert row["stated_fpir_median"] <= 0.05
        assert row["strangers_let_in"] <= row["strangers_passages"]
        assert row["measured_fpir"] == round(row["strangers_let_in"] / row["strangers_passages"], 5)
        assert row["measured_fpir"] <= 0.05
    assert rows[0]["threshold_median"] <= rows[1]["threshold_median"]


@pytest.mark.long
def test_a_twin_of_somebody_enrolled_is_counted_as_let_in() -> None:
    people = _people(11, 0.2)
    people.append(Visitor("twin", people[0].photos, people[0].looks))
    row = before_after.stated(people, _strangers(200), "m", 2, [])[0]
    # Both twins come as strangers to a site where the other is enrolled.
    assert row["strangers_let_in"] >= 2 * len(site.attempts(people[0], Way("w", True, 8, run=True), 6))


def test_a_site_is_calibrated_on_its_own_people_and_on_nobody_else() -> None:
    photos = [one.photos for one in _people(6, 0.3, common=1.5)]
    gallery, scores = before_after.site_of(photos, [0, 2, 3, 5], before_after.CHOICES[-1], _strangers(20), "m")

    assert gallery.person_ids == (0, 2, 3, 5) and gallery.scoring.attempt and gallery.scoring.centre is not None
    assert scores.own.scores.shape == (4, 4) and scores.outside is not None
    assert scores.outside.scores.shape == (20, 4)


def test_the_tables_hold_every_choice_and_each_of_the_weights() -> None:
    people = _people(3, 0.5)
    measured = before_after.choices(people, 0.01)
    stated = before_after.stated(people, _strangers(200), "a", 2, [])
    text = before_after.tables({"networks": {"a": {**measured, "stated": stated}, "b": measured}})

    lines = text.splitlines()
    assert "| passage: own people refused | a | b | counts |" in lines
    for way in before_after.CHOICES:
        assert sum(line.startswith(f"| {way.name} |") for line in lines) == 2
    assert "3 known, 3 strangers; 18 and 18 tries" in text
    assert sum("1 in 100" in line for line in lines) == 2
