"""Who and what comes before the camera when a challenge is measured, and how it moves: seen by itself or recorded.

In: a photograph with five points, or the pictures of a recording; what the screen asks.  Out: BGR pictures.
Does not know: how a movement is judged, sites, files.
Main choice: whoever moves sees what is asked, and heeds the hints, as at a door.  Recordings know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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


def _heeding(here: Pose, hint: Hint, by: float) -> Pose:
    """Return how somebody moves who does as the hint says.  `by`: how much of it, 1: the first time."""
    if hint is Hint.NOT_SO_FAR:
        return replace(here, yaw=(1 - 0.25 * by) * here.yaw)
    if hint is Hint.FURTHER:
        return replace(here, yaw=(1 + 0.35 * by) * here.yaw, nearer=1 + (1 + 0.3 * by) * (here.nearer - 1))
    return Pose()


@dataclass(slots=True, eq=False)
class _Mover:
    """Somebody who answers each new step after a while, and does as the hints say.

    `reads`, `lasts`: from and to so many seconds · `heeded`: the last hint that said how far, `by`: how much of it is
    done: who went too far goes back by less · `back`: looks ahead since told to be slow, and then moves again, slower.
    """

    target: Callable[[Step | None], Pose]
    random: np.random.Generator
    reads: tuple[float, float]
    lasts: tuple[float, float]
    move: _Move
    known: tuple[Step, int] | None = None
    heeded: Hint | None = None
    by: float = 1.0
    back: bool = False

    def do(self, now: float, asked: Step | None, number: int, hint: Hint | None) -> Pose:
        """Return the pose now.  `number`: steps that are done · `hint`: None, too, for who sees no screen."""
        over = now > self.move.since + self.move.lasts
        if asked is not None and self.known != (asked, number):
            self.known, self.heeded, self.by, self.back = (asked, number), None, 1.0, False
            self._begin(now, self.target(asked), self._between(self.lasts))
        elif self.back and hint is not Hint.SLOWLY and over:
            self.back = False
            self._begin(now, self.target(asked), 1.5 * self.lasts[1])
        elif hint is not None and over:
            self.back = self.back or hint is Hint.SLOWLY
            if hint is not Hint.SLOWLY:
                self.by = self.by / 2 if self.heeded not in (None, hint) else self.by
                self.heeded = hint
            self._begin(now, _heeding(self.move.at(now), hint, self.by), 0.8)
        return self.move.at(now)

    def _begin(self, now: float, pose: Pose, lasts: float) -> None:
        self.move = _Move(self.move.at(now), pose, now + self._between(self.reads), lasts)

    def _between(self, span: tuple[float, float]) -> float:
        return float(self.random.uniform(*span))


def _moving(
    target: Callable[[Step | None], Pose],
    random: np.random.Generator,
    reads: tuple[float, float],
    lasts: tuple[float, float],
    other_order: bool = False,
) -> Watch:
    """Return a watch of who moves as is asked, or as another order asks, and sways a little all the time."""
    mover = _Mover(target, random, reads, lasts, _Move(Pose(), Pose(), 0.0, 1.0))
    begun_at: list[float] = []
    order: list[Step] = []
    sway = random.uniform(0, 2 * np.pi, 3)

    def watch(now: float, progress: Progress | None) -> Pose:
        asked, number, hint = (
            (None, 0, None) if progress is None else (progress.asked, len(progress.done), progress.hint)
        )
        if progress is not None and other_order:
            if not order:
                others = [one for one in orders(len(progress.challenge.steps)) if one != progress.challenge.steps]
                order.extend(others[int(random.integers(len(others)))])
                begun_at.append(now)
            number = min(int((now - begun_at[0]) / 2.4), len(order) - 1)
            asked, hint = order[number], None
        pose = mover.do(now, asked, number, hint)
        return replace(
            pose,
            x=pose.x + 2.5 * float(np.sin(1.3 * now + sway[0])),
            y=pose.y + 1.5 * float(np.sin(1.7 * now + sway[1])),
            roll=pose.roll + 1.0 * float(np.sin(0.9 * now + sway[2])),
        )

    return watch
