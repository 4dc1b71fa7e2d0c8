"""`calibrate` from the command line: a table, a verdict, and nothing changed unless asked."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from attendance.config import load_settings
from attendance.domain.faces import Template
from attendance.service.calibration import impostors
from attendance.service.calibration.impostors import Reference, Source
from attendance.store.audit import entries
from attendance.store.calibration import operating_points
from attendance.store.crypto import load_keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions, make_engine, sessions
from attendance.store.tables.calibration import OperatingPoint
from tests.cli.conftest import Here
from tests.domain.calibration.simulated_sites import faces
from tests.factories import NOON, near
from tests.vision import networks

MODEL = networks.RECOGNISER


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    for variable in [name for name in os.environ if name.startswith("ATTENDANCE")]:
        monkeypatch.delenv(variable)
    weights = tmp_path / "weights"
    weights.mkdir()
    networks.write_detector(weights)
    networks.write_recogniser(weights)
    strangers = faces(np.random.default_rng(7), 1200)
    impostors.save(Reference(MODEL, strangers, (Source("made", "invented faces", 1200),)), weights)
    (tmp_path / "config.toml").write_text(
        f'[models]\nweights_dir = "weights"\ndetector = "{networks.DETECTOR}"\nrecogniser = "{MODEL}"\n'
    )
    made = Here(tmp_path)
    made.good("init")
    return made


def database(here: Here) -> Sessions:
    return sessions(make_engine(load_settings(here.config).database.url))


def enrol(here: Here, number: int) -> None:
    keys = load_keys(here.folder / "var" / "master.key", {})
    with database(here).begin() as session:
        for index, centre in enumerate(faces(np.random.default_rng(1), number)):
            person = people.create_person(session, name=f"Person {index}", at=NOON)
            for photo in range(2):
                template = Template(near(centre, 0.97, seed=10 * index + photo), MODEL)
                templates.add_template(session, keys, person.id, template, "upload", {}, None, at=NOON)


def points(here: Here) -> list[OperatingPoint]:
    with database(here)() as session:
        return list(operating_points.history(session, MODEL))


def test_it_shows_what_a_risk_means_and_changes_nothing(here: Here) -> None:
    enrol(here, 20)
    before = len(points(here))
    said = here.good("calibrate", "--risk", "50")
    assert "risk: at most one stranger in 50 passes" in said
    assert "verdict: estimated" in said
    assert "1,200 invented faces" in said
    assert "own people refused" in said
    assert "nothing was changed" in said
    assert len(points(here)) == before


def test_it_puts_the_threshold_in_force_with_its_reason(here: Here) -> None:
    enrol(here, 20)
    here.good("calibrate", "--risk", "50", "--apply", "--reason", "The council agreed.")
    row = points(here)[0]
    assert (row.source, row.target, row.covers, row.reason) == ("calibration", 0.02, 20, "The council agreed.")
    assert row.created_by == "command line"
    tighter = here.good("calibrate", "--risk", "500", "--apply")
    assert "in force: " in tighter
    assert points(here)[0].threshold > row.threshold
    loosening = here.refused("calibrate", "--risk", "10", "--apply")
    assert "say why" in loosening
    assert points(here)[0].target == 0.002
    with database(here)() as session:
        acts = [(entry.actor_kind, entry.action, entry.detail["source"]) for entry in entries.list_entries(session)]
    by_hand = ("command line", "apply_threshold", "calibration")
    assert acts == [by_hand, by_hand]


def test_with_hardly_anybody_enrolled_the_verdict_says_so(here: Here) -> None:
    enrol(here, 3)
    said = here.good("calibrate")
    assert "verdict: not enough data" in said
    assert "cannot be said" in said
    assert "1 in 1,000" not in said.split("verdict")[1]
    assert "cannot be said: there is no threshold" in said and "nobody has two photos" not in said


def test_with_nobody_enrolled_it_does_not_fall_over(here: Here) -> None:
    said = here.good("calibrate", "--risk", "100")
    assert "verdict: not enough data" in said


def test_a_missing_or_broken_reference_is_told(here: Here) -> None:
    enrol(here, 20)
    path = impostors.file_of(here.folder / "weights", MODEL)
    path.write_bytes(b"broken")
    assert "is not a reference of strangers" in here.good("calibrate")
    path.unlink()
    assert "note: there is no reference" in here.good("calibrate")


def test_ways_of_comparing_are_printed_side_by_side_and_one_is_put_in_force(here: Here) -> None:
    enrol(here, 20)
    said = here.good("calibrate", "--risk", "50", "--compare", "auto")
    assert "best photo (in force)" in said and "mean photo" in said and "centre" in said
    assert "replay" not in said  # nothing is in force yet
    here.good("calibrate", "--risk", "50", "--apply", "--reason", "First.")
    done = here.good("calibrate", "--risk", "50", "--compare", "mean photo", "--apply", "--reason", "Two sessions.")
    assert "replay on the enrolled photos" in done and "of 40, " in done and "of 20 people" in done
    assert "past passages cannot be decided again" in done and "repeat the acceptance test" in done
    assert points(here)[0].scoring == "mean photo"
    assert "best photo (in force)" not in here.good("calibrate", "--compare", "auto")
