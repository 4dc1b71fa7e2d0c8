"""What is done by the clock and not by anybody's click: forgetting, the nightly roll-up, the weekly e-mail.

In: sessions, the clock, the settings.  Out: a running scheduler.
Does not know: the web process that carries it.
Main choice: once at the start and then hourly instead of at a fixed hour of the night, because the
small computers that run this are switched off at night; the price is a cheap query an hour.  What is
due once a night or a week is claimed in the database first, so that two processes do it once.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import UTC, date, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.orm import Session

from attendance.config import Mail, Settings
from attendance.service.calibration.auto_tighten import tighten
from attendance.service.hours import periods, weekly_mail
from attendance.service.hours.weekly_mail import MailServer
from attendance.service.people.look_alikes import refresh_all
from attendance.service.ports import Clock
from attendance.service.privacy.retention import forget_passages_older_than, forget_stranger_passages_older_than
from attendance.store import settings as shared
from attendance.store.crypto import Keys
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

NIGHTLY, WEEKLY = "nightly_roll_up", "weekly_mail"
# Local hours from which on they are due.
NIGHT_HOUR, MAIL_HOUR = 3, 6


def forget_strangers(sessions: Sessions, clock: Clock, days: int) -> int:
    """Delete refusals of unknown people that are older than `days`; 0 days keeps them for ever."""
    if days == 0:
        return 0
    with sessions.begin() as session:
        gone = forget_stranger_passages_older_than(session, clock.now() - timedelta(days=days))
    if gone:
        log.info("forgot %d refusals of unknown people older than %d days", gone, days)
    return gone


def forget_passages(sessions: Sessions, clock: Clock, days: int) -> int:
    """Delete all passages older than `days`, once their days are written down; 0 days keeps them for ever."""
    if days == 0:
        return 0
    with sessions.begin() as session:
        gone = forget_passages_older_than(session, clock.now() - timedelta(days=days))
    if gone:
        log.info("forgot %d passages older than %d days", gone, days)
    return gone


def nightly(sessions: Sessions, clock: Clock, settings: Settings) -> int | None:
    """Write finished days down, once a night; None when it is not due.  Forgotten check-outs are logged."""
    zone, now = settings.site.zone, clock.now()
    local = now.astimezone(zone)
    if local.hour < NIGHT_HOUR:
        return None
    with sessions.begin() as session:
        if not _claimed(session, NIGHTLY, local.date(), clock):
            return None
        done = periods.roll_up(session, zone, now)
    for person, day in done.forgotten:
        log.info("%s, %s: no check-out", person.name, day.day)
    log.info("%d days written down, %d without a check-out", done.days, len(done.forgotten))
    return done.days


def weekly(sessions: Sessions, clock: Clock, settings: Settings) -> bool:
    """Send the weekly e-mail, once, from Monday morning on; off without a mail server."""
    mail, zone, now = settings.mail, settings.site.zone, clock.now()
    local = now.astimezone(zone)
    if not mail.host or not mail.to or (local.weekday() == 0 and local.hour < MAIL_HOUR):
        return False
    server = server_of(mail)
    monday = weekly_mail.week_before(zone, now)
    with sessions.begin() as session:
        if not _claimed(session, WEEKLY, monday, clock):
            return False
    # Sent outside any transaction: a server that does not answer must not hold the door's database.  The price:
    # a computer that loses power just then sends nothing this week.
    try:
        with sessions() as session:
            message = weekly_mail.compose(session, monday, zone, now, settings.site.name)
        weekly_mail.send(message, server)
    except BaseException as error:
        # What no server took is tried again in an hour.
        with sessions.begin() as session:
            shared.put(session, WEEKLY, "", clock.now())
        if not isinstance(error, (OSError, smtplib.SMTPException)):
            raise
        log.warning("the weekly e-mail was not sent: %s", error)
        return False
    log.info("the weekly e-mail went to %d people", len(server.to))
    return True


def server_of(mail: Mail) -> MailServer:
    to = tuple(one.strip() for one in mail.to.split(",") if one.strip())
    return MailServer(mail.host, mail.port, mail.security, mail.user, mail.password, mail.sender, to)


def _claimed(session: Session, key: str, day: date, clock: Clock) -> bool:
    """Whether this process is the first to do what is due on `day`, in the caller's transaction."""
    # Write before reading: another process waits here, and then finds it done.
    shared.touch(session, key, clock.now())
    if shared.get(session, key) == day.isoformat():
        return False
    shared.put(session, key, day.isoformat(), clock.now())
    return True


def start(
    sessions: Sessions, clock: Clock, strangers_days: int, settings: Settings | None = None
) -> BackgroundScheduler:
    """A started scheduler; the caller shuts it down.  A job that fails is logged and tried again in an hour."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        forget_strangers,
        "interval",
        args=(sessions, clock, strangers_days),
        hours=1,
        next_run_time=clock.now(),
        misfire_grace_time=None,
        coalesce=True,
        id="forget strangers",
    )
    if settings is not None:
        for name, job, arguments in (
            ("forget passages", forget_passages, (sessions, clock, settings.retention.passages_days)),
            ("nightly roll-up", nightly, (sessions, clock, settings)),
            ("weekly e-mail", weekly, (sessions, clock, settings)),
        ):
            # A minute after the start: the site answers first.
            scheduler.add_job(
                job,
                "interval",
                args=arguments,
                hours=1,
                next_run_time=clock.now() + timedelta(minutes=1),
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
                id=name,
            )
    scheduler.start()
    return scheduler


def watch_threshold(
    scheduler: BackgroundScheduler, sessions: Sessions, keys: Keys, settings: Settings, model_id: str, clock: Clock
) -> None:
    """Keep a threshold that came from a risk to it as people are enrolled; while nobody is, a count is all it costs."""
    scheduler.add_job(
        tighten,
        "interval",
        args=(sessions, keys, settings, model_id, clock),
        minutes=2,
        next_run_time=clock.now(),
        misfire_grace_time=None,
        coalesce=True,
        max_instances=1,
        id="risk",
    )


def watch_look_alikes(
    scheduler: BackgroundScheduler, sessions: Sessions, keys: Keys, model_id: str, clock: Clock
) -> None:
    """Keep the list of look-alikes in step with gallery and threshold; while neither changes, nothing is done."""
    scheduler.add_job(
        refresh_all,
        "interval",
        args=(sessions, keys, model_id, clock),
        minutes=2,
        next_run_time=clock.now(),
        misfire_grace_time=None,
        coalesce=True,
        id="look-alikes",
    )
