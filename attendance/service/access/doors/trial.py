"""Trying a door on site: what its device says, whether it moves, and who ends the pulse.

In: a door, the length of a pulse.  Out: lines for whoever stands there, and a verdict.
Does not know: the terminal, drivers.
Main choice: the same calls as at a passage, once each, so that what is seen here is what will happen then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from time import monotonic, sleep
from typing import Literal

from attendance.domain.access.door_state import Contact, Inputs
from attendance.service.ports import Door, DoorFault, PulseOutcome

LOOK_EVERY_S = 0.2
SLACK_S = 1.0  # how much longer a pulse may be seen, by the pace of the looks and of the network
Verdict = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Line:
    verdict: Verdict
    words: str


def survey(door: Door) -> Iterator[Line]:
    """Say what can be known without moving anything."""
    if door.pulse_in_device:
        yield Line("ok", "the device ends each pulse by itself")
    else:
        yield Line(
            "warning",
            "the device does not end its pulses: this computer does, and after a loss of power during a pulse nobody "
            "does until it starts again",
        )
    try:
        notes = door.prepare()
    except DoorFault as error:
        yield Line("fault", f"the device cannot be prepared: {error}")
        return
    yield Line("ok", "the device answers")
    for note in notes:
        yield Line("warning", note)
    if not door.readable:
        yield Line("warning", "nothing can be read from this device: nobody sees whether the door opens")
        return
    try:
        yield Line("ok", f"it shows: {_shown(door.inputs())}")
    except DoorFault as error:
        yield Line("fault", f"its inputs cannot be read: {error}")


def unlock(door: Door, seconds: float, watch_s: float) -> Iterator[Line]:
    """Unlock once and say what is seen until `watch_s` after the pulse's end."""
    begun = monotonic()
    pulse = door.unlock(seconds)
    took_ms = (monotonic() - begun) * 1000
    said = f" ({pulse.detail})" if pulse.detail else ""
    match pulse.outcome:
        case PulseOutcome.PULSED:
            yield Line("ok", f"unlocked for {seconds:g} s; the device confirmed it within {took_ms:.0f} ms{said}")
        case PulseOutcome.REFUSED:
            yield Line("fault", f"refused, the door stayed shut{said}")
            return
        case PulseOutcome.UNKNOWN:
            yield Line("fault", f"unknown, the door may have moved{said}")
    if door.readable:
        yield from _watched(door, begun, seconds, watch_s)


def _watched(door: Door, begun: float, seconds: float, watch_s: float) -> Iterator[Line]:
    before, on_until, relay_seen, opened = Inputs(), None, False, False
    while monotonic() - begun < seconds + watch_s:
        try:
            now = door.inputs()
        except DoorFault as error:
            yield Line("fault", f"its inputs cannot be read: {error}")
            return
        at = monotonic() - begun
        if now != before:
            yield Line("ok", f"after {at:.1f} s: {_shown(now)}")
        relay_seen, opened = relay_seen or now.unlocked is not None, opened or now.contact is Contact.OPEN
        if now.unlocked:
            on_until = at
        before = now
        sleep(LOOK_EVERY_S)
    if relay_seen and on_until is None:
        yield Line("warning", "the relay was never seen on")
    elif on_until is not None and on_until > seconds + SLACK_S:
        yield Line("fault", f"the relay was still on after {on_until:.1f} s, but the pulse was {seconds:g} s")
    if before.contact is not Contact.UNKNOWN and not opened:
        yield Line("warning", "the contact never showed the door open: open it during the test, or check its wiring")


def _shown(inputs: Inputs) -> str:
    """Return what the inputs say, without those that are not wired."""
    words = {"exit_button": "exit button", "unlocked": "relay", "tamper": "tamper", "fire": "fire"}
    found = [] if inputs.contact is Contact.UNKNOWN else [f"door {inputs.contact}"]
    for one in fields(inputs):
        value = getattr(inputs, one.name)
        if isinstance(value, bool):
            found.append(f"{words[one.name]} {'on' if value else 'off'}")
    return ", ".join(found) or "no inputs"


def worst(lines: list[Line]) -> Verdict:
    order: tuple[Verdict, ...] = ("ok", "warning", "fault")
    return max((line.verdict for line in lines), key=order.index, default="ok")
