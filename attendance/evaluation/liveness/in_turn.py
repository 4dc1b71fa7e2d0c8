"""The body of `manage.py evaluate liveness-in-turn`: train without somebody or something, measure on just that.

In: packs of a data folder, the trunk to start from, a length.  Out: a folder a run, a table, a JSON file.
Does not know: crops, losses, how a rate is computed.
Main choice: each run starts from the detector's trunk, which saw no attack at all, and never from liveness weights
that saw the group.  Trade-off: short runs, which say how well the way of training carries over, and not how good the
shipped weights are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.errors import UserError
from attendance.evaluation.liveness.commands import Line, report, show, thresholds
from attendance.evaluation.liveness.measures import equal_error_rate, error_rate_interval
from attendance.files.durable import replace_file

if TYPE_CHECKING:
    from attendance.config import Settings
    from attendance.training.liveness.pack import Pack

SCREEN_GROUPS = ("group_a", "pad_tranvan", "pad_tricky")  # people of whom living pictures and screens are trained on


@dataclass(frozen=True, slots=True)
class Turn:
    """One run.  `left_out`: groups and kinds of attack that are not trained on · `measured`: groups that are then
    reported, none: the people for the report · `fixed_on`: groups that fix the threshold, none: all that are for it."""

    name: str
    left_out: tuple[str, ...]
    measured: tuple[str, ...] = ()
    fixed_on: tuple[str, ...] = ()


TURNS = (
    *(Turn(group, (group,), (group,)) for group in SCREEN_GROUPS),
    # Trained on prints, measured on screens: these people's living pictures are not trained on, either.
    Turn("screen", ("screen", *SCREEN_GROUPS, "pad_viguard"), (*SCREEN_GROUPS, "pad_balveer"), ("nuaa",)),
    Turn("print", ("print", "nuaa"), ("nuaa",), ("pad_balveer",)),
    Turn("none", (), ()),
)


@dataclass(frozen=True, slots=True)
class Pooled:
    """Equal error rates over the groups that were left out one at a time, each by the run that had not seen it."""

    eer: float
    interval: tuple[float, float] | None
    peer_eer: float
    peer_interval: tuple[float, float] | None
    live: int
    attacks: int
    people: int


def in_turn(settings: Settings, data: Path, out: Path, only: Sequence[str], samples: int, threads: int) -> None:
    """Train and measure each turn that has not finished yet; a stopped series goes on where it stopped."""
    from attendance.training.liveness import pack

    turns = chosen(only)
    out.mkdir(parents=True, exist_ok=True)
    faces = pack.load(data)
    start = settings.models.weights / f"{settings.models.detector}.safetensors"
    results, logits = {}, {}
    for number, turn in enumerate(turns, 1):
        tqdm.write(f"{number} of {len(turns)}: {turn.name}, {samples} pictures, without {_words(turn.left_out)}")
        logits[turn.name] = _trained(data, out / turn.name, turn, faces, start, samples, threads)
        point = thresholds(faces, logits[turn.name], turn.fixed_on)
        lines = report(faces, logits[turn.name], point, part_of(faces, turn))
        show(lines, point, *([", ".join(turn.fixed_on)] if turn.fixed_on else []))
        results[turn.name] = {"left_out": turn.left_out, "samples": samples, "point": point} | _dicts(lines)
        logits[turn.name] = point["slope"] * logits[turn.name] + point["offset"]
    found = pooled(faces, [(turn, logits[turn.name]) for turn in turns if turn.name in SCREEN_GROUPS])
    if found is not None:
        _show_pooled(found)
    whole = {"turns": results, "screens_left_out_in_turn": None if found is None else asdict(found)}
    replace_file(out / "in-turn.json", (json.dumps(whole, indent=2) + "\n").encode())
    tqdm.write(f"numbers: {out / 'in-turn.json'}")


def chosen(only: Sequence[str]) -> list[Turn]:
    """Return the turns of these names, all without names; UserError for one that is not there."""
    known = {turn.name: turn for turn in TURNS}
    for name in only:
        if name not in known:
            raise UserError(f"--only {name}: choose from {', '.join(known)}")
    return [turn for turn in TURNS if not only or turn.name in only]


def part_of(faces: Pack, turn: Turn) -> NDArray[np.bool_]:
    """Return which rows a turn reports."""
    return np.isin(faces.group, turn.measured) if turn.measured else np.asarray(faces.part == "report")


def pooled(faces: Pack, measured: Sequence[tuple[Turn, NDArray[np.float64]]]) -> Pooled | None:
    """Pool the groups, each with the ratios of the run that left it out; None without both kinds.

    The runs' logits have scales of their own, so each is brought to the ratio that its threshold people gave.
    """
    ratios = np.full(len(faces), np.nan)
    for turn, values in measured:
        rows = part_of(faces, turn)
        ratios[rows] = values[rows]
    known = np.isfinite(ratios)
    live, attacks = known & (faces.species == "live"), known & (faces.species != "live")
    if not live.any() or not attacks.any():
        return None
    chances, people = faces.teacher.astype(np.float64), faces.person
    return Pooled(
        equal_error_rate(ratios[live], ratios[attacks]),
        error_rate_interval(ratios[live], ratios[attacks], people[live], people[attacks]),
        equal_error_rate(chances[live], chances[attacks]),
        error_rate_interval(chances[live], chances[attacks], people[live], people[attacks]),
        int(live.sum()),
        int(attacks.sum()),
        len(np.unique(people[known])),
    )


def _trained(
    data: Path, out: Path, turn: Turn, faces: Pack, start: Path, samples: int, threads: int
) -> NDArray[np.float64]:
    """Finish a turn's run, which does nothing if it is finished; return the logits of the rows that are needed."""
    from attendance.models.liveness import LivenessModel
    from attendance.training.commands import device_for
    from attendance.training.liveness import train as training
    from attendance.training.liveness.commands import plan_of

    asked = {"left_out": sorted(turn.left_out), "samples": samples, "start": start.name}
    note = out / "run.json"
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) != asked:
        raise UserError(f"{out} holds a run of another length or start: choose another --out, or delete the folder")
    out.mkdir(parents=True, exist_ok=True)
    replace_file(note, (json.dumps(asked, indent=2) + "\n").encode())
    device = device_for("cpu", threads)
    weights = training.train(data, out, plan_of(samples=samples), device, True, start, turn.left_out)
    rows = np.flatnonzero(part_of(faces, turn) | (faces.part == "threshold"))
    values = np.full(len(faces), np.nan)
    values[rows] = training.logits_of(LivenessModel(weights), faces, [int(row) for row in rows], device)
    return values


def _dicts(lines: Sequence[Line]) -> dict[str, Any]:
    return {"lines": [asdict(line) for line in lines]}


def _words(left_out: Sequence[str]) -> str:
    return ", ".join(left_out) or "nothing"


def _show_pooled(found: Pooled) -> None:
    def said(share: float, interval: tuple[float, float] | None) -> str:
        bounds = "" if interval is None else f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"
        return f"{100 * share:.1f} %{bounds}"

    counts = f"{found.attacks} attacks and {found.live} live pictures of {found.people} people"
    ours, peer = said(found.eer, found.interval), said(found.peer_eer, found.peer_interval)
    tqdm.write(f"screens, one person's group left out in turn, {counts}: EER {ours} | peer {peer}")
