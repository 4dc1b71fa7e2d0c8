"""What all tables share: the declarative base, the type of a time, and the one table of small shared values.

In: nothing.  Out: `Base`, `UtcDateTime`, `Setting`.
Does not know: which database runs them, what encrypted bytes hold, what a decision means.
Main choice: portable column types and plain text where another schema would use enums, so that
SQLite and PostgreSQL share one migration.  Trade-off: the allowed words are in CHECK constraints here and
as types in the domain.

Every time is aware UTC.  Scores are raw cosines.  Ids of events are UUIDv7 text, made where the
event happens, so that ordering by id is ordering by time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
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

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return how a stored value is read: SQLite's text at once, for reports read it 100,000 times."""
        return _read_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        # SQLite keeps no zone; what was written there is UTC by the method above.
        return value.replace(tzinfo=UTC) if value.utcoffset() is None else value.astimezone(UTC)


def _read_text(value: str | None) -> datetime | None:
    # Read with its zone at once: setting it afterwards takes as long again.
    return None if value is None else datetime.fromisoformat(value + "+00:00")


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


class Setting(Base):
    """A value that programs share through the database, such as `gallery_version`."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON, nullable=False)
    updated_at: Mapped[datetime]
