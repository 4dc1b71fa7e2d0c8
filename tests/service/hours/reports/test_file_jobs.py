"""Long files in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from attendance.errors import UserError
from attendance.service.hours.reports.file_jobs import KEPT, MOST, FileJobs, Making, Progress, Stage
from tests.factories import NOON
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def jobs(clock: FakeClock) -> Iterator[FileJobs]:
    made = FileJobs(clock)
    yield made
    made.close()


def write(progress: Progress) -> Iterator[bytes]:
    progress(1)
    yield b"one, "
    progress(2)
    yield b"two"


def ended(jobs: FileJobs, begun: Making) -> Making | None:
    """Return the file once nothing runs: the worker does one after the other."""
    jobs._worker.submit(lambda: None).result(10)
    return jobs.making(begun.by, begun.key)


def test_a_file_is_read_by_its_maker_as_often_as_they_like(jobs: FileJobs) -> None:
    making = jobs.begin("hr", "a.csv", "csv", 2, write)
    ready = ended(jobs, making)

    assert ready is not None and (ready.stage, ready.done, ready.size) == (Stage.READY, 2, 8)
    for _ in range(2):
        assert b"".join(jobs.read("hr", making.key) or ()) == b"one, two"
    assert jobs.read("other", making.key) is None and jobs.making("other", making.key) is None


def test_a_file_that_is_stopped_is_not_written_on(jobs: FileJobs) -> None:
    begun, go_on = threading.Event(), threading.Event()
    pieces = []

    def slow(progress: Progress) -> Iterator[bytes]:
        begun.set()
        go_on.wait(10)
        progress(1)
        pieces.append(1)
        yield b"never"

    making = jobs.begin("hr", "a.csv", "csv", 2, slow)
    assert begun.wait(10)
    waiting = jobs.begin("hr", "b.csv", "csv", 2, write)
    assert waiting.stage is Stage.WAITING
    jobs.stop("other", making.key)
    assert jobs.making("hr", making.key) is not None
    jobs.stop("hr", making.key)
    go_on.set()

    assert ended(jobs, making) is None and not pieces
    second = jobs.making("hr", waiting.key)
    assert second is not None and second.stage is Stage.READY


def test_a_fault_is_told_and_the_next_file_is_made(jobs: FileJobs, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_progress: Progress) -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    def refused(_progress: Progress) -> Iterator[bytes]:
        raise UserError("the last day is before the first: swap them")
        yield b""

    first, second, third = (jobs.begin("hr", "a", "csv", 1, one) for one in (broken, refused, write))
    results = [ended(jobs, one) for one in (first, second, third)]

    assert [one and one.stage for one in results] == [Stage.FAILED, Stage.FAILED, Stage.READY]
    assert results[0] is not None and "site’s log" in str(results[0].words)
    assert results[1] is not None and "swap them" in str(results[1].words)
    assert jobs.read("hr", first.key) is None


def test_files_end_after_an_hour_and_a_further_one_ends_the_oldest(jobs: FileJobs, clock: FakeClock) -> None:
    made = [jobs.begin("hr", f"{number}", "csv", 1, write) for number in range(MOST)]
    ended(jobs, made[-1])
    further = jobs.begin("hr", "further", "csv", 1, write)
    ended(jobs, further)

    assert [jobs.making("hr", one.key) is None for one in (*made, further)] == [True, *[False] * MOST]
    clock.advance(KEPT.total_seconds() + 1)
    assert jobs.making("hr", further.key) is None and jobs.read("hr", further.key) is None
