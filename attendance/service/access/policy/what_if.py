"""What would change if …: recorded requests decided again, by the rules as they are and as they would be.

In: a session, the site's zone, an edited policy, a span of time.  Out: `Comparison`.
Does not know: pages; which rule was edited.
Main choice: both answers are computed alike and compared with each other, not with what was recorded: the difference is
that of the edit alone, and not that of rules that have changed since.  Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Verdict
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.schedule import Week
from attendance.service.access.policy.who_passes import Asker
from attendance.store.access import policies
from attendance.store.tables.access import Passage
from attendance.store.tables.people import Person

LOOKS_BACK = timedelta(days=30)
MOST = 20_000  # requests that are decided again; the newest count
SHOWN = 100

Edit = Callable[[Policy], Policy]


@dataclass(frozen=True, slots=True)
class Changed:
    """A request whose answer would be another one."""

    at: datetime
    point: str
    person: int
    name: str
    before: Verdict
    after: Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """`asked`: requests that were decided again; `let_in`, `refused`: how many would be let in or refused instead.

    `changed`: the newest of them, at most SHOWN; `since`: the oldest request that was asked, None without any.
    """

    asked: int
    let_in: int
    refused: int
    changed: tuple[Changed, ...]
    since: datetime | None


def with_week(schedule_id: int, week: Week) -> Edit:
    """Return the edit that gives a schedule another week."""

    def edit(policy: Policy) -> Policy:
        schedule = replace(policy.schedules[schedule_id], week=week)
        return replace(policy, schedules={**policy.schedules, schedule_id: schedule})

    return edit


def tried(session: Session, zone: tzinfo, change: Callable[[Session], object]) -> Edit:
    """Return the edit that `change` makes in the database; the session is rolled back, so that nothing of it stays.

    Raises what `change` raises.
    """
    try:
        change(session)
        edited = replace(policies.for_everybody(session, policies.load_rules(session, zone)), overrides=())
    finally:
        session.rollback()
    return lambda _policy: edited


def compare(session: Session, zone: tzinfo, edit: Edit, now: datetime) -> Comparison:
    """Decide the requests of identified people of the last 30 days again under both rules.

    Overrides of operators are left out: they were of their moment.
    """
    policy = replace(policies.for_everybody(session, policies.load_rules(session, zone)), overrides=())
    before, after = Asker(policy), Asker(edit(policy))
    rows = session.execute(
        select(Passage.at, Passage.camera, Person.id, Person.name)
        .join(Person, Person.id == Passage.person_id)
        .where(Passage.at >= now - LOOKS_BACK, Passage.at <= now)
        .order_by(Passage.at.desc())
        .limit(MOST)
    ).all()
    let_in = refused = 0
    changed: list[Changed] = []
    for at, point, person, name in rows:
        one = before.ask(_point(policy, point), person, at)
        two = after.ask(_point(policy, point), person, at)
        if one.outcome is two.outcome:
            continue
        let_in, refused = let_in + two.granted, refused + one.granted
        if len(changed) < SHOWN:
            changed.append(Changed(at, point, person, name, one, two))
    return Comparison(len(rows), let_in, refused, tuple(changed), rows[-1].at if rows else None)


def _point(policy: Policy, name: str) -> str:
    """Return the point that is asked; a camera without one belongs to the only door, as at the door itself."""
    if name in policy.points or len(policy.doors) != 1:
        return name
    return next(iter(policy.points), name)
