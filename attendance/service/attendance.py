"""Working days of people, and what may be done about them: ask for a correction, decide it, undo.

In: a session, ids, dates, the site's zone, the present instant.  Out: `Day`s, `PersonDay`s; changed rows.
Does not know: the web, files, who is signed in (the caller passes a name).
Main choice: days are computed when they are asked for (500 people × 31 days in about a second), so that
there is no cache that could be wrong.  The caller commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain import timesheet
from attendance.domain.day import Day, Inference, Policy, Status
from attendance.domain.overtime import week_of
from attendance.domain.passage import Direction
from attendance.domain.shift import Plan
from attendance.errors import UserError
from attendance.service.ids import new_event_id
from attendance.store import corrections as stored
from attendance.store import rosters, tables
from attendance.store.attendance_tables import Correction
from attendance.store.rosters import Somebody

POLICY = Policy()
# A night reaches into the next day, and one that began the day before into the first.
AROUND = timedelta(days=1)
UNDO = timedelta(minutes=1)
UNFINISHED = (Status.UPCOMING, Status.EXPECTED, Status.PRESENT)


@dataclass(frozen=True, slots=True)
class PersonDay:
    person: Somebody
    day: Day


@dataclass(frozen=True, slots=True)
class PersonDays:
    person: Somebody
    days: tuple[Day, ...]

    @property
    def worked(self) -> int:
        return sum(one.worked for one in self.days)

    @property
    def expected(self) -> int:
        """Of the days that are over: nobody owes the rest of the month yet."""
        return sum(one.expected for one in self.days if one.status not in UNFINISHED)

    @property
    def balance(self) -> int:
        return sum(one.balance for one in self.days if one.status not in UNFINISHED)


@dataclass(frozen=True, slots=True)
class Today:
    """`rows`: everybody's present work day, by name; who is here on yesterday's night shift has that day."""

    rows: tuple[PersonDay, ...]

    @property
    def here(self) -> list[PersonDay]:
        return [one for one in self.rows if one.day.here_now]

    @property
    def late(self) -> list[PersonDay]:
        return [one for one in self.rows if one.day.late]

    @property
    def absent(self) -> list[PersonDay]:
        return [one for one in self.rows if one.day.status is Status.ABSENT]

    @property
    def gone(self) -> list[PersonDay]:
        return [one for one in self.rows if one.day.spells and not one.day.here_now]

    @property
    def away(self) -> list[PersonDay]:
        """On leave, holiday or a day off."""
        idle = (Status.LEAVE, Status.HOLIDAY, Status.OFF)
        return [one for one in self.rows if one.day.status in idle]


def days_of(
    session: Session, person_id: int, first: date, last: date, zone: ZoneInfo, now: datetime | None = None
) -> list[Day]:
    """One person's work days from `first` to `last`.  `now` (aware) None: every day counts as finished."""
    everybody = days_of_people(session, [person_id], first, last, zone, now)
    return list(everybody[person_id])


def days_of_people(
    session: Session, person_ids: Sequence[int], first: date, last: date, zone: ZoneInfo, now: datetime | None = None
) -> dict[int, tuple[Day, ...]]:
    """Like `days_of` for several people at once, in a few queries."""
    if last < first:
        raise UserError("the last day is before the first: swap them")
    # Overtime by the week needs the whole week, wherever the span is cut; nobody else pays for it.
    monday = week_of(first)
    sunday = week_of(last) + timedelta(days=6)
    plans = rosters.plans(session, person_ids, monday - AROUND, sunday + AROUND)
    weekly = [one for one in person_ids if any(plan.shift and plan.shift.weekly for plan in plans[one].values())]
    others = [one for one in person_ids if one not in set(weekly)]
    found: dict[int, tuple[Day, ...]] = {}
    for ids, begin, end in ((others, first, last), (weekly, monday, sunday)):
        found |= _days_between(session, ids, plans, begin, end, zone, now)
    found |= {one: timesheet.with_weekly_overtime(found[one]) for one in weekly}
    return {one: tuple(day for day in found[one] if first <= day.day <= last) for one in person_ids}


def _days_between(
    session: Session, ids: Sequence[int], plans: Mapping[int, dict[date, Plan]], first: date, last: date,
    zone: ZoneInfo, now: datetime | None,
) -> dict[int, tuple[Day, ...]]:  # fmt: skip
    if not ids:
        return {}
    begin = datetime.combine(first - AROUND, time(), zone).astimezone(UTC)
    end = datetime.combine(last + 2 * AROUND, time(), zone).astimezone(UTC)
    punches = stored.punches(session, begin, end, ids[0] if len(ids) == 1 else None)
    instant = now if now is not None else end + timedelta(days=1)
    found = {}
    for person_id in ids:
        around = {day: plan for day, plan in plans[person_id].items() if first - AROUND <= day <= last + AROUND}
        days = timesheet.days_of(punches.get(person_id, ()), around, zone, instant, POLICY)
        found[person_id] = tuple(one for one in days if first <= one.day <= last)
    return found


def sheet(
    session: Session,
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    department: str | None = None,
    person_id: int | None = None,
) -> list[PersonDays]:
    """Everybody's days, by name: what all reports are made of."""
    people = rosters.everybody(session, department=department, person_id=person_id, active=None)
    active = {one.id for one in rosters.everybody(session, department=department, person_id=person_id)}
    days = days_of_people(session, [one.id for one in people], first, last, zone, now) if people else {}
    found = []
    for one in people:
        if one.id in active:
            found.append(PersonDays(one, days[one.id]))
        elif any(day.used for day in days[one.id]):
            # Who is inactive now has worked before: those days count, and the others ask for nothing.
            found.append(PersonDays(one, tuple(_of_somebody_gone(day) for day in days[one.id])))
    return found


def _of_somebody_gone(day: Day) -> Day:
    return day if day.used else replace(day, plan=Plan(day.day, rostered=False), status=Status.UNPLANNED, expected=0)


def today(session: Session, now: datetime, zone: ZoneInfo, department: str | None = None) -> Today:
    """Who is here, late, absent, away.  A night shift that is still running counts with its own day."""
    day = now.astimezone(zone).date()
    rows = []
    for one in sheet(session, day - AROUND, day, zone, now, department=department):
        before, present = one.days
        running = before.here_now or (before.status is Status.EXPECTED and present.status is Status.UPCOMING)
        rows.append(PersonDay(one.person, before if running and not present.spells else present))
    return Today(tuple(rows))


def next_inference(
    session: Session, person_id: int, at: datetime, zone: ZoneInfo, direction: Direction = Direction.UNKNOWN
) -> Inference:
    """What a passage of this person at `at` would be taken for; `in_doubt`: a kiosk had better ask."""
    day = at.astimezone(zone).date()
    plans = rosters.plans(session, [person_id], day - AROUND, day + AROUND)[person_id]
    begin = datetime.combine(day - 2 * AROUND, time(), zone).astimezone(UTC)
    punches = stored.punches(session, begin, at, person_id).get(person_id, [])
    return timesheet.infer_next(punches, plans, zone, at, direction, POLICY)


def request_correction(
    session: Session,
    *,
    person_id: int,
    action: str,
    reason: str,
    by: str,
    now: datetime,
    zone: ZoneInfo,
    at: datetime | None = None,
    direction: Direction = Direction.UNKNOWN,
    passage_id: str | None = None,
) -> Correction:
    """Ask for a passage to be added (`action` "add", with `at`) or left out ("void", with `passage_id`).

    A passage at the wrong time needs both.  UserError for a closed period, a future time, a passage
    of somebody else, a second request for the same.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise UserError("a correction needs a reason: say what happened")
    if action == "add":
        if at is None:
            raise UserError("say at what time it was")
        if at > now:
            raise UserError("this time is in the future: a correction is about what happened")
        passage_id = None
    elif action == "void":
        passage = session.get(tables.Passage, passage_id) if passage_id else None
        if passage is None or passage.person_id != person_id:
            raise UserError("there is no such check-in of this person")
        at = passage.at
    else:
        raise UserError("a correction adds a check-in or takes one away")
    day = _day_about(session, person_id, at, zone)
    stored.require_open(session, day, day, now)
    for other in stored.corrections(session, person_id=person_id, first=day, last=day):
        same = other.action == action and other.at == at and other.passage_id == passage_id
        if same and other.state in ("requested", "approved"):
            raise UserError("this was asked for already")
    row = Correction(
        id=new_event_id(now),
        person_id=person_id,
        day=day,
        action=action,
        passage_id=passage_id,
        at=at,
        direction=direction.value,
        reason=reason[:1000],
        state="requested",
        requested_by=by[:100],
        requested_at=now,
        decided_by=None,
        decided_at=None,
        decision_note="",
    )
    session.add(row)
    session.flush()
    return row


def decide_correction(
    session: Session,
    correction_id: str,
    *,
    approve: bool,
    by: str,
    now: datetime,
    note: str = "",
    decider: int | None = None,
) -> Correction:
    """Approve or refuse; UserError when it was decided meanwhile or its period is closed.

    `decider`: who decides, as a person of the site (None: nobody of them); never about themselves.
    """
    row = stored.get_correction(session, correction_id)
    _require_somebody_else(row, decider)
    stored.require_open(session, row.day, row.day, now)
    state = "approved" if approve else "refused"
    stored.move(session, row, ("requested",), state, by=by, at=now, note=note)
    return row


def withdraw_correction(
    session: Session, correction_id: str, *, by: str, now: datetime, decider: int | None = None
) -> Correction:
    """Take back a request, or an approval that was wrong: the original counts again.  `decider`: as above."""
    row = stored.get_correction(session, correction_id)
    _require_somebody_else(row, decider)
    stored.require_open(session, row.day, row.day, now)
    stored.move(session, row, ("requested", "approved"), "withdrawn", by=by, at=now, note=row.decision_note)
    return row


def withdraw_own_request(session: Session, correction_id: str, person_id: int, *, by: str, now: datetime) -> Correction:
    """The person takes back what still waits; UserError for what is decided, and for somebody else's."""
    row = stored.get_correction(session, correction_id)
    if row.person_id != person_id:
        raise UserError("there is no such correction")
    stored.require_open(session, row.day, row.day, now)
    stored.move(session, row, ("requested",), "withdrawn", by=by, at=now)
    return row


def _require_somebody_else(row: Correction, decider: int | None) -> None:
    if decider is not None and row.person_id == decider:
        raise UserError("nobody decides about themselves: leave it to another supervisor or an administrator")


def undo_passage(
    session: Session, passage_id: str, person_id: int, *, now: datetime, zone: ZoneInfo, by: str = "kiosk"
) -> Correction:
    """Leave out a passage within a minute of it, without anybody's approval; it stays on record."""
    passage = session.get(tables.Passage, passage_id)
    if passage is None or passage.person_id != person_id:
        raise UserError("there is no such check-in of this person")
    if abs(now - passage.at) > UNDO:
        raise UserError("this check-in is older than a minute: ask for a correction")
    row = request_correction(
        session,
        person_id=person_id,
        action="void",
        passage_id=passage_id,
        reason="undone within a minute",
        by=by,
        now=now,
        zone=zone,
    )
    return decide_correction(session, row.id, approve=True, by=by, now=now)


def _day_about(session: Session, person_id: int, at: datetime, zone: ZoneInfo) -> date:
    """The work day to which a passage at `at` belongs: a night's end belongs to the day before."""
    local = at.astimezone(zone).date()
    plans = rosters.plans(session, [person_id], local - AROUND, local + AROUND)[person_id]
    window = next((one for one in timesheet.windows_of(plans, zone) if one.opens <= at < one.closes), None)
    return window.day if window else local
