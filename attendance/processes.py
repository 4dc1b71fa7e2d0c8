"""Several programs that are started together and started again when they end; what the service manager is told.

In: command lines.  Out: the exit code of the group; messages to systemd.
Does not know: what the programs do.
Main choice: a plain parent that waits, instead of threads in one process, so that a stuck camera
cannot stop the admin site.  Trade-off: twice the memory of the networks.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from attendance import paths

log = logging.getLogger(__name__)

PATIENCE_S = 10.0
# Before a program that ended is started again: at first, and at most.  One that ran for so long begins anew.
FIRST_WAIT_S, LONGEST_WAIT_S, STEADY_S = 1.0, 60.0, 60.0
WRONG_USE = 2  # the exit code for what a user can correct


def own_command(*arguments: str) -> list[str]:
    """Return the command that runs this program again, by the same interpreter."""
    return [sys.executable, "-m", "attendance", *arguments]


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Make SIGTERM and ctrl-c set `stop` instead of interrupting; the old handlers come back at the end."""

    def handler(_number: int, _frame: object) -> None:
        stop.set()

    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@dataclass(slots=True)
class Program:
    """One program of the group.

    `environ`: variables of its own, None to leave one out; secrets go there, since everybody can read the command line
    of a program.  `needed`: if it is refused at its very first start, such as for a port that is
    taken, the whole group ends."""

    name: str
    command: Sequence[str]
    needed: bool = False
    environ: Mapping[str, str | None] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    begun: float = field(default=0.0, init=False)
    starts: int = field(default=0, init=False)
    wait_s: float = field(default=FIRST_WAIT_S, init=False)

    def start(self) -> None:
        # So that `python some/where/manage.py run` finds the package without an installation.
        path = os.pathsep.join(filter(None, [str(paths.package_parent()), os.environ.get("PYTHONPATH", "")]))
        # A separate session: ctrl-c in a terminal reaches the parent only, which then ends its children in order.
        given = {**os.environ, **self.environ, "PYTHONPATH": path}
        environ = {name: value for name, value in given.items() if value is not None}
        self.child = subprocess.Popen(list(self.command), start_new_session=True, env=environ)
        self.begun, self.starts = monotonic(), self.starts + 1

    def refused_at_once(self, code: int) -> bool:
        return self.needed and self.starts == 1 and code == WRONG_USE and monotonic() - self.begun < STEADY_S

    def next_wait(self) -> float:
        """Return how long to wait before the next start: twice as long each time, unless it ran for a while."""
        if monotonic() - self.begun >= STEADY_S:
            self.wait_s = FIRST_WAIT_S
        wait, self.wait_s = self.wait_s, min(self.wait_s * 2, LONGEST_WAIT_S)
        return wait


def run_together(programs: Sequence[Program], stop: threading.Event) -> int:
    """Run all until `stop` is set, and start again each that ends; then end them.

    Returns 0 after `stop`, or the exit code of a needed program that was refused at its very first start.
    """
    due: dict[int, float] = {}  # number of a program that ended → when it is started again
    try:
        for program in programs:
            program.start()  # one by one: if the second cannot be started, the first is ended
        while not stop.wait(0.1):
            for number, program in enumerate(programs):
                if number in due:
                    if monotonic() >= due[number]:
                        del due[number]
                        program.start()
                    continue
                code = None if program.child is None else program.child.poll()
                if code is None:
                    continue
                if program.refused_at_once(code):
                    return code
                wait = program.next_wait()
                due[number] = monotonic() + wait
                log.warning("%s ended with exit code %d; it is started again in %g s", program.name, code, wait)
        return 0
    finally:
        _end([program.child for program in programs if program.child is not None])


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class ServiceManager:
    """What systemd is told (`sd_notify`): ready, alive, stopping.  Silent where nobody listens."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._address = environ.get("NOTIFY_SOCKET", "")
        microseconds = environ.get("WATCHDOG_USEC", "")
        # Three signs of life in the time that systemd allows.
        self._alive_every = int(microseconds) / 3e6 if microseconds.isdigit() else None
        self._notified_at = 0.0

    def ready(self) -> None:
        """Tell that the program serves now."""
        self._notify("READY=1")

    @property
    def due(self) -> bool:
        """Whether it is time for a sign of life; never without a watchdog."""
        return self._alive_every is not None and monotonic() - self._notified_at >= self._alive_every

    def alive(self) -> None:
        """Tell that the loop turns; call it from the loop itself, as often as you like."""
        if self.due:
            self._notified_at = monotonic()
            self._notify("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell that the program ends on purpose."""
        self._notify("STOPPING=1")

    def _notify(self, message: str) -> None:
        if not self._address:
            return
        # @ stands for an abstract socket, which has no file.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.sendto(message.encode(), address)
        except OSError as error:
            log.warning("the service manager cannot be told %s: %s", message, error.strerror)


def patiently(action: Callable[[], None], stop: threading.Event, waits_for: tuple[type[Exception], ...]) -> bool:
    """Do `action`, again and again while it raises `waits_for`; return False if `stop` came first.

    The first such exception is logged, and that it is over.
    """
    wait, logged = FIRST_WAIT_S, False
    while not stop.is_set():
        try:
            action()
        except waits_for as error:
            if not logged:
                log.warning("%s; waiting for it", error)
                logged = True
            stop.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT_S / 4)
        else:
            if logged:
                log.info("it answers again")
            return True
    return False
