"""Templates of people, and the gallery that is built from them.

In: a session, the keys, embeddings.  Out: rows; the domain's immutable `Gallery`.
Does not know: photos, networks, who asks.
Main choice: templates are readable in memory only; each change of who can be recognised bumps the gallery's
version in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain import faces
from attendance.domain.access.gallery import Gallery, MakeProduct
from attendance.domain.access.scoring import BEST_PHOTO, Scoring, Vectors
from attendance.errors import UserError
from attendance.store import settings
from attendance.store.crypto import SALTED, DataKey, Keys, WrongMasterKey
from attendance.store.people import grown as grown_rows
from attendance.store.people import look_alikes, opened_templates
from attendance.store.people.opened_templates import Enrolled as Enrolled
from attendance.store.people.opened_templates import Numbers, open_rows
from attendance.store.people.people import get_person
from attendance.store.privacy import person_keys
from attendance.store.settings import gallery_version
from attendance.store.tables.access import Door
from attendance.store.tables.cameras import Camera
from attendance.store.tables.operators import SecondFactor
from attendance.store.tables.people import CameraEnrolmentPhoto, GrownTemplate, Person, PersonKey, Template

_AT_ONCE = 500  # rows asked for by random id at once


def count_enrolled(session: Session, model_id: str) -> int:
    """Return how many active people have a template of this model, and so can be recognised."""
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

    `source` is "upload", "browser" or "import".  `photo_sha256`: of the photo; it is kept
    salted.  Raises UserError for an unknown person or a photo
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
        photo_sha256=None if photo_sha256 is None else keys.photo_digest(photo_sha256),
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


def is_photo(keys: Keys, row: Template, sha256: str) -> bool:
    """Return whether a template is of the photo with this SHA-256; digests from before are not salted."""
    return row.photo_sha256 in (keys.photo_digest(sha256), sha256)


def whose_photo(session: Session, keys: Keys, sha256: str, but: int | None) -> Person | None:
    """Return somebody else than `but` of whom this very photo is enrolled; None if nobody."""
    same = Template.photo_sha256.in_((keys.photo_digest(sha256), sha256))
    query = select(Person).join(Template, Template.person_id == Person.id).where(same)
    if but is not None:
        query = query.where(Person.id != but)
    return session.scalars(query.order_by(Person.id).limit(1)).first()


def salt_digests(session: Session, keys: Keys, limit: int = 200) -> int:
    """Salt some of the digests of before; return how many, 0 once none is left."""
    plain = select(Template).where(Template.photo_sha256.is_not(None), ~Template.photo_sha256.startswith(SALTED))
    rows = session.scalars(plain.order_by(Template.id).limit(limit)).all()
    salted = {row.id: keys.photo_digest(str(row.photo_sha256)) for row in rows}
    for row in rows:
        row.photo_sha256 = salted[row.id]
    session.flush()
    return len(rows)


def delete_template(session: Session, template_id: int, *, at: datetime) -> None:
    template = session.get(Template, template_id)
    if template is None:
        raise UserError(
            "there is no template %(template_id)s: it may have been deleted meanwhile", template_id=template_id
        )
    session.delete(template)
    # What grew was compared with this photo among others; if it showed somebody else, so may what grew.
    grown_rows.delete_all(session, template.person_id, template.model_id)
    session.flush()
    settings.bump_gallery_version(session, at)


def list_templates(session: Session, person_id: int) -> Sequence[Template]:
    """Return a person's templates, of any model, oldest first; their vectors stay sealed."""
    return session.scalars(select(Template).where(Template.person_id == person_id).order_by(Template.id)).all()


def template_counts(session: Session, person_ids: Sequence[int], model_id: str) -> dict[int, int]:
    """Return how many templates of the model each of these people has; 0 where none."""
    query = (
        select(Template.person_id, func.count())
        .where(Template.person_id.in_(person_ids), Template.model_id == model_id)
        .group_by(Template.person_id)
    )
    return dict.fromkeys(person_ids, 0) | dict(session.execute(query).all())


def counts_by_person(session: Session, model_id: str) -> dict[int, int]:
    """Return how many templates of the model everybody has who has any."""
    query = select(Template.person_id, func.count()).where(Template.model_id == model_id).group_by(Template.person_id)
    return dict(session.execute(query).all())


def enrolled_templates(session: Session, keys: Keys, model_id: str, person_id: int | None = None) -> list[Enrolled]:
    """Return every template of the model whose person is active, opened; `person_id`: only this person's.

    Raises WrongMasterKey, and UserError that names the template when one is damaged: leaving it out
    silently would turn an employee away without a trace.
    """
    only = () if person_id is None else (Template.person_id == person_id,)
    return list(open_rows(session, keys, model_id, *only))


def load_gallery(
    session: Session,
    keys: Keys,
    model_id: str,
    scoring: Scoring = BEST_PHOTO,
    make_product: MakeProduct | None = None,
    grown: bool = True,
) -> Gallery:
    """Return the gallery of all active people for one model; raises as `enrolled_templates` does.

    `make_product`: multiplies bytes, for the search in a very large gallery.  `grown`: with the templates that grew and
    are in use; without them it is the gallery of what operators confirmed.
    """
    # The version first: a change that slips in between is then loaded twice, never missed.
    version = gallery_version(session)
    opened = opened_templates.open_everybody(session, keys, model_id)
    owners, photos = opened.owners, opened.photos
    if grown:
        owners, photos = with_grown(session, keys, model_id, owners, photos)
    alike = look_alikes.listed_pairs(session, model_id)
    return Gallery(owners, photos, model_id, version, alike, scoring, make_product)


def with_grown(
    session: Session,
    keys: Keys,
    model_id: str,
    owners: Numbers,
    photos: Vectors,
    only: Collection[str] | None = None,
) -> tuple[Numbers, Vectors]:
    """Return owners [M] and rows [M,D] with the templates that grew and are in use, of people who are among the owners.

    By owner, and a person's enrolled photos first.  `only`: those with these random ids instead, in use or not.
    """
    if only is None:
        opened = opened_templates.open_everybody(session, keys, model_id, GrownTemplate)
        more, vectors = opened.owners, opened.photos
    else:
        more, vectors = _opened(session, keys, model_id, only)
    known = np.isin(more, owners)
    if not known.any():
        return owners, photos
    owners, photos = np.append(owners, more[known]), np.vstack([photos, vectors[known]])
    order = np.argsort(owners, kind="stable")
    return owners[order], photos[order]


def _opened(session: Session, keys: Keys, model_id: str, uids: Collection[str]) -> tuple[Numbers, Vectors]:
    wanted, found = sorted(uids), list[Enrolled]()
    for start in range(0, len(wanted), _AT_ONCE):
        some = GrownTemplate.uid.in_(wanted[start : start + _AT_ONCE])
        found += open_rows(session, keys, model_id, some, table=GrownTemplate)
    rows = np.array([one.template.vector for one in found], np.float32)
    return np.array([one.person_id for one in found], np.int64), rows


def templates_of_other_models(session: Session, model_id: str) -> int:
    """Return how many templates of active people another model made; `model_id` cannot compare them."""
    query = select(func.count()).select_from(Template).join(Person, Person.id == Template.person_id)
    return session.scalar(query.where(Person.active, Template.model_id != model_id)) or 0


def people_of_other_models(session: Session, model_id: str) -> int:
    """Return how many active people have templates, but none of this model, which therefore cannot know them."""
    ours = select(Template.person_id).where(Template.model_id == model_id)
    query = select(func.count(func.distinct(Template.person_id))).join(Person, Person.id == Template.person_id)
    return session.scalar(query.where(Person.active, Template.person_id.not_in(ours))) or 0


def ids_of_other_models(session: Session, model_id: str) -> frozenset[int]:
    """Return who has templates, but none of this model; inactive people, too."""
    ours = select(Template.person_id).where(Template.model_id == model_id)
    return frozenset(session.scalars(select(Template.person_id).distinct().where(Template.person_id.not_in(ours))))


def require_keys_fit(session: Session, keys: Keys) -> None:
    """Raise WrongMasterKey if the database was made with another master key; an empty one takes any."""
    known = settings.get(session, settings.MASTER_KEY_FINGERPRINT)
    if known is not None and known != keys.fingerprint:
        raise WrongMasterKey


def holds_sealed_data(session: Session) -> bool:
    """Return whether anything would be lost with the master key: of people, doors, cameras or operators."""
    sealed = (
        PersonKey.person_id, CameraEnrolmentPhoto.sealed, Door.driver_settings, Camera.address, SecondFactor.sealed,
    )  # fmt: skip
    return any(session.scalar(select(column).where(column.is_not(None)).limit(1)) is not None for column in sealed)


def _data_key(session: Session, keys: Keys, person_id: int, at: datetime) -> DataKey:
    # Write first, then read: of two enrolments of one person at once, the second waits and finds the first's key.
    require_keys_fit(session, keys)
    settings.put(session, settings.MASTER_KEY_FINGERPRINT, keys.fingerprint, at)
    wrapped = person_keys.wrapped_key(session, person_id)
    if wrapped is not None:
        return keys.unwrap(wrapped, person_id)
    wrapped, key = keys.make_data_key(person_id)
    person_keys.add_key(session, person_id, wrapped)
    return key
