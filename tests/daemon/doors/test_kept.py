"""A switch in a child process: its pulses end, also when the daemon is killed, and when the child is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic, sleep

import pytest

from attendance.daemon.doors.kept import Kept
from attendance.domain.access.door_state import Contact
from attendance.service.ports import DoorFault
from tests.daemon.doors.loopback import ModbusLoopback


def until(condition: object, seconds: float = 8.0) -> None:
    end = monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert monotonic() < end, "it did not happen in time"
        sleep(0.01)


@pytest.fixture
def board() -> Iterator[ModbusLoopback]:
    device = ModbusLoopback(flash=False)
    yield device
    device.close()


def settings(board: ModbusLoopback) -> dict[str, object]:
    return {"address": board.address, "flash": False, "contact": "closed", "contact_input": 1}


def test_a_pulse_ends_by_itself_and_after_a_dead_child_the_next_one_switches_off_first(board: ModbusLoopback) -> None:
    board.on = True  # left on by whoever was here before
    door = Kept("modbus", settings(board), readable=True)
    door.start()
    assert not board.on
    door.pulse(0.2)
    assert board.on
    assert door.inputs().contact is Contact.OPEN
    until(lambda: not board.on)

    door.pulse(30)
    assert board.on and door.pid is not None
    os.kill(door.pid, signal.SIGKILL)
    until(lambda: door.pid is None)
    assert board.on, "nobody is left to end it yet"
    door.inputs()
    assert not board.on
    door.pulse(30)
    door.close()
    assert not board.on
    assert board.asked == 3


def test_when_the_daemon_is_killed_the_pulse_ends_at_once(board: ModbusLoopback) -> None:
    script = (
        "import json, sys, time\n"
        "from attendance.daemon.doors.kept import Kept\n"
        "door = Kept('modbus', json.loads(sys.argv[1]), readable=True)\n"
        "door.pulse(30)\n"
        "print('pulsing', flush=True)\n"
        "time.sleep(60)\n"
    )
    import json

    daemon = subprocess.Popen([sys.executable, "-c", script, json.dumps(settings(board))], stdout=subprocess.PIPE)
    assert daemon.stdout is not None
    assert daemon.stdout.readline() == b"pulsing\n"
    assert board.on
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()
    until(lambda: not board.on)


def test_a_device_that_cannot_be_taken_says_why() -> None:
    door = Kept("ch340", {"device": "/dev/ttyUSB77"}, readable=True)
    with pytest.raises(DoorFault, match="/dev/ttyUSB77 cannot be opened"):
        door.pulse(3)
