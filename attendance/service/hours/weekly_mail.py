"""The weekly e-mail to the addresses in `mail.to`, about everybody: what somebody should look at, in plain text.

In: a session, the site's zone, the present instant; where to send.  Out: a sent message.
Does not know: the scheduler, what the settings file looks like.
Main choice: plain text with names, days and numbers, no attachment and no picture, so that it can be
read in any program; the price is that whoever is in `mail.to` reads about every department, as an operator
does on the site and a supervisor does not.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import Day, Flag, Status
from attendance.domain.hours.overtime import week_of
from attendance.service.hours.days import PersonDays, sheet
from attendance.service.hours.report_tables import hours
from attendance.store.hours import corrections

TIMEOUT_S = 30
MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class MailServer:
    """`security`: "starttls", "tls" or "none"; an empty `user` does not sign in."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    to: tuple[str, ...]


def week_before(zone: ZoneInfo, now: datetime) -> date:
    """The Monday of the last whole week."""
    return week_of(now.astimezone(zone).date()) - timedelta(days=7)


def compose(session: Session, monday: date, zone: ZoneInfo, now: datetime, site: str) -> EmailMessage:
    """The message about the week that begins on `monday`."""
    found = sheet(session, monday, monday + timedelta(days=6), zone, now)
    waiting = corrections.count_requested(session)
    message = EmailMessage()
    message["Subject"] = f"{site}: working time, week from {monday:%-d %b %Y}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain="attendance.invalid")
    message.set_content("\n".join(_lines(found, waiting)) + "\n")
    return message


def _lines(found: Sequence[PersonDays], waiting: int) -> list[str]:
    worked = sum(one.worked for one in found)
    extra = sum(day.overtime for one in found for day in one.days)
    lines = [
        f"{len(found)} people worked {hours(worked)} hours, {hours(extra)} of them overtime.",
        f"{waiting} corrections wait for a decision.",
    ]
    for title, listed in (
        ("Absent without leave", _days(found, lambda day: day.status is Status.ABSENT, lambda _: "")),
        ("No check-out or check-in", _days(found, _incomplete, lambda day: "; ".join(day.reasons))),
        ("Late", _days(found, lambda day: bool(day.late), lambda day: hours(day.late))),
    ):
        lines += ["", f"{title}: {len(listed) or 'nobody'}", *listed[:MOST_LINES]]
        if len(listed) > MOST_LINES:
            lines.append(f"  and {len(listed) - MOST_LINES} more, on the site's report pages")
    return lines


def _incomplete(day: Day) -> bool:
    return bool(day.flags & {Flag.MISSING_OUT, Flag.MISSING_IN})


def _days(found: Sequence[PersonDays], wanted: Callable[[Day], bool], words: Callable[[Day], str]) -> list[str]:
    pairs = [(day.day, one.person.name, words(day)) for one in found for day in one.days if wanted(day)]
    return [f"  {day:%a %-d %b}  {name}{'  ' + more if more else ''}" for day, name, more in sorted(pairs)]


def send(message: EmailMessage, server: MailServer) -> None:
    """Hand the message to the server; raises OSError or smtplib.SMTPException when it does not take it."""
    message["From"] = server.sender
    message["To"] = ", ".join(server.to)
    context = ssl.create_default_context()
    if server.security == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    with connection:
        if server.security == "starttls":
            connection.starttls(context=context)
        if server.user:
            connection.login(server.user, server.password)
        connection.send_message(message)
