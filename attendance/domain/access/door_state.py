"""What a door physically does, and which alarms follow: a pure state machine.

In: what the device's inputs show, grants, silence of the device; seconds of one monotonic clock.  Out: the door's
state, and what happened since.
Does not know: devices, the database, who reads the alarms.  Who may pass is decided elsewhere; nothing here unlocks.
Main choice: forced open and held open follow from the contact and from a window in which opening is allowed (a grant,
the exit button, a standing unlock), as ONVIF and BACnet have it.  Fire mutes these two and is an alarm itself; it mutes
nothing else and never unlocks.
Trade-off: inputs are looked at a few times a second, so an opening shorter than that is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Contact(StrEnum):
    """The door's contact; stored by value.  UNKNOWN: there is none, or it was not read yet."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    FAULT = "fault"  # it is wired, and what it says makes no sense


class DoorAlarm(StrEnum):
    """What is wrong at a door for as long as it lasts; stored by value."""

    FORCED = "forced"
    PRE_ALARM = "pre_alarm"
    HELD = "held"
    TAMPER = "tamper"
    FIRE = "fire"
    OFFLINE = "offline"


# What the fire input mutes: people leave, and doors stand open.
MUTED_BY_FIRE = frozenset({DoorAlarm.FORCED, DoorAlarm.PRE_ALARM, DoorAlarm.HELD})


class Happened(StrEnum):
    """What happened at a door at one instant; stored by value."""

    OPENED = "opened"
    CLOSED = "closed"
    UNLOCKED = "unlocked"
    LOCKED = "locked"
    EXIT = "exit"
    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one look at a device showed; None: it has no such input.

    `exit_button`: pressed now, or since the last look · `unlocked`: the lock's relay is on · `tamper`: its case or
    cable was opened · `fire`: the fire contact reports a fire.
    """

    contact: Contact = Contact.UNKNOWN
    exit_button: bool | None = None
    unlocked: bool | None = None
    tamper: bool | None = None
    fire: bool | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """One door's settings.

    `open_too_long_s`: 0 watches nothing · `pre_alarm_s`: so long before it · `passage_s`: how long after a grant's
    pulse, or a press of the exit button, opening is still allowed · `watch_forced`: False where people leave by a
    handle that no input sees, since each exit would be an alarm.
    Raises ValueError for a negative time.
    """

    open_too_long_s: float = 30.0
    pre_alarm_s: float = 10.0
    passage_s: float = 5.0
    watch_forced: bool = True

    def __post_init__(self) -> None:
        if min(self.open_too_long_s, self.pre_alarm_s, self.passage_s) < 0:
            raise ValueError("a door's times are not negative")


@dataclass(frozen=True, slots=True)
class Happening:
    """`alarm`: with RAISED and CLEARED · `passage`: the id, with TAKEN and NOT_TAKEN · `muted`: there is a fire."""

    what: Happened
    alarm: DoorAlarm | None = None
    passage: str | None = None
    muted: bool = False


@dataclass(frozen=True, slots=True)
class DoorState:
    """`online`: None before the first look · `opened_at`, `allowed_until`: seconds of the caller's monotonic clock.

    `pending`: ids of granted passages that nobody took yet · `open_too_long_s`: of the newest grant, if longer.
    """

    online: bool | None = None
    contact: Contact = Contact.UNKNOWN
    unlocked: bool | None = None
    opened_at: float | None = None
    allowed_until: float | None = None
    pending: tuple[str, ...] = ()
    open_too_long_s: float = 0.0
    alarms: frozenset[DoorAlarm] = frozenset()

    @property
    def muted(self) -> bool:
        return DoorAlarm.FIRE in self.alarms

    @property
    def audible(self) -> frozenset[DoorAlarm]:
        """Return the alarms that sound."""
        return self.alarms - MUTED_BY_FIRE if self.muted else self.alarms


Step = tuple[DoorState, Sequence[Happening]]


def granted(
    state: DoorState, passage: str, seconds: float, timings: Timings, now: float, open_too_long_s: float = 0.0
) -> Step:
    """Open the window of a grant whose pulse lasts `seconds`; a door that stands open is passed at once.

    `passage`: "" for an operator's act, which nobody takes · `open_too_long_s`: this person's extended time, if longer
    than the door's.
    """
    until = max(now + seconds + timings.passage_s, state.allowed_until or now)
    state = replace(state, allowed_until=until, open_too_long_s=max(open_too_long_s, 0.0))
    if not passage:
        return state, ()
    if state.contact is Contact.OPEN:
        return state, (Happening(Happened.TAKEN, passage=passage),)
    return replace(state, pending=(*state.pending, passage)), ()


def lost(state: DoorState) -> Step:
    """Note that the device does not answer.  What it showed last stays, so that an opening meanwhile is noticed."""
    state, happened = _alarm(replace(state, online=False), DoorAlarm.OFFLINE, True)
    return state, happened


def seen(state: DoorState, inputs: Inputs, timings: Timings, now: float, stands_open: bool = False) -> Step:
    """Take one look.  `stands_open`: a rule or an operator keeps the door unlocked, so that it may be open.

    A door that was closed before the device fell silent and is open afterwards counts as forced, unless a window is
    still open: nobody saw a reason for it.
    """
    happened: list[Happening] = []

    def alarm(which: DoorAlarm, on: bool) -> None:
        nonlocal state
        state, more = _alarm(state, which, on)
        happened.extend(more)

    alarm(DoorAlarm.OFFLINE, False)
    state = replace(state, online=True)
    alarm(DoorAlarm.FIRE, bool(inputs.fire))  # first, since it mutes what follows
    alarm(DoorAlarm.TAMPER, bool(inputs.tamper))
    if inputs.unlocked is not None and inputs.unlocked is not state.unlocked:
        if state.unlocked is not None or inputs.unlocked:
            happened.append(Happening(Happened.UNLOCKED if inputs.unlocked else Happened.LOCKED))
        state = replace(state, unlocked=inputs.unlocked)
    if inputs.exit_button:
        happened.append(Happening(Happened.EXIT))
        state = replace(state, allowed_until=max(now + timings.passage_s, state.allowed_until or now))
    before, contact = state.contact, inputs.contact
    state = replace(state, contact=contact)
    allowed = stands_open or (state.allowed_until is not None and now <= state.allowed_until)
    if contact is Contact.OPEN and before is not Contact.OPEN:
        happened.append(Happening(Happened.OPENED))
        happened += [Happening(Happened.TAKEN, passage=one) for one in state.pending]
        state = replace(state, opened_at=now, pending=())
        if before is Contact.CLOSED and not allowed and timings.watch_forced:
            alarm(DoorAlarm.FORCED, True)
    elif contact is Contact.CLOSED and before is not Contact.CLOSED:
        happened.append(Happening(Happened.CLOSED))
        state = replace(state, opened_at=None, open_too_long_s=0.0)
        alarm(DoorAlarm.FORCED, False)
    elif contact in (Contact.UNKNOWN, Contact.FAULT):
        state = replace(state, opened_at=None)
    _held(state, timings, now, stands_open, alarm)
    if state.pending and state.allowed_until is not None and now > state.allowed_until:
        if contact is Contact.CLOSED:  # without a contact nobody can say so
            happened += [Happening(Happened.NOT_TAKEN, passage=one) for one in state.pending]
        state = replace(state, pending=())
    return state, tuple(happened)


def _held(
    state: DoorState, timings: Timings, now: float, stands_open: bool, alarm: Callable[[DoorAlarm, bool], None]
) -> None:
    """Raise or clear held open and the warning before it."""
    limit = max(timings.open_too_long_s, state.open_too_long_s)
    counts = state.opened_at is not None and not stands_open and timings.open_too_long_s > 0
    open_for = now - state.opened_at if counts and state.opened_at is not None else -1.0
    held = counts and open_for >= limit
    alarm(
        DoorAlarm.PRE_ALARM, counts and not held and timings.pre_alarm_s > 0 and open_for >= limit - timings.pre_alarm_s
    )
    alarm(DoorAlarm.HELD, held)


def _alarm(state: DoorState, which: DoorAlarm, on: bool) -> Step:
    """Raise or clear an alarm; nothing happens if it is so already."""
    if (which in state.alarms) is on:
        return state, ()
    alarms = state.alarms | {which} if on else state.alarms - {which}
    muted = which in MUTED_BY_FIRE and DoorAlarm.FIRE in state.alarms
    what = Happened.RAISED if on else Happened.CLEARED
    return replace(state, alarms=alarms), (Happening(what, which, muted=muted),)
