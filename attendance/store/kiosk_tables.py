"""The tables of the kiosk: tablets, PINs and badges of people, one-time links.

In: nothing.  Out: classes on `Base.metadata`.
Does not know: how a secret is hashed, what a tablet shows.
Main choice: everything that proves somebody is kept as a hash only; the price is that a badge can be
printed when it is made and never again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables import Base


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


class PersonSecret(Base):
    """What a person proves with instead of the face: argon2 of the PIN, SHA-256 of the badge's random token."""

    __tablename__ = "person_secrets"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    pin_hash: Mapped[str | None] = mapped_column(Text)
    pin_set_at: Mapped[datetime | None]
    badge_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    badge_made_at: Mapped[datetime | None]


class PinAttempts(Base):
    """Wrong PINs in a row for one typed number, whether anybody has that number or not."""

    __tablename__ = "pin_attempts"

    number_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class PersonLink(Base):
    """A one-time link with which a person signs in and chooses a PIN; only its SHA-256 is kept."""

    __tablename__ = "person_links"
    __table_args__ = (Index(None, "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
