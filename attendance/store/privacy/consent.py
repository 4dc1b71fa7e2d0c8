"""A person's consents to be recognised: given and withdrawn, purpose by purpose.

In: a session, a person's id, purposes, words.  Out: changed rows.
Does not know: the wording of a site, or who asks.
Main choice: the withdrawal of the last purpose erases the templates and the person's data key in the same transaction,
so that no template outlives the consent.  Trade-off: who agrees again must be enrolled again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from attendance.domain.people.consent import BOTH, Channel, Purpose
from attendance.errors import UserError
from attendance.store import settings
from attendance.store.enrolment import camera_enrolments
from attendance.store.people import grown
from attendance.store.people.people import get_person
from attendance.store.privacy import consent_history, person_keys
from attendance.store.tables.people import LookAlike, Person, Template

MAX_TEXT = 4000


def give_consent(
    session: Session,
    person_id: int,
    text: str,
    *,
    at: datetime,
    purposes: Collection[Purpose] = BOTH,
    language: str = "",
    channel: Channel = Channel.COMMAND,
    by: str = "",
) -> Person:
    """Note that the person agreed to `text` for these purposes; others stay as they are.

    UserError if the words are missing or too long, and without a purpose.
    """
    words = text.strip()
    if not words:
        raise UserError("consent needs the words that the person agreed to")
    if len(words) > MAX_TEXT:
        raise UserError("the consent text is longer than %(most)s characters: shorten it", most=MAX_TEXT)
    if not purposes:
        raise UserError("consent needs a purpose: access, attendance or both")
    person = get_person(session, person_id)
    if not (person.agreed | frozenset(purposes)) & BOTH:
        raise UserError("templates can grow only of a face that may be recognised: tick access or working time, too")
    consent_history.note_given(session, person, purposes, words, at=at, language=language, channel=channel, by=by)
    return person


def withdraw_consent(
    session: Session,
    person_id: int,
    *,
    at: datetime,
    purposes: Collection[Purpose] = BOTH,
    channel: Channel = Channel.COMMAND,
    by: str = "",
) -> Person:
    """End these purposes; if no face is recognised any more, erase every template, and the key that opened them.

    With the growth of templates those go that grew.

    The history keeps what was given and when it was withdrawn.
    """
    person = get_person(session, person_id)
    if not person.agreed - frozenset(purposes):
        purposes = frozenset(Purpose)  # nothing may grow of a face that is not recognised
    consent_history.note_withdrawn(session, person, purposes, at=at, channel=channel, by=by)
    if not person.agreed:
        _erase_face(session, person_id)
    elif Purpose.GROWTH in purposes:
        grown.delete_all(session, person_id)
    session.expire(person)
    settings.bump_gallery_version(session, at)
    return get_person(session, person_id)


def _erase_face(session: Session, person_id: int) -> None:
    session.execute(delete(Template).where(Template.person_id == person_id))
    grown.delete_all(session, person_id)
    camera_enrolments.drop_all(session, person_id)
    if (key := person_keys.key_id(session, person_id)) is not None:
        person_keys.erase_keys(session, [key])
    # How alike two people look is computed from both templates.
    alike = or_(LookAlike.person_id == person_id, LookAlike.other_id == person_id)
    session.execute(delete(LookAlike).where(alike))
