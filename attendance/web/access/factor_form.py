"""The forms of a door's proofs and doubts: what is ticked, and what was sent.

In: the rules, a form.  Out: the fields of each access point; rules of factors; doubts.
Does not know: what is stored, which devices stand at the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attendance.domain.access.rules.doors import AccessPoint
from attendance.domain.access.rules.factors import ANY_ONE, Doubt, FactorRule, FactorSet
from attendance.domain.access.rules.policy import Policy
from attendance.domain.calibration.bars import Bar
from attendance.errors import UserError
from attendance.service.access.policy.door_rows import PURPOSES
from attendance.service.access.policy.factor_rows import DOUBTS, SETS
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.hours.date_range import is_id

SET_WORDS = {
    "face": N_("Face"),
    "pin": N_("PIN"),
    "badge": N_("Badge"),
    "face+pin": N_("Face and PIN"),
    "badge+pin": N_("Badge and PIN"),
    "badge+face": N_("Badge and face"),
}
PURPOSE_WORDS = {
    "access+attendance": N_("Access and working time"),
    "access": N_("Access only: nothing here counts as working time"),
    "attendance": N_("Working time only: a face needs the consent to working time, not to access"),
}
DOUBT_WORDS = {
    Doubt.LOOK_ALIKE: N_("Somebody else looks nearly the same"),
    Doubt.THIN_MARGIN: N_("The face fits, but not by much"),
    Doubt.REPEATED_FAILURES: N_("Three strangers were refused here in the last five minutes"),
    Doubt.UNPROVEN_WEIGHTS: N_("A face alone, while the networks are not proven here"),
}
BAR_WORDS = {
    Bar.OWN_PEOPLE: N_("own people refused (FNIR)"),
    Bar.ATTACKS: N_("pictures taken for living people (APCER)"),
    Bar.LIVE_PEOPLE: N_("living people taken for pictures (BPCER)"),
}


@dataclass(frozen=True, slots=True)
class PointForm:
    """`inside`, `otherwise`: the keys that are ticked, for the hours of `schedule` and for all others.

    `move_inside`, `move_otherwise`: whether a face is then asked to turn or to come closer.
    `more`: the stored rules say more than the form shows.
    """

    name: str
    schedule: int | None
    inside: frozenset[str]
    otherwise: frozenset[str]
    move_inside: bool
    move_otherwise: bool
    more: bool
    purposes: str


def fields(policy: Policy, door: int) -> dict[str, Any]:
    """Return what the template shows of the door's access points and doubts."""
    asked = policy.doors[door].step_up
    return {
        "point_forms": [
            _point(one) for one in sorted(policy.points.values(), key=lambda one: one.name) if one.door == door
        ],
        "purpose_words": {key: _(PURPOSE_WORDS[key]) for key in PURPOSES},
        "set_words": {key: _(text) for key, text in SET_WORDS.items()},
        "doubt_words": {doubt.value: _(DOUBT_WORDS[doubt]) for doubt in DOUBTS},
        "asked_doubts": asked,
        "odd_hour": policy.schedules.get(policy.doors[door].usual_schedule or 0),
    }


def bar_words() -> dict[Bar, str]:
    """Return what each bar is called."""
    return {bar: _(text) for bar, text in BAR_WORDS.items()}


def rules(form: Any) -> list[FactorRule]:
    """Return the rules of a form: by schedule first, then for all other hours.

    UserError where nothing is ticked, which would refuse everybody, or proofs by schedule lack the schedule.
    """
    inside, chosen = _ticked(form, "inside"), form.get("schedule", "")
    found = []
    if is_id(chosen):
        if not inside:
            raise UserError("tick at least one proof for the hours of the schedule")
        found.append(FactorRule(inside, int(chosen), bool(form.get("move-inside"))))
    elif inside:
        raise UserError("choose the schedule for these proofs, or tick none of them")
    otherwise = _ticked(form, "otherwise")
    if not otherwise:
        raise UserError("tick at least one proof for all other hours: without one nobody passes")
    return [*found, FactorRule(otherwise, challenge=bool(form.get("move-otherwise")))]


def doubts(form: Mapping[str, str]) -> list[Doubt]:
    """Return the ticked doubts."""
    return [one for one in DOUBTS if form.get(f"doubt-{one.value}")]


def _point(point: AccessPoint) -> PointForm:
    by_hour = [rule for rule in point.factors if rule.schedule is not None]
    always = [rule for rule in point.factors if rule.schedule is None]
    inside = by_hour[0] if by_hour else None
    otherwise = always[0].sets if always else () if by_hour else ANY_ONE
    more = len(by_hour) > 1 or len(always) > 1 or any(
        one not in SETS for rule in point.factors for one in rule.sets
    )  # fmt: skip
    return PointForm(
        name=point.name,
        schedule=None if inside is None else inside.schedule,
        inside=frozenset() if inside is None else frozenset(map(_key, inside.sets)),
        otherwise=frozenset(map(_key, otherwise)),
        move_inside=inside is not None and inside.challenge,
        move_otherwise=bool(always) and always[0].challenge,
        more=more,
        purposes="+".join(sorted(point.purposes)),
    )


def _ticked(form: Any, name: str) -> tuple[FactorSet, ...]:
    sent = set(form.getlist(name))
    return tuple(one for one in SETS if _key(one) in sent)


def _key(factors: FactorSet) -> str:
    return "+".join(sorted(factors))
