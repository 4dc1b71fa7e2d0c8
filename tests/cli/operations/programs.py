"""This installation's programs as processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.conftest import Here

ROOT = Path(__file__).resolve().parents[3]


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def started(here: Here, *arguments: str, **environ: str) -> Iterator[Path]:
    """A program of this installation; its output's file.  It is ended afterwards."""
    log = here.folder / "program.log"
    command = [sys.executable, str(ROOT / "manage.py"), "--config", str(here.config), *arguments]
    with log.open("w") as output:
        program = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | environ)
    try:
        yield log
    finally:
        program.send_signal(signal.SIGTERM)
        program.wait(60)


def unserved_stream() -> str:
    return f"http://127.0.0.1:{free_port()}/x.mjpg"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
