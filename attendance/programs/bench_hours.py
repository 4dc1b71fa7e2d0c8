"""How long a month's working time takes to compute, beside a fixed loop in the same process.

In: nothing; an invented site in a database of its own.  Out: processor seconds, and their ratio to the loop.
Does not know: faces, cameras.
Main choice: processor time and a ratio, since a busy computer slows the loop, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

from attendance.service.hours import days
from attendance.service.hours.day_words import Local
from attendance.service.hours.reports import report_tables
from attendance.service.operations import demo_data
from attendance.store import migrate
from attendance.store.session import make_engine, sessions

PEOPLE, DAYS = 500, 31
ROUNDS = 3
ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 1, 6, 0, tzinfo=ZONE)
LOOP = 1_000_000


@dataclass(frozen=True, slots=True)
class Hours:
    """Processor seconds, each the best of some rounds.  `ratio`: of the month to the loop."""

    people: int
    month_s: float
    loop_s: float

    @property
    def ratio(self) -> float:
        return self.month_s / max(self.loop_s, 1e-9)


def measure(folder: Path) -> Hours:
    """Make an invented site in `folder`, and compute the register of a month from its passages."""
    engine = make_engine(f"sqlite:///{folder / 'hours.db'}")
    migrate.upgrade(engine)
    made = sessions(engine)
    with made.begin() as session:
        demo_data.make(session, count=PEOPLE, days=DAYS, now=NOW, zone=ZONE)
    last = NOW.date() - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    local = Local(ZONE)

    def month() -> None:
        with made() as session:
            sheet = days.sheet(session, first, last, ZONE, NOW)
            report_tables.register(sheet, first, last, local)

    try:
        return Hours(PEOPLE, min(_seconds(month) for _ in range(ROUNDS)), min(_seconds(_loop) for _ in range(ROUNDS)))
    finally:
        engine.dispose()


def report(hours: Hours) -> str:
    """Return the result in one line."""
    return (
        f"working time of {hours.people} people and {DAYS} days: {hours.month_s:.2f} s of processor time, "
        f"{hours.ratio:.0f} times a loop of {LOOP:,} additions ({hours.loop_s * 1000:.0f} ms)"
    )


def _seconds(work: Callable[[], None]) -> float:
    begun = process_time()
    work()
    return process_time() - begun


def _loop() -> None:
    total = 0
    for number in range(LOOP):
        total += number
