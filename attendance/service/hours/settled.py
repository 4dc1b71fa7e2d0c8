"""Punches and plans of people, read far enough around some days that in and out are settled.

In: a session, ids, dates, the zone.  Out: `Settled`: all that the domain needs for the days of each person.
Does not know: what a day comes to (service/hours/days.py), pages.
Main choice: most people are settled by the four days before, so those are read for all at once; for the few others
three times as much is read until they are settled or nothing older is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours import timesheet
from attendance.domain.hours.anchor import LEAD, TAIL, settled
from attendance.domain.hours.day import Day, Inference, Policy, Punch
from attendance.domain.hours.shift import Plan
from attendance.domain.hours.walk import Edge, Open, Walk, in_order
from attendance.domain.hours.windows import REACH, Timetable, Timetables
from attendance.domain.passage import Direction
from attendance.store.hours import rosters, site_rules
from attendance.store.hours.edges import edges as stored_edges
from attendance.store.hours.punches import MOST_NAMED, first_punch_at, people_with_punches
from attendance.store.hours.punches import punches as punches_between

_EARLIEST = date(1970, 1, 1)
# On so many days around the wanted ones the plans matter.
AROUND = max(LEAD, TAIL) + REACH


@dataclass(frozen=True, slots=True)
class PersonHours:
    """What one person's days are computed from."""

    punches: Sequence[Punch]
    plans: Timetable
    edge: Edge | None
    policy: Policy

    def days(self, first: date, last: date, zone: ZoneInfo, now: datetime) -> tuple[Day, ...]:
        """Return the days from `first` to `last`, which must lie within the days that were read."""
        return tuple(
            timesheet.days_of(
                self.punches, self.plans, zone, now, self.policy, first=first, last=last, edge=self.edge
            )
        )  # fmt: skip

    def next_inference(self, at: datetime, zone: ZoneInfo, direction: Direction) -> Inference:
        """Return what one more passage at `at` would be taken for."""
        return timesheet.infer_next(self.punches, self.plans, zone, at, direction, self.policy, self.edge)

    def open_at(self, at: datetime, zone: ZoneInfo) -> Open | None:
        """Return in which spell the person is at `at`, if any."""
        before = [punch for punch in self.punches if punch.at < at]
        opened = Walk(self.plans, zone, at, self.policy).over(before, self.edge).open
        return opened if opened is not None and at < opened.limit else None


def read(
    session: Session,
    person_ids: Sequence[int],
    first: date,
    last: date,
    zone: ZoneInfo,
    *,
    now: datetime | None = None,
    until: datetime | None = None,
    plans: dict[int, Mapping[date, Plan]] | None = None,
) -> dict[int, PersonHours]:
    """Read all that the days from `first` to `last` of these people depend on.

    `now` (aware): punches after it are in the future and settle nothing.  `until`: read no punch from here on.
    `plans`: if they were read before, from `first - AROUND` to `last + AROUND`.
    """
    if not person_ids:
        return {}
    policy = site_rules.policy(session)
    lead = LEAD
    begin = _midnight(first - lead, zone)
    end = until if until is not None else _midnight(last + TAIL, zone)
    if plans is None:
        plans = rosters.plans(session, person_ids, first - AROUND, last + AROUND)
    punches = {
        person_id: in_order(some) for person_id, some in punches_between(session, begin, end, person_ids).items()
    }
    timetables = Timetables(zone)
    latest = None if now is None else now + policy.clock_slack

    def unsettled(person_id: int) -> bool:
        some = punches.get(person_id, ())
        if some and latest is not None and some[-1].at > latest:
            some = [punch for punch in some if punch.at <= latest]
        return not settled(some, timetables.of(plans[person_id]), zone, begin, first, policy)

    pending = [person_id for person_id in person_ids if unsettled(person_id)]
    oldest = first_punch_at(session, pending) if pending else {}
    while pending := [person_id for person_id in pending if oldest.get(person_id, begin) < begin]:
        further = lead * 3
        for person_id, before in rosters.plans(
            session, pending, max(first - further - REACH, _EARLIEST), first - lead - REACH - timedelta(days=1)
        ).items():  # fmt: skip
            plans[person_id] = {**before, **plans[person_id]}
        older_begin = _midnight(max(first - further, _EARLIEST), zone)
        for person_id, older in punches_between(session, older_begin, begin, pending).items():
            punches[person_id] = in_order([*older, *punches.get(person_id, ())])
        lead, begin = further, older_begin
        pending = [person_id for person_id in pending if unsettled(person_id)]
    edges = stored_edges(session, set(person_ids))
    return {
        person_id: PersonHours(
            punches.get(person_id, ()), timetables.of(plans[person_id]), edges.get(person_id), policy
        )
        for person_id in person_ids
    }


def edges_at(session: Session, at: datetime, zone: ZoneInfo) -> dict[int, Edge]:
    """Return who of the people with passages before `at` (aware) is in at that instant."""
    people = sorted(people_with_punches(session, at))
    day = at.astimezone(zone).date()
    found: dict[int, Edge] = {}
    for start in range(0, len(people), MOST_NAMED):
        some = people[start : start + MOST_NAMED]
        for person_id, hours in read(session, some, day - REACH, day, zone, now=at, until=at).items():
            found[person_id] = Edge(at, hours.open_at(at, zone))
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
