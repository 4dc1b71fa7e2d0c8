"""Shifts, rosters, leave and holidays: checked before they are written.

In: a session, what an editor or a CSV file holds.  Out: rows; a UserError that says what to do, with
the row's number where there are rows.
Does not know: forms, who is signed in (the caller passes a name).
Main choice: nothing that would change a closed period is accepted, whoever asks: the period must be
reopened first, which is written down.  The caller commits; a file is taken whole or not at all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from sqlalchemy.orm import Session

from attendance.domain.hours.shift import DAY, BadShift, Half, Shift, from_json, hhmm
from attendance.errors import UserError
from attendance.store.hours import periods, rosters
from attendance.store.people import people
from attendance.store.tables.hours import LeaveRow, Roster, ShiftRow

LEAVE_KINDS = ("vacation", "sickness", "parental", "training", "business trip", "unpaid", "other")
ROSTER_COLUMNS = ("staff_number", "first", "last", "pattern")
FOREVER = date(9999, 1, 1)
MOST_PATTERN = 366


def save_shift(session: Session, shift: Shift, *, now: datetime, shift_id: int | None = None) -> ShiftRow:
    """A new shift or new rules of one.

    A shift's rules hold for every day, so a shift that closed periods were worked in is not changed.
    """
    if shift_id is not None and (lock := _closed_with(session, shift_id, now)) is not None:
        raise UserError(f"this shift was worked in a closed period ({lock}): make a new shift and roster it from today")
    return rosters.put_shift(session, shift, at=now, shift_id=shift_id)


def set_shift_active(session: Session, shift_id: int, active: bool, *, now: datetime) -> ShiftRow:
    """Inactive shifts cannot be rostered anew; days that have them keep them."""
    row = rosters.get_shift(session, shift_id)
    row.active, row.updated_at = active, now
    session.flush()
    return row


def _closed_with(session: Session, shift_id: int, now: datetime) -> str | None:
    for roster in rosters.rosters_of(session):
        if shift_id in roster.pattern:
            lock = periods.lock_over(session, roster.first, roster.last or FOREVER, now)
            if lock is not None:
                return f"{lock.first} to {lock.last}"
    return None


def assign(
    session: Session, person_ids: Sequence[int], first: date, last: date | None, pattern: Sequence[int | None], *,
    now: datetime, by: str,
) -> list[Roster]:  # fmt: skip
    """Roster these people in this pattern from `first` on; whatever pattern they had ends the day before.

    UserError when a pattern that was entered for later days would be overlapped.
    """
    if not person_ids:
        raise UserError("choose at least one person")
    if not 1 <= len(pattern) <= MOST_PATTERN:
        raise UserError(f"a pattern has 1 to {MOST_PATTERN} days")
    if last is not None and last < first:
        raise UserError("the last day is before the first: swap them")
    active = {one.id: from_json(one.rules) for one in rosters.list_shifts(session)}
    for shift_id in pattern:
        if shift_id is not None and shift_id not in active:
            raise UserError(f"there is no active shift {shift_id}")
    days = [None if shift_id is None else active[shift_id] for shift_id in pattern]
    for before, after in pairwise([*days, days[0]]):
        _require_apart(before, after)
    periods.require_open(session, first, last or FOREVER, now)
    made = []
    known: dict[int, list[Roster]] = {}
    for one in rosters.rosters_of(session, person_ids):
        known.setdefault(one.person_id, []).append(one)
    for person_id in person_ids:
        for other in known.get(person_id, ()):
            _make_room(session, other, first, last)
        made.append(rosters.add_roster(session, person_id, first, last, pattern, at=now, by=by))
    return made


def _require_apart(before: Shift | None, after: Shift | None) -> None:
    """UserError when the shift of a day begins before the one of the day before has ended."""
    if before is not None and after is not None and before.spans[-1].end - DAY > after.spans[0].start:
        raise UserError(
            f"the shifts overlap: {before.name} ends at {hhmm(before.spans[-1].end - DAY)} on the day after, "
            f"when {after.name} has begun at {hhmm(after.spans[0].start)}"
        )


def _make_room(session: Session, other: Roster, first: date, last: date | None) -> None:
    if (other.last is not None and other.last < first) or (last is not None and other.first > last):
        return
    if other.first >= first:
        if last is not None and (other.last is None or other.last > last):
            name = people.get_person(session, other.person_id).name
            raise UserError(
                f"{name} has a roster from {other.first} to {other.last or 'further notice'} that overlaps: "
                "choose days that contain it, or that end before it"
            )
        session.delete(other)  # replaced whole, by days that are all still open
        return
    if last is not None and (other.last is None or other.last > last):
        # The old pattern goes on after the new one, where it would have been.
        turn = (last + timedelta(days=1) - other.first).days % len(other.pattern)
        pattern = [*other.pattern[turn:], *other.pattern[:turn]]
        rosters.add_roster(
            session, other.person_id, last + timedelta(days=1), other.last, pattern,
            at=other.created_at, by=other.created_by,
        )  # fmt: skip
    other.last = first - timedelta(days=1)


def set_day(session: Session, person_id: int, day: date, shift_id: int | None, *, now: datetime, by: str) -> None:
    """Another shift, or none, on one day."""
    periods.require_open(session, day, day, now)
    people.get_person(session, person_id)
    if shift_id is not None:
        shift = from_json(rosters.get_shift(session, shift_id).rules)
        around = rosters.plans(session, [person_id], day - timedelta(days=1), day + timedelta(days=1))[person_id]
        _require_apart(around[day - timedelta(days=1)].shift, shift)
        _require_apart(shift, around[day + timedelta(days=1)].shift)
    rosters.put_roster_day(session, person_id, day, shift_id, at=now, by=by)


def add_leave(
    session: Session, *, person_id: int, kind: str, first: date, last: date, half: Half = Half.WHOLE,
    paid: bool = True, note: str = "", now: datetime, by: str, approved: bool = False,
) -> LeaveRow:  # fmt: skip
    """Leave that is asked for, or entered as approved; UserError where there is some already."""
    people.get_person(session, person_id)
    if kind not in LEAVE_KINDS:
        raise UserError(f"leave is one of: {', '.join(LEAVE_KINDS)}")
    if last < first:
        raise UserError("the last day is before the first: swap them")
    if (last - first).days > 400:
        raise UserError("leave lasts at most 400 days: enter a longer one in parts")
    periods.require_open(session, first, last, now)
    same = rosters.leave_between(session, first, last, person_id=person_id, states=("requested", "approved"))
    if same:
        raise UserError(f"there is leave from {same[0].first} to {same[0].last} already: withdraw it first")
    return rosters.add_leave(
        session,
        person_id=person_id,
        kind=kind,
        first=first,
        last=last,
        half=half.value,
        paid=paid,
        note=note.strip()[:1000],
        state="approved" if approved else "requested",
        requested_by=by[:100],
        requested_at=now,
        decided_by=by[:100] if approved else None,
        decided_at=now if approved else None,
    )


def decide_leave(session: Session, leave_id: int, state: str, *, now: datetime, by: str) -> LeaveRow:
    """`state`: "approved", "refused" or "withdrawn"."""
    before = {"approved": ("requested",), "refused": ("requested",), "withdrawn": ("requested", "approved")}
    if state not in before:
        raise UserError("leave is approved, refused or withdrawn")
    row = rosters.get_leave(session, leave_id)
    periods.require_open(session, row.first, row.last, now)
    rosters.move_leave(session, row, before[state], state, by=by, at=now)
    return row


def import_holidays(session: Session, country: str, region: str, year: int, *, now: datetime) -> int:
    """The public holidays of a year from the `holidays` library; how many were written."""
    import holidays

    country, region = country.strip().upper(), region.strip().upper()
    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=year)
    except (NotImplementedError, KeyError) as error:  # how the library says that it knows no such place
        raise UserError(
            f"no holidays are known for {country} {region}".rstrip() + ": use codes such as DE and BY"
        ) from error
    periods.require_open(session, date(year, 1, 1), date(year, 12, 31), now)
    for day, name in sorted(found.items()):
        rosters.put_holiday(session, day, name, f"{country} {region}".strip())
    return len(found)


def add_holiday(session: Session, day: date, name: str, *, now: datetime) -> None:
    name = " ".join(name.split())
    if not name:
        raise UserError("a holiday needs a name")
    periods.require_open(session, day, day, now)
    rosters.put_holiday(session, day, name, "by hand")


def remove_holiday(session: Session, day: date, *, now: datetime) -> None:
    periods.require_open(session, day, day, now)
    rosters.drop_holiday(session, day)


def import_rosters(session: Session, text: str, *, now: datetime, by: str) -> int:
    """A CSV of staff_number, first, last (may be empty), pattern; all of it or nothing.

    `pattern`: names of shifts with | between the days, - for a day off, for example Early|Early|Late|-.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    header = [one.strip().lower() for one in next(reader, [])]
    if header != list(ROSTER_COLUMNS):
        raise UserError(f"row 1: the columns must be {','.join(ROSTER_COLUMNS)}, not {','.join(header) or 'nothing'}")
    staff = {one.staff_number: one.id for one in rosters.list_staff(session) if one.staff_number}
    names = {one.name: one.id for one in rosters.list_shifts(session)}
    count = 0
    for number, cells in enumerate(reader, start=2):
        if not any(one.strip() for one in cells):
            continue
        try:
            _import_row(session, [one.strip() for one in cells], staff, names, now, by)
        except (UserError, BadShift) as error:
            raise UserError(f"row {number}: {error}; nothing was imported") from error
        count += 1
    return count


def _import_row(
    session: Session, cells: list[str], staff: dict[str, int], names: dict[str, int], now: datetime, by: str
) -> None:
    if len(cells) != len(ROSTER_COLUMNS):
        raise UserError(f"{len(cells)} columns instead of {len(ROSTER_COLUMNS)}")
    number, first, last, pattern = cells
    if number not in staff:
        raise UserError(f"nobody active has the staff number {number or '(empty)'}")
    shift_ids: list[int | None] = []
    for name in (one.strip() for one in pattern.split("|")):
        if name != "-" and name not in names:
            raise UserError(f"there is no shift {name or '(empty)'}")
        shift_ids.append(None if name == "-" else names[name])
    try:
        days = date.fromisoformat(first), date.fromisoformat(last) if last else None
    except ValueError as error:
        raise UserError("a date was not understood: write it as 2024-05-31") from error
    assign(session, [staff[number]], *days, shift_ids, now=now, by=by)
