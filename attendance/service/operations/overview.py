"""One local day in numbers, and which first steps are done, for the first page of the site.

In: a session, the site's time zone, a day or an instant.  Out: an `Overview`, who is here, the `Steps`.
Does not know: pages, when somebody counts as here (`service/hours/days`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.service.access.log import day_bounds
from attendance.service.enrolment import photo_count
from attendance.service.hours.days import people_here
from attendance.store.access import events
from attendance.store.access.events import Overview


@dataclass(frozen=True, slots=True)
class Steps:
    """Which of the first steps are done; `recommended` and `sufficient`: photos a person."""

    people: bool
    faces: bool
    threshold: bool
    camera: bool
    recommended: int = photo_count.RECOMMENDED
    sufficient: int = photo_count.SUFFICIENT

    @property
    def complete(self) -> bool:
        """Whether the site can recognise somebody; the list is then no longer shown."""
        return self.faces and self.threshold and self.camera


def overview_of_day(session: Session, zone: ZoneInfo, day: date) -> Overview:
    """Return the numbers of one local day."""
    return events.overview(session, *day_bounds(day, zone))


def overview_today(session: Session, zone: ZoneInfo, now: datetime) -> tuple[Overview, frozenset[int]]:
    """Return the numbers of the local day that holds `now` (aware), and the ids of the people who are here."""
    return overview_of_day(session, zone, now.astimezone(zone).date()), people_here(session, now, zone)
