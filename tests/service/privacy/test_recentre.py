"""Centre and threshold after an erasure rest on those who are left."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete

from attendance.config import Settings
from attendance.domain.access.scoring import unit
from attendance.domain.faces import Template
from attendance.service.calibration import impostors, offers, scorings
from attendance.service.privacy.recentre import REASON, without_the_erased
from attendance.store.calibration import operating_points
from attendance.store.calibration.operating_points import PointRow
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from attendance.store.tables.calibration import OperatingPoint as Row
from attendance.store.tables.people import Person
from tests.factories import MODEL, NOON
from tests.fakes import FakeClock

DIM, NUMBER = 96, 12
LATER = NOON + timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    random = np.random.default_rng(9)
    strangers = unit(random.normal(size=(800, DIM)).astype(np.float32))
    source = impostors.Source("made", "invented faces", len(strangers))
    impostors.save(impostors.Reference(MODEL, strangers, (source,)), tmp_path)
    plain = Settings()
    changed = {"weights_dir": str(tmp_path), "recogniser": MODEL}
    return plain.model_copy(update={"models": plain.models.model_copy(update=changed)})


@pytest.fixture
def photos(sessions: Sessions, keys: Keys) -> np.ndarray:
    """Of twelve people who come through one camera: all share a direction.  Shape [people, photos, numbers]."""
    random = np.random.default_rng(4)
    common = 1.2 * random.normal(size=DIM)
    own = random.normal(size=(NUMBER, 1, DIM))
    made = unit((own + 0.6 * random.normal(size=(NUMBER, 3, DIM)) + common).astype(np.float32))
    with sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.5, margin=0.05, source="card default", gallery_size=0, at=NOON
        )
        for index, rows in enumerate(made):
            person = people.create_person(session, name=f"Person {index}", at=NOON)
            for row in rows:
                templates.add_template(session, keys, person.id, Template(row, MODEL), "upload", {}, None, at=NOON)
    return made


def in_force(sessions: Sessions) -> PointRow:
    with sessions() as session:
        return operating_points.history(session, MODEL, limit=1)[0]


def apply(sessions: Sessions, keys: Keys, settings: Settings, name: str, threshold: float | None = None) -> None:
    with sessions() as session:
        ways = {one.name: one for one in scorings.compare(session, keys, settings, MODEL, NOON, 100)}
    way = ways[name]
    offer = way.offer if threshold is None else offers.at(way.site_scores, threshold, 100)
    with sessions.begin() as session:
        offers.apply(session, way.site_scores, offer, margin=0.02, by="Ada", reason="first", at=NOON, keys=keys)


def erase(sessions: Sessions) -> None:
    """The last person is gone; whoever erases does this in its transaction (tests/service/privacy/test_erasure.py)."""
    with sessions.begin() as session:
        session.delete(session.get(Person, NUMBER))


def centre(sessions: Sessions, keys: Keys) -> np.ndarray:
    with sessions() as session:
        found = operating_points.scoring_in_force(session, keys, MODEL).centre
    assert found is not None
    return found


def test_the_centre_no_longer_holds_a_share_of_who_was_erased(
    sessions: Sessions, keys: Keys, settings: Settings, photos: np.ndarray
) -> None:
    apply(sessions, keys, settings, "centre")
    old, before = in_force(sessions), centre(sessions, keys)
    erase(sessions)

    assert without_the_erased(sessions, keys, settings, MODEL, FakeClock(LATER), LATER)

    new, after = in_force(sessions), centre(sessions, keys)
    assert (new.id != old.id, new.reason) == (True, REASON)
    share = photos[-1].mean(axis=0)  # what the erased person pulled the centre towards
    assert float((before - after) @ share) > 0.01
    with sessions() as session:
        _, others = operating_points.history(session, MODEL, limit=2)
        left = scorings.ways(templates.enrolled_templates(session, keys, MODEL))
    expected = dict(zip(scorings.WORDS, left, strict=True))["centre"].centre
    assert expected is not None and np.allclose(after, expected, atol=1e-6)
    assert others.id == old.id


def test_what_was_put_in_force_after_the_erasure_stays(
    sessions: Sessions, keys: Keys, settings: Settings, photos: np.ndarray
) -> None:
    apply(sessions, keys, settings, "centre")
    point = in_force(sessions)

    assert without_the_erased(sessions, keys, settings, MODEL, FakeClock(LATER), NOON - timedelta(days=1))

    assert in_force(sessions).id == point.id


def test_a_threshold_of_the_card_rests_on_nobody_and_stays(
    sessions: Sessions, keys: Keys, settings: Settings, photos: np.ndarray
) -> None:
    erase(sessions)

    assert without_the_erased(sessions, keys, settings, MODEL, FakeClock(LATER), LATER)

    assert (in_force(sessions).source, in_force(sessions).threshold) == ("card default", 0.5)


def test_a_threshold_without_a_centre_never_falls_by_an_erasure(
    sessions: Sessions, keys: Keys, settings: Settings, photos: np.ndarray
) -> None:
    apply(sessions, keys, settings, "best photo", threshold=0.93)
    erase(sessions)

    assert without_the_erased(sessions, keys, settings, MODEL, FakeClock(LATER), LATER)

    assert in_force(sessions).threshold == pytest.approx(0.93)


@pytest.mark.parametrize("left", [4, 1, 0])
@pytest.mark.parametrize(("card", "threshold", "source"), [(0.5, 0.5, "card default"), (None, 0.99, "administrator")])
def test_too_few_for_a_centre_leave_no_threshold_of_its_scores(
    sessions: Sessions, keys: Keys, settings: Settings, photos: np.ndarray, left: int, card: float | None,
    threshold: float, source: str,
) -> None:  # fmt: skip
    """The centre's threshold is lower than any that single photos need, and must not be used for those."""
    with sessions.begin() as session:
        if card is None:
            session.execute(delete(Row))
    apply(sessions, keys, settings, "centre", threshold=0.3)
    with sessions.begin() as session:
        session.execute(delete(Person).where(Person.id > left))

    assert without_the_erased(sessions, keys, settings, MODEL, FakeClock(LATER), LATER)

    row = in_force(sessions)
    assert (row.scoring, row.threshold, row.source, row.centre) == ("best photo", threshold, source, None)
    assert (row.reason or "").endswith("too few are left for a centre")
    with sessions() as session:
        assert operating_points.scoring_in_force(session, keys, MODEL).version == "best photo"
