"""Where people can prove what a door asks for: its cameras, tablets and readers, and what is asked for in vain.

In: a session, the site's zone.  Out: what each door takes; in words, what it no longer takes after an act.
Does not know: pages, what a rule is for, who has a PIN or badge.
Main choice: an act such as revoking a stolen tablet is never held up; what it leaves behind is said at once, and on the
door's pages for as long as it lasts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from sqlalchemy.orm import Session

from attendance.domain.access.rules.doors import AccessPoint, PointSource
from attendance.domain.access.rules.factors import ANY_ONE, Doubt, Factor, FactorRule, FactorSet, needed
from attendance.domain.access.rules.policy import Policy
from attendance.errors import Phrase
from attendance.service.access.doors import unproven
from attendance.store.access import policies
from attendance.store.kiosk import devices

_BY_SOURCE = {
    PointSource.CAMERA: frozenset({Factor.FACE}),
    PointSource.KIOSK: frozenset(Factor),
    PointSource.BADGE: frozenset({Factor.BADGE, Factor.PIN}),
    PointSource.BUTTON: frozenset[Factor](),
}


@dataclass(frozen=True, slots=True)
class Takes:
    """What a door takes.  `pin`: somewhere; `vain`: its points whose rules ask for what nobody can give there;
    `no_second`: its other points at which a doubt asks for a second proof that nobody can give.
    """

    door: str
    pin: bool
    vain: tuple[str, ...]
    no_second: tuple[str, ...]

    @property
    def trouble(self) -> tuple[Phrase, ...]:
        """Return what its rules ask for in vain, and what to do."""
        phrases = (
            Phrase(
                "nobody passes %(names)s at some hours: the rules of %(door)s ask for a proof that no device on that"
                " side takes. Move a tablet there, or change what people prove at the door",
                names=", ".join(self.vain),
                door=self.door,
            ),
            Phrase(
                "nobody passes %(names)s where %(door)s asks for a second proof, in doubt or at odd hours: no device on"
                " that side takes one. Move a tablet there, or untick the doubts and the usual hours",
                names=", ".join(self.no_second),
                door=self.door,
            ),
        )
        return tuple(words for words in phrases if words.values["names"])


def tablets(session: Session) -> set[str]:
    """Return the names of the tablets that nobody revoked; a screen beside a camera takes no proof."""
    return tablets_and_devices(session)[0]


def tablets_and_devices(session: Session) -> tuple[set[str], set[str]]:
    """Return the names of the tablets that nobody revoked, and those of all devices."""
    rows = devices.list_devices(session)
    there = {row.name for row in rows if row.screen_of is None and row.revoked_at is None}
    return there, {row.name for row in rows}


def takes(session: Session, zone: tzinfo) -> Mapping[int, Takes]:
    """Return what each door takes now, by its number."""
    policy, found = policies.load_rules(session, zone), {}
    there, known = tablets_and_devices(session)
    for door in policy.doors.values():
        can = {
            point: proofs(policy, point, there, known)
            for point in policy.points.values()
            if point.door == door.id and point.enabled and (point.name in there or point.name not in known)
        }
        doubtful = bool(door.step_up - {Doubt.UNPROVEN_WEIGHTS}) or door.usual_schedule is not None
        asks = Doubt.UNPROVEN_WEIGHTS in door.step_up  # until an acceptance test was passed there
        vain = [point.name for point, given in can.items() if not _all(point, given, False)]
        second = [
            point.name
            for point, given in can.items()
            if not _all(point, given, True) and (doubtful or (asks and unproven.raised(session, point.name)))
        ]
        pin = any(Factor.PIN in given for given in can.values())
        left = tuple(name for name in second if name not in vain)
        found[door.id] = Takes(door.name, pin, tuple(vain), left)
    return found


def lost(before: Mapping[int, Takes], after: Mapping[int, Takes]) -> list[Phrase]:
    """Return what doors no longer take after an act, in words; empty for most acts."""
    words: list[Phrase] = []
    for door, now in after.items():
        was = before.get(door)
        if was is None:
            continue
        new = [one for one in now.trouble if one not in was.trouble]
        words += new
        if was.pin and not now.pin and not new:
            words.append(
                Phrase(
                    "that was the last tablet at %(door)s: nobody can enter a PIN there, and whoever is not recognised"
                    " by face cannot pass",
                    door=now.door,
                )
            )
    return words


def proofs(policy: Policy, point: AccessPoint, there: Collection[str], known: Collection[str]) -> FactorSet:
    """Return what can be proven on this point's side of its door; at the only door stands all that stands nowhere.

    `there`: the tablets in service; `known`: all devices, of which those that are not in service take nothing.
    """
    found: FactorSet = frozenset()
    for one in policy.points.values():
        if one.door != point.door or one.area_to != point.area_to or not one.enabled:
            continue
        if one.name in there:
            found |= frozenset(Factor)
        elif one.name not in known:
            found |= _BY_SOURCE[one.source]
    if len(policy.doors) == 1 and point.area_to is None and set(there) - set(policy.points):
        found |= frozenset(Factor)
    return found


def _all(point: AccessPoint, given: FactorSet, doubtful: bool) -> bool:
    """Return whether each rule of the point asks for at least one set that can be given there."""
    rules = point.factors or (FactorRule(ANY_ONE),)
    return all(any(one <= given for one in needed(rule.sets, doubtful)) for rule in rules)
