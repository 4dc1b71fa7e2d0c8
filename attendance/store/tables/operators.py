"""The tables of operators: who may sign in, a supervisor's departments, the first one-time token.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: how a password is hashed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class Operator(Base):
    """An account of the admin site.  `person_id`: which of the people that is, if known.

    A supervisor has `OperatorDepartment` rows and sees nothing else.
    """

    __tablename__ = "operators"
    __table_args__ = (
        CheckConstraint(
            "role IN ('owner', 'admin', 'enroller', 'hr', 'supervisor', 'security_officer', 'privacy_officer', "
            "'auditor', 'viewer')",
            name="role",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    # Where a supervisor's weekly e-mail goes; NULL: nowhere.
    email: Mapped[str | None] = mapped_column(String(200))


class OperatorDepartment(Base):
    """A department (`people.department`) that a supervisor looks after."""

    __tablename__ = "operator_teams"

    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True)
    department: Mapped[str] = mapped_column(String(200), primary_key=True)


class SignIn(Base):
    """One browser in which an operator or an employee is signed in; only the SHA-256 of its token is kept.

    `…_mark`: the monotonic clock at that time.  `proven_at`: when its holder last proved who they are.
    """

    __tablename__ = "sign_ins"
    __table_args__ = (
        CheckConstraint("way IN ('password', 'pin', 'link')", name="way"),
        CheckConstraint("(operator_id IS NULL) <> (person_id IS NULL)", name="whose"),
        Index(None, "operator_id"),
        Index(None, "person_id"),
    )

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    way: Mapped[str] = mapped_column(String(10))
    begun_at: Mapped[datetime]
    begun_mark: Mapped[str] = mapped_column(String(100))
    seen_at: Mapped[datetime]
    seen_mark: Mapped[str] = mapped_column(String(100))
    proven_at: Mapped[datetime]
    proven_mark: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(45))
    browser: Mapped[str] = mapped_column(String(100))


class SetupToken(Base):
    """A one-time token that makes the first operator; only its SHA-256 is kept."""

    __tablename__ = "setup_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
