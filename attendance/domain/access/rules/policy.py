"""The policy: every rule of a site as one value.

In: areas, doors, points, schedules, levels, grants, overrides.  Out: `Policy`, and the rights it gives.
Does not know: where it is stored, who is there, the present.
Main choice: one frozen value.  The same `decide` judges the policy in force, an edited one and a snapshot from a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from attendance.domain.access.rules.doors import AccessPoint, Area, Door, Override
from attendance.domain.access.rules.levels import Grant, Level, Right, rights
from attendance.domain.access.rules.people import PersonState
from attendance.domain.access.rules.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of a site.  `points` by name, the others by number.

    `version` grows with each change.  `max_age`: None when the rules were read in the deciding transaction; else
    the policy is a snapshot made at `made_at`, and refuses everybody once it is older.
    """

    version: int
    zone: tzinfo
    areas: Mapping[int, Area] = field(default_factory=dict)
    doors: Mapping[int, Door] = field(default_factory=dict)
    points: Mapping[str, AccessPoint] = field(default_factory=dict)
    schedules: Mapping[int, Schedule] = field(default_factory=dict)
    levels: Mapping[int, Level] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()
    people: Mapping[int, PersonState] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    made_at: datetime | None = None
    max_age: timedelta | None = None

    @property
    def snapshot(self) -> bool:
        return self.max_age is not None

    def stale(self, now: datetime) -> bool:
        """Return whether a snapshot is too old, or from the future, which no honest clock makes."""
        if self.max_age is None:
            return False
        return self.made_at is None or not timedelta(0) <= now - self.made_at <= self.max_age

    def rights_at(self, person: PersonState, door: Door) -> list[Right]:
        """Return the person's rights at this door, at whatever time."""
        return [right for right, entry in rights(self.grants, self.levels, self.schedules, person) if entry.fits(door)]

    def elsewhere(self, point: AccessPoint) -> list[str]:
        """Return the access points of the same door that are not on this side of it."""
        others = [other for other in self.points.values() if other.door == point.door]
        return [other.name for other in others if other.area_to != point.area_to]

    def outwards(self, door: Door) -> list[str]:
        """Return the access points of this door that lead out of every area: who leaves by them did not come in."""
        points = [point for point in self.points.values() if point.door == door.id]
        return [point.name for point in points if point.area_to is None and point.area_from is not None]

    def holds(self, schedule: int | None, now: datetime) -> bool:
        """Return whether a schedule of the policy holds; one that is not there never does."""
        found = None if schedule is None else self.schedules.get(schedule)
        return found is not None and found.holds(now, self.zone)
