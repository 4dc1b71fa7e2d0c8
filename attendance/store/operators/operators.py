"""Who may sign in to the admin site.

In: a session, user names, passwords, one-time tokens, roles, departments.  Out: `Operator` rows, a
supervisor's departments.
Does not know: browsers, sessions of the web, rate limits, what a role may do.
Main choice: the first operator is made with a one-time token instead of a default password.
Trade-off: somebody must read the token from the terminal.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.people.names import composed, sort_key
from attendance.errors import UserError
from attendance.store import slow_hash
from attendance.store.operators import sign_ins
from attendance.store.operators.weak_passwords import is_weak
from attendance.store.people.people import get_person
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from attendance.store.tables.operators import Operator as Operator  # for the pages, which import no tables
from attendance.store.tables.operators import OperatorDepartment, SetupToken

Role = Literal[
    "owner", "admin", "enroller", "hr", "supervisor", "security_officer", "privacy_officer", "auditor",
    "integration", "viewer",
]  # fmt: skip
ROLES: tuple[Role, ...] = get_args(Role)
# Those who may manage operators: one of them is always left.
MANAGERS = ("owner", "admin")

# No space, no comma and no line break: it becomes a header of an e-mail.
_ADDRESS = re.compile(r"[^\s@,;<>\"()]+@[^\s@,;<>\"()]+")
MIN_PASSWORD = 12
_MAX_PASSWORD = 1024  # hashing an arbitrarily long one would be a way to keep the server busy


def issue_token(session: Session, *, at: datetime, valid_for: timedelta = timedelta(hours=24)) -> str:
    """Return a new one-time token in clear text, to be shown once; unused older ones stop working."""
    token = secrets.token_urlsafe(24)
    session.execute(delete(SetupToken).where(SetupToken.used_at.is_(None)))
    session.add(SetupToken(token_hash=_digest(token), created_at=at, expires_at=at + valid_for))
    session.flush()
    return token


def token_is_valid(session: Session, token: str, *, at: datetime) -> bool:
    query = select(SetupToken.id).where(
        SetupToken.token_hash == _digest(token), SetupToken.used_at.is_(None), SetupToken.expires_at > at
    )
    return session.scalar(query) is not None


def create_with_token(session: Session, token: str, username: str, password: SecretHash, *, at: datetime) -> Operator:
    """Use up the token and make an administrator.  UserError for a token that is unknown, used or too old."""
    # Compare and swap: of two requests with one token only one finds it unused.
    used: Any = session.execute(
        update(SetupToken)
        .where(SetupToken.token_hash == _digest(token), SetupToken.used_at.is_(None), SetupToken.expires_at > at)
        .values(used_at=at)
    )
    if used.rowcount != 1:
        raise UserError("this setup token is unknown, used or too old; get a new one: python manage.py init")
    return create_operator(session, username, password, role="admin", at=at)


def create_operator(
    session: Session,
    username: str,
    password: SecretHash,
    *,
    role: Role,
    at: datetime,
    departments: Collection[str] = (),
    person_id: int | None = None,
    email: str | None = None,
) -> Operator:
    """Add an operator; UserError for an empty or taken user name, a supervisor without department."""
    operator = Operator(username=_normal(username), password_hash=password, role=role, active=True, created_at=at)
    if not 1 <= len(operator.username) <= 100:
        raise UserError("a user name has 1 to 100 characters")
    session.add(operator)
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError("the user name %(username)s is taken: choose another", username=operator.username) from error
    return set_role(session, operator.id, role, departments=departments, person_id=person_id, email=email)


def set_role(
    session: Session, operator_id: int, role: Role, *, departments: Collection[str] = (), person_id: int | None = None,
    email: str | None = None,
) -> Operator:  # fmt: skip
    """Set the role, a supervisor's departments, and which of the people the operator is.

    Another role, or other departments, end every sign-in of the operator.

    `email`: where a supervisor's weekly e-mail goes; "" for nowhere, None to leave it as it is.
    UserError for a supervisor without a department, and if no administrator would be left.
    """
    operator = get_operator(session, operator_id)
    wanted = sorted({composed(name).strip() for name in departments if name.strip()}) if role == "supervisor" else []
    if role not in ROLES:
        raise UserError("a role is one of %(roles)s", roles=", ".join(ROLES))
    if role == "supervisor" and not wanted:
        raise UserError("a supervisor looks after a department: choose one or more")
    if person_id is not None:
        get_person(session, person_id)
    if email is not None:
        operator.email = _address(email)
    before, operator.role, operator.person_id = operator.role, role, person_id
    had = departments_of(session, operator_id)
    session.execute(delete(OperatorDepartment).where(OperatorDepartment.operator_id == operator_id))
    session.add_all(OperatorDepartment(operator_id=operator_id, department=name) for name in wanted)
    session.flush()
    if before in MANAGERS and role not in MANAGERS:
        _require_an_admin(session)
    if before != role or had != frozenset(wanted):
        sign_ins.end_all(session, operator_id=operator_id)
    return operator


def departments_of(session: Session, operator_id: int) -> frozenset[str]:
    """Return the departments of a supervisor; none for anybody else."""
    query = select(OperatorDepartment.department).where(OperatorDepartment.operator_id == operator_id)
    return frozenset(session.scalars(query))


def all_departments(session: Session) -> dict[int, list[str]]:
    """Return the departments of every supervisor, by the operator's id."""
    found: dict[int, list[str]] = {}
    for row in session.scalars(select(OperatorDepartment).order_by(OperatorDepartment.department)):
        found.setdefault(row.operator_id, []).append(row.department)
    return found


def authenticate(
    sessions: Sessions, username: str, password: str, lane: slow_hash.Lane = slow_hash.SITE
) -> Operator | None:
    """Return the active operator with this password, else None, after the same time either way.

    Hashes between transactions, never in one.  slow_hash.Busy if too many sign in at this moment.
    """
    with sessions() as session:
        operator = find_by_username(session, username)
    with lane.turn():
        stored = None if operator is None else operator.password_hash
        if not slow_hash.fits(stored, password[:_MAX_PASSWORD]) or operator is None or not operator.active:
            return None
        again = slow_hash.hashed(password, slow_hash.COMMANDS) if slow_hash.is_outdated(str(stored)) else None
    # Whoever was deactivated or got another password meanwhile does not get in.
    same = (Operator.id == operator.id, Operator.active, Operator.password_hash == stored)
    if again is None:
        with sessions() as session:
            return session.scalar(select(Operator).where(*same))
    with sessions.begin() as session:
        changed: Any = session.execute(update(Operator).where(*same).values(password_hash=again))
        if changed.rowcount != 1:
            return None
        return session.get(Operator, operator.id, populate_existing=True)


def note_login(session: Session, operator_id: int, *, at: datetime) -> None:
    """Note that an operator signed in, with everything that this takes."""
    session.execute(update(Operator).where(Operator.id == operator_id).values(last_login_at=at))


def hashed_password(
    password: str, lane: slow_hash.Lane = slow_hash.COMMANDS, names: Collection[str] = ()
) -> SecretHash:
    """Return the hash of a password that may be chosen; call it outside any transaction.

    `names`: the user name and others that it must not consist of.  UserError for one that is short or easily guessed.
    """
    check_password(password, names)
    return slow_hash.hashed(password, lane)


def check_password(password: str, names: Collection[str] = ()) -> None:
    """Raise UserError for a password that is too short, too long or easily guessed."""
    if not MIN_PASSWORD <= len(password) <= _MAX_PASSWORD:
        raise UserError("a password has at least %(least)s characters", least=MIN_PASSWORD)
    if is_weak(password, names):
        raise UserError("this password is easily guessed: use several words that do not go together")


def name_is_taken(session: Session, username: str) -> bool:
    return session.scalar(select(Operator.id).where(Operator.username == _normal(username))) is not None


def set_password(session: Session, operator_id: int, password: SecretHash) -> None:
    """Set the password and end every sign-in of the operator."""
    get_operator(session, operator_id).password_hash = password
    session.flush()
    sign_ins.end_all(session, operator_id=operator_id)


def set_operator_active(session: Session, operator_id: int, active: bool) -> None:
    """Activate or deactivate an operator, which ends every sign-in; UserError for the last active administrator."""
    operator = get_operator(session, operator_id)
    operator.active = active
    session.flush()
    _require_an_admin(session)
    if not active:
        sign_ins.end_all(session, operator_id=operator_id)


def _require_an_admin(session: Session) -> None:
    """Require one who needs nobody else to sign in: administrators of a sign-in provider have no password."""
    admins = select(func.count()).select_from(Operator).where(Operator.active, Operator.role.in_(MANAGERS))
    if not session.scalar(admins.where(Operator.password_hash != "")):
        raise UserError("this is the last active administrator with a password: make another one first")


def get_operator(session: Session, operator_id: int) -> Operator:
    operator = session.get(Operator, operator_id)
    if operator is None:
        raise UserError("there is no operator %(operator_id)s", operator_id=operator_id)
    return operator


def count_owners(session: Session) -> int:
    """Return how many active owners there are."""
    return (
        session.scalar(select(func.count()).select_from(Operator).where(Operator.active, Operator.role == "owner")) or 0
    )


def find_by_username(session: Session, username: str) -> Operator | None:
    """Return the operator of this user name, however it is written, if there is one."""
    return session.scalar(select(Operator).where(Operator.username == _normal(username)))


def list_operators(session: Session) -> Sequence[Operator]:
    return sorted(session.scalars(select(Operator)), key=lambda row: sort_key(row.username))


def count_operators(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Operator)) or 0


def _address(email: str) -> str | None:
    """Return the address, or None for an empty one; UserError if it is not a valid one."""
    email = email.strip()
    if email and (len(email) > 200 or not _ADDRESS.fullmatch(email)):
        raise UserError("%(email)s is not a valid e-mail address: write it as name@example.org", email=email[:100])
    return email or None


def _normal(username: str) -> str:
    return username.strip().casefold()


def _digest(token: str) -> str:
    # A token is 192 random bits: no slow hash is needed to keep it from being guessed.
    return hashlib.sha256(token.strip().encode()).hexdigest()
