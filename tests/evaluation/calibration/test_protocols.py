"""`evaluate calibration` and `weights impostors`: on invented faces, and through the command line on tiny networks."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from attendance.cli.main import main
from attendance.domain.calibration.risk import Strangers
from attendance.evaluation.calibration import commands, protocols
from tests.domain.calibration.simulated_sites import faces, in_its_light


def test_stated_and_measured_agree_on_people_of_one_kind() -> None:
    people = faces(np.random.default_rng(3), 700)
    reference = faces(np.random.default_rng(4), 800)
    trials = protocols.run(people, "m", reference, splits=6, sizes=(50,), risks=(20,))
    rows = [trial.row() for trial in trials]
    assert [row["protocol"] for row in rows] == ["half", "site"]
    for row in rows:
        assert row["splits"] == row["with_a_number"] == 6
        assert row["stated_fpir_median"] == pytest.approx(0.05, rel=0.2)
        assert row["measured_fpir_median"] == pytest.approx(0.05, rel=0.4)
        assert row["inside_trial_interval"] >= 4 / 6
    assert len(commands.table_of(rows).splitlines()) == 3


def test_packaged_strangers_that_are_too_easy_do_not_undercut() -> None:
    """Faces from elsewhere would make a threshold that is far too low."""
    random = np.random.default_rng(5)
    people = in_its_light(faces(random, 600), 0.5)
    easy = faces(random, 800)
    site = protocols.run(people, "m", easy, 6, (40,), (20,))[1].row()
    assert site["verdicts"] == {"estimated": 6}
    assert site["not_above_plain_interval"] == 1


def test_the_measured_rate_is_that_of_every_gallery() -> None:
    rows = faces(np.random.default_rng(6), 40)
    known = Strangers(rows @ rows.T, np.arange(40), "m", sampled=True)
    random, passed = np.random.default_rng(0), []
    for _ in range(3000):
        order = random.permutation(40)
        passed.append((known.scores[order[0]][order[1:11]] >= 0.5).any())
    assert protocols.mean_fpir(known, 0.5, 10) == pytest.approx(np.mean(passed), abs=0.04)


def picture(path: Path, seed: int) -> None:
    """A bright block, a face to the tiny detector; the wall's colour tells the tiny recogniser who it is."""
    image = np.zeros((256, 256, 3), np.uint8) + np.random.default_rng(seed).integers(0, 120, 3).astype(np.uint8)
    image[112:144, 112:144] = 240
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def run(here: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(main, ["--config", str(here / "config.toml"), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_people_of_lfw_are_split_and_the_numbers_are_written(here: Path) -> None:
    for number in range(260):
        picture(here / "data" / "lfw" / f"Person_{number:03d}" / "1.png", number)
    settings = ("--data", str(here / "data"), "--size", "20", "--splits", "2", "--keep", str(here / "keep"))
    files = ("--out", str(here / "out.json"), "--plots", str(here / "plots"))
    result = run(here, "evaluate", "calibration", *settings, *files)
    assert result.exit_code == 0, result.output
    assert "no packaged strangers" in result.output
    numbers = json.loads((here / "out.json").read_text())
    assert numbers["people"] == 260
    assert {row["protocol"] for row in numbers["rows"]} == {"half"}
    assert (here / "plots" / "calibration.png").stat().st_size > 1000


def test_too_few_people_are_refused(here: Path) -> None:
    picture(here / "data" / "lfw" / "Person" / "1.png", 1)
    result = run(here, "evaluate", "calibration", "--data", str(here / "data"))
    assert result.exit_code == 2
    assert "too few" in result.stderr
