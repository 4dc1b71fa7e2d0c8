"""What the rules know about a person, and the rungs that a person must be past before any right counts.

In: a `PersonState`, an instant.  Out: the reason of a refusal, or None.
Does not know: names, secrets, rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from attendance.domain.access.rules.factors import Factor, FactorSet
from attendance.domain.people.consent import Purpose
from attendance.domain.reason import Reason


class Exemption(StrEnum):
    """What a person is exempt from."""

    ANTIPASSBACK = "antipassback"
    LOCKDOWN = "lockdown"
    TWO_PERSON = "two_person"


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person at a door.  `consent`: to access by face; `attendance_consent`: to working time by face.

    `valid_to` and `locked_until` are exclusive.
    `extended`: the door stays released for longer.
    """

    id: int
    department: str = ""
    enabled: bool = True
    consent: bool = True
    attendance_consent: bool = True
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    locked_until: datetime | None = None
    extended: bool = False
    exemptions: frozenset[Exemption] = frozenset()


def agrees(person: PersonState, purpose: Purpose) -> bool:
    """Return whether the person agreed to be known by the face for this purpose."""
    return person.consent if purpose is Purpose.ACCESS else person.attendance_consent


def refusal(
    person: PersonState, proven: FactorSet, now: datetime, clock_doubt: bool, purpose: Purpose = Purpose.ACCESS
) -> Reason | None:
    """Return why this person passes nowhere now, None if nothing is in the way.

    `purpose`: what a face is for at the access point.

    While the clock is in doubt, a person with a first or last day is refused, and a lock does not end.
    """
    if Factor.FACE in proven and not agrees(person, purpose):
        return Reason.NO_CONSENT
    if not person.enabled:
        return Reason.NOT_ACTIVE
    if person.valid_from is not None and now < person.valid_from:
        return Reason.NOT_YET_VALID
    if person.valid_to is not None and now >= person.valid_to:
        return Reason.EXPIRED
    if person.locked_until is not None and (clock_doubt or now < person.locked_until):
        return Reason.LOCKED_OUT
    if clock_doubt and (person.valid_from is not None or person.valid_to is not None):
        return Reason.CLOCK_DOUBT
    return None
