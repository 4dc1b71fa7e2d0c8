"""The table of erasures.

In: nothing.  Out: a class of `Base.metadata`.
Does not know: how anything is erased; what a receipt says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class Erasure(Base):
    """One erasure, named by random ids only.  Pending until `done_at`.

    `subject`: the person's or the key's random id · `removed`: how many rows of each table went · `steps`: what was
    done since, by its place.
    """

    __tablename__ = "erasures"
    __table_args__ = (CheckConstraint("kind IN ('person', 'templates')", name="kind"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime]
    removed: Mapped[dict[str, Any]]
    steps: Mapped[dict[str, Any]]
    done_at: Mapped[datetime | None]
