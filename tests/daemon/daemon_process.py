"""A real daemon process, with a colour for a face: python -m tests.daemon.daemon_process DATABASE SOURCE.

Everything but the analyser is what the command line uses; it wires like `attendance daemon`.
"""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime

from attendance.cli.command_line import Commands
from attendance.daemon.camera import open_camera
from attendance.daemon.worker import Worker
from attendance.processes import stop_on_signals
from attendance.service.access.check_in import CheckIn
from attendance.store.crypto import Keys
from attendance.store.session import make_engine, sessions
from tests.daemon.conftest import camera_settings
from tests.fakes import FakeAnalyser, FakeDoor
from tests.service.conftest import RULES


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


main = Commands("main")


@main.command()
def daemon() -> None:
    database, source = sys.argv[1:3]
    settings, clock = camera_settings(source, read_timeout_s=60, max_fps=15), WallClock()
    factory = sessions(make_engine(f"sqlite:///{database}"))
    check_in = CheckIn(factory, Keys(bytes(range(32))), FakeAnalyser(), FakeDoor(), clock, RULES)
    worker = Worker(open_camera(settings, clock), check_in, factory, clock, settings)
    stop = threading.Event()
    with stop_on_signals(stop):
        worker.run(stop)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(["daemon"])
