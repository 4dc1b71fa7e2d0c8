"""What runs by the clock: forgetting, the nightly roll-up, the weekly e-mail, look-alikes, the threshold.

In: sessions, keys, the settings, the clock.  Out: a table of jobs, a running scheduler.
Does not know: the web process that carries it.
Main choice: jobs run at the start and then hourly instead of at a fixed hour of the night, because small
computers are switched off at night.  Trade-off: a cheap query an hour.  A job that is due once a night or
once a week is claimed in the database first, so that two processes do it once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.orm import Session

from attendance.config import Mail, Settings
from attendance.errors import UserError
from attendance.service.access.policy import visits
from attendance.service.alarms.delivery import Channels
from attendance.service.alarms.watch import WATCH_EVERY_S, AlarmWatch
from attendance.service.audit import keeping
from attendance.service.audit.audit import Action, Actor, Subject, record
from attendance.service.calibration.auto_tighten import tighten
from attendance.service.enrolment.growing import Growing
from attendance.service.hours import muster, periods, weekly_mail
from attendance.service.mail import MailServer, addresses_in
from attendance.service.operations.backups import back_up_if_due
from attendance.service.operations.readiness import PROBE_EVERY_S, Readiness
from attendance.service.people.employment import end_what_is_over
from attendance.service.people.growth import rules_of, settle
from attendance.service.people.look_alikes import refresh_all
from attendance.service.ports import Clock, doubt_about
from attendance.service.privacy import key_backups
from attendance.service.privacy.erasure import heads_file, ledger_for
from attendance.service.privacy.finish import FINISH_EVERY, finish_erasures
from attendance.service.privacy.leavers import forget_leavers
from attendance.service.privacy.retention import (
    forget_named_refusals_older_than,
    forget_passages_older_than,
    forget_stranger_passages_older_than,
)
from attendance.store import settings as shared
from attendance.store.access import musters
from attendance.store.audit.signatures import Signer
from attendance.store.crypto import Keys
from attendance.store.enrolment import camera_enrolments
from attendance.store.hours import site_rules
from attendance.store.operators.department_scope import narrowed
from attendance.store.operators.operators import all_departments, list_operators
from attendance.store.people.templates import salt_digests
from attendance.store.session import Sessions, database_file, engine_of

log = logging.getLogger(__name__)

NIGHTLY, WEEKLY = "nightly_roll_up", "weekly_mail"
# The local hours at which they become due.
NIGHT_HOUR, MAIL_HOUR = 3, 6


def forget_undecided_photos(sessions: Sessions, clock: Clock) -> None:
    """Delete photos that a camera took for an enrolment and about which nobody decided."""
    with sessions.begin() as session:
        if dropped := camera_enrolments.drop_old(session, clock.now()):
            log.info("deleted the photos of %d enrolments at a camera that nobody confirmed", dropped)


def forget_strangers(sessions: Sessions, clock: Clock, days: int) -> int:
    """Delete refusals of unknown people that are older than `days`; 0 days keeps them forever."""
    if days == 0 or _held_back(clock, "forgetting refusals"):
        return 0
    gone = _in_steps(sessions, forget_stranger_passages_older_than, clock.now() - timedelta(days=days))
    if gone:
        log.info("forgot %d refusals of unknown people older than %d days", gone, days)
    return gone


def forget_named_refusals(sessions: Sessions, clock: Clock, days: int) -> int:
    """Delete refusals of people who were recognised that are older than `days`; 0 days keeps them forever."""
    if days == 0 or _held_back(clock, "forgetting named refusals"):
        return 0
    gone = _in_steps(sessions, forget_named_refusals_older_than, clock.now() - timedelta(days=days))
    if gone:
        log.info("forgot %d refusals of known people older than %d days", gone, days)
    return gone


def forget_faces_of_leavers(sessions: Sessions, keys: Keys, settings: Settings, clock: Clock) -> int:
    """Erase the templates of people whose last day is longer ago than `retention.leavers_days`; 0 keeps them."""
    days = settings.retention.leavers_days
    if days == 0 or _held_back(clock, "erasing the templates of leavers"):
        return 0
    ledger, now = ledger_for(settings, engine_of(sessions), keys), clock.now()
    before = now.astimezone(settings.site.zone).date() - timedelta(days=days)
    gone = 0
    while step := forget_leavers(sessions, ledger, before, now):
        gone += step
    if gone:
        log.info("erased the templates of %d people who left more than %d days ago", gone, days)
    return gone


def forget_visitors(sessions: Sessions, keys: Keys, settings: Settings, clock: Clock) -> int:
    """Erase the visitors whose last visit is longer over than `retention.visitors_days`; 0 keeps them."""
    days = settings.retention.visitors_days
    if days == 0 or _held_back(clock, "erasing visitors"):
        return 0
    ledger, now, gone = ledger_for(settings, engine_of(sessions), keys), clock.now(), 0
    while step := visits.forget(sessions, ledger, now - timedelta(days=days), now):
        gone += step
    if gone:
        log.info("erased %d visitors whose last visit was over more than %d days ago", gone, days)
    return gone


def salt_photo_digests(sessions: Sessions, keys: Keys) -> int:
    """Salt digests of photos from before they were salted; return how many."""
    salted = 0
    while True:
        with sessions.begin() as session:
            some = salt_digests(session, keys)
        salted += some
        if some == 0:
            return salted


def forget_passages(sessions: Sessions, clock: Clock, days: int, zone: ZoneInfo) -> int:
    """Delete all passages older than `days`, once their days are written down; 0 days keeps them forever."""
    if days == 0 or _held_back(clock, "forgetting passages"):
        return 0
    with sessions.begin() as session:
        with_history = site_rules.zone_of(session, zone)
        gone = forget_passages_older_than(session, clock.now() - timedelta(days=days), with_history)
    if gone:
        log.info("forgot %d passages older than %d days", gone, days)
    return gone


def forget_musters(sessions: Sessions, clock: Clock) -> int:
    """Delete musters with their rows, `muster.KEPT_DAYS` after they began."""
    if _held_back(clock, "forgetting musters"):
        return 0
    return _in_steps(sessions, musters.forget_older_than, clock.now() - timedelta(days=muster.KEPT_DAYS))


def _in_steps(sessions: Sessions, forget: Callable[[Session, datetime], int], cutoff: datetime) -> int:
    """Forget in short transactions until nothing is left; return how much it was."""
    gone = 0
    while True:
        with sessions.begin() as session:
            step = forget(session, cutoff)
        gone += step
        if step == 0:
            return gone


def end_employment(sessions: Sessions, clock: Clock, zone: ZoneInfo) -> int:
    """Deactivate the people whose last day of employment is over; no door opens for them from midnight on."""
    if _held_back(clock, "ending employments"):
        return 0
    gone = _in_steps(sessions, partial(_end_some, zone), clock.now())
    if gone:
        log.info("%d people were deactivated: their last day is over", gone)
    return gone


def _end_some(zone: ZoneInfo, session: Session, now: datetime) -> int:
    over = end_what_is_over(session, now=now, zone=zone)
    for person_id in over:
        actor, subject = Actor("system", "end of employment"), Subject("person", person_id)
        record(session, actor=actor, action=Action.DEACTIVATE_PERSON, subject=subject, at=now)
    return len(over)


def _held_back(clock: Clock, what: str) -> bool:
    """Return whether this waits until the clock is plausible: what was deleted by a wrong clock is gone."""
    doubt = doubt_about(clock)
    if doubt:
        log.warning("%s waits: %s", what, doubt)
    return bool(doubt)


def nightly(sessions: Sessions, clock: Clock, settings: Settings) -> int | None:
    """Write finished days down once a night and log forgotten check-outs; return None if it is not due."""
    zone, now = settings.site.zone, clock.now()
    local = now.astimezone(zone)
    if local.hour < NIGHT_HOUR or _held_back(clock, "the nightly roll-up"):
        return None
    with sessions() as session:
        if shared.get(session, NIGHTLY) == local.date().isoformat():
            return None
        # Computed before anything is written: seconds of work must not hold the doors' database.
        done = periods.rolled_up(session, site_rules.zone_of(session, zone), now)
    periods.write_in_steps(sessions, done, now)
    with sessions.begin() as session:
        # Last, so that a night whose work was cut short is done again; to write the same twice changes nothing.
        if not _claimed(session, NIGHTLY, local.date(), clock):
            return None
    for person, day in done.forgotten:
        log.info("person %d, %s: no check-out", person.id, day.day)
    log.info("%d days written down, %d without a check-out", done.days, len(done.forgotten))
    return done.days


def weekly(sessions: Sessions, clock: Clock, settings: Settings) -> bool:
    """Post the weekly e-mail once, from Monday morning on; return whether it was.  Off without a mail server."""
    mail, zone, now = settings.mail, settings.site.zone, clock.now()
    local = now.astimezone(zone)
    if not mail.host or not mail.to or (local.weekday() == 0 and local.hour < MAIL_HOUR):
        return False
    if _held_back(clock, "the weekly e-mail"):
        return False
    monday = weekly_mail.week_before(zone, now)
    with sessions() as session:
        if shared.get(session, WEEKLY) == monday.isoformat():
            return False
        # Composed before anything is written: seconds of work must not hold the doors' database.
        zone = site_rules.zone_of(session, zone)
        message = weekly_mail.compose(session, monday, zone, now, settings.site.name, settings.site.locale)
    with sessions.begin() as session:
        # In the transaction that says it is done, so that it is neither lost nor sent twice.
        if not _claimed(session, WEEKLY, monday, clock):
            return False
        weekly_mail.post(session, message, mail.to, now)
    log.info("the weekly e-mail waits in the outbox")
    return True


def weekly_to_supervisors(sessions: Sessions, clock: Clock, settings: Settings) -> int:
    """Post each supervisor with an address the week of their departments, once; return how many were posted."""
    mail, now = settings.mail, clock.now()
    local = now.astimezone(settings.site.zone)
    if not mail.host or (local.weekday() == 0 and local.hour < MAIL_HOUR):
        return 0
    if _held_back(clock, "the weekly e-mail to supervisors"):
        return 0
    with sessions() as session:
        zone = site_rules.zone_of(session, settings.site.zone)
        found = [(one.id, one.email) for one in list_operators(session) if one.active and one.role == "supervisor"]
        departments = all_departments(session)
    monday, posted = weekly_mail.week_before(zone, now), 0
    for operator_id, email in found:
        key = f"{WEEKLY}_{operator_id}"
        if not email or not departments.get(operator_id):
            continue
        with narrowed(sessions, departments[operator_id])() as session:
            if shared.get(session, key) == monday.isoformat():
                continue
            message = weekly_mail.compose(
                session, monday, zone, now, settings.site.name, settings.site.locale, departments[operator_id]
            )
        with sessions.begin() as session:
            if _claimed(session, key, monday, clock):
                weekly_mail.post(session, message, email, now)
                posted += 1
    if posted:
        log.info("the week of their departments waits in the outbox for %d supervisors", posted)
    return posted


def back_up(sessions: Sessions, clock: Clock, settings: Settings) -> bool:
    """Make a backup if one is due and delete old ones; return whether one was made.  Off without a folder."""
    backup = settings.backup
    if not backup.folder or backup.every_hours == 0:
        return False
    every = timedelta(hours=backup.every_hours)
    try:
        sure = not doubt_about(clock)
        made = back_up_if_due(
            engine_of(sessions),
            Path(backup.folder),
            every,
            backup.keep_days,
            clock.now(),
            delete_old=sure,
            key_folder=Path(backup.key_folder) if backup.key_folder else None,
        )
        if sure and backup.key_folder:
            key_backups.prune(Path(backup.key_folder), backup.key_days, clock.now())
    except UserError as error:  # an alarm says so once the newest backup is too old
        log.error("no backup was made: %s", error)
        return False
    return made is not None


def keep_trail(sessions: Sessions, keys: Keys, settings: Settings, clock: Clock) -> bool:
    """Sign the newest head of the audit trail, forget old segments, verify all of it; return whether it holds."""
    signer, now = Signer(keys), clock.now()
    file = heads_file(settings, engine_of(sessions))
    keeping.sign_head(sessions, signer, file, now)
    if not _held_back(clock, "forgetting old segments of the audit"):
        keeping.forget(sessions, signer, settings.retention.audit_days, now)
    return keeping.check(sessions, signer, file, now).ok


def server_of(mail: Mail) -> MailServer:
    """Return the mail server of the settings, with its recipients one by one."""
    return MailServer(mail.host, mail.port, mail.security, mail.user, mail.password, mail.sender, addresses_in(mail.to))


def _claimed(session: Session, key: str, day: date, clock: Clock) -> bool:
    """Return whether this process is the first to do what is due on `day`, in the caller's transaction."""
    # Write before reading: another process waits here, and then finds it done.
    shared.touch(session, key, clock.now())
    if shared.get(session, key) == day.isoformat():
        return False
    shared.put(session, key, day.isoformat(), clock.now())
    return True


@dataclass(frozen=True, slots=True)
class Job:
    """What runs by itself.  `every`: from one run to the next; `first`: from the start to the first run."""

    name: str
    work: Callable[[], object]
    every: timedelta
    first: timedelta = timedelta(0)


def jobs_of(sessions: Sessions, keys: Keys, settings: Settings, clock: Clock) -> tuple[Job, ...]:
    """Return the table of all jobs of a site.

    The two that follow the gallery cost one count while nobody is enrolled and nothing changes.
    """
    retention, model_id = settings.retention, settings.models.recogniser
    # The site answers first: what takes longer begins a minute later.
    hour, soon, later = timedelta(hours=1), timedelta(minutes=2), timedelta(minutes=1)
    return (
        Job("forget strangers", partial(forget_strangers, sessions, clock, retention.strangers_days), hour),
        Job("forget refusals", partial(forget_named_refusals, sessions, clock, retention.refusals_days), hour, later),
        Job(
            "forget passages",
            partial(forget_passages, sessions, clock, retention.passages_days, settings.site.zone),
            hour,
            later,
        ),
        Job("forget musters", partial(forget_musters, sessions, clock), hour, later),
        Job("faces of leavers", partial(forget_faces_of_leavers, sessions, keys, settings, clock), hour, later),
        Job("forget visitors", partial(forget_visitors, sessions, keys, settings, clock), hour, later),
        Job("end of employment", partial(end_employment, sessions, clock, settings.site.zone), hour),
        Job("nightly roll-up", partial(nightly, sessions, clock, settings), hour, later),
        Job("weekly e-mail", partial(weekly, sessions, clock, settings), hour, later),
        Job("weekly e-mail to supervisors", partial(weekly_to_supervisors, sessions, clock, settings), hour, later),
        Job("backup", partial(back_up, sessions, clock, settings), timedelta(minutes=15), timedelta(minutes=5)),
        Job("audit trail", partial(keep_trail, sessions, keys, settings, clock), hour, later),
        Job("forget undecided photos", partial(forget_undecided_photos, sessions, clock), timedelta(minutes=5)),
        Job("finish erasures", partial(finish_erasures, sessions, keys, settings, clock), FINISH_EVERY, FINISH_EVERY),
        Job("photo digests", partial(salt_photo_digests, sessions, keys), hour, later),
        Job("grown templates", partial(settle, sessions, keys, model_id, rules_of(settings), clock), soon),
        Job("look-alikes", partial(refresh_all, sessions, keys, model_id, clock), soon),
        Job("risk", partial(tighten, sessions, keys, settings, model_id, clock), soon),
    )


def growing_of(growing: Growing | None) -> tuple[Job, ...]:
    """Return the job that keeps confirmed looks of tablets as templates; none where nothing grows."""
    return () if growing is None else (Job("growing", growing.tick, timedelta(seconds=3)),)


def watching(readiness: Readiness, sessions: Sessions, settings: Settings, clock: Clock) -> tuple[Job, ...]:
    """Return the jobs by which the site looks at itself and tells what is wrong."""
    mail, alarms = settings.mail, settings.alarms
    channels = Channels(
        server_of(mail) if mail.host else None, alarms.webhook_url, alarms.webhook_secret, settings.site.name
    )
    watch = AlarmWatch(sessions, clock, settings, readiness, database_file(engine_of(sessions)), channels, clock.now())
    return (
        Job("readiness", readiness.probe, timedelta(seconds=PROBE_EVERY_S)),
        Job("alarms", watch.look, timedelta(seconds=WATCH_EVERY_S), timedelta(seconds=10)),
        Job("forget alarms", watch.forget, timedelta(hours=12), timedelta(minutes=3)),
    )


def start(jobs: Iterable[Job], clock: Clock) -> BackgroundScheduler:
    """Start a scheduler with these jobs; the caller shuts it down.

    A job that fails is logged and runs again at its next time; a run that is late or missed is made up once.
    """
    scheduler = BackgroundScheduler(timezone=UTC)
    for job in jobs:
        scheduler.add_job(
            job.work,
            "interval",
            seconds=job.every.total_seconds(),
            next_run_time=clock.now() + job.first,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
            id=job.name,
        )
    scheduler.start()
    return scheduler
