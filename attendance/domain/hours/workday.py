"""What one work day counts as: breaks, rounding, late and early, overtime, its status.

In: a plan and the spells that the person was there.  Out: a `Day`.
Does not know: how the spells were found (timesheet), other days.
Main choice: every minute of presence is either worked, or named as adjusted or as break, so that the
figures of a day add up and can be checked by hand.  Each figure is cut to whole minutes once, here, and every sum
is made of those.  Trade-off: a day may lose up to 59 seconds, and never more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from attendance.domain.hours import overtime, premiums
from attendance.domain.hours.day import Day, Flag, Part, Rule, Spell, Status, Used
from attendance.domain.hours.shift import Kind, Mode, Plan, Rounding, Shift, spans_of

_Real = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class _Figures:
    """Whole minutes in seconds: `worked` = `presence` + `adjusted` + `paid_break` − `auto_break`."""

    presence: int
    adjusted: int
    paid_break: int
    auto_break: int
    worked: int


def _cut(seconds: int) -> int:
    """Return the whole minutes, in seconds."""
    return seconds // 60 * 60


def _over(plan: Plan, spans: Sequence[_Real], now: datetime, zone: ZoneInfo) -> bool:
    """Return whether the shift has ended; of a day without one, whether the calendar day has."""
    return now >= spans[-1][1] if spans else _local_day(now, zone) > plan.day


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
    expected = _cut(_expected(plan, spans))
    over = _over(plan, spans, now, zone)
    if not spells:
        status = _status_without(plan, spans, now, zone)
        if status is Status.ABSENT and Flag.MISSING_IN in flags:
            status = Status.INCOMPLETE  # somebody who was seen was there
        return Day(plan, status, used=used, flags=flags, expected=expected, over=over)
    presence = sum(one.seconds(now) for one in spells)
    stretches = _counted(spells, shift, spans, zone, now)
    counted = sum(int((end - start).total_seconds()) for start, end in stretches)
    paid, breaks = _breaks(shift, spells, stretches, counted)
    figures = _in_minutes(presence, counted, paid, sum(seconds for _after, seconds in breaks))
    times = [(start, end) for start, end in stretches if start < end]
    extra = premiums.of_day(times, paid, breaks, plan, holidays, zone)
    found = set(flags)
    parts = () if plan.whole_day_off or shift is None else _parts(shift, spans, spells, now)
    late, early, missed = (sum(getattr(part, name) for part in parts) for name in ("late", "early", "missed"))
    found |= {flag for flag, seconds in ((Flag.LATE, late), (Flag.EARLY, early), (Flag.MISSED, missed)) if seconds}
    if plan.whole_day_off and plan.rostered and presence:
        found.add(Flag.ON_DAY_OFF)
    portions = overtime.split(figures.worked, shift.tiers if shift else ())
    return Day(
        plan=plan,
        status=_status_with(plan, spells, figures.worked, spans, now),
        over=over,
        spells=spells,
        used=used,
        flags=frozenset(found),
        presence=figures.presence,
        adjusted=figures.adjusted,
        paid_break=figures.paid_break,
        auto_break=figures.auto_break,
        worked=figures.worked,
        expected=expected,
        late=late,
        early=early,
        missed=missed,
        parts=parts,
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
    """Return the stretches that count, in order and disjoint, a stretch for each spell (it may be empty).

    Rounding moves the day's first arrival and its last departure only, and cuts off all time before or after them:
    the time between two spells is as long as it was, so that nobody is paid for it and nobody loses by it.
    """
    real = [(one.start, one.end or now) for one in spells]
    begin, end = real[0][0], real[-1][1]
    if shift is not None:
        begin = _rounded(begin, shift.rounding, zone, arriving=True)
        if spells[-1].end is not None and spells[-1].rule is None:
            end = _rounded(end, shift.rounding, zone, arriving=False)
        if shift.clip_early and spans:
            begin = max(begin, spans[0][0])
    if real[0][0] < real[0][1]:  # an arrival alone does not count as time
        real[0] = (min(begin, real[0][0]), real[0][1])
    if real[-1][0] < real[-1][1]:
        real[-1] = (real[-1][0], max(end, real[-1][1]))
    end = max(begin, end)
    return [(min(max(first, begin), end), max(min(last, end), begin)) for first, last in real]


def _in_minutes(presence: int, counted: int, paid: int, taken_off: int) -> _Figures:
    """Cut a day's seconds to whole minutes so that they still add up."""
    worked = _cut(max(0, counted + paid - taken_off))
    # Where the seconds of two figures make a minute together, the break that was paid or taken off shows it.
    auto_break = max(0, _cut(counted) + _cut(paid) - worked) if taken_off else 0
    return _Figures(
        presence=_cut(presence),
        adjusted=_cut(counted) - _cut(presence),
        paid_break=worked + auto_break - _cut(counted),
        auto_break=auto_break,
        worked=worked,
    )


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


def _breaks(
    shift: Shift | None, spells: Sequence[Spell], stretches: Sequence[_Real], counted: int
) -> tuple[int, list[premiums.Cut]]:
    """Return (seconds of the person's breaks that are paid, what is taken off for breaks that were not taken)."""
    if shift is None or not shift.breaks:
        return 0, []
    out = 0
    if len(shift.spans) == 1:  # the pause between the parts of a split shift is not a break
        for spell, ((_, left), (back, _)) in zip(spells, pairwise(stretches), strict=False):
            if spell.end is not None and spell.rule is None:
                out += max(0, int((back - left).total_seconds()))
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


def _parts(shift: Shift, spans: Sequence[_Real], spells: Sequence[Spell], now: datetime) -> tuple[Part, ...]:
    """Return what was missing from each part of a fixed shift."""
    if shift.kind is Kind.FLEXIBLE:
        return ()
    return tuple(_part(shift, start, end, spells, now) for start, end in spans)


def _part(shift: Shift, start: datetime, end: datetime, spells: Sequence[Spell], now: datetime) -> Part:
    inside = [one for one in spells if max(one.start, start) <= min(one.end or now, end)]
    if not inside:
        # Where a check-out before it is missing and counts nothing, nobody knows.
        unknown = any(one.rule is Rule.NOTHING and one.start < end for one in spells)
        return Part(start, end, missed=_cut(int((end - start).total_seconds())) if now >= end and not unknown else 0)
    waited = int((inside[0].start - start).total_seconds())
    last = inside[-1]
    # While somebody is there, and where nobody knows when they left, nothing is early.
    left = int((end - last.end).total_seconds()) if last.end is not None and last.rule is None else 0
    return Part(
        start,
        end,
        late=_cut(waited) if waited > shift.grace_in * 60 else 0,
        early=_cut(left) if left > shift.grace_out * 60 else 0,
    )


def _status_without(plan: Plan, spans: Sequence[_Real], now: datetime, zone: ZoneInfo) -> Status:
    if plan.holiday is not None:
        return Status.HOLIDAY
    if plan.leave_share and (plan.whole_day_off or not spans):
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
    asked = 30 if plan.leave is not None else 60  # half a day is measured by half of the limits
    short = Status.ABSENT if worked < shift.absent_below * asked else Status.HALF_DAY
    if worked < max(shift.absent_below, shift.half_below) * asked:
        # Where a check-out is missing and counts nothing, the hours are not known: that is not an absence.
        unknown = any(one.rule is Rule.NOTHING for one in spells)
        return Status.INCOMPLETE if unknown else short
    return Status.HALF_DAY if plan.leave is not None else Status.WORKED


def _local_day(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()
