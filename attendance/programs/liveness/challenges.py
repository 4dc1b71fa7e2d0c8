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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from attendance import bootstrap
from attendance.bootstrap import Installation
from attendance.config import Settings
from attendance.console import say
from attendance.domain.access.liveness.challenge import LEAP, LOOKS, TURNED, Ended, Progress
from attendance.domain.faces import Frame
from attendance.errors import UserError
from attendance.programs import clips, daemons
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
from attendance.programs.liveness.trials import Kept, Trial, counts, report
from attendance.service.access.check_in import CheckIn, Outcome
from attendance.service.access.liveness.challenger import ANOTHER, LIKE_FIRST
from attendance.service.access.policy import door_rows
from attendance.service.ports import Analyser
from attendance.store.access import policies

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


@dataclass(slots=True, eq=False)
class _Place:
    """The temporary site, who looks there, and the trials that were made."""

    site: Installation
    analyser: Analyser
    clock: Standing
    kept: Kept


def run_challenges(
    settings: Settings,
    data: Path,
    number: int,
    out: Path | None = None,
    seed: int = 0,
    analyser: Analyser | None = None,
    kinds: Sequence[str] = SIMULATED,
    real: Path | None = None,
    share: tuple[int, int] = (1, 1),
) -> dict[str, Any]:
    """Try each kind with so many people; print and return the counts.

    Each trial is kept beside `out` as it ends: a stopped run goes on behind them.  `share`: (2, 3) tries the second
    third of the people, so that several processes with one `out` share the work; each reports what there is when it
    ends.  UserError for a folder without enough people, or kept trials of another series.
    """
    found = list(_people(data))[:number]
    if len(found) < number:
        raise UserError(f"--data: {data} has {len(found)} people with {PHOTOS + 1} photos or more, not {number}")
    shown = [] if real is None else recordings.find(real)
    series: dict[str, Any] = {
        "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].partition("Main choice")[0].split()),
        "rules": {"turned": TURNED, "leap": LEAP, "looks": LOOKS, "like_first": LIKE_FIRST, "another": ANOTHER},
        "models": {"detector": settings.models.detector, "recogniser": settings.models.recogniser},
        "seed": seed,
        "tried": [name for name, _files in found],
        "kinds": [kind for kind in KINDS if kind in kinds or (shown and kind in (REAL_PRINT, REAL_RECORDING))],
    }
    kept = Kept(None if out is None else out.with_suffix(".trials.jsonl"), series)
    analyser = analyser or bootstrap.analyser_for(settings)
    with tempfile.TemporaryDirectory(prefix="attendance-challenges-") as folder:
        clock = Standing()
        place = _Place(_site(settings, Path(folder), clock), analyser, clock, kept)
        say(f"{len(found)} people are enrolled ...")
        faces = {name: face for name, files in found if (face := _enrol(place.site, analyser, name, files)) is not None}
        _simulated(place, faces, list(faces)[share[0] - 1 :: share[1]], kinds, seed)
        _recorded(place, shown, share)
    trials = kept.all()
    result = {
        **series,
        "people": len(faces),
        "kinds": {kind: counts(trials, kind) for kind in series["kinds"]},
        "groups": {name: counts(trials, *group) for name, group in GROUPS.items()},
        "trials": [asdict(trial) for trial in trials],
    }
    say("\n" + report(result))
    if out is not None:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _simulated(
    place: _Place, faces: dict[str, Portrait], share: Sequence[str], kinds: Sequence[str], seed: int
) -> None:
    """Let each person come as a living one, and then as one in so many kinds of attack."""
    everybody, names = list(faces), list(share)
    for at, kind in enumerate(KINDS):
        if kind not in kinds:
            continue
        # Another third for each kind, so that no person's photographs decide alone.
        tried = [name for who, name in enumerate(names) if kind == LIVING or (who + at) % ONE_IN == 0]
        trials = list[Trial]()
        for number, name in enumerate(tried, 1):
            who = everybody.index(name)
            random = np.random.default_rng([seed, at, who])
            other = faces[everybody[(who + 1) % len(everybody)]]
            actor = partial(simulated, kind, faces[name], other, random)
            trials.append(_once(place, kind, name, "", actor, f"{number} of {len(tried)}"))
        if kind == LIVING:
            asked = {trial.person for trial in trials if trial.ended is not None}
            names = [name for name in names if name in asked] or names
        say(f"{kind}: {counts(trials, kind)}")


def _recorded(place: _Place, shown: Sequence[recordings.Recording], share: tuple[int, int]) -> None:
    """Enrol who is to be seen in real recordings, and show these; who comes in several of them is one share's."""
    people_shown = list(dict.fromkeys(one.person for one in shown))[share[0] - 1 :: share[1]]
    mine = [one for one in shown if one.person in people_shown]
    enrolled: dict[str, bool] = {}
    for number, one in enumerate(mine, 1):
        if place.kept.find(one.kind, one.person, one.take) is not None:
            continue
        if one.person not in enrolled:
            enrolled[one.person] = clips.enrol_photos(place.site, place.analyser, one.person, one.photos) > 0
        if enrolled[one.person]:
            _once(place, one.kind, one.person, one.take, partial(_shown, one), f"{number} of {len(mine)}")


def _shown(one: recordings.Recording) -> Seen:
    return recording(one.pictures(), FPS)


def _once(place: _Place, kind: str, name: str, take: str, actor: Callable[[], Seen], which: str) -> Trial:
    """Return the trial that was kept, or make it and keep it."""
    trial = place.kept.find(kind, name, take)
    if trial is None:
        trial = place.kept.add(replace(_try(place, kind, name, actor()), take=take))
        say(f"  {which}: {kind}, {name}: {trial.ended} after {trial.seconds:.1f} s")
    return trial


def _people(data: Path) -> Iterator[tuple[str, list[Path]]]:
    for folder in sorted(data.iterdir()) if data.is_dir() else ():
        files = sorted(path for path in folder.glob("*") if path.suffix.lower() in IMAGES)
        if len(files) > PHOTOS:
            yield folder.name, files


def _site(settings: Settings, folder: Path, clock: Standing) -> Installation:
    """Return a site whose one door asks every face to move; it logs only."""
    off = settings.liveness.model_copy(update={"policy": "off", "cameras": ""})
    site = clips.fresh_site(settings.model_copy(update={"liveness": off}), folder, clock)
    sets = [["badge"], ["face"], ["pin"]]
    with site.sessions.begin() as session:
        rules = [{"sets": sets, "schedule": None, "challenge": True}]
        [door] = policies.load_rules(session, site.zone).doors
        door_rows.move_point(session, settings.camera.name, door, clock.now())
        door_rows.change_point(session, settings.camera.name, {"factors": rules}, clock.now())
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
    known = clips.enrol_photos(site, analyser, name, [path.read_bytes() for path in files[:PHOTOS]])
    return ahead[1] if known else None


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
    return _trial(kind, name, outcome, now, asked)


def _trial(kind: str, name: str, outcome: Outcome | None, now: float, asked: tuple[float, Progress] | None) -> Trial:
    ended = None if outcome is None or outcome.challenge is None else outcome.challenge.value
    granted = outcome is not None and outcome.decision.granted
    if asked is None:
        return Trial(kind, name, ended, granted, now)
    since, progress = asked
    steps = tuple(step.value for step in progress.challenge.steps)
    done = len(steps) if ended == Ended.PASSED.value else len(progress.done)
    return Trial(kind, name, ended, granted, now, since, steps, done, progress.hint and progress.hint.value)
