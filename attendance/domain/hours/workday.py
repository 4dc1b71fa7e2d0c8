"""What one work day counts as: breaks, rounding, late and early, overtime, its status.

In: what a day asks for (`Frame`) and the spells that the person was there.  Out: a `Day`.
Does not know: how the spells were found (timesheet), other days.
Main choice: every minute of presence is either worked, or named as adjusted or as break, so that the
figures of a day add up and can be checked by hand.  Each figure is cut to whole minutes once, here, and every sum
is made of those.  Trade-off: a day may lose up to 59 seconds, and never more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from attendance.domain.hours import overtime, premiums
from attendance.domain.hours.day import Day, Flag, Part, Rule, Spell, Status, Used
from attendance.domain.hours.shift import Kind, Mode, Rounding, Shift
from attendance.domain.hours.windows import Frame

_Times = tuple[datetime, datetime]
# Looking a member up in its class takes ten times as long.
_LATE, _EARLY, _MISSED = Flag.LATE, Flag.EARLY, Flag.MISSED
_FLEXIBLE = Kind.FLEXIBLE


def _cut(seconds: int) -> int:
    """Return the whole minutes, in seconds."""
    return seconds // 60 * 60


def evaluate(
    frame: Frame, spells: tuple[Spell, ...], used: tuple[Used, ...], flags: frozenset[Flag], now: datetime, today: date
) -> Day:
    """Return what the day came to, with flags for late, early and work on a day off added.

    `now`, `today`: the present instant (aware), and its local date.
    """
    if not spells:
        return _idle(frame, used, flags, now, today)
    plan, spans, shift = frame.plan, frame.spans, frame.plan.shift
    stretches, presence, as_it_was = _real(spells, now)
    counted = presence
    if not (as_it_was and frame.unrounded):
        stretches = _counted(spells, shift, spans, frame.zone, now)
        counted = sum(int((end - start).total_seconds()) for start, end in stretches)
    paid, breaks = _breaks(shift, spells, stretches, counted) if shift is not None and shift.breaks else (0, [])
    figures = _in_minutes(presence, counted, paid, breaks)
    extra = premiums.of_day([one for one in stretches if one[0] < one[1]], paid, breaks, frame.premiums)
    parts: tuple[Part, ...] = ()
    late = early = missed = 0
    if not frame.whole_day_off and shift is not None:
        parts = _parts(shift, spans, spells, now)
        for part in parts:
            late, early, missed = late + part.late, early + part.early, missed + part.missed
        if late or early or missed:
            flags |= {flag for flag, some in ((_LATE, late), (_EARLY, early), (_MISSED, missed)) if some}
    elif frame.whole_day_off and plan.rostered and presence:
        flags |= {Flag.ON_DAY_OFF}
    worked = figures[4]
    return Day(
        plan,
        _status_with(frame, spells, worked, now),
        spells,
        used,
        flags,
        *figures,
        frame.expected,
        late,
        early,
        missed,
        parts,
        overtime.portions(worked, shift.tiers if shift is not None else ()),
        extra.night,
        extra.sunday,
        extra.holiday,
        _over(frame, now, today),
    )


def _idle(frame: Frame, used: tuple[Used, ...], flags: frozenset[Flag], now: datetime, today: date) -> Day:
    """Return the day of somebody who was not there; everybody's who has this plan is the same."""
    if not used and not flags and frame.idle is not None and frame.idle[0] == now:
        return frame.idle[1]
    status = _status_without(frame, now, today)
    if status is Status.ABSENT and Flag.MISSING_IN in flags:
        status = Status.INCOMPLETE  # somebody who was seen was there
    over = _over(frame, now, today)
    day = Day(frame.plan, status, used=used, flags=flags, expected=frame.expected, over=over)
    if not used and not flags:
        frame.idle = now, day
    return day


def _over(frame: Frame, now: datetime, today: date) -> bool:
    """Return whether the shift has ended; of a day without one, whether the calendar day has."""
    return now >= frame.spans[-1][1] if frame.spans else today > frame.plan.day


def _real(spells: Sequence[Spell], now: datetime) -> tuple[list[_Times], int, bool]:
    """Return the spells' times up to `now`, their seconds, and whether each ends after it began and before the next."""
    times: list[_Times] = []
    presence, before, as_it_was = 0, None, True
    for one in spells:
        start, end = one.start, one.end or now
        times.append((start, end))
        if end < start or (before is not None and start < before):
            as_it_was = False
        length = end - start
        presence += max(0, length.days * 86400 + length.seconds)
        before = end
    return times, presence, as_it_was


def _counted(
    spells: Sequence[Spell], shift: Shift | None, spans: Sequence[_Times], zone: ZoneInfo, now: datetime
) -> list[_Times]:
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


def _in_minutes(presence: int, counted: int, paid: int, cuts: Sequence[premiums.Cut]) -> tuple[int, int, int, int, int]:
    """Cut a day's seconds to whole minutes (in seconds) so that they still add up.

    Return presence, adjusted, paid break, automatic break, worked: the last is the sum of the others, less the break.
    """
    taken_off = sum([seconds for _after, seconds in cuts]) if cuts else 0
    worked = counted + paid - taken_off
    worked = _cut(worked) if worked > 0 else 0
    # Where the seconds of two figures make a minute together, the break that was paid or taken off shows it.
    auto_break = max(0, _cut(counted) + _cut(paid) - worked) if taken_off else 0
    presence, counted = _cut(presence), _cut(counted)
    return presence, counted - presence, worked + auto_break - counted, auto_break, worked


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
    shift: Shift, spells: Sequence[Spell], stretches: Sequence[_Times], counted: int
) -> tuple[int, list[premiums.Cut]]:
    """Return (seconds of the person's breaks that are paid, what is taken off for breaks that were not taken)."""
    out = 0
    if len(shift.spans) == 1 and len(spells) > 1:  # the pause between the parts of a split shift is not a break
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


def _parts(shift: Shift, spans: Sequence[_Times], spells: Sequence[Spell], now: datetime) -> tuple[Part, ...]:
    """Return what was missing from each part of a fixed shift."""
    if shift.kind is _FLEXIBLE:
        return ()
    return tuple([_part(shift, start, end, spells, now) for start, end in spans])


def _part(shift: Shift, start: datetime, end: datetime, spells: Sequence[Spell], now: datetime) -> Part:
    first = last = None
    for one in spells:
        left_at = one.end or now
        begun, ended = one.start if one.start > start else start, left_at if left_at < end else end
        if begun <= ended:
            first, last = first or one, one
    if first is None or last is None:
        # Where a check-out before it is missing and counts nothing, nobody knows.
        unknown = any(one.rule is Rule.NOTHING and one.start < end for one in spells)
        return Part(start, end, missed=_cut(int((end - start).total_seconds())) if now >= end and not unknown else 0)
    late = early = 0
    if first.start > start:
        waited = first.start - start
        late = waited.days * 86400 + waited.seconds
    # While somebody is there, and where nobody knows when they left, nothing is early.
    if last.end is not None and last.rule is None and last.end < end:
        left = end - last.end
        early = left.days * 86400 + left.seconds
    return Part(
        start, end, _cut(late) if late > shift.grace_in * 60 else 0, _cut(early) if early > shift.grace_out * 60 else 0
    )


def _status_without(frame: Frame, now: datetime, today: date) -> Status:
    plan, spans = frame.plan, frame.spans
    if plan.holiday is not None:
        return Status.HOLIDAY
    if plan.leave_share and (plan.whole_day_off or not spans):
        return Status.LEAVE
    if plan.shift is None:
        return Status.OFF if plan.rostered else Status.UNPLANNED
    if now < spans[0][0]:
        return Status.EXPECTED if today >= plan.day else Status.UPCOMING
    if now < spans[-1][1]:
        late = now > spans[0][0] + timedelta(minutes=plan.shift.grace_in) and plan.shift.kind is Kind.FIXED
        return Status.ABSENT if late else Status.EXPECTED
    return Status.ABSENT


def _status_with(frame: Frame, spells: Sequence[Spell], worked: int, now: datetime) -> Status:
    if spells[-1].end is None:
        return Status.PRESENT
    plan, shift = frame.plan, frame.plan.shift
    if shift is None or frame.whole_day_off:
        return Status.WORKED
    if frame.spans and now < frame.spans[-1][1]:
        return Status.WORKED  # may come back
    asked = 30 if plan.leave is not None else 60  # half a day is measured by half of the limits
    short = Status.ABSENT if worked < shift.absent_below * asked else Status.HALF_DAY
    if worked < max(shift.absent_below, shift.half_below) * asked:
        # Where a check-out is missing and counts nothing, the hours are not known: that is not an absence.
        unknown = any(one.rule is Rule.NOTHING for one in spells)
        return Status.INCOMPLETE if unknown else short
    return Status.HALF_DAY if plan.leave is not None else Status.WORKED
