"""Erasures: what was asked for, what is done of it; and what a person's rows are.

In: a session, random ids.  Out: `Erasure` rows; counts; ids that are still there although they were erased.
Does not know: the ledger's file, receipts, the disk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from attendance.store import settings
from attendance.store.tables.base import Base
from attendance.store.tables.people import (
    CameraEnrolment,
    GrownTemplate,
    KeyMaterial,
    LookAlike,
    Person,
    PersonKey,
    Template,
    random_id,
)
from attendance.store.tables.privacy import Erasure as Erasure  # for the service, which names it

# How far the ledger was applied to this database: its length and the hash of its last line.
LEDGER = "erasure_ledger"
_AT_ONCE = 500


def add_erasure(session: Session, kind: str, subject: str, removed: Mapping[str, int], at: datetime) -> Erasure:
    """Add a pending erasure."""
    row = Erasure(id=random_id(), kind=kind, subject=subject, at=at, removed=dict(removed), steps={}, done_at=None)
    session.add(row)
    session.flush()
    return row


def pending(session: Session) -> Sequence[Erasure]:
    """Return the erasures that are not done everywhere, oldest first."""
    return session.scalars(select(Erasure).where(Erasure.done_at.is_(None)).order_by(Erasure.at, Erasure.id)).all()


def recent(session: Session, limit: int = 100) -> Sequence[Erasure]:
    """Return the newest erasures."""
    return session.scalars(select(Erasure).order_by(Erasure.at.desc(), Erasure.id).limit(limit)).all()


def erasure(session: Session, erasure_id: str) -> Erasure | None:
    return session.get(Erasure, erasure_id)


def uid_of(session: Session, person_id: int) -> str | None:
    """Return the random id of a person; None if there is no such person."""
    return session.scalar(select(Person.uid).where(Person.id == person_id))


def names_of(session: Session, uids: Collection[str]) -> dict[str, tuple[int, str]]:
    """Return number and name of the people with these random ids; whoever was erased is missing."""
    query = select(Person.uid, Person.id, Person.name).where(Person.uid.in_(list(uids)[:_AT_ONCE]))
    return {uid: (number, name) for uid, number, name in session.execute(query)}


def row_counts(session: Session, person_id: int) -> dict[str, int]:
    """Return how many rows of each table an erasure removes; "passages" lose their person and stay."""
    found = {"people": 1}
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name == "people":
                query = select(func.count()).select_from(table).where(key.parent == person_id)
                found[table.name] = found.get(table.name, 0) + (session.scalar(query) or 0)
    found["key_material"] = found["person_keys"]
    return {name: number for name, number in sorted(found.items()) if number}


def template_counts(session: Session, person_id: int) -> dict[str, int]:
    """Return how many rows of each table a withdrawal of consent removes."""
    alike = (LookAlike.person_id == person_id) | (LookAlike.other_id == person_id)
    counts = {
        "templates": select(func.count()).select_from(Template).where(Template.person_id == person_id),
        "grown_templates": select(func.count()).select_from(GrownTemplate).where(GrownTemplate.person_id == person_id),
        "key_material": select(func.count()).select_from(PersonKey).where(PersonKey.person_id == person_id),
        "look_alikes": select(func.count()).select_from(LookAlike).where(alike),
        "camera_enrolments": select(func.count())
        .select_from(CameraEnrolment)
        .where(CameraEnrolment.person_id == person_id),
    }
    return {name: number for name, query in counts.items() if (number := session.scalar(query) or 0)}


def still_there(session: Session, people: Collection[str], keys: Collection[str]) -> tuple[list[int], list[str]]:
    """Return numbers of people and ids of keys that are in the database although they were erased."""
    numbers: list[int] = []
    found: set[str] = set()
    wanted = sorted(people)
    for start in range(0, len(wanted), _AT_ONCE):
        numbers += session.scalars(select(Person.id).where(Person.uid.in_(wanted[start : start + _AT_ONCE])))
    wanted = sorted(keys)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found |= set(session.scalars(select(PersonKey.uid).where(PersonKey.uid.in_(some))))
        found |= set(session.scalars(select(KeyMaterial.uid).where(KeyMaterial.uid.in_(some))))
    return numbers, sorted(found)


def highest_number(session: Session) -> int:
    """Return the highest number that any person ever had here."""
    highest = session.scalar(select(func.max(Person.id))) or 0
    if session.get_bind().dialect.name == "sqlite":
        issued = session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'people'"))
    else:
        issued = session.scalar(text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM people_id_seq"))
    return max(highest, int(issued or 0))


def never_again(session: Session, number: int) -> None:
    """Give no person a number up to this one any more."""
    if session.get_bind().dialect.name == "sqlite":
        done: Any = session.execute(
            text("UPDATE sqlite_sequence SET seq = max(seq, :number) WHERE name = 'people'"), {"number": number}
        )
        if not done.rowcount:
            session.execute(text("INSERT INTO sqlite_sequence VALUES ('people', :number)"), {"number": number})
    elif number:
        session.execute(
            text("SELECT setval('people_id_seq', greatest(:number, (SELECT last_value FROM people_id_seq)))"),
            {"number": number},
        )


def applied(session: Session) -> tuple[int, str] | None:
    """Return how far the ledger was applied; None if never."""
    found = settings.get(session, LEDGER)
    return None if found is None else (int(found["entries"]), str(found["hash"]))


def put_applied(session: Session, entries: int, last_hash: str, at: datetime) -> None:
    """Note how far the ledger is applied."""
    settings.put(session, LEDGER, {"entries": entries, "hash": last_hash}, at)
