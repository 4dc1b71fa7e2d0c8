"""A month of 200 people: the product's minutes are those of a script that shares nothing with it."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.domain.hours.day import Punch
from attendance.domain.hours.shift import Break, Plan, Shift, Span
from attendance.domain.hours.timesheet import days_of
from attendance.domain.passage import Direction
from attendance.service.hours.day_words import Local
from attendance.service.hours.days import PersonDays
from attendance.service.hours.reports import exports, report_tables
from attendance.store.hours.rosters import StaffMember

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2024, 10, 1), date(2024, 10, 31)  # the clocks go back on the 27th
DAY = Shift("Day", (Span(540, 1020),), breaks=(Break(30, after=360),))
NIGHT = Shift("Night", (Span(1320, 1800),))


def punches_of(chance: random.Random, person: int, shift: Shift) -> list[Punch]:
    """Directed punches to the second, with up to three ways out on most days."""
    found = []
    for number in range((LAST - FIRST).days + 1):
        if chance.random() < 0.25:
            continue
        midnight = datetime.combine(FIRST + timedelta(days=number), datetime.min.time(), BERLIN).astimezone(UTC)
        begin = shift.spans[0].start * 60 + chance.randint(-1500, 1500)
        length = chance.randint(4 * 3600, 9 * 3600)
        inner = sorted(chance.sample(range(600, length - 600), 2 * chance.randint(0, 3)))
        seconds = [begin, *(begin + one for one in inner), begin + length]
        for place, second in enumerate(seconds):
            way = Direction.OUT if place % 2 else Direction.IN
            at = midnight + timedelta(seconds=second)
            found.append(Punch(f"{person}-{number}-{place}", at, way))
    return found


def test_two_hundred_people_have_the_minutes_of_an_independent_script() -> None:
    chance = random.Random(17)
    plain, ours = [], {}
    header: list[str] = []
    for person in range(200):
        shift = NIGHT if person % 2 else DAY
        punches = punches_of(chance, person, shift)
        plans = {(day := FIRST + timedelta(days=n)): Plan(day, shift) for n in range(-1, 33)}
        days = days_of(punches, plans, BERLIN, datetime(2025, 1, 1, tzinfo=UTC))
        sheet = PersonDays(StaffMember(person, f"P {person}", f"{person}", ""), tuple(days))
        lines = "".join(exports.to_csv(report_tables.timesheet(sheet, Local(BERLIN)), BERLIN)).removeprefix("\ufeff")
        header, *rows = csv.reader(io.StringIO(lines))
        minutes = {row[header.index("date")]: int(row[header.index("worked_minutes")]) for row in rows}
        ours |= {f"{person} {day}": value for day, value in minutes.items() if value}
        plain += [(person, one.at.isoformat(), one.direction.value) for one in punches]

    asked = {"zone": "Europe/Berlin", "break_after": 360, "break_minutes": 30, "punches": plain}
    script = Path(__file__).with_name("recompute_month.py")
    # -I: not even the folder of the package can be imported.
    done = subprocess.run([sys.executable, "-I", script], input=json.dumps(asked), capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert len(ours) > 4000
    assert json.loads(done.stdout) == ours
