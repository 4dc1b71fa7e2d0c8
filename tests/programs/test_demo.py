"""The demo: what it says is wrong, whose files it leaves alone, and once all of it with the shipped weights."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from attendance import bootstrap
from attendance.config import load_settings
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.programs import demo
from attendance.programs.demo import (
    COLLINS,
    FIRST,
    HOPPER,
    NOBODY,
    SECOND,
    Clip,
    Watched,
    fresh_folder,
    mistakes,
    run_demo,
)
from attendance.store.access.events import PassageView
from tests import needs
from tests.factories import NOON, make_passage

needs.package("skimage", extra="demo")


def seen(clip: Clip, second: float, who: str | None = None, reason: Reason = Reason.UNKNOWN) -> PassageView:
    """A decision so many seconds into the clip: `who` passed, or somebody was refused."""
    values = {"granted": who is not None, "reason": Reason.MATCHED if who else reason, "camera": clip.name}
    passage = make_passage(NOON + timedelta(seconds=second), person_id=1 if who else None, **values)
    return PassageView(passage, who, None, None, "done" if who else None, "")


WATCHED = {clip.name: Watched(clip, NOON, ()) for clip in (FIRST, SECOND)}
AS_IT_SHOULD = [seen(FIRST, 3, COLLINS), seen(FIRST, 16), seen(SECOND, 3, HOPPER)]


def test_who_was_to_be_seen_is_told_from_the_time() -> None:
    clip = Clip("a", [(NOBODY, 2), (COLLINS, 8), (NOBODY, 6), (HOPPER, 8)])

    told = [clip.shown_at(second) for second in (0.5, 2.1, 9.9, 12, 15, 16.1, 24.5, 60)]
    assert told == [NOBODY, COLLINS, COLLINS, COLLINS, NOBODY, HOPPER, HOPPER, NOBODY]


def test_nothing_is_wrong_when_all_is_as_it_should_be() -> None:
    further = [seen(FIRST, 5, reason=Reason.BLURRED), seen(FIRST, 22)]

    assert mistakes(WATCHED, [*AS_IT_SHOULD, *further]) == []


@pytest.mark.parametrize(
    ("decided", "complaint"),
    [
        (AS_IT_SHOULD[1:], "Eileen Collins did not pass in the first-video"),
        (AS_IT_SHOULD[:2], "Grace Hopper did not pass in the second-video"),
        ([AS_IT_SHOULD[0], AS_IT_SHOULD[2]], "Grace Hopper, a stranger, was not refused"),
        ([*AS_IT_SHOULD, seen(FIRST, 18, COLLINS)], "Eileen Collins passed while the first-video showed Grace Hopper"),
        ([*AS_IT_SHOULD, seen(FIRST, 1, COLLINS)], "Eileen Collins passed while the first-video showed nobody"),
        ([], "Eileen Collins did not pass in the first-video"),
    ],
)
def test_whatever_is_wrong_is_said(decided: list[PassageView], complaint: str) -> None:
    assert any(complaint in one for one in mistakes(WATCHED, decided))


@pytest.mark.parametrize("name", ["attendance.db", "master.key", "config.toml"])
def test_a_folder_with_a_true_sites_files_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("the true one")

    with pytest.raises(UserError, match="was not made by an earlier demo: choose another --out"):
        fresh_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "the true one"


def test_an_earlier_demos_files_are_replaced(tmp_path: Path) -> None:
    fresh_folder(tmp_path)
    bootstrap.set_up(load_settings(tmp_path / "config.toml", environ={}))
    assert (tmp_path / "erasures.ledger").exists()
    file = fresh_folder(tmp_path)

    # What is bound to the old master key would stop the next demo.
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["config.toml"]
    assert load_settings(file, environ={}).database.url == f"sqlite:///{tmp_path.resolve()}/attendance.db"


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match="cannot use the folder"):
        fresh_folder(tmp_path / "file")


def test_the_whole_line_from_a_photo_to_a_refused_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shorter than the demo, by the same code: real networks, real daemon processes, a real video."""
    monkeypatch.setenv("ATTENDANCE__DATABASE__URL", f"sqlite:///{tmp_path}/the-true-one.db")
    first = Clip(FIRST.name, [(NOBODY, 1), (COLLINS, 3), (NOBODY, 3), (HOPPER, 4), (NOBODY, 0.5)])
    monkeypatch.setattr(demo, "FIRST", first)
    monkeypatch.setattr(
        demo, "SECOND", Clip(SECOND.name, [(NOBODY, 0.5), (HOPPER, 3), (NOBODY, 7), (COLLINS, 4), (NOBODY, 0.5)])
    )
    run_demo(tmp_path / "demo")

    told = capsys.readouterr().out
    assert re.search(r"first-video +Eileen Collins +Eileen Collins +passed .* recognised +unlock done", told)
    assert re.search(r"first-video +Grace Hopper +- +refused .* not recognised", told)
    assert re.search(r"second-video +Grace Hopper +Grace Hopper +passed ", told)
    assert re.search(r"second-video +Eileen Collins +Eileen Collins +refused .* outside the hours of access", told)
    scenes = [line for line in told.splitlines() if line.startswith("   at the door: ")]
    words = ["leaves it so", "stands open", "acknowledges", "is over", "delivery"]
    assert [word for line in scenes for word in words if word in line] == words
    assert "ms a picture (p50/p95): read" in told
    assert "setup token:" in told
    assert (tmp_path / "demo" / "attendance.db").is_file()
    assert not (tmp_path / "the-true-one.db").exists()
