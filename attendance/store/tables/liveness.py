"""What was found about the liveness of faces, what people were asked to do before a camera, and drills.

In: nothing.  Out: the tables.
Does not know: how a cue or a movement is judged.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


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
