"""A plausible site to look at: invented people, shifts, two months of check-ins with their mishaps.

In: a session on an empty database, how many people and days, the present instant.  Out: counts.
Does not know: faces; nobody here has a template or a photo.
Main choice: one seed makes the same site again, so that two people who look at it see the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.orm import Session

from attendance.domain.hours.shift import Break, Half, Kind, Rounding, Shift, Span, Tier, real_time
from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.hours import planning
from attendance.service.hours.corrections import request_correction
from attendance.service.hours.leave import requests
from attendance.service.ids import new_event_id
from attendance.store.hours import rosters
from attendance.store.people import people
from attendance.store.tables import access

GIVEN = (
    "Ada Alva Amir Anouk Bela Birk Carla Chidi Dana Dario Edda Emil Esra Fadi Finja Gita Goran Hana Hugo Ida Ilja "
    "Jara Joris Kaia Kemal Lale Levi Lina Luca Malin Mateo Mira Nael Nia Noor Orla Oskar Pia Quinn Rafi Rania Runa "
    "Sami Selma Soren Tala Tariq Tilda Umar Una Vera Viggo Wanja Xenia Yara Yusuf Zita Zoran"
)
FAMILY = (
    "Ahlbrook Amsel Arntal Birkhain Brandau Dornfeld Eschtal Farnholt Fenwick Grauen Haldor Harkwell Hollern Ilvesk "
    "Jorvik Kastell Kornau Larkmoor Lindau Marwick Moorland Nordal Okafo Ostrand Perlow Quast Rabenau Rosvik Sandor "
    "Silberg Tarnow Thorsby Ulmen Varga Veldkamp Wachol Westrin Yarrow Zerbst Zielonka"
)
_BREAK = (Break(30, after=360),)
_TIERS = (Tier(480, 1.25), Tier(600, 1.5))
SHIFTS = (
    Shift("Office", (Span(540, 1050),), breaks=_BREAK, tiers=_TIERS, half_below=240),
    Shift("Early", (Span(360, 870),), breaks=_BREAK, tiers=_TIERS, half_below=240),
    Shift("Late", (Span(840, 1350),), breaks=_BREAK, tiers=_TIERS, half_below=240),
    Shift("Night", (Span(1320, 1800),), breaks=(Break(30, after=300, paid=True),), tiers=(Tier(480, 1.5),)),
    Shift("Flex", (Span(420, 1200),), kind=Kind.FLEXIBLE, required=468, breaks=_BREAK, weekly=(Tier(2400, 1.25),)),
    Shift("Shop", (Span(570, 780), Span(930, 1170)), rounding=Rounding(), tiers=_TIERS),
)
_WEEK = [1, 1, 1, 1, 1, 0, 0]
DEPARTMENTS = ("Assembly", "Warehouse", "Office", "Design", "Shop", "Maintenance")
DOORS = (("main entrance", Direction.IN), ("main exit", Direction.OUT), ("yard door", Direction.UNKNOWN))


@dataclass(frozen=True, slots=True)
class Made:
    people: int
    passages: int
    leave: int
    corrections: int


def make(session: Session, *, count: int, days: int, now: datetime, zone: ZoneInfo, seed: int = 1) -> Made:
    """Fill an empty database; UserError when somebody is in it."""
    if not 1 <= count <= 5000 or not 1 <= days <= 400:
        raise UserError("make 1 to 5000 people and 1 to 400 days")
    if people.count_people(session):
        raise UserError("there are people in this database: make demo data in one of its own (--set database.url=…)")
    chance = random.Random(seed)  # noqa: S311  no secret depends on it
    today = now.astimezone(zone).date()
    first = today - timedelta(days=days)
    shift_ids = {shift.name: planning.save_shift(session, shift, now=now).id for shift in SHIFTS}
    persons = _people(session, chance, count, now)
    _rosters(session, persons, shift_ids, first, now)
    for year in sorted({first.year, today.year}):
        planning.import_holidays(session, "DE", "BE", year, now=now)
    leave = _leave(session, chance, persons, first, today, now)
    rows = _passages(session, chance, persons, first, today, now, zone)
    for start in range(0, len(rows), 2000):
        session.execute(insert(access.Passage), rows[start : start + 2000])
    return Made(len(persons), len(rows), leave, _corrections(session, chance, persons, today, now, zone))


def _people(session: Session, chance: random.Random, count: int, now: datetime) -> list[tuple[int, str]]:
    names = [f"{given} {family}" for given in GIVEN.split() for family in FAMILY.split()]
    chance.shuffle(names)
    persons = []
    for number in range(count):
        name = names[number % len(names)] + (f" {number // len(names) + 1}" if number >= len(names) else "")
        department = DEPARTMENTS[number % len(DEPARTMENTS)]
        person = people.create_person(
            session, name=name, staff_number=f"{10001 + number}", department=department, at=now
        )
        persons.append((person.id, department))
    return persons


def _rosters(
    session: Session, persons: list[tuple[int, str]], shift_ids: dict[str, int], first: date, now: datetime
) -> None:
    monday = first - timedelta(days=first.weekday() + 7)
    for number, (person_id, department) in enumerate(persons):
        names = {
            "Assembly": (("Early", "Late", "Night"), number // len(DEPARTMENTS) % 3),
            "Warehouse": (("Early", "Late"), number // len(DEPARTMENTS) % 2),
            "Design": (("Flex",), 0),
            "Shop": (("Shop",), 0),
        }.get(department, (("Office",), 0))
        weeks = [*names[0][names[1] :], *names[0][: names[1]]]
        pattern = [shift_ids[name] if works else None for name in weeks for works in _WEEK]
        # From the first day with check-ins on: nobody is absent before.
        turn = (first - monday).days % len(pattern)
        pattern = pattern[turn:] + pattern[:turn]
        planning.assign(session, [person_id], first, None, pattern, now=now, by="demo data")


def _leave(
    session: Session, chance: random.Random, persons: list[tuple[int, str]], first: date, today: date, now: datetime
) -> int:
    count = 0
    span = (today - first).days + 21
    for person_id, _ in persons:
        if chance.random() < 0.45:
            start = first + timedelta(days=chance.randrange(span))
            kind = chance.choices(requests.LEAVE_KINDS[:5], (6, 4, 1, 1, 1))[0]
            length = chance.choice((0, 0, 1, 2, 4, 9)) if kind != "parental" else 20
            half = Half.FIRST if length == 0 and chance.random() < 0.3 else Half.WHOLE
            requests.add_leave(
                session, person_id=person_id, kind=kind, first=start, last=start + timedelta(days=length), half=half,
                now=now, by="demo data", approved=start <= today or chance.random() < 0.6,
            )  # fmt: skip
            count += 1
    return count


def _passages(
    session: Session, chance: random.Random, persons: list[tuple[int, str]], first: date, today: date, now: datetime,
    zone: ZoneInfo,
) -> list[dict[str, Any]]:  # fmt: skip
    plans = rosters.plans(session, [person_id for person_id, _ in persons], first, today)
    rows: list[dict[str, Any]] = []
    for person_id, _ in persons:
        habit, doors = chance.gauss(-6, 5), chance.random() < 0.8
        for day, plan in plans[person_id].items():
            off = plan.whole_day_off or plan.shift is None
            if off and chance.random() > 0.004:
                continue
            if not off and chance.random() < 0.02:
                continue
            shift = plan.shift or SHIFTS[0]
            for at, direction in _day(chance, shift, day, zone, habit, plan.leave_share == 0.5):
                if at <= now:
                    rows.append(_row(chance, at, person_id, direction if doors else Direction.UNKNOWN))
    for number in range((today - first).days * 6):
        at = real_time(first + timedelta(days=number // 6), chance.randrange(420, 1260), zone)
        if at <= now:
            rows.append(_row(chance, at, None, Direction.IN))
    rows.sort(key=lambda row: row["at"])
    return rows


def _day(
    chance: random.Random, shift: Shift, day: date, zone: ZoneInfo, habit: float, half: bool
) -> Iterator[tuple[datetime, Direction]]:
    """One working day's passages, with what goes wrong in real life."""
    spans = list(shift.spans)
    if half:
        spans = [Span((spans[0].start + spans[-1].end) // 2, spans[-1].end)]
    for number, span in enumerate(spans):
        start = span.start + habit + chance.gauss(0, 3)
        if shift.kind is Kind.FLEXIBLE:
            start = chance.gauss(530, 35)
            end = start + shift.required + 30 + chance.gauss(8, 30)
        else:
            end = span.end + abs(chance.gauss(0, 6)) + (chance.choice((45, 75, 120)) if chance.random() < 0.08 else 0)
        if chance.random() < 0.06:
            start += chance.uniform(10, 70)
        if chance.random() < 0.04:
            end -= chance.uniform(15, 100)
        arrived = _instant(day, start, zone)
        yield arrived, Direction.IN
        if chance.random() < 0.03:
            yield arrived + timedelta(seconds=chance.uniform(2, 30)), Direction.IN
        if len(spans) == 1 and chance.random() < 0.35:
            noon = (start + end) / 2 + chance.gauss(0, 20)
            yield _instant(day, noon, zone), Direction.OUT
            yield _instant(day, noon + chance.uniform(15, 45), zone), Direction.IN
        if number == len(spans) - 1 and chance.random() < 0.012:
            continue  # forgot to check out
        yield _instant(day, end, zone), Direction.OUT


def _instant(day: date, minutes: float, zone: ZoneInfo) -> datetime:
    whole, rest = divmod(max(0.0, minutes), 1)
    return real_time(day, int(whole), zone) + timedelta(seconds=int(rest * 60))


def _row(chance: random.Random, at: datetime, person_id: int | None, direction: Direction) -> dict[str, Any]:
    known = person_id is not None
    door = next(name for name, door_direction in DOORS if door_direction is direction)
    score = chance.uniform(0.52, 0.86) if known else chance.uniform(0.05, 0.38)
    return {
        "id": new_event_id(at),
        "at": at,
        "camera": door,
        "person_id": person_id,
        "granted": known,
        "reason": (Reason.MATCHED if known else chance.choice((Reason.UNKNOWN, Reason.UNKNOWN, Reason.BLURRED))).value,
        "score": round(score, 4),
        "runner_up": round(chance.uniform(0.05, 0.3), 4),
        "threshold": 0.45,
        "model_id": "demo",
        "gallery_version": 1,
        "frames": 3,
        "direction": direction.value,
    }


def _corrections(
    session: Session, chance: random.Random, persons: list[tuple[int, str]], today: date, now: datetime, zone: ZoneInfo
) -> int:
    """Add some requests that wait for a decision."""
    reasons = ("Forgot to check out.", "Was at the supplier's in the morning.", "The yard door did not open.")
    count = 0
    for person_id, _ in chance.sample(persons, min(len(persons), max(1, len(persons) // 20))):
        day = today - timedelta(days=chance.randrange(1, 10))
        at = real_time(day, chance.randrange(960, 1080), zone)
        if at <= now:
            request_correction(
                session, person_id=person_id, action="add", at=at, direction=Direction.OUT,
                reason=chance.choice(reasons), by="self-service", now=now, zone=zone,
            )  # fmt: skip
            count += 1
    return count
