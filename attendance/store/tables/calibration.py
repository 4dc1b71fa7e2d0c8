"""The table of thresholds in force and their history.

In: nothing.  Out: a class of `Base.metadata`.
Does not know: how a threshold is computed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Index,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class OperatingPoint(Base):
    """A threshold put in force for one model; the newest row of a model counts, older rows are its history.

    `target`: the accepted risk, the chance that a stranger passes · `covers`: up to so many people it was computed
    for (`gallery_size`: how many there were) · `fpir`, `fpir_low`, `fpir_high`: the chance and its 95 % interval ·
    `verdict`: what that is worth · `data`: what it was computed from, in words.  NULL for one that was only set.
    `scoring`: which scores the threshold is for (`domain.access.scoring`) · `centre`: sealed, what is taken off both
    sides; only the row in force has it.  `grown`: the random ids of the grown templates that it was computed with,
    only of the row in force, too; NULL: with none.
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
    scoring: Mapped[str] = mapped_column(String(60), default="best photo", server_default="best photo")
    centre: Mapped[bytes | None]
    # Read by itself only: it grows with the site, and the row in force is read every second.
    grown: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
