"""From when to when somebody is employed: what a day can ask of them.

In: first and last days.  Out: `Employment`.
Does not know: names, the database, whether somebody is recognised at a door.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Employment:
    """One time of employment.  `first` None: since before the records begin.  `last` None: until further notice."""

    first: date | None = None
    last: date | None = None

    def covers(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


ALWAYS = (Employment(),)


def employed_on(day: date, employments: Sequence[Employment]) -> bool:
    """Return whether any of them covers the day."""
    return any(one.covers(day) for one in employments)
