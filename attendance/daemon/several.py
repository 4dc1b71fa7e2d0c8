"""All cameras of one program, each in a thread of its own.

In: which cameras there are now, a way to make the worker of one.  Out: workers that run, begin anew, and end.
Does not know: what a worker does, settings, the command line.
Main choice: whatever happens to one camera stays with it: its worker begins anew after a growing while, and the others
do not notice.  A program that began with a single camera ends with it, as a program that watches a file should, unless
the site gets or loses cameras meanwhile: then it stays for the next change.  What concerns all (the database was
replaced) ends all.
Trade-off: a fault that takes the process down takes all cameras down for the seconds of a start; `daemon --name` gives
a camera a process of its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from attendance.store.faults import DatabaseReplaced

log = logging.getLogger(__name__)

PLANS_EVERY_S = 2.0
LOOK_EVERY_S = 0.1
# A loop that has not turned for so long hangs in a network or a device; the service manager then hears nothing.
HUNG_S = 60.0
# One that has not turned at all for so long hangs while it is being made, such as in the device of its door.
MAKING_S = 180.0
_JOIN_S = 10.0
# Before a camera that failed begins anew: at first, and at most; one that was watched for so long waits as at first.
FIRST_WAIT_S, LONGEST_WAIT_S, STEADY_S = 1.0, 60.0, 60.0


class Runs(Protocol):
    """`Worker`, as seen from here."""

    def run(
        self, stop: threading.Event, max_seconds: float | None, once: bool, started: Callable[[], None] | None
    ) -> None: ...


Make = Callable[[object, Callable[[], None]], Runs]
# Told the name of a camera that ended by an error, and the error.
Failed = Callable[[str, Exception], None]


def only_logged(_name: str, _error: Exception) -> None:
    """Tell nobody beyond the log."""


@dataclass(slots=True, eq=False)
class _Line:
    """One camera.  `over`: its worker ended by itself; `error`: with what, None for the end of a file."""

    name: str
    plan: object
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    begun: float = 0.0
    turned: float | None = None
    tried: bool = False
    over: bool = False
    error: Exception | None = None
    said: str = ""
    wait_s: float = FIRST_WAIT_S
    due: float = 0.0  # when it begins anew

    @property
    def last_sign(self) -> float:
        """Return when it last turned, or was begun."""
        return self.begun if self.turned is None else self.turned

    @property
    def patience_s(self) -> float:
        return MAKING_S if self.turned is None else HUNG_S


class SeveralCameras:
    """`plans`: the cameras in use by name, each with a value that changes with its settings; it may raise what the
    database does.  `make`: given such a value and what its worker calls at each turn; it may raise anything.  `failed`:
    must not raise."""

    def __init__(
        self,
        plans: Callable[[], Mapping[str, object]],
        make: Make,
        alive: Callable[[], None],
        failed: Failed = only_logged,
    ) -> None:
        self._plans, self._make, self._alive, self._failed = plans, make, alive, failed
        self._lines: dict[str, _Line] = {}
        self._looked_at: float | None = None
        self._plan_trouble = ""
        self._single = False  # it began with one camera, and the site has not changed that since

    def run(
        self,
        stop: threading.Event,
        max_seconds: float | None = None,
        once: bool = False,
        started: Callable[[], None] | None = None,
    ) -> None:
        """Serve until `stop` is set, `max_seconds` are over, or each camera has come to its end.

        `started` is called once, when the first camera is watched or has failed, or if there is none.
        Raises what ended the single camera with which it began, or with `once` the first that failed, and
        DatabaseReplaced; else nothing that one camera does.
        """
        end = None if max_seconds is None else monotonic() + max_seconds
        ready = False
        try:
            while not stop.is_set() and (end is None or monotonic() < end):
                # A camera that was removed a moment ago may have ended by that, so the plans are looked at first.
                ended = [line for line in self._lines.values() if line.error is not None]
                self._follow_plans(max_seconds, once, at_once=not once and any(not line.due for line in ended))
                self._tend([line for line in ended if self._lines.get(line.name) is line], max_seconds, once)
                if not ready and (not self._lines or any(line.tried for line in self._lines.values())):
                    ready = True
                    if started is not None:
                        started()
                if self._lines and all(line.over and (once or line.error is None) for line in self._lines.values()):
                    for line in self._lines.values():
                        if line.error is not None:
                            raise line.error
                    return
                if not self._hung():
                    self._alive()
                stop.wait(LOOK_EVERY_S)
        finally:
            for line in self._lines.values():
                line.stop.set()
            for line in self._lines.values():
                self._end(line)

    def _follow_plans(self, max_seconds: float | None, once: bool, at_once: bool) -> None:
        """Begin and end cameras as the site says; while the database does not answer all stays as it is."""
        if self._looked_at is not None and monotonic() - self._looked_at < PLANS_EVERY_S and not at_once:
            return
        first = self._looked_at is None
        self._looked_at = monotonic()
        try:
            plans = self._plans()
        except Exception as error:
            if first or isinstance(error, DatabaseReplaced):
                raise
            if str(error) != self._plan_trouble:
                log.warning("the cameras of the site cannot be read: %s", error)
            self._plan_trouble = str(error)
            return
        self._plan_trouble = ""
        if first and not plans:
            log.warning("no camera is in use on this computer: add one on the admin site")
        same = all(plans.get(name) == line.plan for name, line in self._lines.items())
        self._single = len(plans) == 1 and (first or (self._single and same))
        for name in [name for name, line in self._lines.items() if plans.get(name) != line.plan]:
            line = self._lines.pop(name)
            log.info("camera %s: %s", name, "begins anew with other settings" if name in plans else "is not in use now")
            self._end(line)
        for name in plans.keys() - self._lines.keys():
            self._lines[name] = _Line(name, plans[name])
            self._begin(self._lines[name], max_seconds, once)

    def _tend(self, ended: Sequence[_Line], max_seconds: float | None, once: bool) -> None:
        """Raise what ends all; begin anew what failed, after a while."""
        for line in ended:
            if line.error is not None and not line.due:
                self._failed(line.name, line.error)
            if line.error is not None and (self._single or isinstance(line.error, DatabaseReplaced)):
                raise line.error
            if once:
                continue  # each has one look, and a fault is told when all have had theirs
            if not line.due:
                if monotonic() - line.begun >= STEADY_S:
                    line.wait_s, line.said = FIRST_WAIT_S, ""
                line.due, line.wait_s = monotonic() + line.wait_s, min(2 * line.wait_s, LONGEST_WAIT_S)
                if str(line.error) != line.said:
                    log.error("camera %s: %s; it begins anew by itself, the others go on", line.name, line.error)
                line.said = str(line.error)
            elif monotonic() >= line.due:
                self._begin(line, max_seconds, once)

    def _begin(self, line: _Line, max_seconds: float | None, once: bool) -> None:
        line.over, line.error, line.due, line.turned = False, None, 0.0, None
        line.begun = monotonic()
        line.thread = threading.Thread(
            target=self._live, args=(line, max_seconds, once), name=f"loop {line.name}", daemon=True
        )
        line.thread.start()

    def _live(self, line: _Line, max_seconds: float | None, once: bool) -> None:
        def turns() -> None:
            line.turned = monotonic()

        def started() -> None:
            line.tried = True

        error: Exception | None = None
        try:
            self._make(line.plan, turns).run(line.stop, max_seconds, once, started)
        except Exception as raised:  # whatever it is, it is this camera's alone
            error = raised
        line.tried = True
        line.error, line.over = error, True

    def _end(self, line: _Line) -> None:
        line.stop.set()
        if line.thread is not None:
            line.thread.join(_JOIN_S)

    def _hung(self) -> bool:
        now = monotonic()
        return any(not line.over and now - line.last_sign > line.patience_s for line in self._lines.values())
