"""The standing list of people who look alike, and who was confirmed to be two people.

In: a session; pairs with their scores.  Out: rows; pairs for the gallery.
Does not know: how scores are made, or from which score on a pair is listed.
Main choice: the list is replaced as a whole (or all of one person's pairs) instead of mended pair by
pair.  Trade-off: it must be replaced whenever templates or the threshold change
(`service/people/look_alikes.py` does that).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from attendance.store.settings import bump_gallery_version, lock_gallery
from attendance.store.tables.people import LookAlike, Person

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class NamedPair:
    """A listed pair of active people."""

    person_id: int
    name: str
    other_id: int
    other_name: str
    score: float
    confirmed_at: datetime | None
    confirmed_by: str | None


def pair_of(one: int, other: int) -> Pair:
    """Return the two ids, lower one first; ValueError for one person twice."""
    if one == other:
        raise ValueError(f"person {one} is not a pair")
    return (one, other) if one < other else (other, one)


def listed_pairs(session: Session, model_id: str) -> list[Pair]:
    query = select(LookAlike.person_id, LookAlike.other_id).where(LookAlike.model_id == model_id, LookAlike.listed)
    return [(one, other) for one, other in session.execute(query.order_by(LookAlike.person_id, LookAlike.other_id))]


def named_pairs(
    session: Session, model_id: str, person_id: int | None = None, limit: int = 100, offset: int = 0
) -> Sequence[NamedPair]:
    """Return the listed pairs whose two people are active, most alike first; `person_id`: only this person's."""
    one, other = aliased(Person), aliased(Person)
    query = (
        select(
            LookAlike.person_id,
            one.name,
            LookAlike.other_id,
            other.name,
            LookAlike.score,
            LookAlike.confirmed_at,
            LookAlike.confirmed_by,
        )
        .join(one, one.id == LookAlike.person_id)
        .join(other, other.id == LookAlike.other_id)
        .where(LookAlike.model_id == model_id, LookAlike.listed, one.active, other.active)
        .order_by(LookAlike.score.desc(), LookAlike.person_id, LookAlike.other_id)
    )
    if person_id is not None:
        query = query.where(or_(LookAlike.person_id == person_id, LookAlike.other_id == person_id))
    return [NamedPair(*row) for row in session.execute(query.limit(limit).offset(offset))]


def count_listed(session: Session, model_id: str) -> int:
    """Return the number of pairs on the list, deactivated people's too."""
    query = select(func.count()).select_from(LookAlike).where(LookAlike.model_id == model_id, LookAlike.listed)
    return session.scalar(query) or 0


def replace_pairs(
    session: Session, model_id: str, found: Mapping[Pair, float], *, at: datetime, person_id: int | None = None
) -> bool:
    """Make `found` the list, or only that of `person_id`; whether who is on it changed.

    The gallery's version is then bumped: daemons must hear of it.
    """
    lock_gallery(session, at)
    query = select(LookAlike).where(LookAlike.model_id == model_id)
    if person_id is not None:
        query = query.where(or_(LookAlike.person_id == person_id, LookAlike.other_id == person_id))
    rows = {
        (row.person_id, row.other_id): row for row in session.scalars(query.execution_options(populate_existing=True))
    }
    changed = {pair for pair, row in rows.items() if row.listed} != set(found)
    for pair, row in rows.items():
        if pair in found:
            row.score, row.listed = found[pair], True
        elif row.confirmed_at is None:
            session.delete(row)
        else:
            row.listed = False
    for (one, other), score in found.items():
        if (one, other) not in rows:
            session.add(
                LookAlike(person_id=one, other_id=other, model_id=model_id, score=score, listed=True, found_at=at)
            )
    session.flush()
    if changed:
        bump_gallery_version(session, at)
    return changed


def confirm_two_people(
    session: Session, model_id: str, one: int, other: int, score: float, *, at: datetime, by: str | None
) -> None:
    """Note that an operator looked: these are two people, not one under two names."""
    lock_gallery(session, at)
    first, second = pair_of(one, other)
    row = session.get(LookAlike, (first, second, model_id), populate_existing=True)
    if row is None:
        row = LookAlike(person_id=first, other_id=second, model_id=model_id, score=score, listed=False, found_at=at)
        session.add(row)
    row.confirmed_at, row.confirmed_by = at, by
    session.flush()


def is_confirmed(session: Session, model_id: str, one: int, other: int) -> bool:
    row = session.get(LookAlike, (*pair_of(one, other), model_id))
    return row is not None and row.confirmed_at is not None
