"""The tables of access: passages, and what doors did.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: what a decision means.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    false,
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
