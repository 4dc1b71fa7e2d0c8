"""What `evaluate challenge` counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from attendance.config import Settings
from attendance.errors import UserError
from attendance.programs.liveness import recordings
from attendance.programs.liveness.actors import LIVING, REAL_PRINT
from attendance.programs.liveness.challenges import Trial, _counts, run_challenges


def test_only_who_was_asked_counts_and_who_was_let_in_unasked_is_told() -> None:
    trials = [
        Trial(LIVING, "a", "passed", True, 7.0, 1.5, ("left", "nearer"), 2),
        Trial(LIVING, "b", "passed", True, 9.5, 1.0, ("left", "nearer"), 2),
        Trial(LIVING, "b", "too_late", False, 13.0, 1.0, ("left", "right"), 1, "further"),
        Trial(LIVING, "c", None, False, 6.0),
        Trial(LIVING, "d", None, True, 2.0),
        Trial(REAL_PRINT, "a", "flat", False, 3.0, 1.0),
    ]
    found = _counts(trials, LIVING)
    assert (found["passed"], found["asked"], found["people"]) == (2, 3, 2)
    assert (found["not_asked"], found["let_in_unasked"]) == (2, 1)
    assert found["ended"] == {"passed": 2, "too_late": 1}
    assert found["needed_s"] == {"median": 7.0, "most": 8.5}
    low, high = found["interval95"]
    assert (low, high) == pytest.approx((0.0943, 0.9916), abs=1e-4)  # Clopper and Pearson, 2 of 3
    assert _counts(trials, REAL_PRINT)["interval95"][1] == pytest.approx(0.975)


def test_a_folder_without_enough_people_or_without_recordings_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has 0 people with 3 photos or more, not 4"):
        run_challenges(Settings(), tmp_path, 4)
    with pytest.raises(UserError, match="holds neither nuaa nor webcam_clips"):
        recordings.find(tmp_path)


def test_recordings_are_of_the_people_for_the_report_and_of_another_session(tmp_path: Path) -> None:
    for kind, person, session in (
        ("ClientRaw", "0008", "01"),
        ("ClientRaw", "0009", "01"),
        ("ClientRaw", "0009", "02"),
        ("ImposterRaw", "0009", "01"),
    ):
        folder = tmp_path / "nuaa" / kind / person
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(recordings.FEWEST):
            (folder / f"{person}_00_00_{session}_{number}.jpg").write_bytes(f"{kind} {session} {number}".encode())
    found = recordings.find(tmp_path)
    assert [(one.kind, one.person, one.shown[0].stem) for one in found] == [
        ("real print", "nuaa 0009", "0009_00_00_01_0"),
        ("real recording", "nuaa 0009", "0009_00_00_02_0"),
    ]
    assert [path.stem.rpartition("_")[2] for path in found[0].shown] == [str(n) for n in range(recordings.FEWEST)]
    assert all(b"ClientRaw 01" in photo for one in found for photo in one.photos)
