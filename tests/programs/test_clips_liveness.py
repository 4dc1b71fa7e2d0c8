"""A photo of an enrolled person is held before the camera: the shipped networks, the real daemon, a real database.

The person is on a public-domain portrait; how the photo is printed, shown and held is simulated.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance import bootstrap
from attendance.bootstrap import Installation
from attendance.config import load_settings
from attendance.domain.access.liveness.fusion import Verdict
from attendance.domain.reason import Reason
from attendance.programs import daemons, portraits
from attendance.programs.clips import Standing
from attendance.service.access.policy.editing import let_everybody_pass
from attendance.service.audit.audit import Actor
from attendance.service.enrolment.enrol import enrol_photo
from attendance.service.ports import Analyser
from attendance.store.access import events, liveness
from attendance.store.people import people
from attendance.training.liveness import simulate
from attendance.training.liveness.commands import largest_face

pytestmark = pytest.mark.long

FPS = 7


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return bootstrap.analyser_for(load_settings(overrides={"models.threads": 1}))


def site_of(folder: Path, analyser: Analyser, policy: str) -> Installation:
    """A site with this policy, where Collins is enrolled with the portrait."""
    overrides = {
        "database.url": f"sqlite:///{folder / policy}.db",
        "door.driver": "null",
        "models.threads": 1,
        "motion.enabled": False,
        "liveness.policy": policy,
    }
    settings, clock = load_settings(overrides=overrides), Standing()
    settings = settings.model_copy(update={"base_dir": folder})
    bootstrap.set_up(settings, clock)
    site = bootstrap.installation_for(settings, clock)
    with site.sessions.begin() as session:
        let_everybody_pass(session, Actor("command line", "test"), clock.now())
        person = people.create_person(
            session, name="Collins", at=clock.now(), consent_at=clock.now(), consent_text="public domain"
        )
        photo = portraits.as_jpeg(portraits.collins())
        assert enrol_photo(session, site.keys, analyser, person.id, photo, "import", clock).ok
    return site


def meet(site: Installation, analyser: Analyser, clip: Path) -> tuple[list[Reason], list[Verdict]]:
    """The reasons of what the daemon recorded while it watched the clip, and what liveness said."""
    camera = site.settings.camera.model_copy(update={"source": str(clip)})
    here = replace(site, settings=site.settings.model_copy(update={"camera": camera}))
    daemons.worker_for(here, analyser, paced=False).run(threading.Event())
    with site.sessions() as session:
        passages = [view.passage for view in events.list_passages(session, limit=20)]
        found = liveness.rulings_of(session, [passage.id for passage in passages])
    return [passage.reason for passage in passages], [one.judgement.verdict for one in found.values()]


def held(folder: Path, analyser: Analyser, species: str) -> Path:
    picture = portraits.collins()
    box = largest_face(analyser, picture)  # type: ignore[arg-type]
    assert box is not None
    random = np.random.default_rng(4)
    scene = cv2.GaussianBlur(random.integers(0, 255, (240, 320, 3)).astype(np.uint8), (0, 0), 6)
    pictures: list[NDArray[np.uint8]] = simulate.clip(
        picture, box, np.asarray(cv2.normalize(scene, None, 20, 220, cv2.NORM_MINMAX), np.uint8), species, random, 14
    )
    path = folder / f"{species}.avi"
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (width, height))
    for one in pictures:
        writer.write(one)
    writer.release()
    return path


@pytest.mark.parametrize("species", simulate.SPECIES)
def test_a_picture_of_an_enrolled_person_is_recognised_and_not_let_in(
    tmp_path: Path, analyser: Analyser, species: str
) -> None:
    clip = held(tmp_path, analyser, species)
    reasons, verdicts = meet(site_of(tmp_path, analyser, "off"), analyser, clip)
    assert Reason.MATCHED in reasons  # without liveness the photo opens the door
    assert verdicts == []

    reasons, verdicts = meet(site_of(tmp_path, analyser, "step_up"), analyser, clip)
    assert Reason.MATCHED not in reasons
    assert Reason.LIVENESS_STEP_UP in reasons
    assert Verdict.LIVE not in verdicts
