"""The computer's clock, and whether it can be believed.

In: the wall clock, the clock since the computer's start, whether the kernel follows a time server.  Out: the present
instant; `doubt`, in words, while the wall clock is implausible; the clock of an installation.
Does not know: what is held back meanwhile (jobs, sessions), where passages are marked.
Main choice: each call compares the two clocks with the call before.  A jump is remembered until the wall clock is back
where it should be, or a time server or an operator vouches for it.  The clock that is compared goes on while the
computer sleeps, so that waking does not count as a jump.  Trade-off: a clock that was wrong before the program's
start is only noticed by the newest stored passage.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from attendance.store.operations.clock_confirmation import Confirmation, confirmed, not_before
from attendance.store.session import Sessions
from attendance.texts import gettext as _

log = logging.getLogger(__name__)

# A time server's usual corrections are far smaller, and so is the pause between the readings of two clocks.
JUMP = timedelta(seconds=10)
_TIME_ERROR = 5  # adjtimex: the clock is not synchronised
_SYNC_EVERY_S = 30.0


def since_start() -> float:
    """Return the seconds since the computer's start, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def follows_a_time_server() -> bool:
    """Return whether the kernel says that its clock is synchronised; False if it cannot be asked."""
    adjtimex = _adjtimex()
    if adjtimex is None:
        return False
    # The kernel's struct timex: 26 words and more are enough; modes 0 only asks.
    return 0 <= int(adjtimex(ctypes.create_string_buffer(512))) < _TIME_ERROR


class SystemClock:
    """A `service.ports.Clock`.  For several threads at once."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        since: Callable[[], float] = since_start,
        vouched: Callable[[], bool] = follows_a_time_server,
        confirmed: Callable[[], Confirmation | None] = lambda: None,
    ) -> None:
        """`vouched`: whether a time server does; `confirmed`: what an operator said, both asked while in doubt."""
        self._wall, self._since, self._vouched, self._confirmed = wall, since, vouched, confirmed
        self._lock = threading.Lock()
        self._last = (wall(), since())
        self._off = timedelta(0)
        self._not_before: datetime | None = None
        self._asked_at = -_SYNC_EVERY_S

    def now(self) -> datetime:
        """Return the wall clock's instant, aware UTC, and note a jump."""
        with self._lock:
            at, since = self._wall(), self._since()
            jump = (at - self._last[0]) - timedelta(seconds=since - self._last[1])
            self._last = (at, since)
            if abs(jump) > JUMP:
                self._off += jump
                log.error("the computer's clock jumped by %.0f s", jump.total_seconds())
                self._asked_at = -_SYNC_EVERY_S
            return at

    def mark(self) -> str:
        """Return a text from which `age_of` knows how long ago this was, whatever happens to the wall clock."""
        return f"{_boot_id()} {self._since():.0f}"

    def age_of(self, mark: str) -> timedelta | None:
        """Return how long ago `mark` was made; None if the computer was started anew since, or it is no mark."""
        boot, _space, seconds = mark.partition(" ")
        if boot != _boot_id() or not seconds.isdecimal():
            return None
        return timedelta(seconds=self._since() - float(seconds))

    def require_after(self, newest: datetime) -> None:
        """Doubt the clock while it is before the newest stored passage: it was right when that was written."""
        with self._lock:
            self._not_before = newest

    @property
    def doubt(self) -> str:
        """Return why the clock is not believed, "" while it is."""
        at = self.now()
        with self._lock:
            early = self._not_before is not None and at < self._not_before - JUMP
            if abs(self._off) <= JUMP and not early:
                return ""
            due, doubted = self._last[1] - self._asked_at >= _SYNC_EVERY_S, self._off
            if due:
                self._asked_at = self._last[1]
        # Asked while nobody waits for the time: a database may take long to answer.
        if due and (who := self._voucher()):
            log.info("the computer's clock is believed again: %s", who)
            with self._lock:
                self._off -= doubted  # a jump while that was asked stays in doubt
                self._not_before = None
            return ""
        with self._lock:
            if early:
                return _("the computer's clock is before the newest entry in the log")
            return _("the computer's clock jumped by %(seconds)s seconds", seconds=round(self._off.total_seconds()))

    def _voucher(self) -> str:
        """Return who vouches for the clock as it is, "" if nobody does."""
        if self._vouched():
            return "it follows a time server"
        said = self._confirmed()
        age = None if said is None else self.age_of(said.mark)
        if said is not None and age is not None and abs(self._wall() - said.at - age) <= JUMP:
            return "an operator confirmed it"
        return ""


def clock_of(factory: Sessions) -> SystemClock:
    """Return the computer's clock, which is not believed while it is before the newest stored passage."""

    def confirmation() -> Confirmation | None:
        try:
            with factory() as session:
                return confirmed(session)
        except Exception as error:  # the clock stays in doubt, which is the safe side
            log.warning("whether the clock was confirmed cannot be read: %s", error)
            return None

    clock = SystemClock(confirmed=confirmation)
    with factory() as session:
        newest = not_before(session)
    if newest is not None:
        clock.require_after(newest)
    if doubt := clock.doubt:
        log.error("%s: set it, and let it follow a time server, or confirm it by the command clock-confirm", doubt)
    return clock


@cache
def _boot_id() -> str:
    """Return the kernel's number of this start."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@cache
def _adjtimex() -> Any:
    try:
        return ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6").adjtimex
    except (OSError, AttributeError):
        return None
