"""Taking in the check-ins of other terminals: report first, then all or nothing.

In: a file's bytes and how to read them, the site's people.  Out: a `Report`; check-ins that count.
Does not know: how a file is parsed (punch_files), pages, the command line.
Main choice: the id of a check-in is made of terminal, user and time, so that the same line of another file is known
again, whoever takes it in and however often.  Trade-off: a terminal that is given another name is another terminal.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import CLOCK_SLACK
from attendance.domain.passage import Direction
from attendance.errors import Phrase, UserError
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.hours.imports.punch_files import BadLine, DateOrder, FilePunch, PunchFile, read_punches
from attendance.service.ids import new_event_id
from attendance.store.cameras import cameras
from attendance.store.hours import imports, rosters
from attendance.store.hours.periods import lock_over, require_open
from attendance.store.kiosk import devices
from attendance.store.session import Sessions

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEFT_OVER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how to read it.

    `device`: the terminal's name, for lines that name none.  `skip_unknown`: leave out lines of users whom nobody
    here is.  `oldest`: check-ins before it are no longer kept here; None: all are.
    """

    data: bytes
    name: str
    device: str
    zone: ZoneInfo
    order: DateOrder = DateOrder.AUTO
    directions: bool = True
    skip_unknown: bool = False
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What taking in a file would do.

    `rows`: check-ins that are new.  `known`: there already.  `twice`: further lines of the same check-in.  `unknown`:
    lines by user.  `problems`: lines that hinder the import, with the reason.  `hindrances`: what hinders the whole.
    `one_way`: all lines say the same direction.
    """

    file: PunchFile
    rows: tuple[Mapping[str, Any], ...]
    known: int
    twice: int
    unknown: Mapping[str, int]
    problems: tuple[BadLine, ...]
    hindrances: tuple[str, ...]
    one_way: Direction | None

    @property
    def people(self) -> int:
        return len({row["person_id"] for row in self.rows})

    @property
    def first(self) -> datetime | None:
        return min((row["at"] for row in self.rows), default=None)

    @property
    def last(self) -> datetime | None:
        return max((row["at"] for row in self.rows), default=None)

    @property
    def ready(self) -> bool:
        return not self.hindrances and bool(self.rows)


def punch_id(device: str, user: str, at: datetime) -> str:
    """Return the id of a terminal's check-in: a UUIDv7 of its time, the rest from terminal, user and time."""
    digest = hashlib.sha256("\0".join(("terminal", device, user, at.astimezone(UTC).isoformat())).encode()).digest()
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    rest = int.from_bytes(digest[:10], "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (rest >> 68) << 64 | 0b10 << 62 | rest & (1 << 62) - 1
    return str(uuid.UUID(int=value))


def check(session: Session, source: Source, now: datetime) -> Report:
    """Return what taking the file in would do; nothing is written.  UserError if the file cannot be read at all."""
    file = read_punches(source.data, source.name, source.zone, order=source.order, directions=source.directions)
    person_of = _people(session)
    hindrances = _device_hindrances(session, source, file)
    unknown = Counter(one.user for one in file.punches if person_of(one.user) is None)
    untimely = _untimely(session, file.punches, source, now)
    problems, left_out = [*file.bad, *untimely], {bad.line for bad in untimely}
    rows: dict[str, Mapping[str, Any]] = {}
    twice = 0
    for one in file.punches:
        person, device = person_of(one.user), one.device_or(source.device)
        if person is None or one.line in left_out:  # each line is counted once, as what keeps it out
            continue
        person_id, number = person
        key = punch_id(device, number, one.at)
        twice += key in rows
        rows.setdefault(key, {"id": key, "at": one.at, "camera": device, "person_id": person_id,
                              "direction": one.direction.value})  # fmt: skip
    known = imports.known_ids(session, rows)
    if file.ambiguous:
        hindrances.append(Phrase("its dates may be day first or month first: say which"))
    if problems:
        hindrances.append(
            Phrase("lines that cannot be taken in: %(count)s; correct them in the file", count=len(problems))
        )
    if unknown and not source.skip_unknown:
        hindrances.append(
            Phrase(
                "users whose staff number nobody here has: %(count)s; add them, or leave them out", count=len(unknown)
            )
        )
    said = {one.direction for one in file.punches}
    one_way = next(iter(said)) if len(said) == 1 and len(file.punches) > 1 else None
    return Report(
        file, tuple(row for key, row in rows.items() if key not in known), len(known), twice, dict(unknown),
        tuple(sorted(problems, key=lambda bad: bad.line)), tuple(hindrances),
        one_way if one_way is not Direction.UNKNOWN else None,
    )  # fmt: skip


def take_in(sessions: Sessions, source: Source, *, now: datetime, actor: Actor) -> Report:
    """Take in a file, all or nothing, in short transactions; return what was taken in.

    UserError with the first hindrance if there is one, and nothing is taken in.
    """
    sweep(sessions, now)
    with sessions() as session:
        report = check(session, source, now)
    if report.hindrances:
        raise UserError("%(hindrance)s; nothing was taken in", hindrance=report.hindrances[0])
    if not report.rows:
        return report
    import_id = new_event_id(now)
    assert report.first is not None and report.last is not None
    with sessions.begin() as session:
        imports.add_import(
            session, id=import_id, at=now, by=actor.name[:100], file_name=source.name[-200:],
            device=source.device[:100], form=report.file.form, punches=len(report.rows), first_at=report.first,
            last_at=report.last,
        )  # fmt: skip
    try:
        for start in range(0, len(report.rows), imports.MOST_AT_ONCE):
            with sessions.begin() as session:
                imports.add_punches(session, import_id, report.rows[start : start + imports.MOST_AT_ONCE])
        days = {row["at"].astimezone(source.zone).date() for row in report.rows}
        with sessions.begin() as session:
            imports.set_state(session, import_id, "counted")
            for day in days:  # a period may have been closed meanwhile
                require_open(session, day, day, now)
            audit.record(
                session, actor=actor, action=Action.IMPORT_PUNCHES, at=now, subject=Subject("import", import_id),
                detail={"check_ins": len(report.rows), "form": report.file.form},
            )  # fmt: skip
    except BaseException:
        _drop(sessions, import_id)
        raise
    return report


def remove(sessions: Sessions, import_id: str, *, zone: ZoneInfo, now: datetime, actor: Actor) -> None:
    """Take an import back: its check-ins stop counting at once and are deleted; UserError in a closed period."""
    with sessions.begin() as session:
        imports.set_state(session, import_id, "removed")
        row = imports.get_import(session, import_id)
        first, last = (at.astimezone(zone).date() for at in (row.first_at, row.last_at))
        require_open(session, first, last, now)
        audit.record(
            session, actor=actor, action=Action.REMOVE_IMPORT, at=now, subject=Subject("import", import_id),
            detail={"check_ins": row.punches},
        )  # fmt: skip
    _drop(sessions, import_id)


def sweep(sessions: Sessions, now: datetime) -> None:
    """Delete what an import left that a crash or a loss of power ended; none of it ever counted."""
    with sessions() as session:
        left = imports.left_over(session, now - LEFT_OVER)
    for import_id in left:
        _drop(sessions, import_id)


def _drop(sessions: Sessions, import_id: str) -> None:
    with sessions.begin() as session:
        imports.set_state(session, import_id, "removed")
    while True:
        with sessions.begin() as session:
            if not imports.drop_punches(session, import_id):
                return


def _people(session: Session) -> Callable[[str], tuple[int, str] | None]:
    """Return whose staff number a terminal's user is, with or without zeros before it: (person, staff number)."""
    staff = [
        (one.staff_number, (one.id, one.staff_number))
        for one in rosters.list_staff(session, active=None)
        if one.staff_number
    ]
    exact = dict(staff)
    count = Counter(number.lstrip("0") for number, _person in staff)
    loose = {
        number.lstrip("0"): person for number, person in staff if count[number.lstrip("0")] == 1 and number.strip("0")
    }
    return lambda user: exact.get(user, loose.get(user.lstrip("0")))


def _device_hindrances(session: Session, source: Source, file: PunchFile) -> list[str]:
    if any(not one.device for one in file.punches) and not source.device:
        return [Phrase("name the terminal: its check-ins are known again by terminal, user and time")]
    ours = {camera.name for camera in cameras.list_cameras(session, removed=True)}
    ours |= {device.name for device in devices.list_devices(session)}
    taken = sorted({one.device_or(source.device) for one in file.punches} & ours)
    if not taken:
        return []
    return [Phrase("a camera or tablet here is called %(name)s: give the terminal another name", name=taken[0])]


def _untimely(session: Session, punches: Sequence[FilePunch], source: Source, now: datetime) -> list[BadLine]:
    """Return the lines whose time cannot be taken in: to come, too old, or in a closed period."""
    closed: dict[date, Phrase | None] = {}
    bad = []
    for one in punches:
        day = one.at.astimezone(source.zone).date()
        if day not in closed:
            lock = lock_over(session, day, day, now)
            closed[day] = None
            if lock is not None:
                closed[day] = Phrase(
                    "in the closed period %(first)s to %(last)s: reopen it first", first=lock.first, last=lock.last
                )
        if one.at > now + CLOCK_SLACK:
            bad.append(BadLine(one.line, Phrase("in the future: check the terminal's clock")))
        elif source.oldest is not None and one.at < source.oldest:
            bad.append(BadLine(one.line, Phrase("older than this site keeps check-ins")))
        elif (words := closed[day]) is not None:
            bad.append(BadLine(one.line, words))
    return bad
