"""What the rules know about the present: doors, where people are, who waits for a second person.

In: what doors and passages did.  Out: `State`s.
Does not know: the policy's rights; the database.
Main choice: what is not known is left out, and a rule that needs it refuses.  Trade-off: a door without a contact
cannot be part of an interlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from attendance.domain.access.rules.factors import Factor, FactorSet
from attendance.domain.reason import Reason


class Physical(StrEnum):
    """What the contact says."""

    UNKNOWN = "unknown"
    OPEN = "open"
    CLOSED = "closed"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class DoorState:
    """A door's newest state.  `online`: its device answers.  `released_until`: the end of the newest release."""

    physical: Physical = Physical.UNKNOWN
    online: bool = False
    released_until: datetime | None = None

    def closed(self, now: datetime) -> bool:
        """Return whether it is known to be closed and not just being released."""
        released = self.released_until is not None and now < self.released_until
        return self.online and self.physical is Physical.CLOSED and not released


@dataclass(frozen=True, slots=True)
class Place:
    """The area that a person entered last (None: outside), and when."""

    area: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """The first of two people at a door."""

    person: int
    at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """The present.  `occupancy`: people in each area; an area that is missing is not known.

    `first_in`: the newest passage of a person who counts as the first, by door.  `passed`: the newest granted passage
    by door.  `waiting`: by door, who was refused for want of a second person.
    """

    doors: Mapping[int, DoorState] = field(default_factory=dict)
    places: Mapping[int, Place] = field(default_factory=dict)
    occupancy: Mapping[int, int] = field(default_factory=dict)
    first_in: Mapping[int, datetime] = field(default_factory=dict)
    passed: Mapping[int, datetime] = field(default_factory=dict)
    waiting: Mapping[int, Waiting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that waits for another factor.  `since`, `newest`: when the first and the last of `proven` were."""

    proven: FactorSet
    since: datetime
    newest: datetime


def begun(story: Iterable[tuple[datetime, int | None, Factor | None, Reason]]) -> dict[int, Begun]:
    """Return by person which requests wait for another factor at one side of a door.

    `story`: its requests in order of time, each with its person, factor and outcome.  A passage, a time-out and
    another person's proof end what had begun, so that each first factor completes one request at most.
    """
    waiting: dict[int, Begun] = {}
    for at, person, factor, outcome in story:
        if outcome is Reason.WRONG_FACTOR:
            waiting.clear()
        elif person is not None and outcome in (Reason.MATCHED, Reason.FACTOR_TIMEOUT):
            waiting.pop(person, None)
        elif person is not None and factor is not None and outcome is Reason.SECOND_FACTOR:
            before = waiting.get(person, Begun(frozenset(), at, at))
            waiting[person] = replace(before, proven=before.proven | {factor}, newest=at)
    return waiting


def taken(state: State, person: int, area_from: int | None, area_to: int | None, at: datetime) -> State:
    """Return the state after this person went through: the place changes, and the count of both areas.

    The count goes by where the person was known to be, so that nobody is counted twice or below zero.
    """
    was = state.places.get(person)
    left = area_from if was is None else was.area
    occupancy = dict(state.occupancy)
    if was is not None and left in occupancy:
        occupancy[left] = max(0, occupancy[left] - 1)
    if area_to in occupancy:
        occupancy[area_to] += 1
    return replace(state, places={**state.places, person: Place(area_to, at)}, occupancy=occupancy)


def second_of_two(waiting: Waiting | None, person: int, now: datetime, within: timedelta) -> bool:
    """Return whether another person asked here a moment ago, and so this one is the second."""
    return waiting is not None and waiting.person != person and timedelta(0) <= now - waiting.at < within
