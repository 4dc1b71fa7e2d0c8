"""Watching the site: which alarms there should be now, compared with those that are open.

In: the database, the disk, the backups, the clock.  Out: alarms raised, ended and escalated; messages sent.
Does not know: pages, how a message travels.
Main choice: conditions are computed anew each time and compared with the open alarms, so that a restart loses
nothing.  That the database cannot be written is kept in memory and sent at once, since no row can hold it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.service.alarms import kinds
from attendance.service.alarms.alarms import (
    ESCALATED,
    RAISED,
    Recipients,
    clear_and_notify,
    notify,
    payload_of,
    raise_and_notify,
)
from attendance.service.alarms.delivery import Channels, NotDelivered, deliver, deliver_due
from attendance.service.audit.keeping import chain_ok
from attendance.service.cameras.health import State, health_of
from attendance.service.ids import new_event_id
from attendance.service.operations import backups
from attendance.service.operations.readiness import Readiness, free_mb
from attendance.service.ports import Clock, doubt_about
from attendance.store.alarms import alarms, outbox
from attendance.store.cameras import cameras
from attendance.store.operations.clock_confirmation import not_before
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

WATCH_EVERY_S = 30
# What this module raises and ends; the others belong to whoever raised them.
WATCHED = frozenset({"no heartbeat", "camera lost", "cannot write", "disk", "backup", "clock", "audit trail"})
_CLOCK_SLACK = timedelta(minutes=2)
_BACKUP_SLACK = timedelta(hours=1)
KEPT = timedelta(days=90)

Conditions = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass
class AlarmWatch:
    """The site's watch.  `started_at`: daemons get time to start before they are missed."""

    sessions: Sessions
    clock: Clock
    settings: Settings
    readiness: Readiness
    database: Path | None
    channels: Channels
    started_at: datetime

    def __post_init__(self) -> None:
        self._to = Recipients.of(self.settings.alarms, self.settings.mail.host)
        self._unwritable_since: datetime | None = None
        self._notified: set[str] = set()

    def look(self) -> None:
        """Compare, raise, end, escalate, send.  Never raises: a fault of the watch must not end it."""
        now = self.clock.now()
        try:
            trouble = [one for one in self.readiness.troubles if one.key != "starting"]
            if trouble:
                self._cannot_write(trouble[0].key, now)
                return
            with self.sessions() as session:
                wanted = dict(self._conditions(session, now))
                due = self._changes(session, wanted, now)
            if due or self._unwritable_since is not None:
                with self.sessions.begin() as session:
                    self._apply(session, wanted, now)
                self._unwritable_since, self._notified = None, set()
            deliver_due(self.sessions, self.clock, self.channels)
        except Exception:
            log.exception("the watch over the site failed")

    def forget(self) -> int:
        """Delete alarms and messages that were over long ago; return how many rows went."""
        cutoff = self.clock.now() - KEPT
        with self.sessions.begin() as session:
            return alarms.forget_alarms_before(session, cutoff) + outbox.forget_messages_before(session, cutoff)

    def _conditions(self, session: Session, now: datetime) -> Conditions:
        """Return what is wrong now, by kind and subject."""
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        patience = timedelta(seconds=self.settings.alarms.camera_after_s)
        for camera in cameras.list_cameras(session):
            state = health_of(camera, now).state
            last = max((at for at in (camera.heartbeat_at, self.started_at) if at is not None), default=now)
            if state is State.NOT_WATCHED and now - last > patience:
                found["no heartbeat", camera.name] = {}
            seen = max((at for at in (camera.last_seen_at, self.started_at) if at is not None), default=now)
            if state is State.TROUBLE and now - seen > patience:
                found["camera lost", camera.name] = {}
        free, least = free_mb(self.database.parent if self.database else None), self.settings.alarms.disk_free_mb
        if free is not None and free < least:
            found["disk", ""] = {"free_mb": free}
        if self._backup_is_old(now):
            found["backup", ""] = {}
        if chain_ok(session) is False:
            found["audit trail", ""] = {}
        newest = not_before(session)
        if doubt_about(self.clock) or (newest is not None and newest > now + _CLOCK_SLACK):
            found["clock", ""] = {}
        return found

    def _backup_is_old(self, now: datetime) -> bool:
        backup = self.settings.backup
        if not backup.folder or backup.every_hours == 0:
            return False
        oldest = now - 2 * timedelta(hours=backup.every_hours) - _BACKUP_SLACK
        newest = backups.newest_backup(Path(backup.folder))
        # A new site gets the time of two backups for its first.
        return max(self.started_at, newest.made_at if newest else self.started_at) < oldest

    def _changes(self, session: Session, wanted: Conditions, now: datetime) -> bool:
        """Return whether anything is to be written: a look at a healthy site writes nothing."""
        there = alarms.open_alarms(session)
        known = {(alarm.kind, alarm.subject) for alarm in there}
        over = any(alarm.kind in WATCHED and (alarm.kind, alarm.subject) not in wanted for alarm in there)
        return over or not known >= wanted.keys() or any(self._unheard(alarm, now) for alarm in there)

    def _apply(self, session: Session, wanted: Conditions, now: datetime) -> None:
        there = {(alarm.kind, alarm.subject): alarm for alarm in alarms.open_alarms(session)}
        if self._unwritable_since is not None:
            # What was sent from memory is written down now that it can be.
            raise_and_notify(session, "cannot write", "", {}, self._unwritable_since, Recipients())
            clear_and_notify(session, "cannot write", "", now, self._to)
        for (kind, subject), detail in wanted.items():
            if (kind, subject) not in there:
                raise_and_notify(session, kind, subject, detail, now, self._to)
                log.error("alarm: %s", kinds.title(kind, subject, detail))
        for (kind, subject), alarm in there.items():
            if kind in WATCHED and (kind, subject) not in wanted:
                clear_and_notify(session, kind, subject, now, self._to)
                log.info("alarm over: %s", kinds.title(kind, subject, alarm.detail))
            elif self._unheard(alarm, now):
                alarm.escalated_at = now
                notify(session, alarm, ESCALATED, now, self._to, self._to.escalation)
                log.error("nobody acknowledged: %s", kinds.title(kind, subject, alarm.detail))

    def _unheard(self, alarm: alarms.Alarm, now: datetime) -> bool:
        minutes = self.settings.alarms.escalate_after_min
        quiet = alarm.acknowledged_at is None and alarm.escalated_at is None
        return minutes > 0 and quiet and now - alarm.raised_at >= timedelta(minutes=minutes)

    def _cannot_write(self, why: str, now: datetime) -> None:
        """Send it past the database: once for each channel, again at the next look if that fails."""
        if self._unwritable_since is None:
            self._unwritable_since = now
            log.error("alarm: %s (%s)", kinds.title("cannot write", "", {}), why)
        since = self._unwritable_since
        severity = kinds.KINDS["cannot write"].severity
        payload = payload_of(new_event_id(since), "cannot write", "", severity, {}, since)
        for channel, target in (("mail", self._to.mail), ("webhook", "")):
            wanted = bool(self._to.mail) if channel == "mail" else self._to.webhook
            if wanted and channel not in self._notified:
                try:
                    deliver(self.channels, channel, target, payload["id"], RAISED, payload, now)
                    self._notified.add(channel)
                except NotDelivered as error:
                    log.warning("a %s that the database cannot be written did not arrive: %s", channel, error)
