"""What is done by the clock and not by anybody's click: forgetting what is kept long enough.

In: sessions, the clock, the retention settings.  Out: a running scheduler.
Does not know: the web process that carries it.
Main choice: once at the start and then hourly instead of at a fixed hour of the night, because the
small computers that run this are switched off at night; the price is a cheap query an hour.
"""

from __future__ import annotations

import logging
from datetime import UTC, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from attendance.service.ports import Clock
from attendance.service.retention import forget_stranger_passages_older_than
from attendance.store.session import Sessions

log = logging.getLogger(__name__)


def forget_strangers(sessions: Sessions, clock: Clock, days: int) -> int:
    """Delete refusals of unknown people that are older than `days`; 0 days keeps them for ever."""
    if days == 0:
        return 0
    with sessions.begin() as session:
        gone = forget_stranger_passages_older_than(session, clock.now() - timedelta(days=days))
    if gone:
        log.info("forgot %d refusals of unknown people older than %d days", gone, days)
    return gone


def start(sessions: Sessions, clock: Clock, strangers_days: int) -> BackgroundScheduler:
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
    scheduler.start()
    return scheduler
