"""`manage.py evaluate challenge`: people and pictures of them are asked to move before the real check-in.

In: a folder with a folder of photographs for each person, perhaps a folder of real recordings.  Out: how many of each
kind passed, with intervals; JSON.
Does not know: how a movement is judged.  Frames go through the check-in of a temporary site whose door asks every face.
Protocol: two photographs of a person are enrolled, and another one comes before the camera, four pictures a second:
as a head that turns (living), as prints and screens that a hand tilts, bends, rotates and brings nearer as the screen
asks, as three pictures shown in turn, as a recording of a person who followed another order, and as a picture in whose
place somebody else moves.  Attacks show people who were asked as living ones, a third of them each kind.  With --real,
printed photos that a hand moves and recordings of living people come, too, who do not know what is asked.  Only trials
in which somebody was asked to move count: who is not recognised is not asked.  The liveness network and the cues of
motion are off, to measure the challenge alone.
Main choice: whoever moves sees what is asked, as at a door.  Trade-off: heads are made from one photograph, so real
people have to be tried at a camera, by the drill.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from attendance import bootstrap
from attendance.bootstrap import Installation
from attendance.config import Settings
from attendance.console import say, table
from attendance.domain.access.liveness.challenge import Ended, Progress
from attendance.domain.calibration.error_rates import clopper_pearson
from attendance.domain.faces import Frame
from attendance.errors import UserError
from attendance.programs import daemons
from attendance.programs.clips import BETWEEN, Standing
from attendance.programs.liveness import recordings
from attendance.programs.liveness.actors import (
    LIVING,
    OTHER_ORDER,
    REAL_PRINT,
    REAL_RECORDING,
    SIMULATED,
    STILL,
    Portrait,
    Seen,
    recording,
    simulated,
)
from attendance.service.access.check_in import CheckIn, Outcome
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
UNASKED_S = 6.0  # who is not asked by then is not recognised
ONE_IN = 3  # of the people that were asked as living ones try each kind of attack
IMAGES = (".jpg", ".jpeg", ".png")
KINDS = (*SIMULATED, REAL_PRINT, REAL_RECORDING)
GROUPS = {
    "simulated still pictures": STILL,
    "all still pictures": (*STILL, REAL_PRINT),
    "all recordings": (OTHER_ORDER, REAL_RECORDING),
    "all attacks": tuple(kind for kind in KINDS if kind != LIVING),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """`ended`: None if nobody was asked to move · `seconds`: from the first picture to the end, `asked_s` to the order
    · `steps`: what was asked, of which so many were `done`; `hint`: what the screen said last."""

    kind: str
    person: str
    ended: str | None
    granted: bool
    seconds: float
    asked_s: float | None = None
    steps: tuple[str, ...] = ()
    done: int = 0
    hint: str | None = None


@dataclass(slots=True, eq=False)
class _Place:
    """The temporary site, and who looks there."""

    site: Installation
    analyser: Analyser
    clock: Standing


def run_challenges(
    settings: Settings,
    data: Path,
    number: int,
    out: Path | None = None,
    seed: int = 0,
    analyser: Analyser | None = None,
    kinds: Sequence[str] = SIMULATED,
    real: Path | None = None,
) -> dict[str, Any]:
    """Try each kind with so many people; print and return the counts.  UserError for a folder without enough people."""
    found = list(_people(data))[:number]
    if len(found) < number:
        raise UserError(f"--data: {data} has {len(found)} people with {PHOTOS + 1} photos or more, not {number}")
    shown = [] if real is None else recordings.find(real)
    analyser = analyser or bootstrap.analyser_for(settings)
    with tempfile.TemporaryDirectory(prefix="attendance-challenges-") as folder:
        clock = Standing()
        place = _Place(_site(settings, Path(folder), clock), analyser, clock)
        faces = {name: face for name, files in found if (face := _enrol(place.site, analyser, name, files)) is not None}
        trials = _simulated(place, faces, kinds, seed) + _recorded(place, shown)
    named = [kind for kind in KINDS if any(trial.kind == kind for trial in trials)]
    result = {
        "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].partition("Main choice")[0].split()),
        "models": {"detector": settings.models.detector, "recogniser": settings.models.recogniser},
        "people": len(faces),
        "kinds": {kind: _counts(trials, kind) for kind in named},
        "groups": {name: _counts(trials, *group) for name, group in GROUPS.items()},
        "trials": [asdict(trial) for trial in trials],
    }
    say("\n" + _report(result))
    if out is not None:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _simulated(place: _Place, faces: dict[str, Portrait], kinds: Sequence[str], seed: int) -> list[Trial]:
    """Let each person come as a living one, and then as one in so many kinds of attack."""
    trials, names = list[Trial](), list(faces)
    for at, kind in enumerate(KINDS):
        if kind not in kinds:
            continue
        for who, name in enumerate(names):
            # Another third for each kind, so that no person's photographs decide alone.
            if kind != LIVING and (who + at) % ONE_IN:
                continue
            random = np.random.default_rng([seed, at, list(faces).index(name)])
            other = faces[names[(who + 1) % len(names)]]
            trials.append(_try(place, kind, name, simulated(kind, faces[name], other, random)))
        if kind == LIVING:
            asked = {trial.person for trial in trials if trial.ended is not None}
            names = [name for name in names if name in asked] or names
        say(f"{kind}: {_counts(trials, kind)}")
    return trials


def _recorded(place: _Place, shown: Sequence[recordings.Recording]) -> list[Trial]:
    """Enrol who is to be seen in real recordings, and show these."""
    trials, enrolled = list[Trial](), set[str]()
    for one in shown:
        if one.person not in enrolled and not _enrol_photos(place.site, place.analyser, one.person, one.photos):
            continue
        enrolled.add(one.person)
        trials.append(_try(place, one.kind, one.person, recording(one.pictures(), FPS)))
    for kind in (REAL_PRINT, REAL_RECORDING):
        if shown:
            say(f"{kind}: {_counts(trials, kind)}")
    return trials


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


def _enrol(site: Installation, analyser: Analyser, name: str, files: Sequence[Path]) -> Portrait | None:
    """Enrol a person; return the photograph that comes before the camera and its points, None if all are too poor.

    Of the photographs that are not enrolled it is the one that looks ahead most: who asks to be let in does so.
    """
    ahead: tuple[float, Portrait] | None = None
    for path in files[PHOTOS : PHOTOS + MOST_LOOKED_AT]:
        picture = np.asarray(cv2.imread(str(path)), np.uint8)
        probes = analyser.analyse(Frame(picture, site.clock.now(), "photo"), 1)
        if probes and not probes[0].flaws and (ahead is None or probes[0].quality.yaw < ahead[0]):
            ahead = probes[0].quality.yaw, (picture, probes[0].landmarks.points.astype(np.float64))
    if ahead is None:
        return None
    known = _enrol_photos(site, analyser, name, [path.read_bytes() for path in files[:PHOTOS]])
    return ahead[1] if known else None


def _enrol_photos(site: Installation, analyser: Analyser, name: str, photos: Sequence[bytes]) -> bool:
    """Enrol a person; False if no photograph was good enough."""
    with site.sessions.begin() as session:
        words = "A published photograph, for measuring."
        person = people.create_person(
            session, name=name, at=site.clock.now(), consent_at=site.clock.now(), consent_text=words
        )
        reports = [
            enrol_photo(session, site.keys, analyser, person.id, photo, "import", site.clock) for photo in photos
        ]
    return any(report.ok for report in reports)


def _try(place: _Place, kind: str, name: str, picture_at: Seen) -> Trial:
    """Let one person or picture come before the camera and do what it can."""
    place.clock.time += BETWEEN
    begun = place.clock.time
    door, _beside = daemons.watched_door(place.site)
    check_in: CheckIn = daemons.check_in_for(place.site, place.analyser, door, bootstrap.gates_for(place.site))
    check_in.start()
    asked: tuple[float, Progress] | None = None
    outcome: Outcome | None = None
    now = 0.0
    for turn in range(round(LONGEST_S * FPS)):
        now = turn / FPS
        if asked is None and now >= UNASKED_S:
            break
        progress = check_in.challenge
        if progress is not None:
            asked = (now if asked is None else asked[0]), progress
        image = picture_at(now, progress)
        # Nobody is there once a recording is over: an empty picture.
        image = np.full((480, 640, 3), 90, np.uint8) if image is None else image
        place.clock.time = begun + timedelta(seconds=now)
        outcomes = check_in.process(Frame(image, place.clock.time, place.site.settings.camera.name))
        outcome = next((one for one in outcomes if one.challenge is not None or one.decision.granted), None)
        if outcome is not None:
            break
    trial = _trial(kind, name, outcome, now, asked)
    say(f"  {kind}, {name}: {trial.ended} after {trial.seconds:.1f} s")
    return trial


def _trial(kind: str, name: str, outcome: Outcome | None, now: float, asked: tuple[float, Progress] | None) -> Trial:
    ended = None if outcome is None or outcome.challenge is None else outcome.challenge.value
    granted = outcome is not None and outcome.decision.granted
    if asked is None:
        return Trial(kind, name, ended, granted, now)
    since, progress = asked
    steps = tuple(step.value for step in progress.challenge.steps)
    done = len(steps) if ended == Ended.PASSED.value else len(progress.done)
    return Trial(kind, name, ended, granted, now, since, steps, done, progress.hint and progress.hint.value)


# --- what came of it -----------------------------------------------------------------------------------


def _counts(trials: Sequence[Trial], *kinds: str) -> dict[str, Any]:
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


def _report(result: dict[str, Any]) -> str:
    rows = [
        (
            kind,
            f"{one['passed']} of {one['asked']}",
            f"{100 * one['interval95'][0]:.1f} to {100 * one['interval95'][1]:.1f} %",
            "" if one["needed_s"] is None else f"{one['needed_s']['median']:.1f} s",
            ", ".join(f"{name} {count}" for name, count in one["ended"].items()),
            str(one["not_asked"]),
        )
        for kind, one in {**result["kinds"], **result["groups"]}.items()
    ]
    return table(rows, ("before the camera", "passed", "95 %", "median", "ended", "not asked"))
