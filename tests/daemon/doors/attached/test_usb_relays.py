"""USB relays: a HID board behind the kernel's call, and a serial board behind a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import termios
from pathlib import Path

import pytest

from attendance.daemon.doors.attached import usb_relays
from attendance.daemon.doors.attached.usb_relays import Ch340Switch, UsbHidSwitch, lcus_frame
from attendance.service.access.doors.driver_settings import Ch340, UsbHid
from attendance.service.ports import DoorFault, DoorUnknown


class Board:
    """Eight bytes of a feature report, as pyhid-usb-relay documents them."""

    def __init__(self) -> None:
        self.state, self.dead = 0, False
        self.reports: list[bytes] = []

    def ioctl(self, descriptor: int, request: int, buffer: bytearray) -> int:
        assert len(buffer) == 9
        assert request in (0xC0094806, 0xC0094807)
        if request == 0xC0094807:
            buffer[1:] = b"6QMBS" + bytes((0, 0, self.state))
            return 9
        self.reports.append(bytes(buffer[1:]))
        bit = 1 << (buffer[2] - 1)
        if not self.dead:
            self.state = self.state | bit if buffer[1] == 0xFF else self.state & ~bit
        return 9


@pytest.fixture
def plugged(tmp_path: Path) -> tuple[Path, Path]:
    """Two HID devices, of which the second is the relay."""
    for number, ids in enumerate(("0003:0000046D:0000C52B", "0003:000016C0:000005DF")):
        folder = tmp_path / "sys" / f"hidraw{number}" / "device"
        folder.mkdir(parents=True)
        (folder / "uevent").write_text(f"DRIVER=hid-generic\nHID_ID={ids}\n")
        (tmp_path / f"hidraw{number}").touch()
    return tmp_path / "sys", tmp_path


def test_a_hid_relay_is_found_switched_and_read_back(plugged: tuple[Path, Path]) -> None:
    board = Board()
    switch = UsbHidSwitch(UsbHid(relay=2, serial="6QMBS"), board.ioctl, *plugged)
    switch.switch(True)
    assert switch.inputs().unlocked is True
    switch.switch(False)
    switch.close()

    assert board.reports == [bytes((0xFF, 2, 0, 0, 0, 0, 0, 0)), bytes((0xFD, 2, 0, 0, 0, 0, 0, 0))]


def test_a_hid_relay_that_does_not_move_is_noticed(plugged: tuple[Path, Path]) -> None:
    board = Board()
    board.dead = True
    switch = UsbHidSwitch(UsbHid(), board.ioctl, *plugged)
    with pytest.raises(DoorUnknown, match="relay 1 is not on"):
        switch.switch(True)
    switch.close()


def test_a_relay_that_is_not_there_is_named(plugged: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DoorFault, match="no USB relay has the serial number OTHER; there is 6QMBS"):
        UsbHidSwitch(UsbHid(serial="OTHER"), Board().ioctl, *plugged)
    with pytest.raises(DoorFault, match="no USB relay"):
        UsbHidSwitch(UsbHid(), Board().ioctl, tmp_path / "empty", tmp_path)


def test_a_serial_board_gets_four_bytes_with_their_sum() -> None:
    ours, theirs = pty.openpty()
    try:
        switch = Ch340Switch(Ch340(device=os.ttyname(theirs)))
        assert termios.tcgetattr(theirs)[4] == termios.B9600
        switch.switch(True)
        switch.switch(False)
        read = b""
        while len(read) < 8:  # a terminal gives what there is
            read += os.read(ours, 100)
        assert read == bytes.fromhex("A0 01 01 A2 A0 01 00 A1")
        with pytest.raises(DoorFault, match="not a free serial port"):
            Ch340Switch(Ch340(device=os.ttyname(theirs)))
        switch.close()
    finally:
        os.close(ours)
        os.close(theirs)
    assert lcus_frame(8, True) == bytes.fromhex("A0 08 01 A9")


def test_the_kernels_call_is_the_real_one_by_default(tmp_path: Path) -> None:
    with pytest.raises(DoorUnknown), (tmp_path / "file").open("w+b") as file:
        switch = UsbHidSwitch.__new__(UsbHidSwitch)
        switch._ioctl = usb_relays._ioctl
        switch._report(file.fileno())
