"""`manage.py evaluate clips`: the real daemon meets people again in short clips: a table of decisions.

In: a folder of video clips, a list of the person in each.  Out: a table, totals with intervals, JSON.
Does not know: how anything is decided.  Photos go through `service.enrolment` and pictures through the daemon's
loop, into a temporary database.
Protocol: a few frames of each clip's first half are enrolled as photos.  The camera then sees the second half
twice: once with everyone enrolled (is it the right person?), once with this person deactivated, as a stranger
to all other templates (is it nobody?).
Main choice: halves of a second or two are played forwards and backwards until they last as long as a person
stands at a door; otherwise no refusal would ever settle.
Trade-off: the same few pictures are seen repeatedly, and seconds after the enrolment, so these numbers flatter.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance import bootstrap
from attendance.bootstrap import Installation
from attendance.config import Settings
from attendance.console import say, table
from attendance.daemon.cameras.feed import SMALLEST_SIDE
from attendance.domain.calibration.error_rates import wilson_interval
from attendance.errors import UserError
from attendance.programs import daemons
from attendance.service.access.policy.editing import let_everybody_pass
from attendance.service.audit.audit import Actor
from attendance.service.enrolment.enrol import enrol_photo
from attendance.service.ports import Analyser
from attendance.store.access import events
from attendance.store.access.events import PassageView
from attendance.store.people import people

VIDEOS = (".mkv", ".mp4", ".avi", ".mov", ".webm")
PHOTOS = 8  # frames of a first half that are offered as photos
LASTS_S = 4.0
BETWEEN = timedelta(hours=1)  # meetings are so far apart that none is a repeat of another
FEWEST_FRAMES = 8
Pictures = list[NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Clip:
    path: Path
    person: str

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Meeting:
    """One second half before the camera.

    `kind`: "known" or "stranger"; `verdict`: "right", "another", "refused" or "nothing"; `taken_for` and
    `reason` are those of the decision that counts; `frames`: looks that agreed; `first_s`: seconds until
    the first decision; `score`: its cosine.
    """

    clip: str
    person: str
    kind: str
    verdict: str
    taken_for: str | None
    reason: str | None
    frames: int | None
    first_s: float | None
    score: float | None


class Standing:
    """A clock that stands still during a meeting: frames carry their own times."""

    def __init__(self) -> None:
        self.time = datetime(2024, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def run_clips(
    settings: Settings,
    data: Path,
    people_file: Path | None = None,
    out: Path | None = None,
    analyser: Analyser | None = None,
) -> dict[str, Any]:
    """Measure, print, write JSON to `out`; return what was written.  Raise UserError for a folder without clips."""
    if out is not None and not out.absolute().parent.is_dir():
        raise UserError(f"--out: there is no folder {out.absolute().parent}")
    clips = find_clips(data, people_file)
    analyser = analyser or bootstrap.analyser_for(settings)
    clock = Standing()
    with tempfile.TemporaryDirectory(prefix="attendance-clips-") as folder:
        site = fresh_site(settings, Path(folder), clock)
        threshold = bootstrap.threshold_of(site)
        enrolled = {clip.name: enrol_clip(site, analyser, clip) for clip in clips}
        _deactivate(site, clips, None)
        meetings = []
        for kind in ("known", "stranger"):
            for number, clip in enumerate(clips):
                say(f"{kind} {number + 1} of {len(clips)}: {clip.name} ...")
                _deactivate(site, clips, clip.person if kind == "stranger" else None)
                meetings.append(_meet(site, analyser, clip, kind, Path(folder), clock))
    numbers = {
        "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
        "models": {"detector": settings.models.detector, "recogniser": settings.models.recogniser},
        "threshold": threshold,
        "clips": len(clips),
        "people": len({clip.person for clip in clips}),
        "photos_enrolled": enrolled,
        "meetings": [{name: getattr(meeting, name) for name in Meeting.__slots__} for meeting in meetings],
        "totals": totals(meetings, enrolled),
    }
    say("\n" + report(numbers, meetings, people_file))
    if out is not None:
        _write_json(out, numbers)
    return numbers


def find_clips(data: Path, people_file: Path | None) -> list[Clip]:
    """Return the clips of DIR/webcam_clips, or of DIR, by name; each shows a different person unless listed."""
    folder = data / "webcam_clips" if (data / "webcam_clips").is_dir() else data
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEOS) if folder.is_dir() else []
    if not paths:
        raise UserError(f"--data: there are no video clips in {folder} ({', '.join(VIDEOS)})")
    doubled = [name for name, count in Counter(path.stem for path in paths).items() if count > 1]
    if doubled:
        raise UserError(f"--data: two clips are called {doubled[0]}: rename one")
    who = {path.stem: path.stem for path in paths} | (_read_people(people_file) if people_file else {})
    missing = sorted(set(who) - {path.stem for path in paths})
    if missing:
        raise UserError(f"{people_file}: there is no clip {missing[0]} in {folder}")
    return [Clip(path, who[path.stem]) for path in paths]


def _read_people(file: Path) -> dict[str, str]:
    """Read lines of "clip, tab, person"."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--people: cannot read {file}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    pairs = [line.split("\t") for line in lines if line.strip()]
    if any(len(pair) != 2 or not pair[0].strip() or not pair[1].strip() for pair in pairs):
        raise UserError(f"--people: {file}: each line is the clip's name without its ending, a tab, the person")
    return {clip.strip(): person.strip() for clip, person in pairs}


def fresh_site(settings: Settings, folder: Path, clock: Standing) -> Installation:
    """Return a site with the same settings, an empty database and a door that only logs."""
    changed = settings.model_copy(
        update={
            "database": settings.database.model_copy(update={"url": f"sqlite:///{folder / 'clips.db'}"}),
            "door": settings.door.model_copy(update={"driver": "null"}),
            "base_dir": folder,
        }
    )
    bootstrap.set_up(changed, clock)
    site = bootstrap.installation_for(changed, clock)
    with site.sessions.begin() as session:
        let_everybody_pass(session, Actor("command line", "clips"), site.clock.now())
    return site


def read_halves(path: Path) -> tuple[Pictures, Pictures, float]:
    """Return the pictures of both halves, and the pictures a second."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    pictures: Pictures = []
    try:
        fps = float(capture.get(cv2.CAP_PROP_FPS)) if capture.isOpened() else 0.0
        while capture.isOpened():
            good, picture = capture.read()
            if not good:
                break
            pictures.append(np.asarray(picture, np.uint8))
    finally:
        capture.release()
    if len(pictures) < FEWEST_FRAMES or min(pictures[0].shape[:2]) < SMALLEST_SIDE:
        raise UserError(
            f"{path} is too short or too small: a clip needs {FEWEST_FRAMES} pictures, it has {len(pictures)}"
        )
    middle = len(pictures) // 2
    return pictures[:middle], pictures[middle:], fps if 1 <= fps <= 240 else 25.0


def enrol_clip(site: Installation, analyser: Analyser, clip: Clip) -> int:
    """Enrol photos of the first half; return how many were good enough."""
    first, _, _ = read_halves(clip.path)
    chosen = np.unique(np.linspace(0, len(first) - 1, PHOTOS).round().astype(int))
    photos = [cv2.imencode(".png", first[index])[1].tobytes() for index in chosen]
    return enrol_photos(site, analyser, clip.person, photos)


def enrol_photos(site: Installation, analyser: Analyser, name: str, photos: Sequence[bytes]) -> int:
    """Enrol photos of a person, who is added if there is nobody of that name; return how many were good enough."""
    with site.sessions.begin() as session:
        person_id = _person_id(site, name)
        if person_id is None:
            now, words = site.clock.now(), "Published pictures, for measuring."
            person_id = people.create_person(session, name=name, at=now, consent_at=now, consent_text=words).id
        reports = [
            enrol_photo(session, site.keys, analyser, person_id, photo, "import", site.clock) for photo in photos
        ]
    return sum(report.ok for report in reports)


def _person_id(site: Installation, name: str) -> int | None:
    with site.sessions() as session:
        matches = people.search_people(session, name, None, 1000)
        return next((person.id for person in matches if person.name == name), None)


def _deactivate(site: Installation, clips: Iterable[Clip], who: str | None) -> None:
    """Deactivate `who` and activate everyone else."""
    with site.sessions.begin() as session:
        for name in {clip.person for clip in clips}:
            if (person_id := _person_id(site, name)) is not None:
                people.set_active(session, person_id, name != who, at=site.clock.now())


def _meet(site: Installation, analyser: Analyser, clip: Clip, kind: str, folder: Path, clock: Standing) -> Meeting:
    """Let the daemon watch the second half; judge the decisions that it recorded."""
    clock.time += BETWEEN
    _, second, fps = read_halves(clip.path)
    video, _fps = write_tour(folder / "now.avi", second, fps, site.settings.camera.max_fps)
    camera = site.settings.camera.model_copy(update={"source": str(video), "name": clip.name[:100]})
    here = Installation(
        site.settings.model_copy(update={"camera": camera}), site.engine, site.sessions, site.keys, clock, site.zone
    )
    daemons.worker_for(here, analyser, paced=False).run(threading.Event())
    with site.sessions() as session:
        decided = events.list_passages(session, since=clock.time, camera=camera.name)
    return judged(clip, kind, list(reversed(decided)), clock.time)


def judged(clip: Clip, kind: str, decided: Sequence[PassageView], began_at: datetime) -> Meeting:
    """Summarise the decisions of one meeting: a grant outweighs a refusal, a wrong grant a right one."""

    def weight(view: PassageView) -> int:
        return 2 * view.passage.granted + (view.passage.granted and view.person_name != clip.person)

    if not decided:
        return Meeting(clip.name, clip.person, kind, "nothing", None, None, None, None, None)
    counts = max(decided, key=weight)
    passage = counts.passage
    verdict = "refused"
    if passage.granted:
        verdict = "right" if counts.person_name == clip.person else "another"
    return Meeting(
        clip.name,
        clip.person,
        kind,
        verdict,
        counts.person_name,
        passage.reason.value,
        passage.frames,
        round((decided[0].passage.at - began_at).total_seconds(), 2),
        None if passage.score is None else round(passage.score, 3),
    )


def write_tour(path: Path, half: Pictures, fps: float, most: float) -> tuple[Path, float]:
    """Write a lossless video with at most `most` pictures a second, played to and fro until LASTS_S; return its rate,
    too."""
    step = max(1, round(fps / most))
    there = half[::step]
    tour = [*there, *there[-2:0:-1]] if len(there) > 2 else there
    wanted = round(LASTS_S * fps / step)
    shown = [tour[number % len(tour)] for number in range(max(wanted, len(tour)))]
    return write_video(path, shown, fps / step), fps / step


def write_video(path: Path, pictures: Pictures, fps: float) -> Path:
    """Write a lossless video; UserError if the disk takes none."""
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), fps, (width, height))
    if not writer.isOpened():
        raise UserError(f"cannot write the video {path}: is the disk full?")
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def totals(meetings: Sequence[Meeting], enrolled: Mapping[str, int]) -> dict[str, Any]:
    """Return the shares with Wilson's 95 % interval."""
    known = [meeting for meeting in meetings if meeting.kind == "known"]
    strangers = [meeting for meeting in meetings if meeting.kind == "stranger"]
    counted = {
        "clips_with_an_enrolled_photo": (sum(count > 0 for count in enrolled.values()), len(enrolled)),
        "known_granted_as_the_right_person": (sum(meeting.verdict == "right" for meeting in known), len(known)),
        "known_granted_as_another": (sum(meeting.verdict == "another" for meeting in known), len(known)),
        "known_refused_or_nothing": (sum(meeting.verdict in ("refused", "nothing") for meeting in known), len(known)),
        "strangers_granted": (sum(meeting.verdict in ("right", "another") for meeting in strangers), len(strangers)),
        "strangers_refused": (sum(meeting.verdict == "refused" for meeting in strangers), len(strangers)),
    }
    result: dict[str, Any] = {}
    for name, (count, of) in counted.items():
        low, high = wilson_interval(count, of)
        share = round(count / of, 4) if of else None
        result[name] = {"count": count, "of": of, "rate": share, "interval95": [round(low, 4), round(high, 4)]}
    waits = sorted(meeting.first_s for meeting in known if meeting.verdict == "right" and meeting.first_s is not None)
    result["seconds_to_the_first_decision_of_the_right"] = {
        "median": round(float(np.median(waits)), 2) if waits else None,
        "most": waits[-1] if waits else None,
    }
    return result


def report(numbers: Mapping[str, Any], meetings: Sequence[Meeting], people_file: Path | None) -> str:
    """Return the table of meetings and the totals as text."""
    rows = [
        (
            meeting.clip,
            meeting.person,
            meeting.kind,
            {"right": "granted, right", "another": "granted, ANOTHER"}.get(meeting.verdict, meeting.verdict),
            meeting.taken_for or "-",
            meeting.reason or "-",
            *("-" if value is None else str(value) for value in (meeting.frames, meeting.first_s, meeting.score)),
        )
        for meeting in meetings
    ]
    header = ("clip", "person", "is", "verdict", "identified as", "reason", "frames", "first after s", "score")
    lines = [table(rows, header), ""]
    for name, total in numbers["totals"].items():
        words = name.replace("_", " ")
        if "of" not in total:
            lines.append(f"{words}: median {total['median']}, most {total['most']}")
        elif total["of"]:
            low, high = total["interval95"]
            lines.append(f"{words}: {total['count']} of {total['of']} ({100 * low:.0f} to {100 * high:.0f} %)")
    lines.append(f"threshold in force: {numbers['threshold']:.3f} (of the weights' card)")
    if people_file is None:
        lines.append("each clip counts as a different person; if several show the same person, list them with --people")
    return "\n".join(lines)


def _write_json(path: Path, numbers: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    say(f"written: {path}")
