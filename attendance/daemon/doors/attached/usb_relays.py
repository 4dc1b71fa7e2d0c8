"""Two kinds of USB relays: HID boards (16c0:05df) by feature reports, and LCUS boards by a CH340 serial port.

In: the driver's settings.  Out: switches.
Does not know: doors, people; who ends the pulse (`keeper`).
Main choice: the kernel's hidraw and serial files, so that neither needs a package.  Linux only.
Sources: pyhid-usb-relay (MIT) for the reports; stackoverflow 29221080 for the LCUS frames.
"""

from __future__ import annotations

import fcntl
import os
import select
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from attendance.daemon.doors.driver import TIMEOUT_S, Switch
from attendance.domain.access.door_state import Inputs
from attendance.service.access.doors.driver_settings import Ch340, UsbHid
from attendance.service.ports import DoorFault, DoorUnknown

REPORT = 8  # bytes of a feature report, after the report's number
SYS = Path("/sys/class/hidraw")
_HID_ID = ":000016C0:000005DF"
_ON, _OFF = 0xFF, 0xFD
# ioctl numbers of <linux/hidraw.h>: read and write, size of report and its number, 'H', 6 or 7.
_SET_FEATURE, _GET_FEATURE = ((3 << 30) | ((REPORT + 1) << 16) | (ord("H") << 8) | number for number in (6, 7))

Ioctl = Callable[[int, int, bytearray], int]


def _ioctl(descriptor: int, request: int, buffer: bytearray) -> int:
    return int(fcntl.ioctl(descriptor, request, buffer, True))


class UsbHidSwitch(Switch):
    """One relay of a HID board.  `ioctl`: the system's; `sys`: where the kernel lists its devices."""

    readable = True

    def __init__(self, settings: UsbHid, ioctl: Ioctl = _ioctl, sys: Path = SYS, dev: Path = Path("/dev")) -> None:
        self._settings, self._ioctl = settings, ioctl
        self._descriptor = self._found(sys, dev)

    def switch(self, on: bool) -> None:
        report = bytearray([0, _ON if on else _OFF, self._settings.relay, *bytes(REPORT - 2)])
        try:
            self._ioctl(self._descriptor, _SET_FEATURE, report)
        except OSError as error:
            raise DoorUnknown(f"the USB relay does not take a report: {error.strerror}") from error
        if self._is_on() is not on:
            raise DoorUnknown(f"the USB relay says that relay {self._settings.relay} is not {'on' if on else 'off'}")

    def inputs(self) -> Inputs:
        return Inputs(unlocked=self._is_on())

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_on(self) -> bool:
        return bool(self._report(self._descriptor)[7] & (1 << (self._settings.relay - 1)))

    def _report(self, descriptor: int) -> bytes:
        """Return the 8 bytes of the board: serial number 0 to 4, state 7."""
        buffer = bytearray(REPORT + 1)
        try:
            self._ioctl(descriptor, _GET_FEATURE, buffer)
        except OSError as error:
            raise DoorUnknown(f"the USB relay does not answer: {error.strerror}") from error
        # Boards number no reports, so that some kernels leave the number out.
        return bytes(buffer[1:]) if buffer[0] == 0 else bytes(buffer[:REPORT])

    def _found(self, sys: Path, dev: Path) -> int:
        boards = [path.name for path in sorted(sys.glob("hidraw*")) if _HID_ID in _read(path / "device" / "uevent")]
        trouble = "no USB relay (16c0:05df) is plugged in"
        for name in boards:
            try:
                descriptor = os.open(dev / name, os.O_RDWR | os.O_CLOEXEC)
            except OSError as error:
                trouble = f"/dev/{name} cannot be opened: {error.strerror}; see docs/doors.md for the rule of udev"
                continue
            try:
                serial = self._report(descriptor)[:5].split(b"\0")[0].decode("ascii", "replace")
            except DoorFault as error:
                trouble = str(error)
            else:
                if self._settings.serial in ("", serial):
                    return descriptor
                trouble = f"no USB relay has the serial number {self._settings.serial}; there is {serial}"
            os.close(descriptor)
        raise DoorFault(trouble)


class Ch340Switch(Switch):
    """One relay of an LCUS board: 9600 baud, 8N1, four bytes with a sum; the boards answer nothing."""

    def __init__(self, settings: Ch340) -> None:
        self._settings = settings
        try:
            self._descriptor = os.open(settings.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise DoorFault(f"{settings.device} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tty.setraw(self._descriptor)
            attributes = termios.tcgetattr(self._descriptor)
            attributes[2] = (attributes[2] & ~(termios.PARENB | termios.CSTOPB | termios.CSIZE)) | termios.CS8
            attributes[4] = attributes[5] = termios.B9600
            termios.tcsetattr(self._descriptor, termios.TCSANOW, attributes)
        except (OSError, termios.error) as error:
            os.close(self._descriptor)
            raise DoorFault(f"{settings.device} is not a free serial port: {error}") from error

    def switch(self, on: bool) -> None:
        frame = lcus_frame(self._settings.relay, on)
        end = monotonic() + TIMEOUT_S
        while frame:
            if not select.select([], [self._descriptor], [], max(0.0, end - monotonic()))[1]:
                raise DoorUnknown(f"{self._settings.device} takes no more bytes")
            try:
                frame = frame[os.write(self._descriptor, frame) :]
            except OSError as error:
                raise DoorUnknown(f"{self._settings.device}: {error.strerror}") from error

    def prepare(self) -> list[str]:
        return ["this board never answers: nobody can say whether it switched"]

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lcus_frame(relay: int, on: bool) -> bytes:
    """Return A0, the relay from 1, 1 or 0, and their sum."""
    head = bytes((0xA0, relay, int(on)))
    return head + bytes((sum(head) & 0xFF,))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
