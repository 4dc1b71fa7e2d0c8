"""Several programs that live and die together, with real processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from attendance.processes import run_together, stop_on_signals

PYTHON = sys.executable


def waiter(mark: Path) -> list[str]:
    """A program that says it runs and then waits for SIGTERM."""
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(sys.argv[1]).write_text('ended'), sys.exit(0)))\n"
        "pathlib.Path(sys.argv[1]).write_text('running')\n"
        "time.sleep(300)\n"
    )
    return [PYTHON, "-c", code, str(mark)]


def wait_for(mark: Path, text: str) -> None:
    deadline = time.monotonic() + 60
    while not (mark.exists() and mark.read_text() == text):
        assert time.monotonic() < deadline, f"{mark} never said {text}"
        time.sleep(0.02)


def test_stopping_ends_all_of_them_in_order(tmp_path: Path) -> None:
    one, two, stop = tmp_path / "one", tmp_path / "two", threading.Event()
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_together([waiter(one), waiter(two)], stop)))
    thread.start()
    wait_for(one, "running")
    wait_for(two, "running")

    stop.set()
    thread.join(60)

    assert codes == [0]
    assert (one.read_text(), two.read_text()) == ("ended", "ended")


def test_when_one_ends_the_others_are_ended_and_its_code_is_told(tmp_path: Path) -> None:
    mark = tmp_path / "other"
    code = (
        f"import pathlib, time\nwhile not pathlib.Path({str(mark)!r}).exists(): time.sleep(0.02)\nraise SystemExit(3)"
    )

    assert run_together([[PYTHON, "-c", code], waiter(mark)], threading.Event()) == 3
    assert mark.read_text() == "ended"


def test_a_program_that_ends_well_though_it_should_run_on_is_a_failure() -> None:
    assert run_together([[PYTHON, "-c", ""]], threading.Event()) == 1


def test_signals_set_the_event_and_the_old_handlers_come_back() -> None:
    stop, before = threading.Event(), signal.getsignal(signal.SIGTERM)

    with stop_on_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(60)

    assert signal.getsignal(signal.SIGTERM) is before
