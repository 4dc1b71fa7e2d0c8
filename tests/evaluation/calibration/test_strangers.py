"""Strangers to be packaged with a network."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from attendance.cli.main import main
from attendance.evaluation.calibration import strangers
from attendance.service.calibration import impostors
from attendance.vision.weights import load_card, verify
from tests.vision import networks


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
