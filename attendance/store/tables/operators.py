"""The tables of operators: who may sign in and how, a supervisor's departments, the first one-time token.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: how a password is hashed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
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
            "'auditor', 'viewer', 'integration')",
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
        CheckConstraint("way IN ('password', 'pin', 'link', 'passkey', 'oidc')", name="way"),
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


class SecondFactor(Base):
    """An operator's authenticator app.  `sealed`: its secret, by the master key.

    `confirmed_at` NULL: no code was entered yet, and none is asked for.  `last_step`: of the newest code that was used.
    """

    __tablename__ = "second_factors"

    operator_id: Mapped[int] = mapped_column(
        ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    begun_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)


class Passkey(Base):
    """A passkey of an operator (Web Authentication): what proves that a browser holds its private half.

    `credential_id`: base64url; `rp_id`: the host name that it is for; `sign_count`: of its newest use, 0 for passkeys
    that do not count.
    """

    __tablename__ = "passkeys"
    __table_args__ = (Index(None, "operator_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    rp_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(60))
    added_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SpentChallenge(Base):
    """A challenge that a passkey answered: nobody answers it again.  Only its SHA-256 is kept, for a day."""

    __tablename__ = "spent_challenges"

    challenge_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    spent_at: Mapped[datetime]


class OidcAccount(Base):
    """Who an operator is at an OpenID Connect provider.  Such an operator has no password."""

    __tablename__ = "oidc_accounts"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    operator_id: Mapped[int] = mapped_column(
        ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    issuer: Mapped[str] = mapped_column(String(500))
    subject: Mapped[str] = mapped_column(String(255))


class RecoveryCode(Base):
    """A code that replaces app or passkey once; only its SHA-256 is kept, and the row goes when it is used."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index(None, "operator_id"),)

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))


class HalfSignIn(Base):
    """A browser that gave the right password and not yet the code.  `wrong`: how many codes were."""

    __tablename__ = "half_sign_ins"
    __table_args__ = (Index(None, "operator_id"),)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    begun_at: Mapped[datetime]
    begun_mark: Mapped[str] = mapped_column(String(100))
    wrong: Mapped[int] = mapped_column(default=0)
