"""The tables of cameras, and of what people were asked to do before them.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: how a camera is read, how a movement is judged.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class Camera(Base):
    """A camera and the daemon that holds it: `owner` with a recent `heartbeat_at` keeps others away.

    `name` is the daemon's, from its settings, and stands in passages; `title` is what pages show instead.
    `direction` is in force; `wanted_direction`, given on a page, overrides the daemon's settings.
    `active`: whether the daemon may recognise anybody.  `roi`: where in the picture faces are looked for.
    `source`: the address without its secrets, for pages; `address`: all of it, sealed; NULL until it was given.
    `options`: of `service.cameras.checking.OPTIONS`.  `computer`: whose daemon serves it; "": any.
    `removed_at`: since when it is no camera of the site; the row is the mark that keeps it from being taken over again.
    """

    __tablename__ = "cameras"
    __table_args__ = (CheckConstraint("direction IN ('in', 'out', 'unknown')", name="direction"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    source: Mapped[str] = mapped_column(Text)
    direction: Mapped[str] = mapped_column(String(10))
    active: Mapped[bool] = mapped_column(default=True)
    last_seen_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    heartbeat_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(200))
    title: Mapped[str | None] = mapped_column(String(100))
    wanted_direction: Mapped[str | None] = mapped_column(String(10))
    address: Mapped[bytes | None]
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    computer: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    removed_at: Mapped[datetime | None]
    # Four shares of the picture, x1, y1, x2, y2; NULL: all of it.
    roi: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    # A JPEG that an administrator asked for; the daemon takes it away again.
    snapshot: Mapped[bytes | None] = mapped_column(deferred=True)
    snapshot_at: Mapped[datetime | None]
    snapshot_wanted_at: Mapped[datetime | None]


class LivenessChallenge(Base):
    """What a person was asked to do before the camera, how far that is, and how it ended.  It names nobody.

    `steps`: in order · `done`: each {"step", "seconds", "amount"} · `hint`: what would help, a `Hint` ·
    `why`: "rule" of the door or "doubt" about liveness · `ended`: NULL while it goes on.
    """

    __tablename__ = "liveness_challenges"
    __table_args__ = (
        CheckConstraint("why IN ('rule', 'doubt')", name="why"),
        Index(None, "camera", "asked_at"),
        Index(None, "passage_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    camera: Mapped[str] = mapped_column(String(100))
    asked_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    steps: Mapped[list[str]] = mapped_column(JSON)
    why: Mapped[str] = mapped_column(String(10))
    done: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default="[]")
    hint: Mapped[str | None] = mapped_column(String(12))
    declined: Mapped[bool] = mapped_column(default=False, server_default=false())
    ended: Mapped[str | None] = mapped_column(String(12))
    passage_id: Mapped[str | None] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"))
