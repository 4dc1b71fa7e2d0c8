"""Check-ins of an invented site, with what goes wrong in real life.

In: a session with people and rosters, one source of chance, the present instant.  Out: rows of passages, written.
Does not know: faces, pages.
Main choice: written in chunks of people, so that 5,000 people × 62 days need no more memory than 250 people.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.orm import Session

from attendance.domain.hours.shift import DAY, Kind, Plan, Shift, Span, real_time
from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.service.ids import new_event_id
from attendance.store.hours import rosters
from attendance.store.tables import access

DOORS = (("main entrance", Direction.IN), ("main exit", Direction.OUT), ("yard door", Direction.UNKNOWN))
_CHUNK = 250
_ROWS = 2000
_STRANGERS_A_DAY = 6
_COOLDOWN = timedelta(seconds=30)
_UNLOCKED_AFTER = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class Worker:
    """A person with a roster.  `always`: of a team that works on holidays, too.  `here`: at work at the present time,
    whatever chance says, so that the site is never empty.
    """

    person_id: int
    always: bool = False
    here: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """When it happens, and by which rules of recognition."""

    first: date
    now: datetime
    zone: ZoneInfo
    model_id: str
    threshold: float
    # The door of each camera.
    doors: Mapping[str, int]

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()


def write(session: Session, chance: random.Random, workers: Sequence[Worker], story: Story) -> int:
    """Write everybody's check-ins and some strangers' refusals up to now; return how many."""
    count = _insert(session, list(_strangers(chance, story)))
    for start in range(0, len(workers), _CHUNK):
        chunk = workers[start : start + _CHUNK]
        plans = rosters.plans(session, [one.person_id for one in chunk], story.first, story.today)
        rows = [row for one in chunk for row in _of_worker(chance, one, plans[one.person_id], story)]
        rows.sort(key=lambda row: row["at"])
        count += _insert(session, rows)
    return count


def _insert(session: Session, rows: list[dict[str, Any]]) -> int:
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        session.execute(insert(access.Passage), part)
        opened = [_opened(row) for row in part if row["granted"]]
        if opened:
            session.execute(insert(access.DoorEvent), opened)
    return len(rows)


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the door did after a granted passage."""
    at = row["at"] + _UNLOCKED_AFTER
    return {
        "id": new_event_id(at),
        "passage_id": row["id"],
        "at": at,
        "door": row["camera"],
        "action": "unlock",
        "outcome": "done",
        "detail": "",
    }


def _strangers(chance: random.Random, story: Story) -> Iterator[dict[str, Any]]:
    for number in range(((story.today - story.first).days + 1) * _STRANGERS_A_DAY):
        day = story.first + timedelta(days=number // _STRANGERS_A_DAY)
        at = real_time(day, chance.randrange(420, 1260), story.zone)
        if at <= story.now:
            yield _row(chance, at, None, Direction.IN, story)


def _of_worker(
    chance: random.Random, worker: Worker, plans: Mapping[date, Plan], story: Story
) -> Iterator[dict[str, Any]]:
    habit, doors = chance.gauss(-6, 5), chance.random() < 0.8
    last: dict[str, Any] | None = None
    for day, plan in plans.items():
        shift = plan.shift
        if worker.here and shift is not None and _covers(shift, day, story):
            passages: Iterator[tuple[datetime, Direction]] = iter(_punctual(shift, day, story.zone))
        else:
            off = shift is None or (plan.whole_day_off and not (worker.always and plan.leave is None))
            if (off and chance.random() > 0.004) or (not off and chance.random() < 0.02):
                continue
            half = plan.leave_share == 0.5
            passages = _day(chance, shift or _usual(plans), day, story.zone, habit, half)
        for at, direction in passages:
            if at > story.now:
                continue
            row = _row(chance, at, worker.person_id, direction if doors else Direction.UNKNOWN, story)
            if last is not None and at - last["at"] < _COOLDOWN and row["direction"] == last["direction"]:
                row["repeat_of"] = last["repeat_of"] or last["id"]
            last = row
            yield row


def _usual(plans: Mapping[date, Plan]) -> Shift:
    """Return the shift of somebody who comes on a day off: one of their other days'."""
    known = (plan.shift for plan in plans.values() if plan.shift is not None)
    return next(known, Shift("Day", (Span(540, 1020),)))


def _covers(shift: Shift, day: date, story: Story) -> bool:
    start, end = shift.spans[0].start, shift.spans[-1].end
    return real_time(day, start, story.zone) <= story.now < real_time(day, end, story.zone)


def _punctual(shift: Shift, day: date, zone: ZoneInfo) -> list[tuple[datetime, Direction]]:
    return [
        (_instant(day, shift.spans[0].start - 8, zone), Direction.IN),
        (_instant(day, shift.spans[-1].end + 4, zone), Direction.OUT),
    ]


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
            yield arrived + timedelta(seconds=chance.uniform(2, 28)), Direction.IN
        if len(spans) == 1 and chance.random() < 0.35:
            noon = (start + end) / 2 + chance.gauss(0, 20)
            yield _instant(day, noon, zone), Direction.OUT
            yield _instant(day, noon + chance.uniform(15, 45), zone), Direction.IN
        if number == len(spans) - 1 and chance.random() < 0.012:
            continue  # forgot to check out
        yield _instant(day, end, zone), Direction.OUT


def _instant(day: date, minutes: float, zone: ZoneInfo) -> datetime:
    whole, rest = divmod(min(max(0.0, minutes), 3 * DAY), 1)
    return real_time(day, int(whole), zone) + timedelta(seconds=int(rest * 60))


def _row(
    chance: random.Random, at: datetime, person_id: int | None, direction: Direction, story: Story
) -> dict[str, Any]:
    known = person_id is not None
    above, below = chance.uniform(0.05, 0.4), chance.uniform(0.05, 0.3)
    camera = next(name for name, way in DOORS if way is direction)
    return {
        "id": new_event_id(at),
        "at": at,
        "camera": camera,
        "door_id": story.doors.get(camera),
        "person_id": person_id,
        "granted": known,
        "reason": (Reason.MATCHED if known else chance.choice((Reason.UNKNOWN, Reason.UNKNOWN, Reason.BLURRED))).value,
        "score": round(min(0.97, story.threshold + above) if known else story.threshold - below, 4),
        "runner_up": round(story.threshold - below - 0.02, 4),
        "threshold": story.threshold,
        "model_id": story.model_id,
        "gallery_version": 1,
        "frames": 3,
        "direction": direction.value,
        "repeat_of": None,
    }
