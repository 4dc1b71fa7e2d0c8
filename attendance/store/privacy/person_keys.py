"""Data keys of people: added, found, erased.

In: a session, people's ids, wrapped keys.  Out: rows; the random ids of keys.
Does not know: what a key opens, how it is wrapped (`store/crypto.py`).
Main choice: the key itself is in a table that backups of the database leave out, under a random id.  Whoever has a
backup and the master key then still lacks the keys, which have backups of their own and for fewer days.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from attendance.store.tables.people import GrownTemplate, KeyMaterial, PersonKey, Template

_AT_ONCE = 500


def wrapped_key(session: Session, person_id: int) -> bytes | None:
    """Return the person's wrapped key; None if there is none."""
    query = select(KeyMaterial.wrapped_key).join(PersonKey, PersonKey.uid == KeyMaterial.uid)
    return session.scalar(query.where(PersonKey.person_id == person_id))


def add_key(session: Session, person_id: int, wrapped: bytes) -> str:
    """Add a key under a new random id, first the key and then whose it is; replaces what names no key any more."""
    session.execute(delete(PersonKey).where(PersonKey.person_id == person_id))
    row = PersonKey(person_id=person_id)
    session.add(row)
    session.flush()
    session.add(KeyMaterial(uid=row.uid, wrapped_key=wrapped))
    session.flush()
    return row.uid


def key_id(session: Session, person_id: int) -> str | None:
    """Return the random id of the person's key; None if there is none."""
    return session.scalar(select(PersonKey.uid).where(PersonKey.person_id == person_id))


def erase_keys(session: Session, uids: Collection[str]) -> list[int]:
    """Erase these keys and every template that they opened; return the people whose they were."""
    found: list[int] = []
    wanted = sorted(uids)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        owners = list(session.scalars(select(PersonKey.person_id).where(PersonKey.uid.in_(some))))
        session.execute(delete(KeyMaterial).where(KeyMaterial.uid.in_(some)))
        for table in (Template, GrownTemplate):
            session.execute(delete(table).where(table.person_id.in_(owners)))
        session.execute(delete(PersonKey).where(PersonKey.person_id.in_(owners)))
        found += owners
    return found


def all_keys(session: Session) -> dict[str, bytes]:
    """Return every wrapped key by its random id, for a backup of keys."""
    return dict(session.execute(select(KeyMaterial.uid, KeyMaterial.wrapped_key)).all())


def put_back(session: Session, known: Mapping[str, bytes], erased: Collection[str]) -> int:
    """Give restored people their keys; return how many people have to be enrolled again.

    `known`: wrapped keys by id, from wherever they were found; `erased`: ids that must not come back.
    """
    wanted = dict(session.execute(select(PersonKey.uid, PersonKey.person_id)).all())
    there = set(session.scalars(select(KeyMaterial.uid)))
    for uid in wanted.keys() - there:
        if uid in known and uid not in erased:
            session.add(KeyMaterial(uid=uid, wrapped_key=known[uid]))
            there.add(uid)
    session.flush()
    lost = [uid for uid in wanted if uid not in there]
    erase_keys(session, lost)
    sweep(session)
    return len(lost)


def sweep(session: Session) -> int:
    """Erase keys that nobody has, and templates without a key; return how many keys went."""
    orphans = select(KeyMaterial.uid).where(~exists().where(PersonKey.uid == KeyMaterial.uid))
    gone = list(session.scalars(orphans))
    for start in range(0, len(gone), _AT_ONCE):
        session.execute(delete(KeyMaterial).where(KeyMaterial.uid.in_(gone[start : start + _AT_ONCE])))
    for table in (Template, GrownTemplate):
        session.execute(delete(table).where(~exists().where(PersonKey.person_id == table.person_id)))
    return len(gone)
