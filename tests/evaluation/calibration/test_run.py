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
from attendance.evaluation.calibration import run as calibration_run
from attendance.evaluation.calibration import strangers
from attendance.evaluation.recogniser import embedding_cache
from attendance.service.calibration import impostors
from attendance.vision.weights import load_card, verify
from tests.domain.calibration.simulated_sites import faces, in_its_light
from tests.vision import networks


def test_stated_and_measured_agree_on_people_of_one_kind() -> None:
    people = faces(np.random.default_rng(3), 700)
    reference = faces(np.random.default_rng(4), 800)
    trials = calibration_run.run(people, "m", reference, splits=6, sizes=(50,), risks=(20,))
    rows = [trial.row() for trial in trials]
    assert [row["protocol"] for row in rows] == ["half", "site"]
    for row in rows:
        assert row["splits"] == row["with_a_number"] == 6
        assert row["stated_fpir_median"] == pytest.approx(0.05, rel=0.2)
        assert row["measured_fpir_median"] == pytest.approx(0.05, rel=0.4)
        assert row["inside_trial_interval"] >= 4 / 6
    assert len(calibration_run.table_of(rows).splitlines()) == 3


def test_packaged_strangers_that_are_too_easy_do_not_undercut() -> None:
    """Faces from elsewhere would make a threshold that is far too low."""
    random = np.random.default_rng(5)
    people = in_its_light(faces(random, 600), 0.5)
    easy = faces(random, 800)
    site = calibration_run.run(people, "m", easy, 6, (40,), (20,))[1].row()
    assert site["verdicts"] == {"estimated": 6}
    assert site["not_above_plain_interval"] == 1


def test_the_measured_rate_is_that_of_every_gallery() -> None:
    rows = faces(np.random.default_rng(6), 40)
    known = Strangers(rows @ rows.T, np.arange(40), "m", sampled=True)
    random, passed = np.random.default_rng(0), []
    for _ in range(3000):
        order = random.permutation(40)
        passed.append((known.scores[order[0]][order[1:11]] >= 0.5).any())
    assert calibration_run.mean_fpir(known, 0.5, 10) == pytest.approx(np.mean(passed), abs=0.04)


def test_each_identity_is_taken_once_and_the_first_of_it() -> None:
    one, other, third = np.eye(3, 8, dtype=np.float32)
    near = (one + 0.1 * other) / np.linalg.norm(one + 0.1 * other)
    assert strangers.each_once(np.stack([one, other, near, third, other])).tolist() == [0, 1, 3]
    assert strangers.each_once(np.empty((0, 8), np.float32)).tolist() == []


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


def test_generated_faces_become_a_reference_that_the_card_vouches_for(here: Path) -> None:
    for number in range(9):
        for name in strangers.SETS:
            picture(here / "data" / name / f"{number // 3}" / f"{number}.png", 10 * number + strangers.SETS.index(name))
    picture(here / "data" / strangers.SETS[0] / "again.png", 0)
    keep = here / "keep"
    command = ("weights", "impostors", "--data", str(here / "data"), "--keep", str(keep))
    said = run(here, *command)
    assert said.exit_code == 0, said.output
    weights = here / "weights"
    made = impostors.load(weights, networks.RECOGNISER)
    assert made is not None
    assert 1 <= len(made.vectors) < 28
    scores = made.vectors @ made.vectors.T - np.eye(len(made.vectors))
    assert scores.max() < strangers.SAME + 0.01
    assert "machine-made" in made.words
    card = load_card(weights, networks.RECOGNISER)
    assert card.strangers in card.sha256
    verify(card, weights)
    first = impostors.file_of(weights, networks.RECOGNISER).read_bytes()
    assert run(here, *command).exit_code == 0  # from what was kept, under the same key
    assert impostors.file_of(weights, networks.RECOGNISER).read_bytes() == first
    assert len(list(keep.iterdir())) == 1
    impostors.file_of(weights, networks.RECOGNISER).write_bytes(first[:-1] + b"x")
    assert "WRONG" in run(here, "weights", "verify").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "nowhere"), "there is no folder"),
        (("--data", ".", "--set", "a"), "--words"),
        (("--data", ".", "--teacher", "no.onnx"), "--teacher"),
    ],
)
def test_what_cannot_become_a_reference_is_told_in_one_line(here: Path, arguments: tuple[str, ...], words: str) -> None:
    result = run(here, "weights", "impostors", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


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


def test_kept_vectors_that_are_broken_are_made_again(here: Path) -> None:
    class Counting:
        """A gallery of one recogniser that remembers what it was asked for."""

        def __init__(self) -> None:
            self.asked: list[Path] = []

        def vectors(self, name: str, paths: list[Path]) -> np.ndarray:
            self.asked += paths
            return np.array([[float(path.name)] for path in paths], np.float32)

    paths = [Path(str(number)) for number in range(5)]
    keep, gallery = here / "keep", Counting()
    first = embedding_cache.embed(gallery, ["a"], paths[:3], keep, "k")["a"]  # type: ignore[arg-type]
    assert first.ravel().tolist() == [0, 1, 2]
    second = embedding_cache.embed(gallery, ["a"], paths[::-1], keep, "k")["a"]  # type: ignore[arg-type]
    assert second.ravel().tolist() == [4, 3, 2, 1, 0]
    assert gallery.asked == [*paths[:3], paths[4], paths[3]]
    (file,) = keep.iterdir()
    file.write_bytes(b"PK")
    embedding_cache.embed(gallery, ["a"], paths[:1], keep, "k")  # type: ignore[arg-type]
    assert gallery.asked[-1] == paths[0]
    embedding_cache.embed(gallery, ["a"], paths[:1], keep, "other")  # type: ignore[arg-type]
    assert len(list(keep.iterdir())) == 2
