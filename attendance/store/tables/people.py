"""The tables of people: who they are, consents, templates and keys, look-alikes, PINs, badges, links.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: what encrypted bytes hold, how a secret is hashed.
Main choice: every secret is kept as a hash only.  Trade-off: a badge can be shown once, when it is made.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from attendance.domain.people.consent import Purpose
from attendance.store.tables.base import Base


def random_id() -> str:
    """Return a random id, which says nothing: for records that outlive what they are about."""
    return str(uuid.uuid4())


class Person(Base):
    """A person who may be recognised.  `…_consent_at`: since when the person agrees to that purpose; null: does not.

    The words, and what was said before, are rows of `ConsentRow`.

    `uid`: the random id by which the audit, the ledger of erasures and receipts name the person.
    `ends_at`: the midnight after the last day of employment, from which on nothing is granted any more.
    """

    __tablename__ = "people"
    # The ids of erased people are never given to somebody else: a gallery in memory may still hold one.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True, default=random_id)
    staff_number: Mapped[str | None] = mapped_column("external_id", String(100), unique=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    department: Mapped[str] = mapped_column(String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)
    notes: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    access_consent_at: Mapped[datetime | None]
    attendance_consent_at: Mapped[datetime | None]
    # To templates that grow; it holds only beside one of the two above.
    growth_consent_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    # Somebody's guest: passes by visits only, and has no working time, roster or leave.
    visitor: Mapped[bool] = mapped_column(default=False, server_default=false())

    @property
    def agreed(self) -> frozenset[Purpose]:
        """Return the purposes for which the person's face may be compared."""
        given = {Purpose.ACCESS: self.access_consent_at, Purpose.ATTENDANCE: self.attendance_consent_at}
        return frozenset(purpose for purpose, at in given.items() if at is not None)

    @property
    def agreed_to(self) -> frozenset[Purpose]:
        """Return every purpose that the person agreed to, also the one beside recognition."""
        return self.agreed if self.growth_consent_at is None else self.agreed | {Purpose.GROWTH}

    @property
    def consent_at(self) -> datetime | None:
        """Return since when templates may be kept for any purpose; None: they may not."""
        return min(filter(None, (self.access_consent_at, self.attendance_consent_at)), default=None)


class ConsentRow(Base):
    """A consent that was given or withdrawn, or ended with the employment; rows are added and never changed.

    `version`: of the words, by `version_of` · `language`: of the words, "" if nobody noted it · `noted_by`: the
    operator or program · an end has the version that it ends, and no words.
    """

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("purpose IN ('access', 'attendance', 'growth')", name="purpose"),
        CheckConstraint("act IN ('given', 'withdrawn', 'ended')", name="act"),
        CheckConstraint(
            "channel IN ('paper', 'page', 'email', 'self', 'file', 'command', 'retention', 'before')", name="channel"
        ),
        Index(None, "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(12))
    act: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    version: Mapped[str] = mapped_column(String(12))
    words: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(10))
    noted_by: Mapped[str] = mapped_column(String(100))


class EmploymentRow(Base):
    """A time of employment, by its first and last day; null: open.  Who has none was always employed."""

    __tablename__ = "employments"
    __table_args__ = (Index(None, "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    first: Mapped[date | None] = mapped_column(Date)
    last: Mapped[date | None] = mapped_column(Date)


class Template(Base):
    """One enrolled face.  `vector` is sealed with the person's data key; the photo itself is not kept."""

    __tablename__ = "templates"
    __table_args__ = (
        UniqueConstraint("person_id", "model_id", "photo_sha256"),
        CheckConstraint("source IN ('upload', 'browser', 'import', 'camera')", name="source"),
        Index(None, "model_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    model_id: Mapped[str] = mapped_column(String(100))
    vector: Mapped[bytes]
    source: Mapped[str] = mapped_column(String(20))
    quality: Mapped[dict[str, Any]]
    photo_sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]


class GrownTemplate(Base):
    """A look of a confirmed passage that became a template.  `vector` is sealed as that of an enrolled photo.

    A table apart from `Template`: whatever counts photos that an operator confirmed does not meet these.
    `used_since`: NULL while it waits, until `usable_at` at least · `passage_id`: no foreign key, as retention deletes
    passages.
    """

    __tablename__ = "grown_templates"
    __table_args__ = (Index(None, "person_id"), Index(None, "model_id"), Index(None, "usable_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True, default=random_id)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    model_id: Mapped[str] = mapped_column(String(100))
    vector: Mapped[bytes]
    quality: Mapped[dict[str, Any]]
    camera: Mapped[str] = mapped_column(String(100))
    passage_id: Mapped[str] = mapped_column(String(36))
    grown_at: Mapped[datetime]
    usable_at: Mapped[datetime]
    used_since: Mapped[datetime | None]


class PinProof(Base):
    """A request that was proven by the person's own PIN, and not by the one for duress; it lives for minutes."""

    __tablename__ = "pin_proofs"
    __table_args__ = (Index(None, "person_id"), Index(None, "at"))

    passage_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    at: Mapped[datetime]


class CameraEnrolment(Base):
    """A wish that a camera's daemon takes photos of a person, and how far it is.  `hint`: a `Reason`, or "".

    Rows live for some minutes: photos that nobody confirmed are deleted with them.
    """

    __tablename__ = "camera_enrolments"
    __table_args__ = (
        CheckConstraint("stage IN ('asked', 'taking', 'taken', 'nobody')", name="stage"),
        Index(None, "person_id"),
        Index(None, "camera"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    camera: Mapped[str] = mapped_column(String(100))
    stage: Mapped[str] = mapped_column(String(10))
    hint: Mapped[str] = mapped_column(String(40), default="")
    taken: Mapped[int] = mapped_column(default=0)
    asked_by: Mapped[str] = mapped_column(String(100))
    asked_at: Mapped[datetime]


class CameraEnrolmentPhoto(Base):
    """A photo that waits for an operator's decision, a JPEG sealed with the site's key."""

    __tablename__ = "camera_enrolment_photos"
    __table_args__ = (Index(None, "enrolment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    enrolment_id: Mapped[int] = mapped_column(ForeignKey("camera_enrolments.id", ondelete="CASCADE"))
    sealed: Mapped[bytes]


class PersonKey(Base):
    """Which data key is a person's; `uid`: the row of `KeyMaterial`."""

    __tablename__ = "person_keys"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True, default=random_id)


class KeyMaterial(Base):
    """A data key, wrapped by the site's master key; without this row the templates are noise.

    A table of its own without a foreign key, so that backups of the database leave it out (`backup_files.py`).
    """

    __tablename__ = "key_material"

    uid: Mapped[str] = mapped_column(String(36), primary_key=True)
    wrapped_key: Mapped[bytes]


class LookAlike(Base):
    """Two people, the lower id first, and the highest score between their templates of one model.

    `listed`: they are near enough to need a larger margin at the door; an unlisted row is kept only because
    somebody confirmed that they are two people (and not one under two names).
    """

    __tablename__ = "look_alikes"
    __table_args__ = (CheckConstraint("person_id < other_id", name="order"), Index(None, "other_id"))

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    score: Mapped[float]
    listed: Mapped[bool]
    found_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(100))


class PersonSecret(Base):
    """What a person proves with instead of the face: argon2 of the PIN, SHA-256 of the badge's random token."""

    __tablename__ = "person_secrets"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    pin_hash: Mapped[str | None] = mapped_column(Text)
    pin_set_at: Mapped[datetime | None]
    badge_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    badge_made_at: Mapped[datetime | None]


class PinFailures(Base):
    """Wrong PINs in a row for one typed number at one place, whether anybody has that number or not.

    `place`: a digest of the tablet or address; "" for all places together.
    """

    __tablename__ = "pin_failures"

    number_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[str] = mapped_column(String(64), primary_key=True)
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


class Visit(Base):
    """A visitor who may pass from `begins_at` until `ends_at` (exclusive), by the grant that was given for it.

    `host_id`: NULL once the host was erased.  `grant_id`: NULL once an operator took the access level away.
    `ended_at`: when somebody ended it earlier.
    """

    __tablename__ = "visits"
    __table_args__ = (
        CheckConstraint("ends_at > begins_at", name="span"),
        Index(None, "person_id"),
        Index(None, "host_id"),
        Index(None, "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    host_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    company: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    level_id: Mapped[int | None] = mapped_column(ForeignKey("access_levels.id", ondelete="SET NULL"))
    grant_id: Mapped[int | None] = mapped_column(ForeignKey("access_grants.id", ondelete="SET NULL"))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    invited_at: Mapped[datetime]
    invited_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))
    end_reason: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
