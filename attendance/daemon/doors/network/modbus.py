"""Modbus relays over TCP, as Waveshare and others make them: Modbus TCP, or RTU frames over TCP.

In: the driver's settings.  Out: a lock by the timed command ("flash on"), or a switch without it; the inputs.
Does not know: doors, people.
Main choice: frames of our own, since the usual library refuses the values of the timed command.
Sources: Modbus Application Protocol V1.1b3 (05, 02, 01), Modbus over Serial Line V1.02 (CRC), Waveshare's manual.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from functools import partial
from time import monotonic

from attendance.daemon.doors.driver import TIMEOUT_S, Device, Lock, Switch, inputs_of
from attendance.daemon.doors.network.reach import Address
from attendance.domain.access.door_state import Inputs
from attendance.service.access.doors.driver_settings import Modbus
from attendance.service.ports import DoorFault, DoorUnknown

WRITE_COIL, READ_COILS, READ_INPUTS = 0x05, 0x01, 0x02
FLASH_ON = 0x0200  # + relay; the value counts 100 ms
PORTS = {"tcp": 502, "rtu": 4196}
_REFUSALS = {1: "it does not know this function", 2: "there is no such relay or input", 3: "the value is not allowed"}


def crc16(data: bytes) -> bytes:
    """Return the CRC of an RTU frame, low byte first (polynomial A001h, start FFFFh)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return struct.pack("<H", crc)


class _Modbus(Device):
    readable = True

    def __init__(self, settings: Modbus) -> None:
        self._settings = settings
        host, _, port = settings.address.removeprefix("http://").rpartition(":")
        # Without a port, what is split off is the host itself.
        self._address = Address(host.strip("[]"), int(port)) if host else Address(port, PORTS[settings.framing])
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()  # such gateways serve one connection at a time

    @property
    def shown(self) -> str:
        return self._address.shown

    def inputs(self) -> Inputs:
        settings = self._settings
        output = self._bit(READ_COILS, settings.relay)
        return inputs_of(settings, partial(self._bit, READ_INPUTS), output)

    def write(self, address: int, value: int) -> None:
        """Write one coil and compare the echo."""
        asked = struct.pack(">BHH", WRITE_COIL, address, value)
        if self._exchange(asked) != asked:
            raise DoorUnknown(f"{self.shown} answers something else than what was asked")

    def _bit(self, function: int, number: int) -> bool:
        answer = self._exchange(struct.pack(">BHH", function, number, 1))
        if len(answer) != 3 or answer[:2] != bytes((function, 1)):
            raise DoorUnknown(f"{self.shown} answers something that is not understood")
        return bool(answer[2] & 1)

    def _exchange(self, pdu: bytes) -> bytes:
        """Send one request and return the PDU of its reply; DoorFault for an exception of the device."""
        number = next(self._numbers) & 0xFFFF
        unit = self._settings.unit
        if self._settings.framing == "tcp":
            frame = struct.pack(">HHHB", number, 0, len(pdu) + 1, unit) + pdu
        else:
            frame = bytes((unit,)) + pdu
            frame += crc16(frame)
        with self._turn:
            answer = self._sent(frame, monotonic() + TIMEOUT_S, number)
        if answer[:1] == bytes((pdu[0] | 0x80,)) and len(answer) == 2:
            raise DoorFault(f"{self.shown} refuses: {_REFUSALS.get(answer[1], f'exception {answer[1]}')}")
        return answer

    def _sent(self, frame: bytes, end: float, number: int) -> bytes:
        sending = False
        try:
            with self._address.connect(end) as connection:
                sending = True
                connection.sendall(frame)
                if self._settings.framing == "tcp":
                    return self._tcp(connection, end, number)
                return self._rtu(connection, end)
        except OSError as error:
            late = monotonic() >= end - 0.005
            why = f"no whole answer within {TIMEOUT_S:g} s" if late else str(error) or type(error).__name__
            if sending:
                raise DoorUnknown(f"{self.shown}: {why}") from error
            raise DoorFault(f"{self.shown} cannot be reached: {why}") from error

    def _tcp(self, connection: socket.socket, end: float, number: int) -> bytes:
        head = _exactly(connection, 7, end)
        got, protocol, length, unit = struct.unpack(">HHHB", head)
        if (got, protocol, unit) != (number, 0, self._settings.unit) or not 2 <= length <= 254:
            raise DoorUnknown(f"{self.shown} answers something that is not understood")
        return _exactly(connection, length - 1, end)

    def _rtu(self, connection: socket.socket, end: float) -> bytes:
        head = _exactly(connection, 3, end)
        if head[1] & 0x80:
            rest = 2
        elif head[1] == WRITE_COIL:
            rest = 5
        elif head[1] in (READ_COILS, READ_INPUTS) and head[2] <= 250:
            rest = head[2] + 2
        else:
            raise DoorUnknown(f"{self.shown} answers something that is not understood")
        frame = head + _exactly(connection, rest, end)
        if crc16(frame[:-2]) != frame[-2:] or frame[0] != self._settings.unit:
            raise DoorUnknown(f"{self.shown}: the answer is garbled")
        return frame[1:-2]


class ModbusLock(_Modbus, Lock):
    """A relay with the timed command: the board ends the pulse."""

    def pulse(self, seconds: float) -> str:
        self.write(FLASH_ON + self._settings.relay, max(1, round(seconds * 10)))
        return ""

    def prepare(self) -> list[str]:
        self._bit(READ_COILS, self._settings.relay)
        return ["what is on after a power cut is set on the board itself: see docs/doors.md"]


class ModbusSwitch(_Modbus, Switch):
    """A relay that stays on until it is switched off."""

    def switch(self, on: bool) -> None:
        self.write(self._settings.relay, 0xFF00 if on else 0)


def _exactly(connection: socket.socket, count: int, end: float) -> bytes:
    """Read so many bytes before `end`; OSError if they do not come."""
    found = b""
    while len(found) < count:
        connection.settimeout(max(0.01, end - monotonic()))
        if monotonic() >= end:
            raise TimeoutError
        more = connection.recv(count - len(found))
        if not more:
            raise ConnectionError("the device closed the connection")
        found += more
    return found
