"""Who holds a door: overrides, schedules and the door's own setting.

In: a policy, a state, a door, an instant.  Out: a `Hold`.
Does not know: who asks to pass.
Main choice: the highest source wins, and at one source closing beats opening.  A door that is unlocked by the clock
waits for the first passage, so that a day on which nobody comes leaves it shut.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from attendance.domain.access.rules.doors import Door, Mode, Override, Source
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.state import State

_STRENGTH = (Mode.SECURE, Mode.UNLOCK, Mode.LOCK, Mode.LOCKDOWN, Mode.BLOCK)


@dataclass(frozen=True, slots=True)
class Hold:
    """How a door is held, by whom.  `override`: its number, None if it is a schedule or the door's own setting."""

    mode: Mode
    source: Source
    override: int | None = None
    until: datetime | None = None

    @property
    def _strength(self) -> tuple[int, int]:
        return self.source.rank, _STRENGTH.index(self.mode)


def posture(
    policy: Policy, state: State, door: Door, now: datetime, clock_doubt: bool = False, exempt: bool = False
) -> Hold:
    """Return how the door is held at `now`; for a person who is `exempt`, as if nobody had locked it.

    While the clock is in doubt nothing unlocks by time, and nothing that closes a door ends by it.  A block holds for
    everybody, also under a lockdown.
    """
    holds = [Hold(door.standing, Source.STANDING)]
    if policy.holds(door.lock_schedule, now) or (clock_doubt and door.lock_schedule is not None):
        holds.append(Hold(Mode.LOCK, Source.SCHEDULE))
    if not clock_doubt and unlocked_by_schedule(policy, state, door, now):
        holds.append(Hold(Mode.UNLOCK, Source.SCHEDULE))
    holds += [
        Hold(each.mode, each.source, each.id, each.until)
        for each in policy.overrides
        if each.door in (None, door.id) and in_force(each, now, clock_doubt)
    ]
    if exempt:
        holds = [hold for hold in holds if hold.mode not in (Mode.LOCK, Mode.LOCKDOWN)]
    return max(holds, key=lambda hold: hold._strength, default=Hold(Mode.SECURE, Source.STANDING))


def in_force(override: Override, now: datetime, clock_doubt: bool = False) -> bool:
    """Return whether an override that nobody ended still holds."""
    if override.mode.closed:  # a clock that was set back does not open a door that was closed meanwhile
        return clock_doubt or override.until is None or now < override.until
    if clock_doubt and override.until is not None:
        return False
    return override.since <= now and (override.until is None or now < override.until)


def unlocked_by_schedule(policy: Policy, state: State, door: Door, now: datetime) -> bool:
    """Return whether the door's schedule unlocks it, and somebody has passed since that span began, if it must."""
    schedule = None if door.unlock_schedule is None else policy.schedules.get(door.unlock_schedule)
    if schedule is None or not schedule.holds(now, policy.zone):
        return False
    if not door.unlock_after_first:
        return True
    passed, since = state.passed.get(door.id), schedule.since(now, policy.zone)
    return passed is not None and passed <= now and (since is None or passed >= since)
