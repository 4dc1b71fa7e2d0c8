"""A site's enrolled people, packaged strangers, and thresholds in force."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.config import Settings
from attendance.domain.faces import Template
from attendance.service.calibration import impostors, offers
from attendance.service.calibration.impostors import Reference, Source
from attendance.service.calibration.site_scores import SiteScores, score_site, since
from attendance.store import tables
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from tests.domain.calibration.simulated_sites import faces
from tests.factories import MODEL, NOON, near


def reference(number: int = 1500, seed: int = 70, model_id: str = MODEL) -> Reference:
    return Reference(model_id, faces(np.random.default_rng(seed), number), (Source("made", "invented faces", number),))


def enrol(sessions: Sessions, keys: Keys, number: int, seed: int = 1, photos: int = 1, cosine: float = 0.95) -> None:
    with sessions.begin() as session:
        for index, centre in enumerate(faces(np.random.default_rng(seed), number)):
            person = people.create_person(session, name=f"Person {seed}-{index}", at=NOON)
            for photo in range(photos):
                vector = near(centre, cosine, seed=1000 * seed + 10 * index + photo)
                templates.add_template(session, keys, person.id, Template(vector, MODEL), "upload", {}, None, at=NOON)


def default(sessions: Sessions, threshold: float, source: str = "card default") -> None:
    with sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=threshold, margin=0.05, source=source, gallery_size=0, at=NOON
        )


def known(sessions: Sessions, keys: Keys, strangers: Reference | None = None, days: int = 0) -> SiteScores:
    with sessions() as session:
        return score_site(session, keys, MODEL, strangers, passages_since=since(NOON, days))


def put(sessions: Sessions, site_scores: SiteScores, risk: float = 100, reason: str = "first") -> None:
    with sessions.begin() as session:
        offer = offers.calibrate_site(site_scores, risk)
        offers.apply(session, site_scores, offer, margin=0.05, by="Ada", reason=reason, at=NOON)


def in_force(sessions: Sessions) -> tables.calibration.OperatingPoint:
    with sessions() as session:
        return operating_points.history(session, MODEL, limit=1)[0]


@pytest.fixture
def settings(tmp_path) -> Settings:
    impostors.save(reference(), tmp_path)
    plain = Settings()
    return plain.model_copy(update={"models": plain.models.model_copy(update={"weights_dir": str(tmp_path)})})
