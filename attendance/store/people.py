"""People, their templates and the gallery that is built from them.

In: a session, the keys, plain values.  Out: rows; the domain's immutable `Gallery`.
Does not know: photos, networks, who asks.
Main choice: functions that take the session first and leave the commit to the caller, so that one
unit of work is one transaction; each change of who can be recognised bumps the gallery's version in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain import faces
from attendance.domain.gallery import Gallery
from attendance.errors import UserError
from attendance.store import look_alikes, settings
from attendance.store.crypto import Damaged, DataKey, Keys, WrongMasterKey
from attendance.store.settings import gallery_version
from attendance.store.tables import Person, PersonKey, Template

__all__ = [
    "Enrolled",
    "active_person",
    "add_template",
    "count_enrolled",
    "count_people",
    "create_person",
    "delete_person",
    "delete_template",
    "enrolled_templates",
    "gallery_version",
    "get_person",
    "holds_sealed_data",
    "list_templates",
    "load_gallery",
    "require_keys_fit",
    "search_people",
    "set_active",
    "template_counts",
    "templates_of_other_models",
    "update_person",
]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One readable template of an active person."""

    template_id: int
    person_id: int
    name: str
    template: faces.Template


def create_person(
    session: Session,
    *,
    name: str,
    at: datetime,
    external_id: str | None = None,
    department: str = "",
    notes: str = "",
    consent_at: datetime | None = None,
    consent_text: str | None = None,
) -> Person:
    """A new active person, flushed (so with an id).  UserError for no name or a taken external id."""
    values = _checked(session, 0, name, external_id, department, notes)
    person = Person(**values, created_at=at, updated_at=at, consent_at=consent_at, consent_text=consent_text)
    session.add(person)
    _flush(session, values["external_id"])
    return person


def update_person(
    session: Session,
    person_id: int,
    *,
    at: datetime,
    name: str | None = None,
    external_id: str | None = None,
    department: str | None = None,
    notes: str | None = None,
) -> Person:
    """Change what is given and leave what is None; an empty `external_id` removes it."""
    person = get_person(session, person_id)
    values = _checked(
        session,
        person_id,
        person.name if name is None else name,
        person.external_id if external_id is None else external_id,
        person.department if department is None else department,
        person.notes if notes is None else notes,
    )
    for column, value in values.items():
        setattr(person, column, value)
    person.updated_at = at
    _flush(session, values["external_id"])
    return person


def set_active(session: Session, person_id: int, active: bool, *, at: datetime) -> Person:
    """Inactive people stay on record and are not recognised."""
    person = get_person(session, person_id)
    if person.active != active:
        person.active, person.updated_at = active, at
        session.flush()
        settings.bump_gallery_version(session, at)
    return person


def delete_person(session: Session, person_id: int, *, at: datetime) -> None:
    """Erase the person: row, templates and data key.  Passages stay, without the person."""
    session.delete(get_person(session, person_id))
    session.flush()
    settings.bump_gallery_version(session, at)


def get_person(session: Session, person_id: int) -> Person:
    """UserError when there is no such person (any more)."""
    person = session.get(Person, person_id)
    if person is None:
        raise UserError(f"there is no person {person_id}: it may have been erased meanwhile")
    return person


def active_person(session: Session, person_id: int) -> Person | None:
    """The person as the database says now, whatever a gallery in memory believes; None unless active."""
    query = select(Person).where(Person.id == person_id, Person.active)
    return session.scalar(query.execution_options(populate_existing=True))


def search_people(
    session: Session, text: str = "", active: bool | None = None, limit: int = 50, offset: int = 0
) -> Sequence[Person]:
    """People by name; `text` is looked for in name, external id and department, in any case of letters."""
    query = select(Person).where(*_matching(text, active)).order_by(func.lower(Person.name), Person.id)
    return session.scalars(query.limit(limit).offset(offset)).all()


def count_people(session: Session, text: str = "", active: bool | None = None) -> int:
    return session.scalar(select(func.count()).select_from(Person).where(*_matching(text, active))) or 0


def count_enrolled(session: Session, model_id: str) -> int:
    """How many active people have a template of this model, and so can be recognised."""
    query = select(func.count(Template.person_id.distinct())).join(Person, Person.id == Template.person_id)
    return session.scalar(query.where(Person.active, Template.model_id == model_id)) or 0


def add_template(
    session: Session,
    keys: Keys,
    person_id: int,
    template: faces.Template,
    source: str,
    quality: Mapping[str, Any],
    photo_sha256: str | None,
    *,
    at: datetime,
) -> Template:
    """Seal and add a template; the person's data key is made with the first one.

    `source` is "upload", "browser" or "import".  Raises UserError for an unknown person or a photo
    that the person has already, and WrongMasterKey.
    """
    get_person(session, person_id)
    sealed = _data_key(session, keys, person_id, at).seal(template)
    row = Template(
        person_id=person_id,
        model_id=template.model_id,
        vector=sealed,
        source=source,
        quality=dict(quality),
        photo_sha256=photo_sha256,
        created_at=at,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError(
            "this template cannot be added: the photo is enrolled already, or the person is gone"
        ) from error
    settings.bump_gallery_version(session, at)
    return row


def delete_template(session: Session, template_id: int, *, at: datetime) -> None:
    template = session.get(Template, template_id)
    if template is None:
        raise UserError(f"there is no template {template_id}: it may have been deleted meanwhile")
    session.delete(template)
    session.flush()
    settings.bump_gallery_version(session, at)


def list_templates(session: Session, person_id: int) -> Sequence[Template]:
    """A person's templates, of any model, oldest first; their vectors stay sealed."""
    return session.scalars(select(Template).where(Template.person_id == person_id).order_by(Template.id)).all()


def template_counts(session: Session, person_ids: Sequence[int], model_id: str) -> dict[int, int]:
    """How many templates of the model each of these people has; 0 where none."""
    query = (
        select(Template.person_id, func.count())
        .where(Template.person_id.in_(person_ids), Template.model_id == model_id)
        .group_by(Template.person_id)
    )
    return dict.fromkeys(person_ids, 0) | dict(session.execute(query).all())


def enrolled_templates(session: Session, keys: Keys, model_id: str) -> list[Enrolled]:
    """Every template of the model whose person is active, opened.

    Raises WrongMasterKey, and UserError that names the template when one is damaged: leaving it out
    silently would turn an employee away without a trace.
    """
    query = (
        select(Template.id, Template.person_id, Person.name, Template.vector, PersonKey.wrapped_key)
        .join(Person, Person.id == Template.person_id)
        .outerjoin(PersonKey, PersonKey.person_id == Template.person_id)
        .where(Person.active, Template.model_id == model_id)
        .order_by(Template.person_id, Template.id)
    )
    opened: list[Enrolled] = []
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
                f"template {template_id} of {name} is damaged ({error}): delete it and enrol this person again"
            ) from error
        opened.append(Enrolled(template_id, person_id, name, template))
    return opened


def load_gallery(session: Session, keys: Keys, model_id: str) -> Gallery:
    """The gallery of all active people for one model; raises as `enrolled_templates` does."""
    # The version first: a change that slips in between is then loaded twice, never missed.
    version = gallery_version(session)
    enrolled = enrolled_templates(session, keys, model_id)
    return Gallery(
        [one.person_id for one in enrolled],
        [one.template for one in enrolled],
        model_id,
        version,
        look_alikes.listed_pairs(session, model_id),
    )


def templates_of_other_models(session: Session, model_id: str) -> int:
    """How many templates of active people another model made: they cannot be compared with `model_id`'s."""
    query = select(func.count()).select_from(Template).join(Person, Person.id == Template.person_id)
    return session.scalar(query.where(Person.active, Template.model_id != model_id)) or 0


def require_keys_fit(session: Session, keys: Keys) -> None:
    """WrongMasterKey when the database was made with another master key; an empty one takes any."""
    known = settings.get(session, settings.MASTER_KEY_FINGERPRINT)
    if known is not None and known != keys.fingerprint:
        raise WrongMasterKey


def holds_sealed_data(session: Session) -> bool:
    """Whether anything would be lost with the master key."""
    return session.scalar(select(PersonKey.person_id).limit(1)) is not None


def _data_key(session: Session, keys: Keys, person_id: int, at: datetime) -> DataKey:
    # Write first, then read: of two enrolments of one person at once, the second waits and finds the first's key.
    require_keys_fit(session, keys)
    settings.put(session, settings.MASTER_KEY_FINGERPRINT, keys.fingerprint, at)
    row = session.get(PersonKey, person_id, populate_existing=True)
    if row is not None:
        return keys.unwrap(row.wrapped_key, person_id)
    wrapped, key = keys.make_data_key(person_id)
    session.add(PersonKey(person_id=person_id, wrapped_key=wrapped))
    return key


def _checked(
    session: Session, person_id: int, name: str, external_id: str | None, department: str, notes: str
) -> dict[str, Any]:
    """The columns as they will be stored; UserError before anything is changed."""
    values = {
        "name": " ".join(name.split()),
        "external_id": (external_id or "").strip() or None,
        "department": department.strip(),
        "notes": notes.strip(),
    }
    if not values["name"]:
        raise UserError("a person needs a name")
    for column, label, most in (
        ("name", "name", 200),
        ("external_id", "external id", 100),
        ("department", "department", 200),
    ):
        if len(values[column] or "") > most:
            raise UserError(f"the {label} is longer than {most} characters: shorten it")
    if values["external_id"] is not None:
        same = select(Person.name).where(Person.external_id == values["external_id"], Person.id != person_id)
        holder = session.scalar(same)
        if holder is not None:
            raise _taken(values["external_id"], holder)
    return values


def _flush(session: Session, external_id: str | None) -> None:
    try:
        session.flush()
    except IntegrityError as error:  # another process took it after we looked
        raise _taken(external_id or "", "somebody else") from error


def _taken(external_id: str, name: str) -> UserError:
    return UserError(f"the external id {external_id} belongs to {name} already: choose another")


def _matching(text: str, active: bool | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for word in text.lower().split():
        columns = (Person.name, Person.external_id, Person.department)
        conditions.append(or_(*(func.lower(column).contains(word, autoescape=True) for column in columns)))
    if active is not None:
        conditions.append(Person.active.is_(active))
    return conditions
