"""What `evaluate challenge` counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from attendance.cli.evaluate import _share
from attendance.config import Settings
from attendance.errors import UserError
from attendance.programs.liveness import recordings
from attendance.programs.liveness.actors import LIVING, REAL_PRINT
from attendance.programs.liveness.challenges import run_challenges
from attendance.programs.liveness.trials import Kept, Trial, counts, report


def test_only_who_was_asked_counts_and_who_was_let_in_unasked_is_told() -> None:
    trials = [
        Trial(LIVING, "a", "passed", True, 7.0, 1.5, ("left", "nearer"), 2),
        Trial(LIVING, "b", "passed", True, 9.5, 1.0, ("left", "nearer"), 2),
        Trial(LIVING, "b", "too_late", False, 13.0, 1.0, ("left", "right"), 1, "further"),
        Trial(LIVING, "c", None, False, 6.0),
        Trial(LIVING, "d", None, True, 2.0),
        Trial(REAL_PRINT, "a", "flat", False, 3.0, 1.0),
    ]
    found = counts(trials, LIVING)
    assert (found["passed"], found["asked"], found["people"]) == (2, 3, 2)
    assert (found["not_asked"], found["let_in_unasked"]) == (2, 1)
    assert found["ended"] == {"passed": 2, "too_late": 1}
    assert found["needed_s"] == {"median": 7.0, "most": 8.5}
    low, high = found["interval95"]
    assert (low, high) == pytest.approx((0.0943, 0.9916), abs=1e-4)  # Clopper and Pearson, 2 of 3
    assert counts(trials, REAL_PRINT)["interval95"][1] == pytest.approx(0.975)


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
    assert [one.take for one in found] == ["0009_00_00_01_0", "0009_00_00_02_0"]


SERIES = {"seed": 0, "tried": ["a", "b"], "kinds": (LIVING,)}
FIRST = Trial(LIVING, "a", "passed", True, 7.0, 1.5, ("left", "nearer"), 2)
SECOND = Trial(REAL_PRINT, "a", "gone", False, 3.0, 1.0, ("right", "left"), 0, "slowly", "0009_00_00_01_0")


def test_a_stopped_series_goes_on_behind_its_trials_and_two_processes_share_it(tmp_path: Path) -> None:
    path = tmp_path / "challenges.trials.jsonl"
    one, other = Kept(path, SERIES), Kept(path, SERIES)
    assert one.find(*FIRST.key) is None
    one.add(FIRST)
    other.add(SECOND)
    assert other.all() == one.all() == [FIRST, SECOND]

    again = Kept(path, SERIES)
    assert again.find(LIVING, "a") == FIRST
    assert again.find(REAL_PRINT, "a", "0009_00_00_01_0") == SECOND
    assert again.find(REAL_PRINT, "a", "another recording") is None
    again.add(SECOND)
    assert again.all() == [FIRST, SECOND]  # none counts twice


def test_a_trial_whose_line_was_cut_off_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "challenges.trials.jsonl"
    Kept(path, SERIES).add(FIRST)
    path.write_bytes(path.read_bytes() + b'{"kind": "real print", "per')
    again = Kept(path, SERIES)
    assert again.all() == [FIRST]
    again.add(SECOND)
    assert again.all() == [FIRST, SECOND]


def test_without_a_file_the_trials_are_kept_for_the_report_only() -> None:
    kept = Kept(None, SERIES)
    assert kept.add(FIRST) == FIRST
    assert kept.all() == [FIRST]
    assert kept.find(*FIRST.key) is None


def test_trials_of_another_series_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "challenges.trials.jsonl"
    Kept(path, SERIES).add(FIRST)
    with pytest.raises(UserError, match=r"another series \(other seed\): move it away"):
        Kept(path, {**SERIES, "seed": 1})
    for broken in ("", "not JSON\n", path.read_text(encoding="utf-8") + '{"kind": "living person"}\n'):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(UserError, match="move it away"):
            Kept(path, SERIES)


def test_the_table_names_people_and_ends() -> None:
    trials = [FIRST, SECOND]
    kinds = {kind: counts(trials, kind) for kind in (LIVING, REAL_PRINT)}
    lines = report({"kinds": kinds, "groups": {}}).splitlines()
    assert lines[-2].split()[:7] == ["living", "person", "1", "of", "1", "2.5", "to"]
    assert "gone 1" in lines[-1]


@pytest.mark.parametrize("share", ["0/2", "3/2", "1", "a/b", "1/17", ""])
def test_a_share_that_is_none_is_told(share: str) -> None:
    with pytest.raises(UserError, match="write 1/2"):
        _share(share)


def test_shares_are_told_apart() -> None:
    assert [_share(written) for written in ("1/1", "2/3")] == [(1, 1), (2, 3)]
