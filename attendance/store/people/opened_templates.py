"""Templates that were opened a moment ago, so that a change of the gallery opens only what is new.

In: a session, the keys.  Out: `Opened`: all templates of active people, as one matrix.
Does not know: thresholds, how faces are compared.
Main choice: one memory for each database, which knows each row by the nonce that it was sealed with: no two seals have
the same, also not of rows that were rolled back and came again.  An erasure empties it, and it goes when nobody looked
for KEPT_S.  Trade-off: for so long the memory of the site holds readable templates, as it holds the master key anyway.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Engine, and_, func, select
from sqlalchemy.orm import Session

from attendance.domain import faces
from attendance.errors import UserError
from attendance.store.crypto import SEAL_BYTES, Damaged, DataKey, Keys
from attendance.store.tables.people import GrownTemplate, KeyMaterial, Person, PersonKey, Template

KEPT_S = 300.0
_CHUNK = 500  # rows asked for by number at once

Numbers: TypeAlias = NDArray[np.int64]
# Enrolled photos, or looks that grew.
Table: TypeAlias = type[Template] | type[GrownTemplate]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One readable template of an active person."""

    template_id: int
    person_id: int
    name: str
    template: faces.Template


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Opened:
    """Immutable.  `owners` [M], the unit rows `photos` [M,D] float32 and how each seal begins, by owner and number."""

    model_id: str
    owners: Numbers
    photos: NDArray[np.float32]
    seals: NDArray[np.bytes_]


class _Memory:
    """What was opened of one database with one master key; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Table, tuple[str, Opened]] = {}
        self._timer: threading.Timer | None = None

    def held(self, fingerprint: str, model_id: str, table: Table) -> Opened | None:
        with self._lock:
            found = self._held.get(table)
            if found is None or (found[0], found[1].model_id) != (fingerprint, model_id):
                return None
            return found[1]

    def keep(self, fingerprint: str, opened: Opened, table: Table) -> None:
        """Hold it for KEPT_S from now on."""
        with self._lock:
            self._held[table] = (fingerprint, opened)
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(KEPT_S, _forget, (weakref.ref(self),))
            self._timer.daemon = True
            self._timer.start()

    def forget(self) -> None:
        with self._lock:
            self._held = {}


def _forget(reference: weakref.ref[_Memory]) -> None:
    memory = reference()
    if memory is not None:
        memory.forget()


_MEMORIES: weakref.WeakKeyDictionary[Engine, _Memory] = weakref.WeakKeyDictionary()
_MEMORIES_LOCK = threading.Lock()


def open_everybody(session: Session, keys: Keys, model_id: str, table: Table = Template) -> Opened:
    """Return all templates of the model whose person is active; the same object while nothing changed.

    `table`: those of enrolled photos, or those that grew and are in use.

    Raises WrongMasterKey, and UserError that names the template when one is damaged: leaving it out
    silently would turn an employee away without a trace.
    """
    memory = _memory_of(session)
    before = memory.held(keys.fingerprint, model_id, table)
    template_ids, owners, seals = _rows(session, model_id, table)
    if before is not None and np.array_equal(before.seals, seals) and np.array_equal(before.owners, owners):
        memory.keep(keys.fingerprint, before, table)
        return before
    order = np.argsort(before.seals) if before is not None else np.empty(0, np.int64)
    photos = np.zeros((len(owners), 0), np.float32)
    known = np.zeros(len(owners), bool)
    if before is not None and len(order):
        places = order[np.minimum(np.searchsorted(before.seals, seals, sorter=order), len(order) - 1)]
        known = (before.seals[places] == seals) & (before.owners[places] == owners)
        photos = before.photos[places]
    opened = _with_new(session, keys, Opened(model_id, owners, photos, seals), template_ids, known, table)
    memory.keep(keys.fingerprint, opened, table)
    return opened


def forget(session: Session) -> None:
    """Forget everything of this database now, since somebody was erased."""
    _memory_of(session).forget()


def _memory_of(session: Session) -> _Memory:
    bind = session.get_bind()
    with _MEMORIES_LOCK:
        return _MEMORIES.setdefault(bind.engine, _Memory())


def open_rows(
    session: Session, keys: Keys, model_id: str, *only: ColumnElement[bool], table: Table = Template
) -> Iterator[Enrolled]:
    """Yield every template of the model whose person is active, opened, by owner and number.

    Raises as `open_everybody` does.

    `only`: further conditions on the templates.
    """
    query = (
        select(table.id, table.person_id, Person.name, table.vector, KeyMaterial.wrapped_key)
        .join(Person, Person.id == table.person_id)
        .outerjoin(PersonKey, PersonKey.person_id == table.person_id)
        .outerjoin(KeyMaterial, KeyMaterial.uid == PersonKey.uid)
        .where(and_(Person.active, table.model_id == model_id), *only)
        .order_by(table.person_id, table.id)
    )
    data_keys: dict[int, DataKey] = {}
    for template_id, person_id, name, sealed, wrapped in session.execute(query):
        try:
            if person_id not in data_keys:
                if wrapped is None:
                    raise Damaged("the person's key is missing")
                data_keys[person_id] = keys.unwrap(wrapped, person_id)
            template = data_keys[person_id].open(sealed, model_id)
        except (Damaged, ValueError) as error:
            raise UserError(
                "template %(template_id)s of %(name)s is damaged (%(error)s): delete it and enrol this person again",
                template_id=template_id,
                name=name,
                error=error,
            ) from error
        yield Enrolled(template_id, person_id, name, template)


def _rows(session: Session, model_id: str, table: Table) -> tuple[Numbers, Numbers, NDArray[np.bytes_]]:
    """Return the numbers, owners and seals' beginnings of the templates that count, by owner and number."""
    counts: list[ColumnElement[bool]] = [and_(Person.active)]
    query = select(table.id, table.person_id, func.substr(table.vector, 1, SEAL_BYTES)).where(
        table.model_id == model_id
    )
    if table is GrownTemplate:
        counts.append(Person.growth_consent_at.is_not(None))
        query = query.where(GrownTemplate.used_since.is_not(None))
    active = np.array(session.scalars(select(Person.id).where(*counts)).all(), np.int64)
    found = session.execute(query).all()
    template_ids, owners, beginnings = zip(*found, strict=True) if found else ((), (), ())
    numbers = np.array([template_ids, owners], np.int64)
    seals = np.frombuffer(b"".join(bytes(one) for one in beginnings), f"S{SEAL_BYTES}")
    counted = np.lexsort(numbers)
    counted = counted[np.isin(numbers[1, counted], active)]
    return numbers[0, counted], numbers[1, counted], seals[counted]


def _with_new(
    session: Session, keys: Keys, rows: Opened, template_ids: Numbers, known: NDArray[np.bool_], table: Table
) -> Opened:
    """Return the rows with the photos that are not `known` read and opened."""
    new = np.flatnonzero(~known)
    many = len(new) > len(known) / 2
    photos, known = rows.photos.copy(), known.copy()
    place_of = dict(zip(template_ids[new].tolist(), new.tolist(), strict=True))
    wanted = list(place_of)
    for start in range(0, len(wanted), len(wanted) if many else _CHUNK):
        only = () if many else (table.id.in_(wanted[start : start + _CHUNK]),)
        for row in open_rows(session, keys, rows.model_id, *only, table=table):
            place = place_of.get(row.template_id)  # None: of one that came after the first look
            if place is None or row.person_id != rows.owners[place]:
                continue
            if not photos.shape[1]:
                photos = np.zeros((len(photos), len(row.template.vector)), np.float32)
            photos[place], known[place] = row.template.vector, True
    # What was deleted between the two looks is left out.
    return Opened(rows.model_id, rows.owners[known], photos[known], rows.seals[known])
