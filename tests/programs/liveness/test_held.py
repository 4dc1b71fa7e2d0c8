"""What `evaluate held-pictures` counts; the daemon with and without liveness before a picture and a person."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from attendance.config import Settings, load_settings
from attendance.errors import UserError
from attendance.programs import clips, portraits
from attendance.programs.liveness.held import Pair, Watched, report, run_held, summary

IN = Watched("a", 0.5, 3, ("matched",), 2.0, 10.0)
LATER = replace(IN, granted_s=0.9, processor_s=2.4)
OUT = Watched("a", None, None, ("liveness",), 3.0, 10.0)


def test_what_was_let_in_is_counted_by_kind_and_the_living_by_what_they_waited_for() -> None:
    pairs = [
        Pair("print", "one", IN, OUT),
        Pair("print", "two", OUT, OUT),
        Pair("screen", "three", IN, LATER),
        Pair("living", "four", IN, LATER),
        Pair("living", "five", IN, IN),
        Pair("living", "six", IN, OUT),
    ]
    found = summary(pairs)
    counted = {kind: (one["let_in"], one["of"], one["without"]) for kind, one in found["let_in"].items()}
    assert counted == {"print": (0, 2, 1), "screen": (1, 1, 1), "living": (2, 3, 3), "all pictures": (1, 3, 2)}
    assert found["let_in"]["all pictures"]["interval95"] == [0.0084, 0.9057]  # Clopper and Pearson, 1 of 3
    assert [pair.extra for pair in pairs] == [None, None, 4, 4, 0, None]
    assert found["extra_pictures_of_the_living"] == {"median": 2.0, "least": 0.0, "most": 4.0}
    assert found["processor_time_with_over_without"] == pytest.approx({"median": 1.2, "least": 1.0, "most": 1.5})
    lines = report(found).splitlines()
    assert any(line.split()[:5] == ["all", "pictures", "1", "of", "3"] for line in lines)
    assert lines[-1].endswith("median 1.20 (1.00 to 1.50)")


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    settings = load_settings(environ={})
    with pytest.raises(UserError, match="holds no scenes: put photographs in a folder imagenet1000"):
        run_held(settings, tmp_path, 3)
    without = settings.model_copy(update={"models": settings.models.model_copy(update={"liveness": ""})})
    with pytest.raises(UserError, match=r"set models\.liveness"):
        run_held(without, tmp_path, 3)


@pytest.mark.long
def test_pictures_of_the_enrolled_are_held_off_at_a_daemon_that_lets_them_in_without(tmp_path: Path) -> None:
    (tmp_path / "imagenet1000").mkdir()
    (tmp_path / "webcam_clips").mkdir()
    random = np.random.default_rng(1)
    scene = cv2.GaussianBlur(random.integers(0, 255, (240, 320, 3)).astype(np.uint8), (0, 0), 6)
    cv2.imwrite(str(tmp_path / "imagenet1000" / "scene.jpg"), scene)
    visit = [np.asarray(one, np.uint8) for one in portraits.frames([portraits.Visit(portraits.hopper(), 3.0)])]
    clips.write_video(tmp_path / "webcam_clips" / "hopper.avi", visit, portraits.FPS)
    settings: Settings = load_settings(overrides={"models.threads": 1})
    out = tmp_path / "held.json"

    found = run_held(settings, tmp_path, 3, out)

    pictures = found["let_in"]["all pictures"]
    assert (pictures["of"], pictures["without"]) == (3, 3)
    assert pictures["let_in"] <= 1
    assert found["let_in"]["living"]["of"] == 1
    assert json.loads(out.read_text())["let_in"] == found["let_in"]
