"""One local day in numbers, for the first page of the site.

In: a session, the site's time zone, a day or an instant.  Out: an `Overview`.
Does not know: pages.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.service.access.log import day_bounds
from attendance.store.access import events
from attendance.store.access.events import Overview


def overview_of_day(session: Session, zone: ZoneInfo, day: date) -> Overview:
    return events.overview(session, *day_bounds(day, zone))


def overview_today(session: Session, zone: ZoneInfo, now: datetime) -> Overview:
    """The local day that holds `now` (aware)."""
    return overview_of_day(session, zone, now.astimezone(zone).date())
