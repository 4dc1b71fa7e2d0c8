"""Who and what comes before the camera when a challenge is measured, and how it moves: seen by itself or recorded.

In: a photograph with five points, or the pictures of a recording; what the screen asks.  Out: BGR pictures.
Does not know: how a movement is judged, sites, files.
Main choice: whoever moves sees what is asked, and heeds the hints, as at a door.  Recordings know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.liveness.challenge import Hint, Progress, Step, orders
from attendance.programs.liveness.moving_faces import Held, Pose, head, seen, sheet

LIVING = "living person"
STILL = ("print tilted", "print bent", "print rotated", "screen tilted", "screen rotated")
IN_TURN, OTHER_ORDER, ANOTHER_MOVES = "three pictures in turn", "recording of another order", "somebody else moves"
SIMULATED = (LIVING, *STILL, IN_TURN, OTHER_ORDER, ANOTHER_MOVES)
REAL_PRINT, REAL_RECORDING = "real print", "real recording"
Points = NDArray[np.float64]
Image = NDArray[np.uint8]
Portrait = tuple[Image, Points]
Watch = Callable[[float, Progress | None], Pose]  # seconds, what is asked → how it is held
Seen = Callable[[float, Progress | None], Image | None]  # seconds, what is asked → the picture; None: it is over


def recording(pictures: Sequence[Image], fps: float) -> Seen:
    """Return what a camera sees of a recording that is shown once."""

    def picture(now: float, _progress: Progress | None) -> Image | None:
        number = round(now * fps)
        return pictures[number] if number < len(pictures) else None

    return picture


def simulated(kind: str, portrait: Portrait, other: Portrait, random: np.random.Generator) -> Seen:
    """Return what a camera sees of one of SIMULATED.  `other`: somebody else, where two come before the camera."""
    held, watch = _actor(kind, portrait, other, random)

    def picture(now: float, progress: Progress | None) -> Image:
        pose = watch(now, progress)
        return seen(held(None if progress is None else progress.asked), pose, random)

    return picture


def _actor(
    kind: str, portrait: Portrait, other: Portrait, random: np.random.Generator
) -> tuple[Callable[[Step | None], Held], Watch]:
    """Return what is before the camera while each step is asked, and how it moves."""
    scene = np.asarray(cv2.GaussianBlur(random.integers(20, 220, (48, 64, 3)).astype(np.uint8), (0, 0), 3), np.uint8)
    picture, points = portrait
    solid = head(picture, points, float(random.uniform(0.28, 0.42)), scene)
    if kind == ANOTHER_MOVES:  # the enrolled person's face until something is asked, and then one that can move
        mover = head(*other, float(random.uniform(0.28, 0.42)), scene)
        return (lambda asked: solid if asked is None else mover), _by_person(random)
    if kind in (LIVING, OTHER_ORDER):
        return (lambda _asked: solid), _by_person(random, other_order=kind == OTHER_ORDER)
    if kind == IN_TURN:
        return _in_turn(solid, scene, random), _by_hand("shown", random)
    species, how = kind.split()
    held = sheet(picture, points, species, float(random.uniform(1.2, 2.4)) if how == "bent" else 0.0, scene, random)
    return (lambda _asked: held), _by_hand(how, random)


def _in_turn(solid: Held, scene: NDArray[np.uint8], random: np.random.Generator) -> Callable[[Step | None], Held]:
    """Return a screen that shows a person from the front, from the left and from the right, as is asked."""
    eyes = np.array([[294.0, 240], [346, 240], [320, 268], [298, 298], [342, 298]])
    angle = float(random.uniform(28, 36))
    views = {
        step: sheet(seen(solid, Pose(yaw=yaw), random), eyes, "screen", 0.0, scene, np.random.default_rng(5))
        for step, yaw in ((Step.NEARER, 0.0), (Step.LEFT, angle), (Step.RIGHT, -angle))
    }
    return lambda asked: views[asked or Step.NEARER]


@dataclass(slots=True)
class _Move:
    """A movement from one pose to another."""

    begun: Pose
    target: Pose
    since: float
    lasts: float

    def at(self, now: float) -> Pose:
        share = float(np.clip((now - self.since) / self.lasts, 0, 1))
        share = share * share * (3 - 2 * share)
        names = ("yaw", "pitch", "roll", "nearer", "x", "y")
        values = {n: getattr(self.begun, n) + share * (getattr(self.target, n) - getattr(self.begun, n)) for n in names}
        return Pose(**values)


def _by_person(random: np.random.Generator, other_order: bool = False) -> Watch:
    """Return how a person moves: reads, turns, and looks ahead again; `other_order`: as another order asks."""
    turned = float(random.uniform(20, 36))
    grown = float(random.uniform(1.3, 1.5))

    def target(step: Step | None) -> Pose:
        if step is Step.NEARER:
            return Pose(nearer=grown, pitch=float(random.normal(0, 2)))
        side = {Step.LEFT: 1, Step.RIGHT: -1}.get(step, 0) if step is not None else 0
        return Pose(yaw=side * turned, pitch=float(random.normal(0, 3)), roll=float(random.normal(0, 3)), x=side * 8)

    return _moving(target, random, (0.4, 1.1), (0.7, 1.3), other_order)


def _by_hand(how: str, random: np.random.Generator) -> Watch:
    """Return how a hand moves a picture to do what is asked."""
    tilt, spin, grown = (float(random.uniform(*span)) for span in ((25, 55), (15, 40), (1.3, 1.5)))

    def target(step: Step | None) -> Pose:
        if step is Step.NEARER:
            return Pose(nearer=grown)
        if step is None or how == "shown":
            return Pose()
        side = 1 if step is Step.LEFT else -1
        if how == "rotated":
            return Pose(roll=side * spin, x=side * float(random.uniform(0, 60)), pitch=float(random.normal(0, 10)))
        return Pose(yaw=side * tilt, pitch=float(random.normal(0, 8)), roll=float(random.normal(0, 5)))

    return _moving(target, random, (0.3, 0.8), (0.4, 1.2))


def _heeding(here: Pose, hint: Hint) -> Pose:
    """Return how somebody moves who does as the hint says."""
    if hint is Hint.NOT_SO_FAR:
        return replace(here, yaw=0.75 * here.yaw)
    if hint is Hint.FURTHER:
        return replace(here, yaw=1.35 * here.yaw, nearer=1 + 1.3 * (here.nearer - 1))
    return Pose()


def _moving(
    target: Callable[[Step | None], Pose],
    random: np.random.Generator,
    reads: tuple[float, float],
    lasts: tuple[float, float],
    other_order: bool = False,
) -> Watch:
    """Return a watch that answers each new step after a while, and sways a little all the time."""
    state: dict[str, Any] = {"move": _Move(Pose(), Pose(), 0.0, 1.0), "known": None, "asked_at": None, "order": ()}
    sway = random.uniform(0, 2 * np.pi, 3)

    def watch(now: float, progress: Progress | None) -> Pose:
        asked, number = (None, 0) if progress is None else (progress.asked, len(progress.done))
        if progress is not None and state["asked_at"] is None:
            state["asked_at"], steps = now, progress.challenge.steps
            others = [one for one in orders(len(steps)) if one != steps]
            state["order"] = others[int(random.integers(len(others)))] if other_order else ()
        if state["order"]:
            number = min(int((now - state["asked_at"]) / 2.4), len(state["order"]) - 1)
            asked = state["order"][number]
        if asked is not None and state["known"] != (asked, number):
            state["known"] = asked, number
            here = state["move"].at(now)
            state["move"] = _Move(
                here, target(asked), now + float(random.uniform(*reads)), float(random.uniform(*lasts))
            )
        elif not other_order and progress is not None and progress.hint is not None:
            here = state["move"].at(now)
            if now > state["move"].since + state["move"].lasts:  # read the hint, and do as it says
                state["move"] = _Move(here, _heeding(here, progress.hint), now + float(random.uniform(*reads)), 0.8)
                if progress.hint is Hint.SLOWLY:
                    state["known"] = None
        pose: Pose = state["move"].at(now)
        return replace(
            pose,
            x=pose.x + 2.5 * float(np.sin(1.3 * now + sway[0])),
            y=pose.y + 1.5 * float(np.sin(1.7 * now + sway[1])),
            roll=pose.roll + 1.0 * float(np.sin(0.9 * now + sway[2])),
        )

    return watch
