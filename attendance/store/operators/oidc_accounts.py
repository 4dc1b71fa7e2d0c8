"""Operators who sign in at an OpenID Connect provider.

In: a session, who the provider says somebody is.  Out: an operator, or why there is none.
Does not know: tokens, browsers, how a claim becomes a role.
Main choice: an account belongs to issuer and subject, never to a user name, and takes over no account with a password,
since names at a provider may be chosen.  Trade-off: somebody who has both is two operators.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal, cast, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.store.operators import operators, sign_ins
from attendance.store.operators.operators import Operator, Role
from attendance.store.slow_hash import SecretHash
from attendance.store.tables.operators import OidcAccount

NotAdmitted = Literal["no role", "no department", "name taken", "inactive"]
# Of an operator without a password: it is the hash of nothing.
NO_PASSWORD = SecretHash("")


def admit(
    session: Session,
    issuer: str,
    subject: str,
    username: str,
    role: str | None,
    departments: Collection[str],
    *,
    at: datetime,
) -> Operator | NotAdmitted:
    """Return the operator of this subject, with the role of now; adds one who comes for the first time.

    Without a role, every sign-in that the operator still has ends.
    """
    operator = find(session, issuer, subject)
    if role not in get_args(Role):
        if operator is not None:
            sign_ins.end_all(session, operator_id=operator.id)
        return "no role"
    if operator is not None and not operator.active:
        return "inactive"
    known = frozenset() if operator is None else operators.departments_of(session, operator.id)
    wanted = frozenset(departments) or known
    if role == "supervisor" and not wanted:
        return "no department"
    if operator is None:
        if operators.find_by_username(session, username) is not None:
            return "name taken"
        operator = operators.create_operator(
            session, username, NO_PASSWORD, role=cast(Role, role), at=at, departments=wanted
        )
        session.add(OidcAccount(operator_id=operator.id, issuer=issuer, subject=subject))
    elif operator.role != role or (role == "supervisor" and wanted != known):
        operators.set_role(
            session, operator.id, cast(Role, role), departments=wanted, person_id=operator.person_id
        )  # fmt: skip
    operator.last_login_at = at
    session.flush()
    return operator


def find(session: Session, issuer: str, subject: str) -> Operator | None:
    """Return the operator of this subject of this issuer, if they came before."""
    query = select(Operator).join(OidcAccount, OidcAccount.operator_id == Operator.id)
    return session.scalar(query.where(OidcAccount.issuer == issuer, OidcAccount.subject == subject))


def has_account(session: Session, operator_id: int) -> bool:
    """Return whether this operator signs in at a provider."""
    return session.get(OidcAccount, operator_id) is not None
