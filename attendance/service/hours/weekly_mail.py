"""The weekly e-mail: absences, lateness, days to look at; to `mail.to` about everybody, to supervisors about theirs.

In: a session, the site's zone, the present instant.  Out: a message.
Does not know: the scheduler, what the settings file looks like.
Main choice: plain text with names, days and numbers, no attachment and no picture, so that it can be
read in any program.  Trade-off: every address in `mail.to` reads about every department.  A supervisor's e-mail
is written by a session in which nobody outside of their departments exists, as their pages are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import Day, Status
from attendance.domain.hours.overtime import week_of
from attendance.domain.people.names import sort_key
from attendance.service.hours.day_words import LOCALE, Local, hours, remarks
from attendance.service.hours.days import PersonDays, sheet
from attendance.service.ids import new_event_id
from attendance.store.alarms import outbox
from attendance.store.hours.corrections import count_requested
from attendance.texts import N_, ngettext
from attendance.texts import gettext as _

MOST_LINES = 40


def week_before(zone: ZoneInfo, now: datetime) -> date:
    """Return the Monday of the last whole week."""
    return week_of(now.astimezone(zone).date()) - timedelta(days=7)


def compose(
    session: Session, monday: date, zone: ZoneInfo, now: datetime, site: str, locale: str = LOCALE,
    departments: Sequence[str] = (),
) -> EmailMessage:  # fmt: skip
    """Return the message about the week that begins on `monday`.

    `departments`: of the supervisor it goes to, named in it; the session sees their people only.
    """
    local = Local(zone, locale)
    rows = sheet(session, monday, monday + timedelta(days=6), zone, now)
    waiting = count_requested(session)
    message = EmailMessage()
    message["Subject"] = _("%(site)s: working time, week from %(day)s", site=site, day=local.medium_date(monday))
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain="attendance.invalid")
    about = [_("Departments: %(names)s.", names=", ".join(departments)), ""] if departments else []
    message.set_content("\n".join([*about, *_lines(rows, waiting, local)]) + "\n")
    return message


SECTIONS: tuple[tuple[str, Callable[[Day], bool], Callable[[Day, Local], str]], ...] = (
    (N_("Absent without leave"), lambda day: day.status is Status.ABSENT, lambda _day, _local: ""),
    (N_("Days to look at"), lambda day: day.wants_look, remarks),
    (N_("Late"), lambda day: bool(day.late), lambda day, _local: hours(day.late)),
)


def _lines(rows: Sequence[PersonDays], waiting: int, local: Local) -> list[str]:
    worked = sum(row.worked for row in rows)
    overtime = sum(row.overtime for row in rows)
    lines = [
        ngettext(
            "%(number)s person worked %(worked)s hours, %(overtime)s of them overtime.",
            "%(number)s people worked %(worked)s hours, %(overtime)s of them overtime.",
            len(rows), worked=hours(worked), overtime=hours(overtime),
        ),
        ngettext(
            "%(number)s correction waits for a decision.", "%(number)s corrections wait for a decision.", waiting
        ),
    ]  # fmt: skip
    for title, wanted, words in SECTIONS:
        days = [(day.day, row.person.name, words(day, local)) for row in rows for day in row.days if wanted(day)]
        days.sort(key=lambda one: (one[0], sort_key(one[1])))
        lines += ["", f"{_(title)}: {len(days) or _('nobody')}"]
        for day, name, more in days[:MOST_LINES]:
            lines.append(f"  {local.weekday_day(day)}  {name}{'  ' + more if more else ''}")
        if len(days) > MOST_LINES:
            lines.append("  " + _("and %(number)s more, on the site's report pages", number=len(days) - MOST_LINES))
    return lines


def post(session: Session, message: EmailMessage, to: str, now: datetime) -> None:
    """Put the message into the outbox for these addresses; the caller commits."""
    payload = {"kind": "the working time of a week", "subject": message["Subject"], "text": message.get_content()}
    outbox.put(
        session, message_id=new_event_id(now), channel="mail", target=to, kind=outbox.LETTER, payload=payload, at=now
    )
