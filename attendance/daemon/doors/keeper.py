"""The child process that holds a switch and ends its pulses, also when the daemon is gone.

In: JSON lines: the driver and its settings, then `prepare`, `pulse`, `inputs`.  Out: one JSON line for each.
Does not know: who passes.
Main choice: off is sent again until the device confirms it, since off is the safe way; on is sent once.  The end of
the input means that the daemon is gone: then the pulse ends at once.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from time import monotonic
from typing import Any

from attendance.daemon.doors.driver import Switch
from attendance.service.ports import DoorFault, DoorUnknown

AGAIN_S = 0.5  # between two attempts to switch off
ORPHAN_S = 60.0  # how long an orphan goes on trying to switch off a device that does not answer


class Ended(Exception):
    """The daemon is gone, or a signal came."""


class Keeper:
    """One switch.  `off_at`: when the pulse ends, None while it is off; seconds of the monotonic clock."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._next_try = 0.0
        self.off_at: float | None = None
        self.trouble = ""

    def start(self) -> None:
        """Switch off whatever a process before this one left on."""
        self._switch.switch(False)

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what the daemon asks; a fault is an answer, too."""
        try:
            match request.get("do"):
                case "prepare":
                    return {"notes": list(self._switch.prepare())}
                case "inputs":
                    if self.trouble:
                        raise DoorFault(self.trouble)
                    return {"inputs": asdict(self._switch.inputs())}
                case "pulse":
                    return self._pulse(float(request["seconds"]))
            return {"refused": f"cannot do {request.get('do')}"}
        except DoorUnknown as error:
            return {"unknown": str(error)}
        except DoorFault as error:
            return {"refused": str(error)}
        except Exception as error:  # whatever a driver's library raises
            return {"unknown": f"{type(error).__name__}: {error}"}

    def _pulse(self, seconds: float) -> Mapping[str, Any]:
        # Set before the device is asked: an on without a reply is switched off in time, too.
        end = monotonic() + seconds
        already, self.off_at = self.off_at, max(end, self.off_at or end)
        try:
            self._switch.switch(True)
        except DoorUnknown:
            raise
        except DoorFault:
            self.off_at = already
            raise
        return {"detail": ""}

    def due_in(self) -> float | None:
        """Return the seconds until something must be done; None: nothing waits."""
        return None if self.off_at is None else max(0.0, max(self.off_at, self._next_try) - monotonic())

    def end_if_due(self, now: float) -> None:
        """Switch off at the end of a pulse; if that fails, again a moment later."""
        if self.off_at is None or now < max(self.off_at, self._next_try):
            return
        try:
            self._switch.switch(False)
            self.off_at, self.trouble = None, ""
        except Exception as error:  # it must go off, whatever it was
            self.trouble = f"the device cannot be switched off: {error}"
            self._next_try = monotonic() + AGAIN_S

    def end_now(self) -> None:
        """Switch off for good; give up after ORPHAN_S on a device that does not answer."""
        give_up = monotonic() + ORPHAN_S
        self.off_at = 0.0
        while self.off_at is not None and monotonic() < give_up:
            self.end_if_due(monotonic())
            if self.off_at is not None:
                select.select([], [], [], AGAIN_S)
        self._switch.close()


def serve(keeper: Keeper, source: int, target: int) -> None:
    """Answer requests until the input ends, ending pulses meanwhile."""
    unread = b""
    while True:
        ready, _, _ = select.select([source], [], [], keeper.due_in())
        keeper.end_if_due(monotonic())
        if not ready:
            continue
        more = os.read(source, 65536)
        if not more:
            return
        unread += more
        while b"\n" in unread:
            line, _, unread = unread.partition(b"\n")
            _say(target, keeper.answer(json.loads(line)))


def _say(target: int, message: Mapping[str, Any]) -> None:
    os.write(target, json.dumps(message).encode() + b"\n")


def main() -> int:
    """Take the device that the first line names, say so, and serve until the daemon is gone."""
    from attendance.daemon.doors.drivers import switch_of

    def end(*_: object) -> None:
        raise Ended

    hello = json.loads(sys.stdin.buffer.readline())
    try:
        keeper = Keeper(switch_of(hello["driver"], hello["settings"]))
        keeper.start()
    except Exception as error:  # the daemon says why the device cannot be used
        _say(1, {"refused": str(error) or type(error).__name__})
        return 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        signal.signal(signal.SIGTERM, end)
        _say(1, {"ready": True})
        serve(keeper, 0, 1)
    except (Ended, BrokenPipeError):
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.end_now()
    return 0


if __name__ == "__main__":
    sys.exit(main())
