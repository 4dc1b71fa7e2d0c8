"""What one work day counts as: breaks, rounding, late and early, overtime, its status.

In: a plan and the spells that the person was there.  Out: a `Day`.
Does not know: how the spells were found (timesheet), other days.
Main choice: every second of presence is either worked, or named as adjusted or as break, so that the
figures of a day add up and can be checked by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from attendance.domain.hours import overtime, premiums
from attendance.domain.hours.day import Day, Flag, Spell, Status, Used
from attendance.domain.hours.shift import Kind, Mode, Plan, Rounding, Shift, spans_of

_Real = tuple[datetime, datetime]


def evaluate(
    plan: Plan,
    spells: tuple[Spell, ...],
    used: tuple[Used, ...],
    flags: frozenset[Flag],
    zone: ZoneInfo,
    now: datetime,
    holidays: frozenset[date] = frozenset(),
) -> Day:
    """Return what the day came to, with flags for late, early and work on a day off added.

    `holidays`: the person's public holidays around the day; a night may end on one.
    """
    shift = plan.shift
    spans = spans_of(plan, zone) if shift else ()
    expected = _expected(plan, spans)
    if not spells:
        return Day(plan, _status_without(plan, spans, now, zone), used=used, flags=flags, expected=expected)
    presence = sum(one.seconds(now) for one in spells)
    times = _counted(spells, shift, spans, zone, now)
    counted = sum(int((end - start).total_seconds()) for start, end in times)
    paid, breaks = _breaks(shift, spells, counted)
    taken_off = sum(seconds for _after, seconds in breaks)
    worked = counted + paid - taken_off
    extra = premiums.seconds_of(premiums.paid_times(times, paid, breaks), plan, holidays, zone)
    found = set(flags)
    late, early = (0, 0) if plan.whole_day_off or shift is None else _late_and_early(shift, spans, spells, now)
    if late:
        found.add(Flag.LATE)
    if spells[-1].running:
        early = 0
    if early:
        found.add(Flag.EARLY)
    if plan.whole_day_off and plan.rostered and presence:
        found.add(Flag.ON_DAY_OFF)
    portions = overtime.split(worked, shift.tiers) if shift else overtime.split(worked, ())
    return Day(
        plan=plan,
        status=_status_with(plan, spells, worked, spans, now),
        spells=spells,
        used=used,
        flags=frozenset(found),
        presence=presence,
        adjusted=counted - presence,
        paid_break=paid,
        auto_break=taken_off,
        worked=worked,
        expected=expected,
        late=late,
        early=early,
        portions=tuple((one.rate, one.seconds) for one in portions),
        night=extra.night,
        sunday=extra.sunday,
        holiday=extra.holiday,
    )


def _expected(plan: Plan, spans: Sequence[_Real]) -> int:
    if plan.shift is None or plan.whole_day_off:
        return 0
    if plan.leave is not None:  # half a day of it
        return plan.shift.expected * 30
    if plan.shift.kind is Kind.FLEXIBLE:
        return plan.shift.required * 60
    # Real time: a night shift is an hour longer or shorter when the clock changes.
    wall = sum(one.minutes for one in plan.shift.spans)
    real = sum(int((end - start).total_seconds()) for start, end in spans)
    return real - (wall - plan.shift.expected) * 60


def _counted(
    spells: Sequence[Spell], shift: Shift | None, spans: Sequence[_Real], zone: ZoneInfo, now: datetime
) -> list[_Real]:
    """Return the times after rounding each arrival and departure and cutting off what is too early."""
    times = []
    for one in spells:
        start, end = one.start, one.end or now
        if shift is not None:
            start = _rounded(start, shift.rounding, zone, arriving=True)
            if one.end is not None and one.rule is None:
                end = _rounded(end, shift.rounding, zone, arriving=False)
            if shift.clip_early and spans:
                start = max(start, spans[0][0])
        if start < end:
            times.append((start, end))
    return times


def _rounded(at: datetime, rule: Rounding, zone: ZoneInfo, arriving: bool) -> datetime:
    if rule.mode is Mode.NONE or rule.step == 0:
        return at
    local = at.astimezone(zone)
    step = rule.step * 60
    past = (local.minute * 60 + local.second) % step
    if past == 0:
        return at - timedelta(microseconds=at.microsecond)
    match rule.mode:
        case Mode.NEAREST:
            down = past * 2 < step
        case Mode.IN_FAVOUR:
            down = arriving
        case _:
            down = not arriving
    # The difference is applied to the instant, not to the wall clock, which may jump.
    exact = at - timedelta(microseconds=at.microsecond)
    return exact - timedelta(seconds=past) if down else exact + timedelta(seconds=step - past)


def _breaks(shift: Shift | None, spells: Sequence[Spell], counted: int) -> tuple[int, list[premiums.Cut]]:
    """Return (seconds of the person's breaks that are paid, what is taken off for breaks that were not taken)."""
    if shift is None or not shift.breaks:
        return 0, []
    out = 0
    if len(shift.spans) == 1:  # the pause between the parts of a split shift is not a break
        for before, after in pairwise(spells):
            if before.end is not None and before.rule is None:
                out += max(0, int((after.start - before.end).total_seconds()))
    paid, taken_off = 0, 0
    cuts: list[premiums.Cut] = []
    for one in shift.breaks:
        if counted < one.after * 60:
            continue
        length = one.minutes * 60
        own = min(out, length)
        out -= own
        if one.paid:
            paid += own
        else:
            # Only time beyond the limit can be taken off: six hours and a minute of work
            # must not become less than six hours.
            off = min(length - own, max(0, counted - taken_off - one.after * 60))
            taken_off += off
            cuts.append((one.after * 60, off))
    return paid, cuts


def _late_and_early(shift: Shift, spans: Sequence[_Real], spells: Sequence[Spell], now: datetime) -> tuple[int, int]:
    if shift.kind is Kind.FLEXIBLE:
        return 0, 0
    late = early = 0
    for start, end in spans:
        inside = [(max(one.start, start), min(one.end or now, end)) for one in spells]
        inside = [(first, last) for first, last in inside if first <= last]
        if not inside:
            continue
        waited = int((min(first for first, _ in inside) - start).total_seconds())
        left = int((end - max(last for _, last in inside)).total_seconds())
        late += waited if waited > shift.grace_in * 60 else 0
        early += left if left > shift.grace_out * 60 else 0
    if spells[-1].rule is not None:
        early = 0  # nobody knows when they left
    return late, early


def _status_without(plan: Plan, spans: Sequence[_Real], now: datetime, zone: ZoneInfo) -> Status:
    if plan.holiday is not None:
        return Status.HOLIDAY
    if plan.leave is not None and (plan.whole_day_off or not spans):
        return Status.LEAVE
    if plan.shift is None:
        return Status.OFF if plan.rostered else Status.UNPLANNED
    if now < spans[0][0]:
        return Status.EXPECTED if _local_day(now, zone) >= plan.day else Status.UPCOMING
    if now < spans[-1][1]:
        late = now > spans[0][0] + timedelta(minutes=plan.shift.grace_in) and plan.shift.kind is Kind.FIXED
        return Status.ABSENT if late else Status.EXPECTED
    return Status.ABSENT


def _status_with(plan: Plan, spells: Sequence[Spell], worked: int, spans: Sequence[_Real], now: datetime) -> Status:
    if spells[-1].running:
        return Status.PRESENT
    shift = plan.shift
    if shift is None or plan.whole_day_off:
        return Status.WORKED
    if spans and now < spans[-1][1]:
        return Status.WORKED  # may come back
    if worked < shift.absent_below * 60:
        return Status.ABSENT
    if worked < shift.half_below * 60 or plan.leave is not None:
        return Status.HALF_DAY
    return Status.WORKED


def _local_day(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()
