"""Templates that grow, measured on people whose faces are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.domain.access.scoring import unit
from attendance.evaluation.recogniser import pair_rates, site
from attendance.evaluation.recogniser.comparing import growing
from attendance.evaluation.recogniser.comparing.growing import Grower
from attendance.evaluation.recogniser.site import Visitor
from attendance.evaluation.recogniser.site_run import folder_sessions, with_time_between


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "draws", lambda people: pair_rates.draws(people, count=8))
    monkeypatch.setattr(site.attempts, "__defaults__", (6,))


def _people(count: int = 6, change: float = 1.2, noise: float = 0.3) -> list[Grower]:
    """People who have changed since their photos, as their looks of the time between have."""
    random = np.random.default_rng(4)
    people = []
    for number in range(count):
        own = random.standard_normal(48)
        changed = own + change * random.standard_normal(48)
        photos = own + noise * random.standard_normal((3, 48))
        between, looks = (changed + noise * random.standard_normal((n, 48)) for n in (6, 12))
        vectors = [unit(rows.astype(np.float32)) for rows in (photos, looks, between)]
        people.append(Grower(Visitor(f"{number}", vectors[0], vectors[1]), vectors[2]))
    return people


def test_who_changed_is_refused_less_once_templates_grew() -> None:
    rows = growing.measure(_people(), [2, 2], 0.1)

    assert [(row["way"], row["grown_at_most"]) for row in rows] == [
        (way.name, n) for way in growing.WAYS for n in (0, 2)
    ]
    before, after = rows[:2]
    assert before["own_refused"] == before["own_refused_kept"] and before["fpir_kept"] <= 0.1
    assert 0 < after["grown_a_person"] <= 2 and before["grown_a_person"] == 0
    assert after["own_refused_kept"] <= before["own_refused_kept"]
    assert after["threshold_before"] == before["threshold"]
    for row in rows:
        low, high = row["fpir_kept_range"]
        assert low <= row["fpir_kept"] <= high and row["tries_of_strangers"] == 36
    table = growing.table(rows)
    assert table.count("6 known, 36 tries of 6 strangers") == 4


def test_only_a_look_that_shows_its_person_alone_grows() -> None:
    people = _people(4, change=0.3)
    other = people[1].visitor.photos[:1]
    people[0] = Grower(people[0].visitor, np.vstack([other, people[0].visitor.photos[:1]]))
    way = growing.WAYS[0]
    grown = growing.grown_templates(people, way, 0.4, 5)

    assert all(len(row[0]) == 0 for row in grown), "somebody else's look, and one that is a photo already"
    assert all(len(row[stranger]) == 0 for stranger, row in enumerate(grown)), "the stranger is not enrolled"
    assert all(len(row[2]) == 5 for stranger, row in enumerate(grown) if stranger != 2)
    assert not growing.grown_templates(people, way, 0.4, 0)[1][2].size
    drawn = [growing.grown_templates(people, way, 0.4, 1, seed)[0][2] for seed in range(4)]
    assert len({one.tobytes() for one in drawn}) > 1


def test_a_site_of_two_people_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="three people"):
        growing.measure(_people(2), [1])


def test_the_session_between_enrolment_and_visit_is_where_templates_grow(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for name in ("1_a", "2_a", "3_a"):
        (tmp_path / "Anna" / name).mkdir(parents=True)
    for name, number in (("1_a", 4), ("2_a", 5), ("3_a", 3)):
        for index in range(number):
            (tmp_path / "Anna" / name / f"{index}.jpg").touch()
    [(name, sessions)] = folder_sessions(tmp_path)
    three = with_time_between(name, sessions)
    assert {path.parent.name for path in three.between} == {"2_a"} and {path.parent.name for path in three.looks} == {
        "3_a"
    }
    two = with_time_between(name, sessions[:2])
    assert [path.stem for path in (*two.between, *two.looks)] == ["0", "1", "2", "3", "4"] and two.elsewhere
    one = with_time_between(name, sessions[:1])
    assert ([path.stem for path in one.photos], [path.stem for path in one.looks], one.elsewhere) == (
        ["0"],
        ["2", "3"],
        False,
    )
