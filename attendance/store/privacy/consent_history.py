"""The history of consents: rows that are added and never changed, and what follows from them for a person.

In: a session, a person's row, purposes, words.  Out: rows of `ConsentRow`; the columns of the person.
Does not know: templates and keys (`consent.py` erases them).
Main choice: the person's row says what holds now, because the transaction of a check-in reads and locks it; the history
says what was said, when, how and to which words.  Both are written here, in one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.people.consent import Channel, Purpose, version_of
from attendance.store.tables.people import ConsentRow as ConsentRow  # for the pages, which import no tables
from attendance.store.tables.people import Person

_COLUMNS = {
    Purpose.ACCESS: "access_consent_at",
    Purpose.ATTENDANCE: "attendance_consent_at",
    Purpose.GROWTH: "growth_consent_at",
}


def note_given(
    session: Session,
    person: Person,
    purposes: Collection[Purpose],
    words: str,
    *,
    at: datetime,
    language: str = "",
    channel: Channel = Channel.COMMAND,
    by: str = "",
) -> None:
    """Add a row for each purpose, and let it hold from `at` on."""
    for purpose in sorted(purposes):
        setattr(person, _COLUMNS[purpose], at)
        session.add(
            ConsentRow(
                person_id=person.id, purpose=purpose.value, act="given", at=at, version=version_of(words),
                words=words, language=language, channel=channel.value, noted_by=by,
            )
        )  # fmt: skip
    person.updated_at = max(person.updated_at, at)
    session.flush()


def note_withdrawn(
    session: Session, person: Person, purposes: Collection[Purpose], *, at: datetime, channel: Channel, by: str
) -> None:
    """Add a row for each of these purposes that holds, and end it; by retention nothing is withdrawn, it ends."""
    act = "ended" if channel is Channel.RETENTION else "withdrawn"
    before = {row.purpose: row for row in history(session, person.id) if row.act == "given"}
    for purpose in sorted(person.agreed_to & frozenset(purposes)):
        setattr(person, _COLUMNS[purpose], None)
        given = before.get(purpose.value)
        session.add(
            ConsentRow(
                person_id=person.id, purpose=purpose.value, act=act, at=at, words="",
                version=given.version if given else "", language=given.language if given else "",
                channel=channel.value, noted_by=by,
            )
        )  # fmt: skip
    person.updated_at = max(person.updated_at, at)
    session.flush()


def history(session: Session, person_id: int) -> Sequence[ConsentRow]:
    """Return what a person agreed to and withdrew, oldest first."""
    query = select(ConsentRow).where(ConsentRow.person_id == person_id).order_by(ConsentRow.at, ConsentRow.id)
    return session.scalars(query).all()


def in_force(session: Session, person_id: int) -> dict[Purpose, ConsentRow]:
    """Return for each purpose that holds the row by which it was given last."""
    person = session.get(Person, person_id)
    found: dict[Purpose, ConsentRow] = {}
    for row in history(session, person_id):
        if row.act == "given" and person is not None and Purpose(row.purpose) in person.agreed_to:
            found[Purpose(row.purpose)] = row
    return found
