"""One life of the door's program in the chaos run: forked, spoken to by pipes, killed.

In: commands.  Out: reports.
Does not know: which fault is tried.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from attendance.errors import UserError
from attendance.programs.chaos import door_program
from attendance.programs.chaos.device import Ledger, Site

ANSWER_S = 60.0  # for a visit, on a computer that is busy


class Program:
    """A process and its pipes."""

    def __init__(self, site: Site, ledger: Ledger, address: str, since: float, skew: float) -> None:
        commands, self._commands = os.pipe()
        self._reports, reports = os.pipe()
        self._unread = b""
        self.process = os.fork()
        if self.process == 0:
            os.close(self._commands)
            os.close(self._reports)
            door_program.be(site, ledger, address, since, skew, commands, reports)
        os.close(commands)
        os.close(reports)

    def send(self, command: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):
            os.write(self._commands, json.dumps(command).encode() + b"\n")

    def reports(self, timeout: float = ANSWER_S) -> Iterator[dict[str, Any]]:
        """Yield what it reports until it dies or a visit is done; UserError if nothing comes in time."""
        end = time.monotonic() + timeout
        while True:
            while b"\n" in self._unread:
                line, _, self._unread = self._unread.partition(b"\n")
                message = json.loads(line)
                yield message
                if "done" in message:
                    return
            if not select.select([self._reports], [], [], max(0.0, end - time.monotonic()))[0]:
                raise UserError("the door's program hangs: this is a fault of the program")
            more = os.read(self._reports, 65536)
            if not more:
                return
            self._unread += more

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        with suppress(ChildProcessError):
            os.waitpid(self.process, 0)

    def end(self) -> None:
        """Let it end by itself."""
        os.close(self._commands)

    def close(self) -> None:
        for end in (self._commands, self._reports):
            with suppress(OSError):
                os.close(end)
