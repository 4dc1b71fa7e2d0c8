"""A relay and contacts at the pins of a Raspberry Pi (extra: gpio).

In: the driver's settings.  Out: a switch, held for as long as the process lives.
Does not know: doors, people; who ends the pulse (`keeper`).
Trade-off: a pin floats while nobody holds it, at the start of the computer and after this process: a resistor outside
the computer must pull the relay's input to its off level (docs/doors.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attendance.daemon.doors.driver import Switch, contact_of
from attendance.domain.access.door_state import Inputs
from attendance.errors import UserError
from attendance.service.access.doors.driver_settings import Gpio
from attendance.service.ports import DoorUnknown

if TYPE_CHECKING:
    from gpiozero import Button

BOUNCE_S = 0.02


class GpioSwitch(Switch):
    """The pin of the relay, off from the first moment on, and the pins of the inputs."""

    readable = True

    def __init__(self, settings: Gpio) -> None:
        try:
            from gpiozero import Button, OutputDevice
        except ModuleNotFoundError as error:
            raise UserError("the driver gpio needs gpiozero: pip install 'attendance[gpio]'") from error
        self._settings = settings
        self._relay = OutputDevice(settings.pin, active_high=settings.active_high, initial_value=False)
        self._pressed = False

        def made(pin: int) -> Any:
            return None if pin < 0 else Button(pin, pull_up=True, bounce_time=BOUNCE_S)

        self._contact, self._exit = made(settings.contact_pin), made(settings.exit_pin)
        self._tamper, self._fire = made(settings.tamper_pin), made(settings.fire_pin)
        if self._exit is not None:
            self._exit.when_pressed = self._note_press

    def switch(self, on: bool) -> None:
        self._relay.value = 1 if on else 0
        if bool(self._relay.value) is not on:
            raise DoorUnknown(f"pin {self._settings.pin} is not {'on' if on else 'off'}")

    def prepare(self) -> Sequence[str]:
        return ("a pin floats while the computer starts: a resistor must keep the relay off (see docs/doors.md)",)

    def inputs(self) -> Inputs:
        pressed, self._pressed = self._pressed, False  # a press between two looks counts
        return Inputs(
            contact_of(_read(self._contact), self._settings.contact),
            None if self._exit is None else pressed or bool(_read(self._exit)),
            bool(self._relay.value),
            _read(self._tamper),
            _read(self._fire),
        )

    def close(self) -> None:
        for device in (self._relay, self._contact, self._exit, self._tamper, self._fire):
            if device is not None:
                device.close()

    def _note_press(self) -> None:
        self._pressed = True


def _read(button: Button | None) -> bool | None:
    return None if button is None else bool(button.is_pressed)
