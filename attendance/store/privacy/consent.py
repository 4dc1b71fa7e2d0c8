"""A person's consent to be recognised: to which words and when, and its withdrawal.

In: a session, a person's id, the words.  Out: changed rows.
Does not know: the wording of a site, or who asks.
Main choice: a withdrawal erases the templates and the person's data key in the same transaction, so
that no template outlives the consent.  Trade-off: who agrees again must be enrolled again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store import settings
from attendance.store.people.people import get_person
from attendance.store.privacy import person_keys
from attendance.store.tables.people import LookAlike, Person, Template

MAX_TEXT = 4000


def give_consent(session: Session, person_id: int, text: str, *, at: datetime) -> Person:
    """Note that the person agreed to `text`; UserError if the words are missing or too long."""
    words = text.strip()
    if not words:
        raise UserError("consent needs the words that the person agreed to")
    if len(words) > MAX_TEXT:
        raise UserError("the consent text is longer than %(most)s characters: shorten it", most=MAX_TEXT)
    person = get_person(session, person_id)
    person.consent_at, person.consent_text, person.updated_at = at, words, at
    session.flush()
    return person


def withdraw_consent(session: Session, person_id: int, *, at: datetime) -> Person:
    """Erase what the person agreed to have stored: every template, and the key that opened them."""
    person = get_person(session, person_id)
    person.consent_at, person.consent_text, person.updated_at = None, None, at
    session.flush()
    session.execute(delete(Template).where(Template.person_id == person_id))
    if (key := person_keys.key_id(session, person_id)) is not None:
        person_keys.erase_keys(session, [key])
    # How alike two people look is computed from both templates.
    alike = or_(LookAlike.person_id == person_id, LookAlike.other_id == person_id)
    session.execute(delete(LookAlike).where(alike))
    session.expire(person)
    settings.bump_gallery_version(session, at)
    return get_person(session, person_id)
