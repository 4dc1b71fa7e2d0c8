"""Which rules about proofs hold at an access point now, and whether a face has to move there.

In: a `Policy`, an access point, an instant.  Out: the rules in force; whether a challenge is asked for.
Does not know: who asks, what was proven, how a challenge is put (`access/liveness/challenge`).
Main choice: while the clock is in doubt every rule of the point holds, and the strictest has the word.
"""

from __future__ import annotations

from datetime import datetime

from attendance.domain.access.rules.doors import AccessPoint
from attendance.domain.access.rules.factors import FactorRule
from attendance.domain.access.rules.policy import Policy


def in_force(policy: Policy, point: AccessPoint, now: datetime, clock_doubt: bool = False) -> tuple[FactorRule, ...]:
    """Return the rule of the point that holds, all of them while the clock is in doubt.

    () for a point without rules, at which any one factor is enough, and where none of its rules holds.
    """
    if clock_doubt:
        return point.factors
    held = [rule for rule in point.factors if rule.schedule is None or policy.holds(rule.schedule, now)]
    return tuple(held[:1])


def asks_challenge(policy: Policy, point: AccessPoint, now: datetime, clock_doubt: bool = False) -> bool:
    """Return whether a face at this point is asked to turn or to come nearer."""
    return any(rule.challenge for rule in in_force(policy, point, now, clock_doubt))
