"""Weights that miss their bars: which doors ask for a second proof after a face, and what lifts that.

In: a session, what the cards miss, the result of an acceptance test.  Out: whether a face raises the doubt; notes.
Does not know: cards as files, pages, how a second proof is given.
Main choice: the doubt is one of the door's own list, so that unticking it there is the override, and the audit has it.
A test proves what was in force then: under another way of comparing, or a lower threshold, it is repeated.
A door gets it with its first real driver.  Sites that were in use before are warned and keep their list, since an
upgrade must shut nobody out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.rules.factors import Doubt
from attendance.domain.access.scoring import kind_of
from attendance.domain.calibration.bars import Bar, Missed
from attendance.service.ports import Clock
from attendance.store import settings
from attendance.store.access import doors
from attendance.store.calibration import operating_points
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

STATE, PASSED = "weights_missing_bars", "acceptance_passed"
LEAST_STRANGERS, LEAST_ENROLLED = 20, 10
MOST_FNIR = 0.1


def note_cards(sessions: Sessions, clock: Clock, model_id: str, missing: Sequence[Missed]) -> None:
    """Write down what the cards of the networks in force miss, if that is new."""
    value = {"model_id": model_id, "missed": [[one.bar.value, one.value, one.most] for one in missing]}
    with sessions() as session:
        if settings.get(session, STATE) == value:
            return
    with sessions.begin() as session:
        settings.put(session, STATE, value, clock.now())


def missing_bars(session: Session) -> tuple[Missed, ...]:
    """Return the bars that the networks in force miss."""
    stored = settings.get(session, STATE, {"missed": []})
    return tuple(Missed(Bar(bar), value, most) for bar, value, most in stored["missed"])


def note_acceptance(session: Session, content: Mapping[str, Any], at: datetime) -> bool:
    """Note an acceptance test of a camera; return whether it was passed.  The newest of these networks counts.

    Passed: at least 20 strangers of whom none was let in, and at least 10 enrolled people of whom nobody was taken for
    somebody else and at most one attempt in ten was refused.
    """
    passed = is_passed(content)
    known = dict(settings.get(session, PASSED, {}))
    known[content["camera"]] = {
        "model_id": content["model_id"],
        "passed": passed,
        "finished": content["finished"],
        "scoring": content["threshold"]["compared_by"],
        "threshold": content["threshold"]["threshold"],
        "margin": content["threshold"]["margin"],
    }
    settings.put(session, PASSED, known, at)
    return passed


def is_passed(content: Mapping[str, Any]) -> bool:
    """Return whether an acceptance test's rates prove the networks at its camera."""
    fnir, fpir = content["rates"]["fnir"], content["rates"]["fpir"]
    mistaken = any(one["outcome"] == "taken for another" for one in content["attempts"])
    return (
        fpir["people"] >= LEAST_STRANGERS
        and fpir["errors"] == 0
        and fnir["people"] >= LEAST_ENROLLED
        and fnir["rate"] <= MOST_FNIR
        and not mistaken
    )


def raised(session: Session, camera: str) -> bool:
    """Return whether a face at this camera or tablet proves too little: bars are missed, and no test was passed there.

    Before any program has noted its cards nothing is proven.
    """
    state = settings.get(session, STATE)
    if state is None:
        return True
    if not state["missed"]:
        return False
    test = settings.get(session, PASSED, {}).get(camera)
    if test is None or not test["passed"] or test["model_id"] != state["model_id"]:
        return True
    return not _still_holds(test, operating_points.current(session, state["model_id"]))


def tested_since(session: Session, model_id: str, since: datetime) -> bool:
    """Return whether an acceptance test of this recogniser was passed at some camera since then."""
    known = settings.get(session, PASSED, {}).values()
    return any(
        one["passed"] and one["model_id"] == model_id and datetime.fromisoformat(one["finished"]) >= since
        for one in known
    )


def _still_holds(test: Mapping[str, Any], point: OperatingPoint | None) -> bool:
    """Return whether what is in force lets in no more than what was tested; scores of two centres are not compared."""
    if point is None or "scoring" not in test:  # a test from before this was noted
        return True
    if kind_of(point.scoring) != kind_of(test["scoring"]):
        return False
    if point.scoring != test["scoring"]:
        return True
    return bool(point.threshold >= test["threshold"] - 1e-9 and point.margin >= test["margin"] - 1e-9)


def ask_from_now(session: Session, door: doors.Door, before: str) -> bool:
    """Let a door that gets its first real driver ask while the weights are unproven; return whether it does now.

    `before`: the driver that it had.  A door that had one keeps its list, and so does every door of an upgraded site.
    """
    first = before == "null" and door.driver != "null"
    if not first or settings.used_before_upgrade(session) or Doubt.UNPROVEN_WEIGHTS in door.step_up:
        return False
    door.step_up = [*door.step_up, str(Doubt.UNPROVEN_WEIGHTS)]
    return True


def warn(session: Session, door: doors.Door, camera: str) -> None:
    """Log at a program's start what unproven weights mean at this door, and what to do."""
    if door.driver == "null" or not raised(session, camera):
        return
    bars = ", ".join(words(one) for one in missing_bars(session)) or "nothing is known about the weights"
    if Doubt.UNPROVEN_WEIGHTS in door.step_up:
        log.warning(
            "door %s asks for a PIN or badge after a face, since the weights are not proven (%s): pass an acceptance"
            " test at camera %s, or untick that doubt in the door's settings",
            door.name, bars, camera,
        )  # fmt: skip
    else:
        log.warning(
            "door %s opens by a face alone, though the weights are not proven (%s): tick that doubt in the door's"
            " settings, or pass an acceptance test at camera %s",
            door.name, bars, camera,
        )  # fmt: skip


def words(missed: Missed) -> str:
    """Return a missed bar for the log."""
    if missed.value is None:
        return f"{missed.bar.value}: not measured"
    return f"{missed.bar.value}: {100 * missed.value:.1f} %, the bar is {100 * missed.most:.0f} %"
