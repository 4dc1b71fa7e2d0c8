"""In a narrowed session nobody outside of the departments exists, whatever is asked."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import aliased

from attendance.domain.passage import Direction
from attendance.service.hours.corrections import request_correction
from attendance.store.access import events
from attendance.store.hours import corrections, rosters
from attendance.store.operators import operators
from attendance.store.operators.department_scope import narrowed
from attendance.store.people import credentials, people, pins
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from attendance.store.tables.access import Passage
from attendance.store.tables.hours import Correction
from attendance.store.tables.operators import Operator
from attendance.store.tables.people import Person
from tests.factories import NOON, make_passage

GOOD = "correct horse battery"


@pytest.fixture
def ids(sessions: Sessions) -> dict[str, int]:
    """One person in each department and one in none, each with a passage, a correction and a PIN."""
    found = {}
    with sessions.begin() as session:
        for number, department in enumerate(("Lab", "Shop", "")):
            person = people.create_person(
                session, name=f"P {department}", department=department, staff_number=str(number), at=NOON
            )
            events.record_passage(session, make_passage(person_id=person.id))
            request_correction(
                session, person_id=person.id, action="add", at=NOON, direction=Direction.IN, reason="Forgot.",
                by="ada", now=NOON, zone=ZoneInfo("UTC"),
            )  # fmt: skip
            pins.set_pin(session, person.id, SecretHash("$argon2id$"), at=NOON)
            found[department] = person.id
        events.record_passage(session, make_passage())  # of somebody erased
        operators.create_operator(session, "ada", SecretHash("$argon2id$"), role="admin", at=NOON)
    return found


def test_rows_of_others_are_not_there(sessions: Sessions, ids: dict[str, int]) -> None:
    with narrowed(sessions, ["Lab"])() as session:
        assert [one.name for one in rosters.list_staff(session, active=None)] == ["P Lab"]
        assert rosters.departments(session) == ["Lab"]
        assert session.get(Person, ids["Shop"]) is None
        assert [one.person_id for one in corrections.corrections(session)] == [ids["Lab"]]
        assert corrections.count_requested(session) == 1
        assert [one.passage.person_id for one in events.list_passages(session)] == [ids["Lab"]]
        assert credentials.secret_of(session, ids["Lab"]) is not None
        assert credentials.secret_of(session, ids["Shop"]) is None
        assert session.scalar(select(func.count()).select_from(Passage)) == 1
        assert session.scalars(select(aliased(Person).name)).all() == ["P Lab"]


def test_rows_of_others_cannot_be_changed(sessions: Sessions, ids: dict[str, int]) -> None:
    with narrowed(sessions, ["Lab"]).begin() as session:
        assert session.execute(update(Correction).values(state="approved")).rowcount == 1  # type: ignore[attr-defined]
        assert session.execute(delete(Passage)).rowcount == 1  # type: ignore[attr-defined]
    with sessions() as session:
        states = {one.person_id: one.state for one in corrections.corrections(session)}
        assert states == {ids["Lab"]: "approved", ids["Shop"]: "requested", ids[""]: "requested"}
        assert session.scalar(select(func.count()).select_from(Passage)) == 3


@pytest.mark.parametrize("departments", [[], [""], ["lab"], ["No such department"]])
def test_without_a_team_there_is_nobody(sessions: Sessions, ids: dict[str, int], departments: list[str]) -> None:
    with narrowed(sessions, departments)() as session:
        assert rosters.list_staff(session, active=None) == []
        assert corrections.corrections(session) == []


def test_several_teams_and_who_signs_in_are_seen(sessions: Sessions, ids: dict[str, int]) -> None:
    with narrowed(sessions, ["Lab", "Shop"])() as session:
        assert [one.name for one in rosters.list_staff(session)] == ["P Lab", "P Shop"]
        assert session.scalars(select(Operator.username)).all() == ["ada"]
    with sessions() as session:
        assert len(rosters.list_staff(session)) == 3  # others see everybody, as before
