"""What drivers are built from: a lock that ends its pulses itself, and a switch whose pulses this computer ends.

In: nothing.  Out: two base classes with the answers of a device that can do nothing more; what wired inputs say.
Does not know: any device.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from attendance.domain.access.door_state import Contact, Inputs

TIMEOUT_S = 2.0  # for one call, whatever it takes


class Device:
    """A device of one door.  Methods raise DoorFault if it did not act, for certain, and DoorUnknown if it may have.

    `readable`: whether `inputs` tells anything.
    """

    readable = False

    def prepare(self) -> Sequence[str]:
        """Make sure that the device is off after a power cut; return what the operator should know."""
        return ()

    def inputs(self) -> Inputs:
        """Return what the device sees now."""
        return Inputs()

    def close(self) -> None:
        """Let go of the device."""
        return


class Lock(Device, ABC):
    """A device that ends each pulse itself."""

    @abstractmethod
    def pulse(self, seconds: float) -> str:
        """Ask once for a pulse and check the reply; return what the device said, if that says more."""


class Switch(Device, ABC):
    """A device that stays on until it is switched off: `keeper` ends its pulses."""

    @abstractmethod
    def switch(self, on: bool) -> None:
        """Ask once, and check the reply."""


def contact_of(on: bool | None, means: str) -> Contact:
    """Return what an input says about the door.  `means`: "closed" or "open" while the input is on, or "none"."""
    if means == "none":
        return Contact.UNKNOWN
    if on is None:
        return Contact.FAULT
    return Contact.CLOSED if on is (means == "closed") else Contact.OPEN


class Wiring(Protocol):
    """The part of a device's settings that names its inputs, by number."""

    @property
    def contact(self) -> Literal["closed", "open", "none"]: ...
    @property
    def contact_input(self) -> int: ...
    @property
    def exit_input(self) -> int: ...
    @property
    def tamper_input(self) -> int: ...
    @property
    def fire_input(self) -> int: ...


def inputs_of(wiring: Wiring, read: Callable[[int], bool | None], output: bool | None, first: int = 0) -> Inputs:
    """Return what a device's inputs say; `read`: one input by number, None if it does not say.

    `first`: the device's lowest input; a number below it means that nothing is wired.
    """

    def wired(number: int) -> bool | None:
        return None if number < first else read(number)

    on = wired(wiring.contact_input) if wiring.contact != "none" else None
    return Inputs(
        contact_of(on, wiring.contact),
        wired(wiring.exit_input),
        output,
        wired(wiring.tamper_input),
        wired(wiring.fire_input),
    )
