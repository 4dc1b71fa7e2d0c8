"""A department's name, with the people and supervisors who have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.operators import operators
from attendance.store.people import departments, people
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from tests.factories import NOON

PASSWORD = "a long enough password"


@pytest.fixture
def site(sessions: Sessions) -> Iterator[Session]:
    """Anna, Bo (inactive) in Sales, Cleo in the Lab; sue looks after Sales, tom after both."""
    with sessions.begin() as session:
        fill(session)
        yield session


def fill(session: Session) -> None:
    for name, department in (("Anna", "Sales"), ("Bo", "Sales"), ("Cleo", "Lab"), ("Dan", "")):
        person = people.create_person(session, name=name, department=department, at=NOON)
        person.active = name != "Bo"
    for name, looks_after in (("sue", ["Sales"]), ("tom", ["Sales", "Lab"])):
        operators.create_operator(
            session, name, SecretHash("$argon2id$"), role="supervisor", departments=looks_after, at=NOON
        )


def listed(session: Session) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(one.name, one.people, one.supervisors) for one in departments.list_departments(session)]


def test_a_renamed_department_keeps_people_and_supervisors(site: Session) -> None:
    assert departments.rename(site, "Sales", "  Customer   care ", at=NOON) == 2

    assert listed(site) == [("Customer care", 2, ("sue", "tom")), ("Lab", 1, ("tom",))]
    assert {one.department for one in people.search_people(site)} == {"Customer care", "Lab", ""}


def test_two_departments_are_joined_only_if_that_is_meant(site: Session) -> None:
    with pytest.raises(UserError, match="there is a department Lab already: choose another name, or join the two"):
        departments.rename(site, "Sales", "Lab", at=NOON)
    assert listed(site) == [("Lab", 1, ("tom",)), ("Sales", 2, ("sue", "tom"))]

    departments.rename(site, "Sales", "Lab", at=NOON, join=True)

    assert listed(site) == [("Lab", 3, ("sue", "tom"))]


def test_the_supervisors_of_a_department_that_was_renamed_by_hand_are_moved_on(site: Session) -> None:
    for person in people.search_people(site, "Sales"):
        people.update_person(site, person.id, at=NOON, department="Care")
    assert ("Sales", 0, ("sue", "tom")) in listed(site)

    assert departments.rename(site, "Sales", "Care", at=NOON, join=True) == 0

    assert ("Care", 2, ("sue", "tom")) in listed(site)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("Sales", " ", "a department needs a name"),
        ("Sales", "x" * 201, "longer than 200 characters"),
        ("Salse", "Care", "there is no department Salse"),
        ("", "Care", "there is no department"),  # people without a department are none
        ("Sales", "Sales", "is called Sales already"),
    ],
)
def test_a_name_that_will_not_do_says_why(site: Session, before: str, after: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        departments.rename(site, before, after, at=NOON)
