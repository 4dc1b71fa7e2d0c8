"""Ways of comparing faces, side by side: a centre only where the site's own photos say that it helps."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from attendance.config import Settings
from attendance.domain.access.scoring import BEST_PHOTO, Scoring, unit
from attendance.domain.access.track import TRIES
from attendance.domain.calibration import site_calibration
from attendance.domain.faces import Template
from attendance.errors import UserError
from attendance.service.access.gallery_watch import GalleryWatch
from attendance.service.calibration import impostors, offers, scorings
from attendance.service.calibration.impostors import Reference, Source
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from attendance.store.tables.calibration import OperatingPoint as Row
from tests.factories import MODEL, NOON
from tests.fakes import FakeClock
from tests.service.calibration.conftest import default

DIM = 96


class InvitedSite:
    """People and strangers who come through one camera: what they share is `shared` long, noise differs by photo."""

    def __init__(self, shared: float, seed: int = 4) -> None:
        self.random = np.random.default_rng(seed)
        self.common = self.random.normal(size=DIM) * shared

    def photos(self, people: int, each: int) -> np.ndarray:
        own = self.random.normal(size=(people, 1, DIM))
        noise = 0.9 * self.random.normal(size=(people, each, DIM))
        light = 0.6 * self.common * self.random.uniform(-1, 1, (people, each, 1))
        return unit((own + noise + self.common + light).astype(np.float32))

    def enrol(self, sessions: Sessions, keys: Keys, number: int = 60, each: int = 3) -> np.ndarray:
        photos = self.photos(number, each)
        with sessions.begin() as session:
            for index, rows in enumerate(photos):
                person = people.create_person(session, name=f"Person {index}", at=NOON)
                for row in rows:
                    templates.add_template(session, keys, person.id, Template(row, MODEL), "upload", {}, None, at=NOON)
        return photos


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    strangers = InvitedSite(0.0, seed=9).photos(1500, 1)[:, 0]
    impostors.save(Reference(MODEL, strangers, (Source("made", "invented faces", 1500),)), tmp_path)
    plain = Settings()
    return plain.model_copy(update={"models": plain.models.model_copy(update={"weights_dir": str(tmp_path)})})


def compare(sessions: Sessions, keys: Keys, settings: Settings, risk: float = 100) -> dict[str, scorings.Compared]:
    with sessions() as session:
        ways = scorings.compare(session, keys, settings, MODEL, NOON, risk)
    return {way.name: way for way in ways} | {"recommended": scorings.recommended(ways)}  # type: ignore[dict-item]


def put(sessions: Sessions, keys: Keys, way: scorings.Compared, reason: str = "It helps here.") -> None:
    with sessions.begin() as session:
        offers.apply(session, way.site_scores, way.offer, margin=0.02, by="Ada", reason=reason, at=NOON, keys=keys)


def test_where_faces_share_much_the_centre_refuses_fewer_and_holds_against_new_strangers(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    site = InvitedSite(1.2)
    site.enrol(sessions, keys)
    default(sessions, 0.5)
    ways = compare(sessions, keys, settings)

    shares = [ways[name].offer.refused.value or 0.0 for name in ("best photo", "mean photo", "centre")]
    assert shares[2] < shares[1] < shares[0]
    assert ways["recommended"].name == "attempt, centre" and ways["best photo"].in_force

    for name, looks in (("centre", site.photos(4000, 1)), ("attempt, centre", site.photos(2000, 8))):
        way = ways[name]
        with sessions() as session:
            gallery = templates.load_gallery(session, keys, MODEL, way.site_scores.scoring)
        first = 2 if way.site_scores.scoring.attempt else 0
        pools = unit(np.cumsum(looks, axis=1))[:, first:]  # the best of a growing pool counts, as at the door
        best = gallery.person_scores(pools.reshape(-1, DIM)).max(axis=1).reshape(len(looks), -1).max(axis=1)
        assert way.offer.threshold is not None and way.offer.calibration.high is not None
        assert float((best >= way.offer.threshold).mean()) <= way.offer.calibration.high


@pytest.mark.parametrize("people", [8, 12])
def test_few_people_in_their_own_centre_do_not_make_strangers_look_rarer(
    sessions: Sessions, keys: Keys, settings: Settings, people: int
) -> None:
    """Left in the centre, those who stand in as strangers score lower than strangers do."""
    site = InvitedSite(1.2)
    site.enrol(sessions, keys, people)
    default(sessions, 0.5)
    way = compare(sessions, keys, settings)["centre"]
    with sessions() as session:
        gallery = templates.load_gallery(session, keys, MODEL, way.site_scores.scoring)
    own = way.site_scores.strangers.own.scores
    among = own[~np.eye(people, dtype=bool)]
    outside = gallery.person_scores(site.photos(4000, 1)[:, 0])
    assert abs(float(among.mean() - outside.mean())) < 0.03


def test_where_faces_share_nothing_and_with_few_photos_nothing_is_recommended(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    InvitedSite(0.0).enrol(sessions, keys, 60, each=1)
    default(sessions, 0.5)
    ways = compare(sessions, keys, settings)
    assert ways["recommended"] is None
    assert "two photos" in ways["centre"].reason


def test_where_a_risk_leads_to_no_number_the_weights_own_threshold_is_shown_with_what_it_risks(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    """Somebody enrolled twice, and a risk that few people cannot show: the other ways have no threshold."""
    site = InvitedSite(1.2)
    photos = site.enrol(sessions, keys)
    with sessions.begin() as session:
        twin = people.create_person(session, name="Twin", at=NOON)
        for row in photos[0]:
            templates.add_template(session, keys, twin.id, Template(row, MODEL), "upload", {}, None, at=NOON)
    default(sessions, 0.5)
    ways = compare(sessions, keys, settings, risk=10_000)

    assert ways["best photo"].offer.fallback and ways["best photo"].offer.threshold == 0.5
    assert ways["best photo"].rate.fpir is not None
    for name in ("mean photo", "centre"):
        assert ways[name].reason.startswith("No threshold can be given: ")
    assert ways["recommended"] is None


def test_the_door_compares_as_the_threshold_in_force_says(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    photos = InvitedSite(1.2).enrol(sessions, keys)
    default(sessions, 0.5)
    clock = FakeClock()
    watch = GalleryWatch(sessions, keys, MODEL, clock)
    assert watch.load().gallery.scoring.version == BEST_PHOTO.version

    ways = compare(sessions, keys, settings)
    put(sessions, keys, ways["centre"])
    clock.advance(2)
    view = watch.refresh()
    assert view.point is not None and view.gallery.scoring.version == view.point.scoring
    centre = ways["centre"].site_scores.scoring.centre
    assert centre is not None
    score = view.gallery.search(Template(photos[0, 0], MODEL), 1)[0].score
    assert score == pytest.approx(
        float(unit(photos[0, 0] - centre) @ unit(unit(photos[0].mean(axis=0)) - centre)), abs=1e-4
    )


def test_another_way_needs_a_reason_and_old_centres_are_gone(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    InvitedSite(1.2).enrol(sessions, keys)
    default(sessions, 0.5)
    ways = compare(sessions, keys, settings)
    with pytest.raises(UserError, match="say why"):
        put(sessions, keys, ways["centre"], reason="")
    put(sessions, keys, ways["centre"])
    put(sessions, keys, ways["mean photo"])
    with sessions() as session:
        rows = session.query(Row).order_by(Row.id).all()
    assert [row.centre for row in rows] == [None, None, None]
    assert rows[1].scoring.startswith("centre ")


def test_recorded_scores_of_another_kind_do_not_count(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    InvitedSite(1.2).enrol(sessions, keys)
    default(sessions, 0.5)
    with sessions() as session:
        assert operating_points.compared_so_since(session, MODEL) is None
    way = compare(sessions, keys, settings)["centre"]
    with sessions.begin() as session:
        later = NOON + timedelta(hours=1)
        offers.apply(session, way.site_scores, way.offer, margin=0.02, by=None, reason="r", at=later, keys=keys)
    with sessions() as session:
        assert operating_points.compared_so_since(session, MODEL) == later


def test_a_centre_of_another_key_or_another_threshold_refuses_everybody(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    InvitedSite(1.2).enrol(sessions, keys)
    default(sessions, 0.5)
    put(sessions, keys, compare(sessions, keys, settings)["centre"])
    with sessions.begin() as session:
        row = session.query(Row).order_by(Row.id.desc()).first()
        assert row is not None and row.centre is not None
        row.centre = keys.seal_centre(np.full(DIM, 0.01, np.float32), MODEL)
    with sessions() as session, pytest.raises(UserError, match="put a threshold in force again"):
        operating_points.scoring_in_force(session, keys, MODEL)
    with sessions() as session, pytest.raises(UserError, match="put a threshold in force again"):
        operating_points.scoring_in_force(session, Keys(bytes(32)), MODEL)


def test_a_centre_is_never_stored_in_the_clear(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session, pytest.raises(ValueError, match="sealed"):
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.5, margin=0.05, source="calibration", gallery_size=1, at=NOON,
            scoring=Scoring(True, np.full(DIM, 0.01, np.float32)),
        )  # fmt: skip


def test_the_chances_of_an_attempt_are_higher_than_those_of_its_first_looks(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    InvitedSite(0.0).enrol(sessions, keys, 80)
    default(sessions, 0.5)
    way = compare(sessions, keys, settings, 10)["attempt, mean photo"]
    assert way.offer.calibration.target == 1 / 10 and way.offer.threshold is not None
    same = offers.at(way.site_scores, way.offer.threshold, 10).calibration
    first = site_calibration.curve_site(
        way.site_scores.strangers, MODEL, 80, [way.offer.threshold], 0.1, np.random.default_rng(0)
    )[0]
    assert same.fpir == pytest.approx(TRIES * (first.fpir or 0.0))
    assert same.fpir is not None and same.fpir <= 0.1 and same.low is not None and same.low <= same.fpir


def test_an_attempt_in_force_survives_a_restart_and_an_unknown_kind_refuses(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    InvitedSite(1.2).enrol(sessions, keys)
    default(sessions, 0.5)
    put(sessions, keys, compare(sessions, keys, settings)["attempt, centre"])
    with sessions() as session:
        scoring = operating_points.scoring_in_force(session, keys, MODEL)
    assert scoring.attempt and scoring.centre is not None and scoring.version.startswith("attempt, centre ")
    with sessions.begin() as session:
        row = session.query(Row).order_by(Row.id.desc()).first()
        assert row is not None
        row.scoring = "of tomorrow"
    with sessions() as session, pytest.raises(UserError, match="update"):
        operating_points.scoring_in_force(session, keys, MODEL)


def test_the_weights_own_threshold_keeps_its_name_where_a_risk_leads_to_no_number(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    InvitedSite(0.0).enrol(sessions, keys, 3)
    default(sessions, 0.5)
    way = compare(sessions, keys, settings, 200)["best photo"]
    assert way.offer.fallback
    put(sessions, keys, way)
    with sessions() as session:
        (row, *_rest) = operating_points.history(session, MODEL)
    assert (row.source, row.threshold) == ("card default", 0.5)
