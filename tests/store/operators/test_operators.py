"""Operators: the first by a one-time token, all of them by a password that is only kept hashed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from attendance.errors import UserError
from attendance.store.operators import operators
from attendance.store.people import people
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from attendance.store.tables.operators import Operator, SetupToken
from tests.factories import NOON

GOOD = "a long enough password"
# Of nothing: most tests sign nobody in.
HASH = SecretHash("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA")


def hashed(password: str = GOOD) -> SecretHash:
    return operators.hashed_password(password)


def test_a_token_makes_the_first_administrator_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        token = operators.issue_token(session, at=NOON)
    with sessions.begin() as session:
        assert operators.token_is_valid(session, token, at=NOON)
        made = operators.create_with_token(session, token, " Admin ", HASH, at=NOON)
        assert (made.username, made.role, made.active) == ("admin", "admin", True)
    with pytest.raises(UserError, match=r"python manage\.py init"), sessions.begin() as session:
        operators.create_with_token(session, token, "second", HASH, at=NOON)
    with sessions() as session:
        assert operators.count_operators(session) == 1


def test_a_token_is_refused_when_wrong_too_old_or_replaced(sessions: Sessions) -> None:
    with sessions.begin() as session:
        replaced = operators.issue_token(session, at=NOON)
        token = operators.issue_token(session, at=NOON)
    later = NOON + timedelta(hours=25)
    for text, at in (("wrong", NOON), (replaced, NOON), (token, later)):
        with pytest.raises(UserError), sessions.begin() as session:
            operators.create_with_token(session, text, "admin", HASH, at=at)
    with sessions() as session:
        assert operators.count_operators(session) == 0
        assert operators.token_is_valid(session, token, at=NOON)


def test_a_short_password_is_refused_before_anything_is_written() -> None:
    with pytest.raises(UserError, match="at least 12"):
        hashed("short")


def test_neither_token_nor_password_stands_in_the_database(sessions: Sessions) -> None:
    with sessions.begin() as session:
        token = operators.issue_token(session, at=NOON)
        operators.create_with_token(session, token, "admin", HASH, at=NOON)
    with sessions() as session:
        assert session.scalars(select(SetupToken.token_hash)).one() != token
        assert session.scalars(select(Operator.password_hash)).one().startswith("$argon2id$")


def test_only_the_right_password_of_an_active_operator_signs_in(sessions: Sessions) -> None:
    good = hashed()
    with sessions.begin() as session:
        operators.create_operator(session, "admin", good, role="admin", at=NOON)
        viewer = operators.create_operator(session, "viewer", good, role="viewer", at=NOON)
    signed_in = operators.authenticate(sessions, "VIEWER", GOOD)
    assert signed_in is not None
    assert signed_in.last_login_at is None  # a second factor may be missing
    assert operators.authenticate(sessions, "viewer", GOOD + "x") is None
    assert operators.authenticate(sessions, "nobody", GOOD) is None
    with sessions.begin() as session:
        operators.set_operator_active(session, viewer.id, False)
    assert operators.authenticate(sessions, "viewer", GOOD) is None


def test_a_changed_password_replaces_the_old_one(sessions: Sessions) -> None:
    good, other = hashed(), hashed("another long password")
    with sessions.begin() as session:
        admin = operators.create_operator(session, "admin", good, role="admin", at=NOON)
        operators.set_password(session, admin.id, other)
    assert operators.authenticate(sessions, "admin", GOOD) is None
    assert operators.authenticate(sessions, "admin", "another long password") is not None


def test_a_user_name_is_unique_in_any_case_of_letters(sessions: Sessions) -> None:
    with sessions.begin() as session:
        operators.create_operator(session, "admin", HASH, role="admin", at=NOON)
    for name in ("ADMIN", " "):
        with pytest.raises(UserError), sessions.begin() as session:
            operators.create_operator(session, name, HASH, role="viewer", at=NOON)


def test_the_last_administrator_cannot_be_locked_out(sessions: Sessions) -> None:
    with sessions.begin() as session:
        admin = operators.create_operator(session, "admin", HASH, role="admin", at=NOON).id
    with pytest.raises(UserError, match="last active administrator"), sessions.begin() as session:
        operators.set_operator_active(session, admin, False)
    with sessions() as session:
        assert operators.get_operator(session, admin).active


def test_a_supervisor_has_teams_and_nobody_else_has(sessions: Sessions) -> None:
    with sessions.begin() as session:
        operators.create_operator(session, "admin", HASH, role="admin", at=NOON)
        sue = operators.create_operator(
            session, "sue", HASH, role="supervisor", at=NOON, departments=[" Lab ", "Shop", ""]
        )
        assert operators.departments_of(session, sue.id) == {"Lab", "Shop"}
        assert operators.all_departments(session) == {sue.id: ["Lab", "Shop"]}
        operators.set_role(session, sue.id, "supervisor", departments=["Shop"])
        assert operators.departments_of(session, sue.id) == {"Shop"}
        operators.set_role(session, sue.id, "viewer", departments=["Shop"])
        assert operators.departments_of(session, sue.id) == frozenset()


def test_a_supervisor_needs_a_team_and_the_site_an_administrator(sessions: Sessions) -> None:
    with sessions.begin() as session:
        admin = operators.create_operator(session, "admin", HASH, role="admin", at=NOON).id
    with sessions.begin() as session, pytest.raises(UserError, match="choose one or more"):
        operators.set_role(session, admin, "supervisor", departments=["", " "])
    with pytest.raises(UserError, match="last active administrator"), sessions.begin() as session:
        operators.set_role(session, admin, "supervisor", departments=["Lab"])
    with sessions() as session:
        assert operators.get_operator(session, admin).role == "admin"
        assert operators.departments_of(session, admin) == frozenset()


def test_an_operator_outlives_the_person_it_is(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna Berg", at=NOON).id
        ada = operators.create_operator(session, "ada", HASH, role="admin", at=NOON, person_id=anna).id
        with pytest.raises(UserError, match="no person 99"):
            operators.set_role(session, ada, "admin", person_id=99)
        people.delete_person(session, anna, at=NOON)
    with sessions() as session:
        assert operators.get_operator(session, ada).person_id is None
