"""Clips through the real daemon, with a colour for a face; what a meeting comes to; wrong folders."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from attendance.config import load_settings
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.programs import clips
from attendance.programs.clips import Clip, find_clips, judged, run_clips, totals
from attendance.store.access.events import PassageView
from tests.factories import ANNA, BERT, NOON, make_image, make_passage
from tests.fakes import FakeAnalyser

CLIP = Clip(Path("one.mkv"), "Anna")


def write_clip(path: Path, colour: tuple[int, int, int], pictures: int = 24) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 15, (64, 48))
    for _ in range(pictures):
        writer.write(make_image(colour))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Anna twice, Bert once."""
    for name, colour in (("a1", ANNA), ("a2", ANNA), ("b", BERT)):
        write_clip(tmp_path / "data" / "webcam_clips" / "_" / f"{name}.avi", colour)
    (tmp_path / "people.tsv").write_text("a1\tAnna\na2\tAnna\nb\tBert\n")
    return tmp_path


def view(second: float, who: str | None, reason: Reason = Reason.UNKNOWN) -> PassageView:
    values = {"granted": who is not None, "reason": Reason.MATCHED if who else reason}
    passage = make_passage(NOON + timedelta(seconds=second), person_id=1 if who else None, **values)
    return PassageView(passage, who, None, None, None, "")


def test_the_known_pass_and_the_same_as_strangers_do_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(environ={})
    analyser = FakeAnalyser(model_id=settings.models.recogniser)
    out = folder / "clips.json"
    numbers = run_clips(settings, folder / "data", folder / "people.tsv", out, analyser)

    verdicts = {(one["clip"], one["kind"]): one["verdict"] for one in numbers["meetings"]}
    assert verdicts == {(name, "known"): "right" for name in ("a1", "a2", "b")} | {
        (name, "stranger"): "refused" for name in ("a1", "a2", "b")
    }
    assert json.loads(out.read_text()) == numbers
    assert (numbers["people"], numbers["clips"]) == (2, 3)
    assert all(0 <= one["first_s"] <= clips.LASTS_S for one in numbers["meetings"])
    told = capsys.readouterr().out
    assert "known granted as the right person: 3 of 3" in told
    assert "strangers refused: 3 of 3" in told
    assert not Path("var/clips.db").exists()


@pytest.mark.parametrize(
    ("decided", "verdict", "first_s"),
    [
        ([], "nothing", None),
        ([view(2, None)], "refused", 2),
        ([view(1, None, Reason.TOO_DARK), view(3, "Anna")], "right", 1),
        ([view(1, "Anna"), view(3, "Bert")], "another", 1),
    ],
)
def test_a_wrong_grant_outweighs_a_right_one_and_that_a_refusal(
    decided: list[PassageView], verdict: str, first_s: float | None
) -> None:
    meeting = judged(CLIP, "known", decided, NOON)

    assert (meeting.verdict, meeting.first_s) == (verdict, first_s)


def test_totals_count_each_kind_for_itself() -> None:
    met = [judged(CLIP, "known", [view(1, "Anna")], NOON), judged(CLIP, "stranger", [view(1, "Bert")], NOON)]
    found = totals(met, {"one": 0, "two": 3})

    assert found["known_granted_as_the_right_person"]["count"] == 1
    assert found["strangers_granted"]["count"] == 1
    assert found["clips_with_an_enrolled_photo"] | {"interval95": None} == {
        "count": 1,
        "of": 2,
        "rate": 0.5,
        "interval95": None,
    }


def test_a_half_is_played_to_and_fro_and_loses_nothing(tmp_path: Path) -> None:
    half = [np.full((48, 64, 3), 10 * shade, np.uint8) for shade in range(1, 7)]
    clips.write_tour(tmp_path / "now.avi", half, fps=30, most=15)
    first, second, fps = clips.read_halves(tmp_path / "now.avi")
    shades = [int(picture.mean()) for picture in first + second]

    assert fps == 15
    assert len(shades) == clips.LASTS_S * 15
    assert shades[:8] == [10, 30, 50, 30, 10, 30, 50, 30]


def test_a_folder_without_clips_and_wrong_lists_are_refused_in_one_line(folder: Path) -> None:
    listed = folder / "people.tsv"
    with pytest.raises(UserError, match="there are no video clips"):
        find_clips(folder / "nowhere", None)
    listed.write_text("a1 Anna\n")
    with pytest.raises(UserError, match="each line is the clip's name"):
        find_clips(folder / "data", listed)
    listed.write_text("zz\tAnna\n")
    with pytest.raises(UserError, match="there is no clip zz"):
        find_clips(folder / "data", listed)
    with pytest.raises(UserError, match="cannot read"):
        find_clips(folder / "data", folder / "missing.tsv")
    write_clip(folder / "data" / "webcam_clips" / "b.avi", ANNA)
    with pytest.raises(UserError, match="two clips are called b"):
        find_clips(folder / "data", None)


@pytest.mark.parametrize("pictures", [0, 3])
def test_a_clip_that_is_too_short_or_none_is_refused(tmp_path: Path, pictures: int) -> None:
    path = write_clip(tmp_path / "a.avi", ANNA, pictures)
    if not pictures:
        path.write_bytes(b"no video")
    with pytest.raises(UserError, match="is too short or too small"):
        clips.read_halves(path)


def test_an_answer_for_nowhere_is_refused_before_measuring(folder: Path) -> None:
    with pytest.raises(UserError, match="--out: there is no folder"):
        run_clips(load_settings(environ={}), folder / "data", None, folder / "no" / "a.json")
