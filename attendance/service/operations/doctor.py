"""Is everything as it should be: one check after another, each with a verdict and what to do.

In: an installation's parts.  Out: `Check`s, for the command doctor and the page System.
Does not know: who shows them; cameras' drivers and networks (`bootstrap` adds those checks).
Main choice: a check never raises; what goes wrong inside it is its verdict.  Trade-off: a check that is wrong itself
looks like a fault of the site.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import Engine

from attendance.config import Settings
from attendance.domain.access.liveness.fusion import AUTO
from attendance.domain.calibration.risk import MIN_STRANGERS
from attendance.errors import one_line, problem_and_advice
from attendance.service.calibration.auto_tighten import sentences, unknown
from attendance.service.calibration.impostors import file_of
from attendance.service.cameras.health import State, health_of
from attendance.service.operations import backups
from attendance.service.operations.file_rights import exposed
from attendance.service.operations.readiness import Readiness, free_mb
from attendance.service.ports import Clock
from attendance.store import settings as shared
from attendance.store.access import doors, liveness
from attendance.store.access.edge_files import edge_folder, waiting_in
from attendance.store.calibration import operating_points
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys
from attendance.store.kiosk import devices
from attendance.store.operations.clock_confirmation import not_before
from attendance.store.people import templates
from attendance.store.session import Sessions, database_file, schema_state, shown_url
from attendance.texts import gettext as _
from attendance.texts import translated

# No computer that runs this version can rightly have an earlier clock.
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
_SLACK = timedelta(minutes=2)
_LARGE_LOG_MB = 256


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Check:
    """`what` was looked at, what was found, and what to do ("" if nothing)."""

    what: str
    verdict: Verdict
    words: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at.  `key_file`: None if the key comes from elsewhere.  `deep`: read the whole database."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    keys: Keys
    clock: Clock
    key_file: Path | None = None
    deep: bool = True


Extra = Callable[[], Check]


def examine(patient: Patient, extra: Sequence[Extra] = ()) -> list[Check]:
    """Run every check, in the order in which a fault of one explains those of the next."""
    found: list[Check] = []
    for name, check in _CHECKS:
        try:
            found.extend(check(patient))
        except Exception as error:  # the check's own verdict
            found.append(fault_of(_(name), error))
    return found + [more() for more in extra]


def worst(checks: Sequence[Check]) -> Verdict:
    """Return the gravest verdict; OK if there are no checks."""
    order = list(Verdict)
    return max((check.verdict for check in checks), key=order.index, default=Verdict.OK)


def fault_of(what: str, error: Exception) -> Check:
    """Return an exception as a check that failed."""
    words, advice = problem_and_advice(translated(error))
    return Check(what, Verdict.FAULT, words or type(error).__name__, advice)


def _versions(_patient: Patient) -> Iterator[Check]:
    names = ("attendance", "onnxruntime", "sqlalchemy", "opencv-python-headless")
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # a checkout that is not installed
            found.append(f"{name} ({_('not installed')})")
    yield Check(_("Versions"), Verdict.OK, f"Python {platform.python_version()}, {', '.join(found)}, {sys.platform}")


def _database(patient: Patient) -> Iterator[Check]:
    what, engine = _("Database"), patient.engine
    state = schema_state(engine)
    if state != "current":
        yield Check(what, Verdict.FAULT, _("the schema is %(state)s", state=state), _("Run the command db upgrade."))
        return
    path = database_file(engine)
    if path is None:
        yield Check(what, Verdict.OK, shown_url(engine))
        return
    if patient.deep:
        with engine.connect() as connection:
            rows = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(3)")]
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if rows != ["ok"] or orphans is not None:
            yield Check(what, Verdict.FAULT, _("damaged: %(what)s", what="; ".join(rows)), _("Restore a backup."))
            return
    yield Check(what, Verdict.OK, _("%(path)s, %(mb)s MB", path=path, mb=path.stat().st_size >> 20))
    log = Path(f"{path}-wal")
    size = log.stat().st_size >> 20 if log.exists() else 0
    words = _("%(mb)s MB wait in the log beside the database", mb=size)
    if size > _LARGE_LOG_MB:
        yield Check(
            _("Database log"), Verdict.WARNING, words, _("A program reads without end; end viewers and copies.")
        )
    else:
        yield Check(_("Database log"), Verdict.OK, words)


def _test_write(patient: Patient) -> Iterator[Check]:
    trouble = Readiness(patient.sessions, patient.keys, patient.clock).probe()
    what = _("Test write and master key")
    if trouble is None:
        yield Check(what, Verdict.OK, _("a test was written, and the key fits"))
    else:
        yield Check(what, Verdict.FAULT, trouble.words, trouble.advice)


def _disk(patient: Patient) -> Iterator[Check]:
    path = database_file(patient.engine)
    free, least = free_mb(path.parent if path else Path.cwd()), patient.settings.alarms.disk_free_mb
    words = _("%(gb)s GB are free", gb=f"{(free or 0) / 1024:.1f}")
    if free is not None and free < least:
        yield Check(_("Disk"), Verdict.WARNING, words, _("Delete old backups or logs before nothing can be saved."))
    else:
        yield Check(_("Disk"), Verdict.OK, words)


def _permissions(patient: Patient) -> Iterator[Check]:
    what, path, key = _("Permissions"), database_file(patient.engine), patient.key_file
    found = [
        Check(what, Verdict.FAULT if one.grave else Verdict.WARNING, one.words, one.advice)
        for one in exposed(patient.settings, path, key)
    ]
    if path is not None and not os.access(path.parent, os.W_OK):
        advice = _("SQLite writes files beside the database: give this user the folder.")
        found.append(Check(what, Verdict.FAULT, _("%(folder)s may not be written", folder=path.parent), advice))
    yield from found or [Check(what, Verdict.OK, _("this user may write, and others may not read"))]


def _clock(patient: Patient) -> Iterator[Check]:
    now, what = patient.clock.now(), _("Clock")
    with patient.sessions() as session:
        newest = not_before(session)
    local = now.astimezone(patient.settings.site.zone)
    words = f"{local:%Y-%m-%d %H:%M:%S %Z}"
    advice = _("Set the clock, and let it follow a time server (timedatectl set-ntp true).")
    if now < _BUILT or (newest is not None and newest > now + _SLACK):
        yield Check(what, Verdict.FAULT, _("%(time)s is before the newest passage", time=words), advice)
    elif not _synchronised():
        yield Check(what, Verdict.WARNING, _("%(time)s; it follows no time server", time=words), advice)
    else:
        yield Check(what, Verdict.OK, words)


def _synchronised() -> bool:
    """Return whether a time service reports that it has the time; True where none says anything."""
    marks = (Path("/run/systemd/timesync"), Path("/run/systemd/timesync/synchronized"))
    return not marks[0].exists() or marks[1].exists()


def _ports(patient: Patient) -> Iterator[Check]:
    host, port = patient.settings.web.host, patient.settings.web.port
    what = _("Port %(port)s", port=port)
    reached = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104  # nosec B104
    try:
        with socket.create_connection((reached, port), timeout=3) as line:
            line.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
            answer = line.recv(200)
    except OSError:
        yield Check(
            what,
            Verdict.WARNING,
            _("nothing answers at %(host)s", host=host),
            _("Start the site by the command web or run."),
        )
        return
    if b" 200 " in answer.split(b"\r\n")[0]:
        yield Check(what, Verdict.OK, _("the site answers"))
    else:
        advice = _("End the other program, or set [web] port.")
        yield Check(what, Verdict.FAULT, _("another program answers"), advice)


def _cameras(patient: Patient) -> Iterator[Check]:
    with patient.sessions() as session:
        known = cameras.list_cameras(session)
    if not known:
        yield Check(
            _("Cameras"), Verdict.WARNING, _("no camera was ever watched"), _("Start one by the command daemon or run.")
        )
    for camera in known:
        health = health_of(camera, patient.clock.now())
        verdict = {State.WORKING: Verdict.OK, State.OFF: Verdict.OK}.get(health.state, Verdict.FAULT)
        yield Check(_("Camera %(name)s", name=camera.name), verdict, one_line(health.words), health.advice)


def _liveness(patient: Patient) -> Iterator[Check]:
    """Look for what makes a camera only watch though somebody chose otherwise: a wrong name, another network."""
    chosen, model_id, what = patient.settings.liveness, patient.settings.models.liveness, _("Liveness")
    with patient.sessions() as session:
        watched = {camera.name for camera in cameras.list_cameras(session)}
        tablets = {device.name for device in devices.list_devices(session) if device.screen_of is None}
        drilled, upgraded = liveness.drilled(session), shared.used_before_upgrade(session)
    known = watched | tablets
    for name in sorted(set(chosen.own_policies) - known):
        words = _("liveness.cameras names %(name)s, and there is no such camera or tablet", name=name)
        advice = _("Write the name as the site has it: %(names)s.", names=", ".join(sorted(known)) or "–")
        yield Check(what, Verdict.WARNING, words, advice)
    before = {camera for camera, _network in drilled if (camera, model_id) not in drilled}
    for name in sorted(before & watched):
        if model_id and chosen.policy_at(name) == AUTO and not upgraded:
            words = _("%(name)s only watches: its drill was made with another network", name=name)
            yield Check(what, Verdict.WARNING, words, _("Repeat it by the command liveness drill."))
    words = ", ".join(filter(None, (chosen.policy, chosen.cameras.strip())))
    yield Check(what, Verdict.OK, words)


def _threshold(patient: Patient) -> Iterator[Check]:
    """Look whether the risk that the threshold in force states still holds for the gallery of the doors."""
    what, now = _("Threshold"), patient.clock.now()
    with patient.sessions() as session:
        model_id = patient.settings.models.recogniser
        point = operating_points.current(session, model_id)
        found = sentences(unknown(session, model_id, now))
        enrolled = templates.count_enrolled(session, model_id)
    if point is None and not enrolled:
        yield Check(what, Verdict.OK, _("none is set yet, and nobody is enrolled"))
    elif point is None:
        yield Check(what, Verdict.WARNING, _("none is set, so every face is refused"), _("Set one: calibrate --apply"))
    elif found:
        advice = _("Put a threshold for your risk in force, on the page Threshold or with: calibrate --apply")
        yield from (Check(what, Verdict.WARNING, words, advice) for words in found)
    else:
        yield Check(what, Verdict.OK, f"{point.threshold:.3f}")
    if 0 < enrolled < MIN_STRANGERS and not file_of(patient.settings.models.weights, model_id).is_file():
        words = _("%(model)s has no packaged strangers, so %(number)s people give no number for a risk",
                  model=model_id, number=enrolled)  # fmt: skip
        yield Check(
            what,
            Verdict.WARNING,
            words,
            _("Make them with: weights impostors. Or enrol more people: the page Threshold says how many"),
        )


def _copies(patient: Patient) -> Iterator[Check]:
    """Look at each door that decides without the database: is its copy of the rules new, does anything wait."""
    file = database_file(patient.engine)
    base = patient.settings.base_dir / "var" if file is None else file.parent
    with patient.sessions() as session:
        names = [camera.name for camera in cameras.list_cameras(session)]
        found = [(name, door.offline_s) for name in names if (door := doors.door_at(session, name)) is not None]
    for camera, seconds in found:
        folder, what = edge_folder(base, camera), _("Rules kept for %(name)s", name=camera)
        if waiting := waiting_in(folder):
            words = _("%(count)s records wait for the database", count=waiting)
            yield Check(what, Verdict.WARNING, words, _("Its daemon brings them in: start it, and read its log."))
        if seconds:
            rules = folder / "rules"
            # The file's time and not what is in it: the doctor opens nothing that is sealed.
            age = patient.clock.now().timestamp() - rules.stat().st_mtime if rules.exists() else None
            if age is None or age > seconds:
                advice = _("Without the database nobody would pass. Start the daemon of this camera; its log says why.")
                words = _("there is none") if age is None else _("the copy is %(age)s s old", age=round(age))
                yield Check(what, Verdict.WARNING, words, advice)
            else:
                yield Check(what, Verdict.OK, _("without the database they decide for %(seconds)s s", seconds=seconds))


def _backups(patient: Patient) -> Iterator[Check]:
    backup, what = patient.settings.backup, _("Backups")
    if not backup.folder or backup.every_hours == 0:
        advice = _("Set [backup] every_hours, or make them another way.")
        yield Check(what, Verdict.WARNING, _("the site makes none by itself"), advice)
        return
    newest = backups.newest_backup(Path(backup.folder))
    if newest is None:
        yield Check(what, Verdict.WARNING, _("there is none yet"), _("Make one by the command backup."))
        return
    age = patient.clock.now() - newest.made_at
    words = _("the newest is %(hours)s hours old", hours=round(age / timedelta(hours=1)))
    if age > 2 * timedelta(hours=backup.every_hours):
        yield Check(
            what, Verdict.WARNING, words, _("The site's log says why none was made. Make one by the command backup.")
        )
    else:
        yield Check(what, Verdict.OK, words)


def _key_age(patient: Patient) -> Iterator[Check]:
    with patient.sessions() as session:
        known = shared.get(session, shared.MASTER_KEY_FINGERPRINT)
    if known is None:
        yield Check(_("Master key"), Verdict.OK, _("nobody is enrolled yet, so any key fits"))


_CHECKS: tuple[tuple[str, Callable[[Patient], Iterator[Check]]], ...] = (
    ("Versions", _versions),
    ("Permissions", _permissions),
    ("Disk", _disk),
    ("Database", _database),
    ("Test write and master key", _test_write),
    ("Master key", _key_age),
    ("Clock", _clock),
    ("Cameras", _cameras),
    ("Liveness", _liveness),
    ("Threshold", _threshold),
    ("Rules kept for the time without a database", _copies),
    ("Port", _ports),
    ("Backups", _backups),
)
