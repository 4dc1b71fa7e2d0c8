"""Access levels and grants: who has a right at a door, and whether it holds now.

In: a policy's grants, levels and schedules; a person, a door, an instant.  Out: `Right`s; the reason if none holds.
Does not know: the door's posture, factors, where anybody is.
Main choice: rights are a union.  One that holds is enough, so the order of grants is irrelevant and removing a right
never lets anybody in.  A level or schedule that is not there gives no right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from attendance.domain.access.rules.doors import Door
from attendance.domain.access.rules.people import PersonState
from attendance.domain.access.rules.schedule import Schedule
from attendance.domain.reason import Reason


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One line of an access level: a door, or all doors of a group, and when.

    Raises ValueError unless exactly one of the two is given.
    """

    schedule: int
    door: int | None = None
    group: str = ""

    def __post_init__(self) -> None:
        if (self.door is None) is (self.group == ""):
            raise ValueError("a line of an access level names a door or a group of doors")

    def fits(self, door: Door) -> bool:
        return self.door == door.id if self.door is not None else self.group == door.group


@dataclass(frozen=True, slots=True)
class Level:
    id: int
    name: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """A level for a person, or for everybody in a department.  `valid_to` is exclusive; None is open.

    Raises ValueError unless exactly one of person and department is given.
    """

    id: int
    level: int
    person: int | None = None
    department: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def __post_init__(self) -> None:
        if (self.person is None) is (self.department == ""):
            raise ValueError("a grant is for a person or for a department")

    def fits(self, person: PersonState) -> bool:
        return self.person == person.id if self.person is not None else self.department == person.department

    @property
    def timeless(self) -> bool:
        return self.valid_from is None and self.valid_to is None

    def begun(self, now: datetime) -> bool:
        return self.valid_from is None or self.valid_from <= now

    def over(self, now: datetime) -> bool:
        return self.valid_to is not None and now >= self.valid_to


@dataclass(frozen=True, slots=True)
class Right:
    """A grant, the level it gives, and the schedule of the level's line that names the door."""

    grant: Grant
    level: Level
    schedule: Schedule

    @property
    def rule(self) -> str:
        """Name the rule, for the log: numbers, so that it is short and holds no name."""
        return f"grant {self.grant.id}, level {self.level.id}, schedule {self.schedule.id}"

    @property
    def _order(self) -> tuple[int, int, int]:
        return self.level.id, self.schedule.id, self.grant.id


def rights(
    grants: tuple[Grant, ...], levels: Mapping[int, Level], schedules: Mapping[int, Schedule], person: PersonState
) -> Iterator[tuple[Right, Entry]]:
    """Yield every right of the person, at whatever door and time."""
    for grant in grants:
        level = levels.get(grant.level)
        if level is None or not grant.fits(person):
            continue
        for entry in level.entries:
            schedule = schedules.get(entry.schedule)
            if schedule is not None:
                yield Right(grant, level, schedule), entry


def holding(found: list[Right], now: datetime, zone: tzinfo, clock_doubt: bool) -> Right | Reason:
    """Return the right by which somebody passes now, or the reason why none of these rights holds.

    `found`: the person's rights at one door, in any order.  While the clock is in doubt only rights count that need
    no clock: a grant without an end and a schedule that always holds.
    """
    if not found:
        return Reason.NO_RIGHT
    if clock_doubt:
        timeless = [right for right in found if right.grant.timeless and right.schedule.always]
        return _first(timeless) if timeless else Reason.CLOCK_DOUBT
    valid = [right for right in found if right.grant.begun(now) and not right.grant.over(now)]
    if not valid:
        return Reason.EXPIRED if all(right.grant.over(now) for right in found) else Reason.NOT_YET_VALID
    open_now = [right for right in valid if right.schedule.holds(now, zone)]
    return _first(open_now) if open_now else Reason.OUTSIDE_SCHEDULE


def _first(found: list[Right]) -> Right:
    return min(found, key=lambda right: right._order)
