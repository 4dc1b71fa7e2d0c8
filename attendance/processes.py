"""Several programs that live and die together.

In: command lines.  Out: the exit code of the group.
Does not know: what the programs do.
Main choice: a plain parent that waits, instead of threads in one process, so that a stuck camera
cannot stop the admin site.  Trade-off: twice the memory of the networks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attendance import paths

PATIENCE_S = 10.0


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


def run_together(commands: Sequence[Sequence[str]], stop: threading.Event) -> int:
    """Run all until `stop` is set or one of them ends; then end the others.

    Returns 0 after `stop`, else the exit code of the one that ended first (at least 1, because none
    of them was meant to end).
    """
    # So that `python some/where/manage.py run` finds the package without an installation.
    path = os.pathsep.join(filter(None, [str(paths.package_parent()), os.environ.get("PYTHONPATH", "")]))
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            # A separate session: ctrl-c in a terminal reaches this process only, which then ends them in order.
            child = subprocess.Popen(list(command), start_new_session=True, env=os.environ | {"PYTHONPATH": path})
            children.append(child)  # one by one: if the second cannot be started, the first is ended
        while not stop.wait(0.1):
            for child in children:
                if child.poll() is not None:
                    return abs(child.returncode) or 1
        return 0
    finally:
        _end(children)


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


def script_name() -> str:
    """Return how the user called this program, for messages that say what to type."""
    return "python manage.py" if Path(sys.argv[0]).name == "manage.py" else "attendance"
