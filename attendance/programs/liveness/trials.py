"""Trials of a challenge: kept one by one, so that a stopped series goes on, and counted.

In: trials as they end.  Out: counts with exact intervals, a table; a file with one trial a line.
Does not know: sites, pictures, how a movement is judged.
Main choice: each process appends whole lines to one file, so that two of them share a series and either may be stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attendance.console import table
from attendance.domain.access.liveness.challenge import Ended
from attendance.domain.calibration.error_rates import clopper_pearson
from attendance.errors import UserError


@dataclass(frozen=True, slots=True)
class Trial:
    """`ended`: None if nobody was asked to move · `seconds`: from the first picture to the end, `asked_s` to the order
    · `steps`: what was asked, of which so many were `done`; `hint`: what the screen said last · `take`: of several.
    """

    kind: str
    person: str
    ended: str | None
    granted: bool
    seconds: float
    asked_s: float | None = None
    steps: tuple[str, ...] = ()
    done: int = 0
    hint: str | None = None
    take: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Return which trial it is: of one series none is made twice."""
        return self.kind, self.person, self.take


class Kept:
    """The trials of one series, also those of a run before and of another process.

    `run`: what the series is made of, as plain values.  UserError if the file at `path` is of another series.
    """

    def __init__(self, path: Path | None, run: Mapping[str, Any]) -> None:
        self._path, self._run = path, json.loads(json.dumps(run))
        self._here: list[Trial] = []
        if path is not None and not path.exists():
            self._append(self._run)
        elif path is not None and not path.read_bytes().endswith(b"\n"):
            self._append_text("\n")  # a line that was cut off
        self._before = {trial.key: trial for trial in self._written()}

    def find(self, kind: str, person: str, take: str = "") -> Trial | None:
        """Return a trial that a run before has made."""
        return self._before.get((kind, person, take))

    def add(self, trial: Trial) -> Trial:
        """Keep a trial that has just ended; UserError if the file cannot be written."""
        self._here.append(trial)
        if self._path is not None:
            self._append(asdict(trial))
        return trial

    def all(self) -> list[Trial]:
        """Return all trials so far, those of other processes, too."""
        return list(self._here) if self._path is None else self._written()

    def _append(self, values: Mapping[str, Any]) -> None:
        self._append_text(json.dumps(values) + "\n")

    def _append_text(self, text: str) -> None:
        assert self._path is not None
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise UserError(f"cannot write {self._path}: {error.strerror}") from error

    def _written(self) -> list[Trial]:
        if self._path is None:
            return []
        try:
            first, *lines = self._path.read_text(encoding="utf-8").splitlines()
            run, rows = json.loads(first), [json.loads(line) for line in lines if _is_whole(line)]
            trials = [Trial(**{**row, "steps": tuple(row["steps"])}) for row in rows]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UserError(f"{self._path} holds no trials that can be read: move it away ({error})") from error
        other = sorted(name for name in {*run, *self._run} if run.get(name) != self._run.get(name))
        if other:
            raise UserError(
                f"{self._path} is of another series (other {', '.join(other)}): move it away, or choose another --out"
            )
        return list({trial.key: trial for trial in trials}.values())


def _is_whole(line: str) -> bool:
    """Return whether a line was written to its end; a trial whose line was cut off is made again."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def counts(trials: Sequence[Trial], *kinds: str) -> dict[str, Any]:
    """Return how many of those who were asked passed, with the exact 95 % interval, and how the others ended."""
    asked = [trial for trial in trials if trial.kind in kinds and trial.ended is not None]
    passed = [trial for trial in asked if trial.granted]
    low, high = clopper_pearson(len(passed), len(asked))
    ends = {ended.value: sum(trial.ended == ended.value for trial in asked) for ended in Ended}
    needed = sorted(trial.seconds - trial.asked_s for trial in passed if trial.asked_s is not None)
    return {
        "asked": len(asked),
        "passed": len(passed),
        "interval95": [round(low, 4), round(high, 4)],
        "people": len({trial.person for trial in asked}),
        "ended": {name: count for name, count in ends.items() if count},
        "not_asked": sum(trial.kind in kinds and trial.ended is None for trial in trials),
        "let_in_unasked": sum(trial.kind in kinds and trial.ended is None and trial.granted for trial in trials),
        "needed_s": {"median": float(np.median(needed)), "most": needed[-1]} if needed else None,
    }


def report(result: Mapping[str, Any]) -> str:
    """Return the table of kinds and groups as text."""
    rows = [
        (
            kind,
            f"{one['passed']} of {one['asked']}",
            f"{100 * one['interval95'][0]:.1f} to {100 * one['interval95'][1]:.1f} %",
            str(one["people"]),
            "" if one["needed_s"] is None else f"{one['needed_s']['median']:.1f} s",
            ", ".join(f"{name} {count}" for name, count in one["ended"].items()),
            str(one["not_asked"]),
        )
        for kind, one in {**result["kinds"], **result["groups"]}.items()
    ]
    return table(rows, ("before the camera", "passed", "95 %", "people", "median", "ended", "not asked"))
