"""What the address says about days, people and departments.

In: query parameters and form fields.  Out: checked dates, ids, texts; `Span`, and its address again.
Does not know: pages.
Main choice: the address holds everything that a page shows, so that it can be sent to a colleague.  A value
that is not valid is left out and named, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from attendance.deprecation import warn_renamed
from attendance.domain.hours.shift import parse_hhmm
from attendance.domain.hours.zones import RepeatedTime, SkippedTime, instant_of, repeats_a_time
from attendance.errors import UserError, sentence
from attendance.texts import gettext as _
from attendance.texts import translated
from attendance.web.forms import clean_line
from attendance.web.site import current_site

MOST_DAYS = 400


@dataclass(frozen=True)
class Span:
    """From when to when, and about whom.  `problems`: what the address said that was not valid."""

    first: date
    last: date
    department: str | None = None
    person_id: int | None = None
    problems: tuple[str, ...] = ()

    @property
    def args(self) -> dict[str, Any]:
        """The address's parameters, without those that are empty."""
        args = {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "department": self.department,
            "person": self.person_id,
        }
        return {name: value for name, value in args.items() if value is not None}

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def month(self, step: int) -> dict[str, Any]:
        """Return the address's parameters for the whole month before (-1), of (0) or after (1) the first day."""
        first = month_of(self.first)
        for _step in range(abs(step)):
            first = month_of(first - timedelta(days=1)) if step < 0 else next_month(first)
        last = next_month(first) - timedelta(days=1)
        return self.args | {"from": first.isoformat(), "to": last.isoformat()}

    @property
    def this_month(self) -> dict[str, Any] | None:
        """The address's parameters for the present month; None if it is shown already."""
        first = month_of(today())
        last = next_month(first) - timedelta(days=1)
        if (self.first, self.last) == (first, last):
            return None
        return self.args | {"from": first.isoformat(), "to": last.isoformat()}


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(day: date) -> date:
    return month_of(month_of(day) + timedelta(days=31))


def today() -> date:
    """Return the present day at the site."""
    return current_site().local(current_site().clock.now()).date()


def span_of(args: Mapping[str, str], whole_month: bool = True) -> Span:
    """Return the address's span.  Without one: this month, or today if not `whole_month`."""
    problems: list[str] = []
    now = today()
    first, last = _day(args.get("from", ""), problems), _day(args.get("to", ""), problems)
    if first is None and last is None:
        first, last = (month_of(now), next_month(now) - timedelta(days=1)) if whole_month else (now, now)
    first, last = first or last or now, last or first or now
    if last < first:
        problems.append(_("The last day is before the first; they were swapped."))
        first, last = last, first
    if (last - first).days >= MOST_DAYS:
        problems.append(_("At most %(days)s days are shown.", days=MOST_DAYS))
        last = first + timedelta(days=MOST_DAYS - 1)
    person = args.get("person", "")
    return Span(first, last, department_from(args), int(person) if is_id(person) else None, tuple(problems))


def department_from(args: Mapping[str, str]) -> str | None:
    """Return the department that the address names; bookmarks of older releases call it "team"."""
    if "team" in args and "department" not in args:
        warn_renamed("an address of a page", "team", "department")
    return clean_line(args.get("department", args.get("team", "")))[:200] or None


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _day(text: str, problems: list[str]) -> date | None:
    if not text:
        return None
    try:
        return day_from(text)
    except UserError as error:
        problems.append(sentence(translated(error)))
        return None


def day_from(text: str) -> date:
    """Return the date of a form or an address; UserError if it is not valid."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # The calendar's first and last days have no midnight in some zones.
    if day is None or not 1970 <= day.year < 9000:
        raise UserError("a date was not understood: write it as 2024-05-31")
    return day


def instant_from(day: date, text: str, which: str = "") -> datetime:
    """Return the instant (UTC) of a local day and a field of time; UserError if there is no such time.

    `which`: "first" or "second", where the clock showed the time twice.
    """
    try:
        clock = time(*divmod(parse_hhmm(text), 60))
    except ValueError as error:
        raise UserError("a time was not understood: write it as 08:30") from error
    try:
        return instant_of(day, clock, current_site().zone, {"first": False, "second": True}.get(which))
    except SkippedTime as error:
        raise UserError(
            "on %(day)s the clock never showed %(text)s: it was put forward over this time, so write one before "
            "or after",
            day=day,
            text=text,
        ) from error
    except RepeatedTime as error:
        raise UserError(
            "on %(day)s the clock showed %(text)s twice, because it was put back: choose the first or the second time",
            day=day,
            text=text,
        ) from error


def repeats_between(first: date, last: date) -> bool:
    """Return whether the site's clock shows some times twice on one of these days, so that a form must ask which."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return any(repeats_a_time(day, current_site().zone) for day in days)


def whole(text: str, label: str, least: int = 0, most: int = 10**6) -> int:
    """Return a whole number of a form; an empty field is `least`."""
    text = text.strip()
    if not text:
        return least
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise UserError(
            "%(label)s: write a whole number from %(least)s to %(most)s", label=label, least=least, most=most
        )
    return int(text)
