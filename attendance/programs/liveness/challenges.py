"""`manage.py evaluate challenge`: people and pictures of them are asked to move before the real check-in.

In: a folder with a folder of photographs for each person.  Out: how many of each kind passed, with intervals; JSON.
Does not know: how a movement is judged.  Frames go through the check-in of a temporary site whose door asks every face.
Protocol: two photographs of a person are enrolled, and another one comes before the camera, four pictures a second:
as a head that turns (living), as prints and screens that a hand tilts, bends, rotates and brings nearer as the screen
asks, as three pictures shown in turn, and as a recording of a person who followed another order.  Only trials in which
the person was asked to move count: who is not recognised is not asked.  The liveness network and the cues of motion
are off, to measure the challenge alone.
Main choice: whoever moves sees what is asked, as at a door.  Trade-off: heads are made from one photograph, so real
people and real prints have to be tried at a camera, by the drill.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance import bootstrap
from attendance.bootstrap import Installation
from attendance.config import Settings
from attendance.console import say, table
from attendance.domain.access.liveness.challenge import Ended, Hint, Progress, Step, orders
from attendance.domain.calibration.error_rates import clopper_pearson
from attendance.domain.faces import Frame
from attendance.errors import UserError
from attendance.programs import daemons
from attendance.programs.clips import BETWEEN, Standing
from attendance.programs.liveness.moving_faces import Held, Pose, head, seen, sheet
from attendance.service.access.check_in import CheckIn
from attendance.service.access.policy import door_rows
from attendance.service.access.policy.editing import let_everybody_pass
from attendance.service.audit.audit import Actor
from attendance.service.enrolment.enrol import enrol_photo
from attendance.service.ports import Analyser
from attendance.store.access import policies
from attendance.store.people import people

FPS = 4
PHOTOS = 2  # enrolled; another one comes before the camera
MOST_LOOKED_AT = 2
LONGEST_S = 20.0
IMAGES = (".jpg", ".jpeg", ".png")
LIVING = "living person"
STILL = ("print tilted", "print bent", "print rotated", "screen tilted", "screen rotated")
OTHERS = ("three pictures in turn", "recording of another order")
KINDS = (LIVING, *STILL, *OTHERS)
EVERY = {LIVING: 1, OTHERS[1]: 2}  # how many of the people try it; of the other kinds a quarter
Points = NDArray[np.float64]
Watch = Callable[[float, Progress | None], Pose]  # seconds, what is asked → how it is held


@dataclass(frozen=True, slots=True)
class Trial:
    """`ended`: None if nobody was asked to move."""

    kind: str
    person: str
    ended: str | None
    granted: bool
    seconds: float


def run_challenges(
    settings: Settings,
    data: Path,
    number: int,
    out: Path | None = None,
    seed: int = 0,
    analyser: Analyser | None = None,
    kinds: Sequence[str] = KINDS,
) -> dict[str, Any]:
    """Try each kind with so many people; print and return the counts.  UserError for a folder without enough people."""
    found = list(_people(data))[:number]
    if len(found) < number:
        raise UserError(f"--data: {data} has {len(found)} people with {PHOTOS + 1} photos or more, not {number}")
    analyser = analyser or bootstrap.analyser_for(settings)
    clock, trials = Standing(), list[Trial]()
    with tempfile.TemporaryDirectory(prefix="attendance-challenges-") as folder:
        site = _site(settings, Path(folder), clock)
        faces = {name: face for name, files in found if (face := _enrol(site, analyser, name, files)) is not None}
        for at, kind in enumerate(kinds):
            for who, (name, (picture, points)) in enumerate(faces.items()):
                if who % EVERY.get(kind, 4):
                    continue
                random = np.random.default_rng([seed, at, who])
                trials.append(_try(site, analyser, clock, kind, name, picture, points, random))
                say(f"  {trials[-1].kind}, {name}: {trials[-1].ended} after {trials[-1].seconds:.1f} s")
            say(f"{kind}: {_counts(trials, kind)}")
    result = {
        "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].partition("Main choice")[0].split()),
        "models": {"detector": settings.models.detector, "recogniser": settings.models.recogniser},
        "people": len(faces),
        "kinds": {kind: _counts(trials, kind) for kind in kinds},
        "still pictures": _counts(trials, *STILL),
        "trials": [{name: getattr(trial, name) for name in Trial.__slots__} for trial in trials],
    }
    say("\n" + _report(result))
    if out is not None:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _people(data: Path) -> Iterator[tuple[str, list[Path]]]:
    for folder in sorted(data.iterdir()) if data.is_dir() else ():
        files = sorted(path for path in folder.glob("*") if path.suffix.lower() in IMAGES)
        if len(files) > PHOTOS:
            yield folder.name, files


def _site(settings: Settings, folder: Path, clock: Standing) -> Installation:
    """Return a site whose one door asks every face to move; it logs only."""
    changed = settings.model_copy(
        update={
            "database": settings.database.model_copy(update={"url": f"sqlite:///{folder / 'site.db'}"}),
            "door": settings.door.model_copy(update={"driver": "null"}),
            "liveness": settings.liveness.model_copy(update={"policy": "off", "cameras": ""}),
            "base_dir": folder,
        }
    )
    bootstrap.set_up(changed, clock)
    site = bootstrap.installation_for(changed, clock)
    sets = [["badge"], ["face"], ["pin"]]
    with site.sessions.begin() as session:
        let_everybody_pass(session, Actor("command line", "challenges"), clock.now())
        rules = [{"sets": sets, "schedule": None, "challenge": True}]
        [door] = policies.load_rules(session, site.zone).doors
        door_rows.move_point(session, changed.camera.name, door, clock.now())
        door_rows.change_point(session, changed.camera.name, {"factors": rules}, clock.now())
    return site


def _enrol(
    site: Installation, analyser: Analyser, name: str, files: Sequence[Path]
) -> tuple[NDArray[np.uint8], Points] | None:
    """Enrol a person; return the photograph that comes before the camera and its points, None if all are too poor.

    Of the photographs that are not enrolled it is the one that looks ahead most: who asks to be let in does so.
    """
    ahead: tuple[float, NDArray[np.uint8], Points] | None = None
    for path in files[PHOTOS : PHOTOS + MOST_LOOKED_AT]:
        picture = np.asarray(cv2.imread(str(path)), np.uint8)
        probes = analyser.analyse(Frame(picture, site.clock.now(), "photo"), 1)
        if probes and not probes[0].flaws and (ahead is None or probes[0].quality.yaw < ahead[0]):
            ahead = probes[0].quality.yaw, picture, probes[0].landmarks.points.astype(np.float64)
    if ahead is None:
        return None
    photos = [path.read_bytes() for path in files[:PHOTOS]]
    with site.sessions.begin() as session:
        words = "A published photograph, for measuring."
        person = people.create_person(
            session, name=name, at=site.clock.now(), consent_at=site.clock.now(), consent_text=words
        )
        reports = [
            enrol_photo(session, site.keys, analyser, person.id, photo, "import", site.clock) for photo in photos
        ]
        if not any(report.ok for report in reports):
            return None
    return ahead[1], ahead[2]


def _try(
    site: Installation,
    analyser: Analyser,
    clock: Standing,
    kind: str,
    name: str,
    picture: NDArray[np.uint8],
    points: Points,
    random: np.random.Generator,
) -> Trial:
    """Let one person or picture come before the camera and do what it can."""
    clock.time += BETWEEN
    begun, held, watch = clock.time, *_actor(kind, picture, points, random)
    door, _beside = daemons.watched_door(site)
    gates = bootstrap.gates_for(site)
    check_in: CheckIn = daemons.check_in_for(site, analyser, door, gates)
    check_in.start()
    for turn in range(round(LONGEST_S * FPS)):
        clock.time = begun + timedelta(seconds=turn / FPS)
        progress = check_in.challenge
        pose = watch(turn / FPS, progress)
        shown = held(None if progress is None else progress.asked)
        outcomes = check_in.process(Frame(seen(shown, pose, random), clock.time, site.settings.camera.name))
        for outcome in outcomes:
            if outcome.challenge is not None or outcome.decision.granted:
                ended = None if outcome.challenge is None else outcome.challenge.value
                return Trial(kind, name, ended, outcome.decision.granted, turn / FPS)
    return Trial(kind, name, None, False, LONGEST_S)


# --- how people and pictures move --------------------------------------------------------------------


def _actor(
    kind: str, picture: NDArray[np.uint8], points: Points, random: np.random.Generator
) -> tuple[Callable[[Step | None], Held], Watch]:
    """Return what is before the camera while each step is asked, and how it moves."""
    scene = np.asarray(cv2.GaussianBlur(random.integers(20, 220, (48, 64, 3)).astype(np.uint8), (0, 0), 3), np.uint8)
    solid = head(picture, points, float(random.uniform(0.28, 0.42)), scene)
    if kind in (LIVING, OTHERS[1]):
        order = None
        if kind == OTHERS[1]:
            drawn = orders(2)
            order = drawn[int(random.integers(len(drawn)))]
        return (lambda _asked: solid), _by_person(random, order)
    if kind == OTHERS[0]:
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


def _by_person(random: np.random.Generator, order: tuple[Step, ...] | None) -> Watch:
    """Return how a person moves: reads, turns, and looks ahead again; with an `order` whatever is asked."""
    turned = float(random.uniform(20, 36))
    grown = float(random.uniform(1.3, 1.5))

    def target(step: Step | None) -> Pose:
        if step is Step.NEARER:
            return Pose(nearer=grown, pitch=float(random.normal(0, 2)))
        side = {Step.LEFT: 1, Step.RIGHT: -1}.get(step, 0) if step is not None else 0
        return Pose(yaw=side * turned, pitch=float(random.normal(0, 3)), roll=float(random.normal(0, 3)), x=side * 8)

    return _moving(target, random, (0.4, 1.1), (0.7, 1.3), order)


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

    return _moving(target, random, (0.3, 0.8), (0.4, 1.2), None)


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
    order: tuple[Step, ...] | None,
    heeds: bool = True,
) -> Watch:
    """Return a watch that answers each new step after a while, and sways a little all the time."""
    state: dict[str, Any] = {"move": _Move(Pose(), Pose(), 0.0, 1.0), "known": None, "asked_at": None}
    sway = random.uniform(0, 2 * np.pi, 3)

    def watch(now: float, progress: Progress | None) -> Pose:
        asked, number = (None, 0) if progress is None else (progress.asked, len(progress.done))
        if asked is not None and state["asked_at"] is None:
            state["asked_at"] = now
        if order is not None and state["asked_at"] is not None:
            number = min(int((now - state["asked_at"]) / 2.4), len(order) - 1)
            asked = order[number]
        if asked is not None and state["known"] != (asked, number):
            state["known"] = asked, number
            here = state["move"].at(now)
            state["move"] = _Move(
                here, target(asked), now + float(random.uniform(*reads)), float(random.uniform(*lasts))
            )
        elif order is None and heeds and progress is not None and progress.hint is not None:
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


# --- what came of it -----------------------------------------------------------------------------------


def _counts(trials: Sequence[Trial], *kinds: str) -> dict[str, Any]:
    """Return how many of those who were asked passed, with the exact 95 % interval, and how the others ended."""
    asked = [trial for trial in trials if trial.kind in kinds and trial.ended is not None]
    passed = sum(trial.granted for trial in asked)
    low, high = clopper_pearson(passed, len(asked))
    ends = {ended.value: sum(trial.ended == ended.value for trial in asked) for ended in Ended}
    return {
        "asked": len(asked),
        "passed": passed,
        "interval95": [round(low, 4), round(high, 4)],
        "ended": {name: count for name, count in ends.items() if count},
        "not_asked": sum(trial.kind in kinds and trial.ended is None for trial in trials),
        "let_in_unasked": sum(trial.kind in kinds and trial.ended is None and trial.granted for trial in trials),
        "median_s": None if not asked else float(np.median([trial.seconds for trial in asked])),
    }


def _report(result: dict[str, Any]) -> str:
    rows = [
        (
            kind,
            str(one["asked"]),
            str(one["passed"]),
            f"{100 * one['interval95'][0]:.1f} to {100 * one['interval95'][1]:.1f} %",
            ", ".join(f"{name} {count}" for name, count in one["ended"].items()),
            str(one["not_asked"]),
        )
        for kind, one in {**result["kinds"], "all still pictures": result["still pictures"]}.items()
    ]
    return table(rows, ("before the camera", "asked", "passed", "95 %", "ended", "not asked"))
