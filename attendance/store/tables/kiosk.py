"""The table of tablets and screens.

In: nothing.  Out: a class of `Base.metadata`.
Does not know: how a token is hashed, what a tablet shows.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class KioskDevice(Base):
    """A tablet or screen.  Not paired yet: `code_hash`; paired: `token_hash`; `revoked_at` ends both.

    `screen_of`: the camera whose passages a screen shows; NULL for a tablet with a camera of its own.
    """

    __tablename__ = "kiosk_devices"
    __table_args__ = (CheckConstraint("direction IN ('in', 'out', 'unknown')", name="direction"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    direction: Mapped[str] = mapped_column(String(10))
    screen_of: Mapped[str | None] = mapped_column(String(100))
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    code_expires_at: Mapped[datetime | None]
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    paired_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
