"""`manage.py demo`: the whole product without a camera and without the internet.

In: a folder.  Out: a database with the decisions, a table of them on standard output.
Does not know: how anything is decided.  Photos go through `service.enrolment` as on the admin page, and the
videos through the daemon, started as a separate program.
Main choice: the real daemon in real time instead of a fast replay, because the demo shows the real thing.
Trade-off: half a minute of watching.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from attendance import bootstrap, paths
from attendance.bootstrap import Installation
from attendance.config import load_settings
from attendance.console import needs, say, table
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.paths import program
from attendance.processes import own_command
from attendance.programs import portraits
from attendance.programs.demo_door import DoorScenes
from attendance.programs.portraits import Visit
from attendance.service.access.policy.editing import let_everybody_pass
from attendance.service.access.reason_texts import reason_words
from attendance.service.audit.audit import Actor
from attendance.service.enrolment.enrol import enrol_photo
from attendance.service.ports import Analyser
from attendance.store.access import events
from attendance.store.access.events import PassageView
from attendance.store.calibration import operating_points
from attendance.store.people import people

COLLINS, HOPPER, NOBODY = "Eileen Collins", "Grace Hopper", "nobody"
PATIENCE_S = 60.0  # for loading the networks and ending, on top of a video's length
SETTLES_S = 4.0  # a decision may come so long after its visitor has gone
MARKER = "# Made by `demo`, which overwrites this folder's files the next time.\n"
MADE = (
    "attendance.db", "attendance.db-wal", "attendance.db-shm", "master.key", "config.toml", "erasures.ledger",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clip:
    """A video: its camera's name, and each visitor with their seconds, in turn."""

    name: str
    visits: Sequence[tuple[str, float]]

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.visits)

    def shown_at(self, second: float) -> str:
        """Return the visitor at this second; just after a visit still that visitor, because decisions take a moment."""
        last, left_at, ends = NOBODY, 0.0, 0.0
        for who, seconds in self.visits:
            ends += seconds
            if who != NOBODY and second < ends:
                return who
            if second < ends:
                break
            if who != NOBODY:
                last, left_at = who, ends
        return last if second - left_at <= SETTLES_S else NOBODY


@dataclass(frozen=True, slots=True)
class Watched:
    """A clip as the daemon saw it.  `began_at`: its first picture; `stages`: the daemon's own summary."""

    clip: Clip
    began_at: datetime
    stages: tuple[str, ...]


FIRST = Clip("first-video", [(NOBODY, 2), (COLLINS, 8), (NOBODY, 4), (HOPPER, 8), (NOBODY, 3)])
SECOND = Clip("second-video", [(NOBODY, 1.5), (HOPPER, 8), (NOBODY, 7), (COLLINS, 7), (NOBODY, 1.5)])


def run_demo(out_dir: Path) -> None:
    """Enrol, watch, refuse, enrol, watch again at a door that moves; raise UserError if something went wrong."""
    with needs("demo", "skimage", "matplotlib"):
        images = {COLLINS: portraits.collins(), HOPPER: portraits.hopper()}
    file = fresh_folder(out_dir)
    flags = _flags(file)
    settings = load_settings(file, flags)
    steps = bootstrap.set_up(settings)
    site = bootstrap.installation_for(settings)
    with site.sessions.begin() as session:
        let_everybody_pass(session, Actor("command line", "demo"), site.clock.now())
    _require_threshold(site)
    analyser = bootstrap.analyser_for(settings)

    say("   (liveness is off here: the visitors are portraits that are moved)")
    say("1. making two videos from two portraits ...")
    videos = {clip.name: _make_video(out_dir, clip, images) for clip in (FIRST, SECOND)}
    say(f"2. enrolling {COLLINS}, as on the admin page ...")
    _enrol(site, analyser, COLLINS, portraits.as_jpeg(images[COLLINS]))
    say(f"3. the daemon watches {FIRST.seconds:g} s: {COLLINS}, who is enrolled, then {HOPPER}, who is not ...")
    watched = [_watch(file, flags, FIRST, videos[FIRST.name], site)]
    say(f"4. enrolling {HOPPER} ...")
    _enrol(site, analyser, HOPPER, portraits.as_jpeg(images[HOPPER]))
    scenes = DoorScenes(site, SECOND.name)
    hours = scenes.only_later(COLLINS)
    say(f"5. a door with a contact; {COLLINS} may pass from {hours} only")
    say(f"6. the daemon watches {SECOND.seconds:g} s: {HOPPER} again, then {COLLINS} ...")
    scenes.begin()
    try:
        watched.append(_watch(file, flags, SECOND, videos[SECOND.name], site))
    finally:
        scenes.end()

    with site.sessions() as session:
        decided = list(reversed(events.list_passages(session, limit=200)))
    say("\n" + _decisions(watched, decided))
    for each in watched:
        say("\n".join(["", f"{each.clip.name}:", *(f"  {line}" for line in each.stages)]))
    say("\nat the door: " + ", ".join(scenes.seen) + f"; {COLLINS} asked outside of her hours")
    say("\n" + _where_to_look(file, steps.token, settings.web.port))
    wrong = [*mistakes({each.clip.name: each for each in watched}, decided), *scenes.missing(decided, COLLINS)]
    if wrong:
        raise UserError(f"the demo went wrong: {'; '.join(wrong)} (see the table above)")


def fresh_folder(out_dir: Path) -> Path:
    """Write an empty site's settings file.  Remove the files of an earlier demo, never any others."""
    file = out_dir / "config.toml"
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        ours = file.is_file() and file.read_text(encoding="utf-8").startswith(MARKER)
        foreign = [name for name in MADE if (out_dir / name).exists()]
        if foreign and not ours:
            raise UserError(f"{out_dir / foreign[0]} was not made by an earlier demo: choose another --out")
        for name in MADE:
            (out_dir / name).unlink(missing_ok=True)
        text = paths.default_config().read_text(encoding="utf-8")
        text = text.replace('url = "sqlite:///var/attendance.db"', 'url = "sqlite:///attendance.db"', 1)
        file.write_text(MARKER + text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UserError(f"cannot use the folder {out_dir}: {reason}; choose another --out") from error
    return file


def _flags(file: Path) -> dict[str, str]:
    """Return the settings that must not come from the environment, which may name the real database and door.

    Liveness is off: the demo's visitors are portraits that are moved, and so pictures of people.
    """
    database = file.resolve().parent / "attendance.db"
    fixed = {"door.driver": "null", "camera.direction": "in", "liveness.policy": "off", "liveness.cameras": ""}
    return {"database.url": f"sqlite:///{database}", **fixed}


def _require_threshold(site: Installation) -> None:
    model_id = site.settings.models.recogniser
    with site.sessions() as session:
        if operating_points.current(session, model_id) is None:
            raise UserError(
                f"the card of {model_id} has no threshold, so everyone would be refused: evaluate the network first"
            )


def _make_video(out_dir: Path, clip: Clip, images: Mapping[str, portraits.Image]) -> Path:
    visits = [Visit(images.get(who), seconds) for who, seconds in clip.visits]
    return portraits.write_video(out_dir / f"{clip.name}.mp4", visits)


def _enrol(site: Installation, analyser: Analyser, name: str, photo: bytes) -> None:
    with site.sessions.begin() as session:
        now = site.clock.now()
        person = people.create_person(
            session, name=name, at=now, consent_at=now, consent_text="Public-domain portrait, for this demo."
        )
        report = enrol_photo(session, site.keys, analyser, person.id, photo, "upload", site.clock)
        if not report.ok:
            raise UserError(f"the portrait of {name} was refused: {report.words}; evaluate the detector's weights")


def _watch(file: Path, flags: Mapping[str, str], clip: Clip, video: Path, site: Installation) -> Watched:
    """Play a video through the daemon in real time, as a camera would; print its decisions as they come."""
    changes = [text for name, value in flags.items() for text in ("--set", f"{name}={value}")]
    source = ("--camera", str(video.resolve()), "--name", clip.name)
    command = own_command("--config", str(file), *changes, "daemon", *source)
    path = os.pathsep.join(filter(None, [str(paths.package_parent()), os.environ.get("PYTHONPATH", "")]))
    environment = os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    began_at, lines = site.clock.now(), list[str]()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment) as daemon:
        too_late = threading.Timer(clip.seconds + PATIENCE_S, daemon.kill)
        too_late.start()
        try:
            for line in daemon.stderr or ():
                lines.append(line)
                if "pictures of" in line:
                    began_at = site.clock.now()
                if found := re.search(r"camera \S+: (.* passes.*|refused: .*)$", line.rstrip()):
                    say(f"   {found[1]}")
            code = daemon.wait()
        finally:
            too_late.cancel()
            daemon.kill()  # harmless when it has ended; else ctrl-c would leave it running
    if code:
        sys.stderr.writelines(lines[-15:])
        raise UserError(f"the daemon ended with exit code {code} while it watched {video}: see its last lines above")
    ends = re.findall(r"camera \S+: (\d+ of \d+ pictures .*|ms a picture .*)", "".join(lines))
    return Watched(clip, began_at, tuple(ends))


def mistakes(watched: Mapping[str, Watched], decided: Sequence[PassageView]) -> list[str]:
    """Return the wrong decisions in words; [] if all are right."""
    wrong = []
    known = {FIRST.name: {COLLINS}, SECOND.name: {HOPPER}}
    for view in decided:
        camera, who = view.passage.camera, view.person_name or "somebody"
        if view.passage.granted and who != _shown(watched[camera], view):
            wrong.append(f"{who} passed while the {camera} showed {_shown(watched[camera], view)}")
    for camera, names in known.items():
        passed = {view.person_name for view in decided if view.passage.camera == camera and view.passage.granted}
        wrong += [f"{name} did not pass in the {camera}" for name in sorted(names - passed)]
    refused = [view for view in decided if view.passage.camera == FIRST.name and view.passage.reason is Reason.UNKNOWN]
    if not any(_shown(watched[FIRST.name], view) == HOPPER for view in refused):
        wrong.append(f"{HOPPER}, a stranger, was not refused as unknown in the {FIRST.name}")
    return wrong


def _shown(watched: Watched, view: PassageView) -> str:
    return watched.clip.shown_at((view.passage.at - watched.began_at).total_seconds())


def _decisions(watched: Sequence[Watched], decided: Sequence[PassageView]) -> str:
    by_name = {each.clip.name: each for each in watched}
    rows = []
    for view in decided:
        passage, clip = view.passage, by_name[view.passage.camera]
        rows.append(
            (
                f"{(passage.at - clip.began_at).total_seconds():.1f} s",
                passage.camera,
                _shown(clip, view),
                view.person_name or "-",
                "passed" if passage.granted else "refused",
                "-" if passage.score is None else f"{passage.score:.3f}",
                "-" if passage.threshold is None else f"{passage.threshold:.3f}",
                str(passage.frames),
                reason_words(passage.reason),
                "-" if view.door is None else f"unlock {view.door}",
            )
        )
    header = ("time", "camera", "was shown", "identified as", "outcome", "score", "threshold", "frames", "why", "door")
    return table(rows, header)


def _where_to_look(file: Path, token: str | None, port: int) -> str:
    lines = [
        f"look around:  {program()} --config {file} web",
        f"then open:    http://127.0.0.1:{port}/setup",
        *([f"setup token:  {token} (works once, for 24 hours)"] if token else []),
        f"your webcam:  ATTENDANCE_CONFIG={file} make run",
        f"database:     {file.parent / 'attendance.db'}",
        f"videos:       {', '.join(str(file.parent / f'{clip.name}.mp4') for clip in (FIRST, SECOND))}",
    ]
    return "\n".join(lines)
