"""A policy survives its file as it is, and a copy of it refuses once it is too old."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from attendance.domain.access.rules.decide import Mark, Request, decide
from attendance.domain.access.rules.doors import Mode, Override, Source
from attendance.domain.access.rules.example_site import example_policy
from attendance.domain.access.rules.factors import Factor
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.schedule import WHOLE_DAY
from attendance.domain.access.rules.snapshot import aged, built, from_plain, plain, to_plain
from attendance.domain.access.rules.state import State
from attendance.domain.passage import Passage
from attendance.domain.reason import Reason
from tests.factories import NOON, make_passage

MINUTE = timedelta(minutes=1)


def everything() -> Policy:
    """The example site, with a special day and two overrides."""
    policy = example_policy()
    schedule = next(iter(policy.schedules.values()))
    special = replace(schedule, special_days={date(2026, 12, 25): (), date(2026, 12, 24): (WHOLE_DAY,)})
    holds = (
        Override(1, Mode.LOCKDOWN, Source.EMERGENCY, NOON),
        Override(2, Mode.UNLOCK, Source.OPERATOR, NOON, NOON + MINUTE, door=1),
    )
    return replace(policy, schedules={**policy.schedules, schedule.id: special}, overrides=holds)


def test_every_rule_survives_the_file() -> None:
    policy = everything()

    again = from_plain(json.loads(json.dumps(to_plain(policy))), policy.zone)

    assert again == policy
    assert {type(door.standing) for door in again.doors.values()} == {Mode}


def test_a_passage_survives_the_file() -> None:
    passage = make_passage(person_id=3, margin=0.1, marks="offline", door_id=1, received_at=None)

    assert built(Passage, json.loads(json.dumps(plain(passage)))) == passage


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("grants"),
        lambda values: values.update(more=1),
        lambda values: values.update(version="7"),
        lambda values: values["doors"][0][1].pop("offline_s"),
        lambda values: values["doors"][0][1].update(standing="ajar"),
        lambda values: values["doors"][0][1].update(enabled=1),
        lambda values: values.update(people=3),
    ],
)
def test_what_is_not_a_policy_of_this_version_is_refused(change: Any) -> None:
    values = json.loads(json.dumps(to_plain(everything())))
    change(values)

    with pytest.raises(ValueError, match=r"this version|is not a"):
        from_plain(values, UTC)


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(0), Reason.MATCHED),
        (5 * MINUTE, Reason.MATCHED),
        (5 * MINUTE + timedelta(seconds=1), Reason.STALE_POLICY),
        (None, Reason.STALE_POLICY),
        (timedelta(seconds=-1), Reason.STALE_POLICY),
    ],
)
def test_a_copy_decides_up_to_its_age_and_says_that_it_did(age: timedelta | None, reason: Reason) -> None:
    now = datetime(2024, 5, 6, 10, 0, tzinfo=UTC)
    policy = example_policy()
    person = next(one for one in policy.people.values() if _passes(policy, one.id, now))
    request = Request(_point(policy), Reason.MATCHED, person.id, frozenset({Factor.FACE}))

    verdict = decide(aged(policy, age, now, 5 * MINUTE), State(), request, now)

    assert verdict.reason is reason
    assert Mark.OFFLINE in verdict.marks
    assert Mark.OFFLINE not in decide(policy, State(), request, now).marks


def _point(policy: Policy) -> str:
    """An access point of a door whose rules need nothing of the present."""
    plain_doors = {n for n, door in policy.doors.items() if not (door.interlock_group or door.two_person_s)}
    return next(one.name for one in policy.points.values() if one.door in plain_doors and one.area_to is None)


def _passes(policy: Policy, person: int, now: datetime) -> bool:
    request = Request(_point(policy), Reason.MATCHED, person, frozenset({Factor.FACE}))
    return decide(policy, State(), request, now).granted
