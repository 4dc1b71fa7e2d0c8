"""The tables of access: passages, what doors did, and the rules of doors.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: what a decision means.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class Passage(Base):
    """One decision at a camera, granted or denied.  A granted one without a person: the person was erased."""

    __tablename__ = "passages"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out', 'unknown')", name="direction"),
        Index(None, "at"),
        Index(None, "person_id", "at"),
        Index(None, "door_id", "at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime]
    camera: Mapped[str] = mapped_column(String(100))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    granted: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(40))
    score: Mapped[float | None]
    runner_up: Mapped[float | None]
    threshold: Mapped[float | None]
    model_id: Mapped[str] = mapped_column(String(100))
    gallery_version: Mapped[int]
    frames: Mapped[int]
    direction: Mapped[str] = mapped_column(String(10))
    # "face", "pin" or "badge".
    method: Mapped[str] = mapped_column(String(10), default="face", server_default="face")
    # How far ahead of the runner-up the best had to be; NULL where it was not asked, and before it was kept.
    margin: Mapped[float | None]
    # Of a picture too poor to compare: the value that was too low or too high.
    measured: Mapped[float | None]
    # The granted passage that this one repeats within the cooldown.  No foreign key: when retention deletes
    # the first one, the repeat must not begin to count.
    repeat_of: Mapped[str | None] = mapped_column(String(36))
    # The computer's clock was implausible: `at` may be wrong.
    clock_doubt: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The door that was asked for.  No foreign key: the log outlives a door.  NULL at a tablet that has none.
    door_id: Mapped[int | None]
    # The question that refused or the right that let pass, and the version of the rules; NULL before there were rules.
    rule: Mapped[str | None] = mapped_column(String(80))
    policy_version: Mapped[int | None]
    # Words of `Mark`, with + between them.
    marks: Mapped[str] = mapped_column(String(100), default="", server_default=text("''"))
    # NULL: requested and decided.  "taken" or "not_taken": what the door's contact showed afterwards.
    phase: Mapped[str | None] = mapped_column(String(10))
    # Of a passage that another program granted and the door's daemon must open: "asked", and then who took it on.
    opener: Mapped[str | None] = mapped_column(String(100))
    # When a tablet's event reached the site; NULL where it was recorded as it happened.
    received_at: Mapped[datetime | None]
    # It came too late to count without approval: hours leave it out.
    late: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The tablet page's own count of its events, and which count that is; NULL for pages that count none.
    counter: Mapped[str | None] = mapped_column(String(8))
    sequence: Mapped[int | None]
    # False: the face of somebody who agrees to access only; hours leave it out.
    for_hours: Mapped[bool] = mapped_column(default=True, server_default=true())


class DoorEvent(Base):
    """What a door did after a passage was committed; "unknown": it was asked, and may or may not have moved."""

    __tablename__ = "door_events"
    __table_args__ = (
        CheckConstraint("action IN ('unlock', 'lock')", name="action"),
        CheckConstraint("outcome IN ('done', 'failed', 'unknown')", name="outcome"),
        Index(None, "passage_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    passage_id: Mapped[str | None] = mapped_column(ForeignKey("passages.id", ondelete="SET NULL"))
    at: Mapped[datetime]
    door: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(10))
    outcome: Mapped[str] = mapped_column(String(10))
    detail: Mapped[str] = mapped_column(Text, default="")


class DoorState(Base):
    """What a door physically does now, written by the daemon that watches it; `updated_at` is its sign of life.

    `online`: the device answers · `since`: of this contact · `alarms`: words of `DoorAlarm` · `pulse_in_device`: the
    device ends each pulse itself · `notes`: what the driver wants the operator to know.
    """

    __tablename__ = "door_states"
    __table_args__ = (CheckConstraint("contact IN ('open', 'closed', 'unknown', 'fault')", name="contact"),)

    door: Mapped[str] = mapped_column(String(100), primary_key=True)
    updated_at: Mapped[datetime]
    since: Mapped[datetime]
    online: Mapped[bool | None]
    contact: Mapped[str] = mapped_column(String(10))
    unlocked: Mapped[bool | None]
    alarms: Mapped[list[str]] = mapped_column(JSON)
    pulse_in_device: Mapped[bool]
    notes: Mapped[list[str]] = mapped_column(JSON)


class Area(Base):
    """A room or zone behind access points; the columns are those of `rules.doors.Area`."""

    __tablename__ = "areas"
    __table_args__ = (CheckConstraint("antipassback IN ('off', 'soft', 'hard')", name="antipassback"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    occupancy_max: Mapped[int | None]
    antipassback: Mapped[str] = mapped_column(String(10), default="off")
    reset_min: Mapped[int | None]
    reset_at: Mapped[int | None]


class Schedule(Base):
    """A week of windows: seven lists of [start, end] in minutes of the local day, Monday first."""

    __tablename__ = "schedules"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    week: Mapped[list[list[list[int]]]] = mapped_column(JSON)


class SpecialDay(Base):
    """A date on which a schedule has other windows; an empty list: closed all day."""

    __tablename__ = "special_days"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    windows: Mapped[list[list[int]]] = mapped_column(JSON)


class AccessLevel(Base):
    __tablename__ = "access_levels"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)


class Door(Base):
    """A door: its driver, and what the rules know about it (`rules.doors.Door`).

    `driver_settings`: sealed with the master key, as they hold passwords.  `imported_from`: the camera whose settings
    file gave the driver.  `open_too_long_s`, `prealarm_s`, `passage_s`, `watch_forced`: of `door_state.Timings`.
    `offline_s`: for how long a copy of the rules decides while the database is away; 0: not at all.
    """

    __tablename__ = "doors"
    __table_args__ = (CheckConstraint("standing IN ('secure', 'unlock', 'lock', 'block')", name="standing"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    group: Mapped[str] = mapped_column("door_group", String(100), default="", server_default=text("''"))
    driver: Mapped[str] = mapped_column(String(40), default="null", server_default="null")
    driver_settings: Mapped[bytes | None]
    imported_from: Mapped[str | None] = mapped_column(String(100))
    release_s: Mapped[float] = mapped_column(default=3.0, server_default="3")
    extended_release_s: Mapped[float] = mapped_column(default=10.0, server_default="10")
    open_too_long_s: Mapped[float] = mapped_column(default=30.0, server_default="30")
    prealarm_s: Mapped[float] = mapped_column(default=10.0, server_default="10")
    passage_s: Mapped[float] = mapped_column(default=5.0, server_default="5")
    watch_forced: Mapped[bool] = mapped_column(default=True, server_default=true())
    contact: Mapped[bool] = mapped_column(default=False, server_default=false())
    interlock_group: Mapped[str] = mapped_column(String(100), default="", server_default=text("''"))
    standing: Mapped[str] = mapped_column(String(10), default="secure", server_default="secure")
    unlock_schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedules.id"))
    unlock_after_first: Mapped[bool] = mapped_column(default=True, server_default=true())
    lock_schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedules.id"))
    usual_schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedules.id"))
    first_level_id: Mapped[int | None] = mapped_column(ForeignKey("access_levels.id"))
    two_person_s: Mapped[int] = mapped_column(default=0, server_default="0")
    step_up: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    factor_timeout_s: Mapped[int] = mapped_column(default=20, server_default="20")
    offline_s: Mapped[int] = mapped_column(default=0, server_default="0")


class AccessPoint(Base):
    """One side of a door.  `name`: that of the camera or tablet.  `purposes`: what a passage there is for, by +.

    `factors`: rules in order, each {"sets": [["face", "pin"], …], "schedule": id or null}; []: any one factor.
    """

    __tablename__ = "access_points"
    __table_args__ = (
        CheckConstraint("source IN ('camera', 'kiosk', 'badge', 'button')", name="source"),
        CheckConstraint("purposes IN ('access', 'access+attendance', 'attendance')", name="purposes"),
        Index(None, "door_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    door_id: Mapped[int] = mapped_column(ForeignKey("doors.id"))
    source: Mapped[str] = mapped_column(String(10), default="camera", server_default="camera")
    area_from_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    area_to_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    factors: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default="[]")
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    purposes: Mapped[str] = mapped_column(
        String(20), default="access+attendance", server_default=text("'access+attendance'")
    )


class LevelEntry(Base):
    """A line of an access level: a door, or all doors of a group, and when."""

    __tablename__ = "level_entries"
    __table_args__ = (CheckConstraint("(door_id IS NULL) <> (door_group = '')", name="target"), Index(None, "level_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    level_id: Mapped[int] = mapped_column(ForeignKey("access_levels.id", ondelete="CASCADE"))
    door_id: Mapped[int | None] = mapped_column(ForeignKey("doors.id", ondelete="CASCADE"))
    door_group: Mapped[str] = mapped_column(String(100), default="", server_default=text("''"))
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id"))


class AccessGrant(Base):
    """A level for a person or a department.  `valid_to` is exclusive."""

    __tablename__ = "access_grants"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) <> (department = '')", name="target"),
        Index(None, "person_id"),
        Index(None, "department"),
        Index(None, "level_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    level_id: Mapped[int] = mapped_column(ForeignKey("access_levels.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    department: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))


class AccessState(Base):
    """What the rules know about a person beside grants; a person without a row has none of it.

    `duress_pin_hash`: argon2 of the PIN that opens and raises an alarm in silence.
    """

    __tablename__ = "access_states"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    reason: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    locked_until: Mapped[datetime | None]
    duress_pin_hash: Mapped[str | None] = mapped_column(Text)
    extended: Mapped[bool] = mapped_column(default=False, server_default=false())
    exemptions: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    # Since when the person is locked out, and by whom; NULL: they are not, or nobody noted it.
    locked_at: Mapped[datetime | None]
    locked_by: Mapped[str | None] = mapped_column(String(100))


class DoorOverride(Base):
    """A door held by somebody; never changed, only ended.  `door_id`: NULL for all doors."""

    __tablename__ = "door_overrides"
    __table_args__ = (
        CheckConstraint("mode IN ('unlock', 'lock', 'block', 'lockdown')", name="mode"),
        CheckConstraint("source IN ('operator', 'emergency')", name="source"),
        Index(None, "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    door_id: Mapped[int | None] = mapped_column(ForeignKey("doors.id", ondelete="CASCADE"))
    mode: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(10))
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200))
    by: Mapped[str] = mapped_column("set_by", String(100))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))


class PersonPlace(Base):
    """The area that a person entered last; NULL: outside."""

    __tablename__ = "person_places"
    __table_args__ = (Index(None, "area_id"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id", ondelete="SET NULL"))
    since: Mapped[datetime]
    passage_id: Mapped[str | None] = mapped_column(String(36))


class Muster(Base):
    """A roll call after an evacuation; open until `ended_at`."""

    __tablename__ = "musters"

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    began_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))


class MusterRow(Base):
    """Somebody who was inside when a muster began, or was ticked since.  `person_id` NULL: nobody knows who.

    `key`: of `service/hours/muster.py`; `source`, `place` and `since`: why this one was listed.
    """

    __tablename__ = "muster_rows"
    __table_args__ = (
        CheckConstraint("source IN ('area', 'hours', 'passage', 'door', 'forced')", name="source"),
        Index(None, "person_id"),
    )

    muster_id: Mapped[int] = mapped_column(ForeignKey("musters.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(10))
    place: Mapped[str] = mapped_column(String(100))
    since: Mapped[datetime]
    safe_at: Mapped[datetime | None]
    safe_by: Mapped[str | None] = mapped_column(String(100))


class LivenessRuling(Base):
    """What the cues said of one passage.  NULL: that cue abstained.

    `ratio`: their sum, a log-likelihood ratio · `network`: mean logit of `looks` answers · `source`: whose operating
    point it was, "card" or "drill <id>".
    """

    __tablename__ = "liveness_rulings"
    __table_args__ = (
        CheckConstraint("policy IN ('watch', 'challenge', 'step_up', 'refuse')", name="policy"),
        CheckConstraint("verdict IN ('live', 'unclear', 'attack')", name="verdict"),
    )

    passage_id: Mapped[str] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True)
    policy: Mapped[str] = mapped_column(String(10))
    verdict: Mapped[str] = mapped_column(String(10))
    ratio: Mapped[float]
    looks: Mapped[int]
    network: Mapped[float | None]
    ring: Mapped[float | None]
    plane: Mapped[float | None]
    model_id: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(40))


class LivenessDrill(Base):
    """One drill at a camera: rates and, if there was enough data, the operating point that it gave."""

    __tablename__ = "liveness_drills"
    __table_args__ = (Index(None, "camera", "model_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    camera: Mapped[str] = mapped_column(String(100))
    model_id: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(100))
    result: Mapped[dict[str, Any]]
    point: Mapped[dict[str, Any] | None]
