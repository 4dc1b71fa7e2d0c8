"""Templates that grew from confirmed passages: added, put in use, taken back; and what proved those passages.

In: a session, sealed vectors.  Out: rows of `GrownTemplate`; proofs that live for minutes.
Does not know: which look may become a template (`domain/people/growth`), how a vector is sealed.
Main choice: rows of their own, so that nothing that counts enrolled photos counts them.  Only the gallery of the doors
adds those that are in use.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from attendance.store import settings
from attendance.store.tables.people import GrownTemplate as GrownTemplate  # for the service, which names it
from attendance.store.tables.people import Person, PinProof

_AT_ONCE = 500


def of_person(session: Session, person_id: int) -> Sequence[GrownTemplate]:
    """Return what grew of a person, of any model, oldest first."""
    query = select(GrownTemplate).where(GrownTemplate.person_id == person_id)
    return session.scalars(query.order_by(GrownTemplate.grown_at, GrownTemplate.id)).all()


def newest_at(session: Session, person_id: int) -> datetime | None:
    """Return when a look of this person became a template last; None: never, or it was taken back."""
    return session.scalar(select(func.max(GrownTemplate.grown_at)).where(GrownTemplate.person_id == person_id))


def due(session: Session, model_id: str, until: datetime) -> dict[str, int]:
    """Return the random ids, with their people, of those that may be used from before `until` on and are not in use."""
    query = select(GrownTemplate.uid, GrownTemplate.person_id).where(
        GrownTemplate.used_since.is_(None), GrownTemplate.usable_at <= until, GrownTemplate.model_id == model_id
    )
    return dict(session.execute(query.order_by(GrownTemplate.usable_at, GrownTemplate.id)).all())


def in_use(session: Session, model_id: str) -> set[str]:
    """Return the random ids of those that count at the doors now."""
    query = select(GrownTemplate.uid).join(Person, Person.id == GrownTemplate.person_id)
    counts = (GrownTemplate.used_since.is_not(None), Person.active, Person.growth_consent_at.is_not(None))
    return set(session.scalars(query.where(GrownTemplate.model_id == model_id, *counts)))


def all_of(session: Session, model_id: str) -> set[str]:
    """Return the random ids of all, whether they wait, are in use, or their person is switched off."""
    return set(session.scalars(select(GrownTemplate.uid).where(GrownTemplate.model_id == model_id)))


def all_waiting(session: Session, limit: int) -> Sequence[GrownTemplate]:
    """Return at most `limit` of those that are not in use, of any model."""
    query = select(GrownTemplate).where(GrownTemplate.used_since.is_(None)).order_by(GrownTemplate.id)
    return session.scalars(query.limit(limit)).all()


def by_uid(session: Session, uids: Collection[str]) -> Sequence[GrownTemplate]:
    """Return the rows with these random ids that are still there."""
    found: list[GrownTemplate] = []
    wanted = sorted(uids)
    for start in range(0, len(wanted), _AT_ONCE):
        some = GrownTemplate.uid.in_(wanted[start : start + _AT_ONCE])
        found += session.scalars(select(GrownTemplate).where(some).order_by(GrownTemplate.id))
    return found


def delete_rows(session: Session, rows: Collection[GrownTemplate], at: datetime) -> None:
    """Delete these rows; doors have a gallery without them within seconds."""
    for row in rows:
        session.delete(row)
    session.flush()
    if any(row.used_since is not None for row in rows):
        settings.bump_gallery_version(session, at)


def delete_all(session: Session, person_id: int, model_id: str | None = None) -> None:
    """Delete what grew of a person; the caller changes the gallery's version.  `model_id`: of this model only."""
    query = delete(GrownTemplate).where(GrownTemplate.person_id == person_id)
    session.execute(query if model_id is None else query.where(GrownTemplate.model_id == model_id))


def note_pin(session: Session, passage_id: str, person_id: int, at: datetime) -> None:
    """Note that this request was proven by the person's own PIN."""
    session.add(PinProof(passage_id=passage_id, person_id=person_id, at=at))
    session.flush()


def proven_by_pin(session: Session, person_id: int, passage_ids: Collection[str]) -> set[str]:
    """Return which of these requests were proven by the person's own PIN."""
    query = select(PinProof.passage_id).where(PinProof.person_id == person_id)
    return set(session.scalars(query.where(PinProof.passage_id.in_(list(passage_ids)))))


def forget_proofs(session: Session, before: datetime) -> int:
    """Delete proofs from before an instant; return how many."""
    gone: Any = session.execute(delete(PinProof).where(PinProof.at < before))
    return int(gone.rowcount)
