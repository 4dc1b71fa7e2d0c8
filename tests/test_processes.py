"""Several programs that are started together and again, with real processes; what systemd is told."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from attendance import processes
from attendance.processes import Program, ServiceManager, patiently, run_together, stop_on_signals

PYTHON = sys.executable


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LONGEST_WAIT_S", 0.4)


def waiter(mark: Path) -> Program:
    """A program that writes its number when it runs and then waits for SIGTERM."""
    code = (
        "import os, pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(sys.argv[1]).write_text('ended'), sys.exit(0)))\n"
        "pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\n"
        "time.sleep(300)\n"
    )
    return Program("waiter", [PYTHON, "-c", code, str(mark)])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(mark: Path, besides: str = "") -> bool:
    return mark.exists() and mark.read_text().isdigit() and mark.read_text() != besides


def test_stopping_ends_all_of_them_in_order(tmp_path: Path) -> None:
    one, two, stop = tmp_path / "one", tmp_path / "two", threading.Event()
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_together([waiter(one), waiter(two)], stop)))
    thread.start()
    until(lambda: runs(one) and runs(two))

    stop.set()
    thread.join(60)

    assert codes == [0]
    assert (one.read_text(), two.read_text()) == ("ended", "ended")


def test_one_that_is_killed_is_started_again_and_the_other_runs_on(tmp_path: Path) -> None:
    one, two, stop = tmp_path / "one", tmp_path / "two", threading.Event()
    thread = threading.Thread(target=run_together, args=([waiter(one), waiter(two)], stop))
    thread.start()
    until(lambda: runs(one) and runs(two))
    killed, other = one.read_text(), two.read_text()

    os.kill(int(killed), signal.SIGKILL)
    until(lambda: runs(one, besides=killed))

    assert two.read_text() == other
    stop.set()
    thread.join(60)


def test_one_that_ends_at_once_is_tried_again_and_again(tmp_path: Path) -> None:
    """A daemon without its webcam: the site goes on meanwhile."""
    marks, site, stop = tmp_path / "marks", tmp_path / "site", threading.Event()
    code = f"open({str(marks)!r}, 'a').write('x'); raise SystemExit(2)"
    programs = [waiter(site), Program("daemon", [PYTHON, "-c", code])]
    thread = threading.Thread(target=run_together, args=(programs, stop))
    thread.start()

    until(lambda: marks.exists() and len(marks.read_text()) >= 3)

    assert runs(site)
    stop.set()
    thread.join(60)


def test_a_needed_one_that_is_refused_at_its_first_start_ends_the_group(tmp_path: Path) -> None:
    mark = tmp_path / "other"
    code = f"import pathlib, time\nwhile not pathlib.Path({str(mark)!r}).exists(): time.sleep(.02)\nraise SystemExit(2)"

    assert run_together([Program("site", [PYTHON, "-c", code], needed=True), waiter(mark)], threading.Event()) == 2
    assert mark.read_text() == "ended"


def test_the_waits_grow_to_a_bound_and_begin_anew_after_a_steady_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LONGEST_WAIT_S", 5.0)
    program = Program("x", [])
    program.begun = time.monotonic()

    assert [program.next_wait() for _ in range(5)] == [1, 2, 4, 5, 5]
    program.begun -= processes.STEADY_S
    assert program.next_wait() == 1


def test_signals_set_the_event_and_the_old_handlers_come_back() -> None:
    stop, before = threading.Event(), signal.getsignal(signal.SIGTERM)

    with stop_on_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(60)

    assert signal.getsignal(signal.SIGTERM) is before


def test_systemd_is_told_that_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(path))
        line.settimeout(10)
        manager = ServiceManager({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "30000000"})
        manager.ready()
        manager.alive()
        manager.alive()  # too soon for another sign of life
        manager.stopping()

        assert [line.recv(100).decode() for _ in range(3)] == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_without_systemd_nothing_is_told() -> None:
    manager = ServiceManager({})
    manager.ready()
    manager.alive()


def test_what_does_not_answer_at_the_start_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    tries: list[int] = []

    def action() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise TimeoutError("locked")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "FIRST_WAIT_S", 0.01)
        assert patiently(action, threading.Event(), (TimeoutError,))
    assert len(tries) == 3
    assert caplog.text.count("locked") == 1
    stop = threading.Event()
    stop.set()
    assert not patiently(action, stop, (TimeoutError,))
