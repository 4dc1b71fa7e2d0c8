"""A day's windows as people type them: "08:00-12:00, 13:00-17:30", and back.

In: seven lines of text.  Out: a `Week`; UserError that says which part cannot be read.
Does not know: pages, tables.
Main choice: a span whose end is at or before its start goes on over midnight and becomes two windows, the second one on
the next day, as the rules have it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attendance.domain.access.rules.schedule import MINUTES, WHOLE_DAY, Day, Week, Window, merged
from attendance.errors import UserError

_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*[-–]\s*(\d{1,2})(?:[:.](\d{2}))?")
LONGEST = 200


def week_of(lines: Sequence[str]) -> Week:
    """Return the week of seven lines, Monday first; an empty line is closed all day."""
    days: list[list[Window]] = [[] for _line in lines]
    for number, line in enumerate(lines):
        for start, end in spans(line):
            if start < end:
                days[number].append(Window(start, end))
                continue
            days[number].append(Window(start, MINUTES))
            if end:
                days[(number + 1) % len(lines)].append(Window(0, end))
    return tuple(merged(day) for day in days)


def day_of(line: str) -> Day:
    """Return the windows of one special day, which ends at midnight."""
    found = spans(line)
    if any(end <= start for start, end in found):
        raise UserError("a special day ends at midnight: end its last span at 24:00")
    return merged(Window(start, end) for start, end in found)


def spans(line: str) -> list[tuple[int, int]]:
    """Return the spans of a line in minutes of the day, as they are typed."""
    return [_span(part) for part in re.split(r"[,;\n]", line[:LONGEST]) if part.strip()]


def text_of(day: Day) -> str:
    """Return a day as it is typed; empty for one that is closed."""
    return ", ".join(f"{clock(window.start)}-{clock(window.end)}" for window in day)


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def is_whole(day: Day) -> bool:
    return merged(day) == (WHOLE_DAY,)


def _span(part: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(part.strip())
    if found is None:
        raise UserError("%(text)s is not a valid span; write it as 08:00-12:30", text=part.strip()[:40])
    hours, minutes = (int(found[1]), int(found[3])), (int(found[2] or 0), int(found[4] or 0))
    start, end = (60 * hour + minute for hour, minute in zip(hours, minutes, strict=True))
    if start >= MINUTES or end > MINUTES or max(minutes) > 59 or start == end:
        raise UserError("%(text)s is not a valid span; times run from 00:00 to 24:00", text=part.strip()[:40])
    return start, end
