"""A switch whose pulses a child process ends, as the daemon sees it.

In: a driver's name and settings.  Out: pulses, inputs; DoorFault and DoorUnknown.
Does not know: the device (`keeper`, in the child, has it).
Main choice: the child alone holds the device, switches it off at the end of each pulse, and at once if the daemon dies,
which it notices by the end of its input.  If the child dies, the next call starts another, whose first act is to switch
off.  Trade-off: one more process for each such door; neither of the two outlives a loss of power.
"""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import attendance
from attendance.daemon.doors.driver import TIMEOUT_S
from attendance.domain.access.door_state import Contact, Inputs
from attendance.service.ports import DoorFault, DoorUnknown

log = logging.getLogger(__name__)

START_S = 15.0  # to load Python and the driver on a small computer
REPLY_S = TIMEOUT_S + 0.5
END_S = 4.0
# A checkout that is not installed, from whatever folder it was started.
_ROOT = str(Path(attendance.__file__).resolve().parents[1])


class Kept:
    """One door's child.  Calls wait for each other: the child answers within the drivers' time-out."""

    def __init__(self, driver: str, settings: Mapping[str, Any], readable: bool) -> None:
        self.readable = readable
        self._hello = {"driver": driver, "settings": dict(settings)}
        self._child: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._turn = threading.Lock()

    def prepare(self) -> Sequence[str]:
        notes = self._ask({"do": "prepare"})["notes"]
        return [str(note) for note in notes]

    def pulse(self, seconds: float) -> str:
        return str(self._ask({"do": "pulse", "seconds": seconds})["detail"])

    def inputs(self) -> Inputs:
        values = self._ask({"do": "inputs"})["inputs"]
        return Inputs(**{**values, "contact": Contact(values["contact"])})

    def close(self) -> None:
        """End the child, which switches off first."""
        with self._turn:
            child, self._child = self._child, None
            if child is None:
                return
            if child.stdin is not None:
                child.stdin.close()
            try:
                child.wait(END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()

    @property
    def pid(self) -> int | None:
        """Return the child's process id, if it runs."""
        return None if self._child is None or self._child.poll() is not None else self._child.pid

    def start(self) -> None:
        """Start the child, if it does not run; raise DoorFault if it cannot take the device or switch it off."""
        with self._turn:
            self._started()

    def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._turn:
            child = self._started()
            try:
                self._send(child, request)
            except OSError as error:
                self._drop(child)
                raise DoorFault("the process that holds the device ended") from error
            answer = self._answer(child, REPLY_S)
            if answer is None:  # it hangs or died with the request: whatever it did, a new one switches off first
                self._drop(child)
                raise DoorUnknown("the process that holds the device gave no answer")
        if "refused" in answer:
            raise DoorFault(str(answer["refused"]))
        if "unknown" in answer:
            raise DoorUnknown(str(answer["unknown"]))
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        if self._child is not None:
            log.error("the process that holds a door's device ended (%s); another one starts", self._child.returncode)
            self._drop(self._child)
        child = subprocess.Popen(
            [sys.executable, "-m", "attendance.daemon.doors.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))},
            start_new_session=True,  # ctrl-c ends the daemon; the child then ends the pulse first
        )
        self._child, self._unread = child, b""
        try:
            self._send(child, self._hello)  # not as an argument: there are passwords in it
            answer = self._answer(child, START_S)
        except OSError:
            answer = None
        if answer is None or "ready" not in answer:
            self._drop(child)
            why = "it did not start" if answer is None else str(answer.get("refused") or answer.get("unknown"))
            raise DoorFault(f"the device cannot be taken: {why}")
        return child

    def _send(self, child: subprocess.Popen[bytes], message: Mapping[str, Any]) -> None:
        assert child.stdin is not None
        child.stdin.write(json.dumps(message).encode() + b"\n")
        child.stdin.flush()

    def _answer(self, child: subprocess.Popen[bytes], timeout: float) -> Mapping[str, Any] | None:
        """Return the child's next line; None if none came in time, or it ended."""
        assert child.stdout is not None
        end = monotonic() + timeout
        while b"\n" not in self._unread:
            left = end - monotonic()
            if left <= 0 or not select.select([child.stdout], [], [], left)[0]:
                return None
            more = child.stdout.read1(65536)  # type: ignore[attr-defined]  # it is a BufferedReader
            if not more:
                return None
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        found = json.loads(line)
        return found if isinstance(found, dict) else None

    def _drop(self, child: subprocess.Popen[bytes]) -> None:
        self._child = None
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not sent yet
                    log.debug("a closed pipe held a request")
