"""A plausible site to look at: invented people, shifts, two months of check-ins with their mishaps.

In: a session on an empty database, how many people and days, the present instant.  Out: counts.
Does not know: how check-ins (`demo_passages`) and templates (`demo_faces`) are invented.
Main choice: one seed makes the same site again, so that two people who look at it see the same.  Guards work round
the clock, so that somebody is in whenever the demo is made.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import Flag
from attendance.domain.hours.entitlement import LeaveRules
from attendance.domain.hours.shift import Break, Half, Kind, Rounding, Shift, Span, Tier, real_time
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.hours import planning
from attendance.service.hours.corrections import request_correction
from attendance.service.hours.days import sheets
from attendance.service.hours.leave import requests
from attendance.service.operations import demo_faces, demo_passages
from attendance.service.operations.demo_passages import Story, Worker
from attendance.service.people.own_requests import BY
from attendance.store.calibration import operating_points
from attendance.store.hours import leave_rules
from attendance.store.people import people

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
# Thirty days a year, of which five go on into the next until the end of March.
_ENTITLEMENT = LeaveRules(30, carry_most=5, carry_until=(3, 31))
_WEEK = [1, 1, 1, 1, 1, 0, 0]
_ROUND_THE_CLOCK = ("Early", "Early", "Late", "Late", "Night", "Night", None, None)
GUARDS = "Security"
DEPARTMENTS = (GUARDS, "Assembly", "Warehouse", "Office", "Design", "Shop", "Maintenance")


@dataclass(frozen=True, slots=True)
class Made:
    people: int
    passages: int
    leave: int
    corrections: int
    templates: int
    cameras: int
    alarms: int


def make(
    session: Session, *, count: int, days: int, now: datetime, zone: ZoneInfo, seed: int = 1,
    model: demo_faces.Model | None = None,
) -> Made:  # fmt: skip
    """Fill an empty database; UserError when somebody is in it.  `model` None: nobody gets a template."""
    if not 1 <= count <= 5000 or not 1 <= days <= 400:
        raise UserError("make 1 to 5000 people and 1 to 400 days")
    if people.count_people(session):
        raise UserError("there are people in this database: make demo data in one of its own (--set database.url=…)")
    chance = random.Random(seed)  # noqa: S311  no secret depends on it
    today = now.astimezone(zone).date()
    first = today - timedelta(days=days)
    shift_ids = {one.name: planning.save_shift(session, one, now=now).id for one in SHIFTS}
    persons = _people(session, chance, count, now)
    _rosters(session, persons, shift_ids, first, now, zone)
    for year in sorted({first.year, today.year}):
        planning.import_holidays(session, "DE", "BE", year, now=now)
    leave_rules.put_rules(session, first.year, _ENTITLEMENT)
    leave = _leave(session, chance, persons[1:], first, today, now)
    templates = 0 if model is None else demo_faces.enrol(session, chance, [one for one, _ in persons], model, at=now)
    point = None if model is None else operating_points.current(session, model.model_id)
    doors = demo_faces.add_doors(session, demo_passages.DOORS, at=now)
    story = Story(
        first, now, zone, "demo" if model is None else model.model_id, 0.45 if point is None else point.threshold,
        doors,
    )  # fmt: skip
    # The first is a guard who is at work now, at any hour of any day.
    workers = [Worker(one, department == GUARDS, here=not number) for number, (one, department) in enumerate(persons)]
    passages = demo_passages.write(session, chance, workers, story)
    cameras = demo_faces.add_cameras(session, demo_passages.DOORS, at=now)
    alarms = demo_faces.add_alarms(session, demo_passages.DOORS, at=now)
    corrections = _corrections(session, chance, persons, today, now, zone)
    return Made(len(persons), passages, leave, corrections, templates, cameras, alarms)


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
    session: Session, persons: list[tuple[int, str]], shift_ids: dict[str, int], first: date, now: datetime,
    zone: ZoneInfo,
) -> None:  # fmt: skip
    monday = first - timedelta(days=first.weekday() + 7)
    # From the first day with check-ins on: nobody is absent before.
    turn = (first - monday).days
    of_pattern: dict[tuple[str | None, ...], list[int]] = {}
    for number, (person_id, department) in enumerate(persons):
        group = number // len(DEPARTMENTS)
        if department == GUARDS:
            pattern = _guards(group, (now.astimezone(zone).date() - first).days, now.astimezone(zone))
        else:
            names, ahead = {
                "Assembly": (("Early", "Late", "Night"), group % 3),
                "Warehouse": (("Early", "Late"), group % 2),
                "Design": (("Flex",), 0),
                "Shop": (("Shop",), 0),
            }.get(department, (("Office",), 0))
            weeks = [*names[ahead:], *names[:ahead]]
            pattern = _turned([name if works else None for name in weeks for works in _WEEK], turn)
        of_pattern.setdefault(tuple(pattern), []).append(person_id)
    for names_of_days, person_ids in of_pattern.items():
        ids = [None if name is None else shift_ids[name] for name in names_of_days]
        planning.assign(session, person_ids, first, None, ids, now=now, by="demo data")


def _guards(group: int, days: int, local: datetime) -> list[str | None]:
    """Return a round-the-clock pattern from the first day on; group 0 is at work at this local time of the last."""
    minute = local.hour * 60 + local.minute
    # At night before 6 the shift began the day before, so today is its second night.
    today = 5 if minute < 360 else 0 if minute < 840 else 2 if minute < 1320 else 4
    return _turned(list(_ROUND_THE_CLOCK), today + 2 * group - days)


def _turned(pattern: list[str | None], by: int) -> list[str | None]:
    by %= len(pattern)
    return pattern[by:] + pattern[:by]


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


def _corrections(
    session: Session, chance: random.Random, persons: list[tuple[int, str]], today: date, now: datetime, zone: ZoneInfo
) -> int:
    """Add requests that wait for a decision: check-outs that were forgotten, else one of somebody; return how many."""
    wanted = max(1, len(persons) // 20)
    asked: list[tuple[int, datetime, str]] = []
    for one in sheets(session, today - timedelta(days=10), today - timedelta(days=1), zone, now):
        for day in one.days:
            if len(asked) < wanted and Flag.MISSING_OUT in day.flags and day.plan.shift is not None:
                at = real_time(day.day, day.plan.shift.spans[-1].end + chance.randrange(2, 40), zone)
                asked.append((one.person.id, at, chance.choice(("Forgot to check out.", "The exit did not know me."))))
        if len(asked) == wanted:
            break
    if not asked:
        person_id, _department = chance.choice(persons)
        at = real_time(today - timedelta(days=1), chance.randrange(960, 1080), zone)
        asked.append((person_id, at, "Was at the supplier's in the morning."))
    for person_id, at, reason in asked:
        request_correction(
            session, person_id=person_id, action="add", at=min(at, now), direction=Direction.OUT, reason=reason, by=BY,
            now=now, zone=zone,
        )  # fmt: skip
    return len(asked)
