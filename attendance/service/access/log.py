"""The log of passages: reading it page by page, and writing it as CSV.

In: a session, filters, the site's time zone.  Out: passages; lines of CSV.
Does not know: the web, files.
Main choice: local time is made here, at the last moment, from UTC rows; a CSV line carries both.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.passage import Method
from attendance.domain.reason import Reason
from attendance.store.access import events
from attendance.store.access.events import PassageView

COLUMNS = (
    "time_utc",
    "time_local",
    "person",
    "external_id",  # the staff number; headers of exports stay as they are
    "department",
    "direction",
    "camera",
    "method",
    "granted",
    "reason",
    "score",
    "runner_up",
    "threshold",
    "door",
    "id",
)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return midnight to midnight of a local day, in UTC: 23, 24 or 25 hours apart."""
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    return start, datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def all_passages(
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    person_id: int | None = None,
    granted: bool | None = None,
    camera: str | None = None,
    reason: Reason | None = None,
    method: Method | None = None,
    text: str = "",
    page: int = 500,
) -> Iterator[PassageView]:
    """Yield every passage of the filter, newest first, read page by page; filters as in `events.list_passages`."""
    before_id: str | None = None
    while True:
        views = events.list_passages(
            session,
            since=since,
            until=until,
            person_id=person_id,
            granted=granted,
            camera=camera,
            reason=reason,
            method=method,
            text=text,
            limit=page,
            before_id=before_id,
        )
        yield from views
        if len(views) < page:
            return
        before_id = views[-1].passage.id


def passages_csv(views: Iterable[PassageView], zone: ZoneInfo) -> Iterator[str]:
    """Yield RFC 4180 lines with a header and CRLF; begin a file with a BOM if a spreadsheet will open it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for view in views:
        yield _taken(buffer)
        writer.writerow(_cells(view, zone))
    yield _taken(buffer)


_FORMULA = re.compile(r"""(^|[;|\t\r\n])((?:"|[^\S\t\r\n])*)(?=[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20])""")


def safe_cell(text: str) -> str:
    """Return the text so that a spreadsheet runs no part of it as a formula: a quote stands before = + - @ tab and CR.

    Behind a semicolon, a bar, a tab or a line break, too: which sign separates cells is the spreadsheet's choice, and
    where it is not our comma, our quotation marks protect nothing.
    """
    return _FORMULA.sub(r"\1\2'", text)


def _cells(view: PassageView, zone: ZoneInfo) -> list[str]:
    passage = view.passage
    return [
        passage.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        passage.at.astimezone(zone).isoformat(timespec="seconds"),
        safe_cell(view.person_name or ""),
        safe_cell(view.staff_number or ""),
        safe_cell(view.department or ""),
        passage.direction.value,
        safe_cell(passage.camera),
        passage.method.value,
        "yes" if passage.granted else "no",
        passage.reason.value,
        _number(passage.score),
        _number(passage.runner_up),
        _number(passage.threshold),
        view.door or "",
        passage.id,
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"  # a number may begin with a minus: it is not a text


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
