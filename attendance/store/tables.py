"""The tables, as SQLAlchemy 2 declarative classes.

In: nothing.  Out: `Base.metadata` and one class a table.
Does not know: which database runs them, what encrypted bytes hold, what a decision means.
Main choice: portable column types and plain text where another schema would use enums, so that
SQLite and PostgreSQL share one migration; the price is that the allowed words stand in CHECK
constraints here and as types in the domain.

Every time is aware UTC.  Scores are raw cosines.  Ids of events are UUIDv7 text, made where the
event happens, so that ordering by id is ordering by time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored as UTC; a naive one is refused (SQLAlchemy wraps the ValueError in StatementError)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"a naive time does not go into the database: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        # SQLite keeps no zone; what was written there is UTC by the method above.
        return value.replace(tzinfo=UTC) if value.utcoffset() is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, dict[str, Any]: JSON, bytes: LargeBinary}


class Person(Base):
    """Somebody who may be recognised.  `consent_*`: when and to which words the person agreed."""

    __tablename__ = "people"
    # The ids of erased people are never given to somebody else: a gallery in memory may still hold one.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    department: Mapped[str] = mapped_column(String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)
    notes: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    consent_at: Mapped[datetime | None]
    consent_text: Mapped[str | None] = mapped_column(Text)


class Template(Base):
    """One enrolled face.  `vector` is sealed with the person's data key; the photo itself is not kept."""

    __tablename__ = "templates"
    __table_args__ = (
        UniqueConstraint("person_id", "model_id", "photo_sha256"),
        CheckConstraint("source IN ('upload', 'browser', 'import')", name="source"),
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


class PersonKey(Base):
    """A person's data key, wrapped by the site's master key; without this row the templates are noise."""

    __tablename__ = "person_keys"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
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


class Camera(Base):
    """A camera and the daemon that holds it: `owner` with a recent `heartbeat_at` keeps others away.

    `name` is the daemon's, from its settings, and stands in passages; `title` is what pages show instead.
    `direction` is in force; `wanted_direction`, given on a page, goes before the daemon's settings.
    `active`: whether the daemon may recognise anybody.  `roi`: where in the picture faces are looked for.
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
    # Four shares of the picture, x1, y1, x2, y2; NULL: all of it.
    roi: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    # A JPEG that an administrator asked for; the daemon takes it away again.
    snapshot: Mapped[bytes | None] = mapped_column(deferred=True)
    snapshot_at: Mapped[datetime | None]
    snapshot_wanted_at: Mapped[datetime | None]


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


class DoorEvent(Base):
    """What a door did, or failed to do, after a passage was committed."""

    __tablename__ = "door_events"
    __table_args__ = (
        CheckConstraint("action IN ('unlock', 'lock')", name="action"),
        CheckConstraint("outcome IN ('done', 'failed')", name="outcome"),
        Index(None, "passage_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    passage_id: Mapped[str | None] = mapped_column(ForeignKey("passages.id", ondelete="SET NULL"))
    at: Mapped[datetime]
    door: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(10))
    outcome: Mapped[str] = mapped_column(String(10))
    detail: Mapped[str] = mapped_column(Text, default="")


class Operator(Base):
    """Somebody who signs in to the admin site.  `person_id`: who that is among the people, if anybody.

    A supervisor has `OperatorTeam` rows and sees nothing else.
    """

    __tablename__ = "operators"
    __table_args__ = (CheckConstraint("role IN ('admin', 'supervisor', 'viewer')", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))


class OperatorTeam(Base):
    """A team (`people.department`) that a supervisor looks after."""

    __tablename__ = "operator_teams"

    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True)
    department: Mapped[str] = mapped_column(String(200), primary_key=True)


class SetupToken(Base):
    """A one-time token that makes the first operator; only its SHA-256 is kept."""

    __tablename__ = "setup_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class OperatingPoint(Base):
    """A threshold put in force for one model; the newest row of a model counts, older rows are its history.

    `target`: the accepted risk, the chance that a stranger passes · `covers`: up to so many people it was computed
    for (`gallery_size`: how many there were) · `fpir`, `fpir_low`, `fpir_high`: the chance and its 95 % interval ·
    `verdict`: what that is worth · `data`: what it was computed from, in words.  NULL for one that was only set.
    """

    __tablename__ = "operating_points"
    __table_args__ = (
        CheckConstraint("source IN ('card default', 'administrator', 'calibration')", name="source"),
        Index(None, "model_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(String(100))
    threshold: Mapped[float]
    margin: Mapped[float]
    source: Mapped[str] = mapped_column(String(20))
    gallery_size: Mapped[int]
    details: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(100))
    target: Mapped[float | None]
    covers: Mapped[int | None]
    fpir: Mapped[float | None]
    fpir_low: Mapped[float | None]
    fpir_high: Mapped[float | None]
    verdict: Mapped[str | None] = mapped_column(String(40))
    data: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class Setting(Base):
    """A value that programs share through the database, such as `gallery_version`."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON, nullable=False)
    updated_at: Mapped[datetime]
