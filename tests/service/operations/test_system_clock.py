"""A clock that jumped is not believed until it is back, or a time server vouches for it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest

from attendance.service.operations.system_clock import SystemClock, follows_a_time_server, since_start
from attendance.service.ports import age_since, doubt_about, mark_of
from attendance.store.operations.clock_confirmation import Confirmation, confirm, not_before
from tests.factories import ANNA, BERT, NOON
from tests.fakes import FakeClock
from tests.service.conftest import Site


class Computer:
    """A wall clock that can be set, a clock since the start that cannot, and perhaps a time server."""

    def __init__(self) -> None:
        self.wall, self.since, self.vouched = NOON, 1000.0, False
        self.said: Confirmation | None = None
        self.clock = SystemClock(lambda: self.wall, lambda: self.since, lambda: self.vouched, lambda: self.said)

    def confirm(self) -> None:
        self.said = Confirmation(self.wall, self.clock.mark(), None)

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.since += seconds

    def set(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


def test_time_that_passes_is_believed_also_over_years_and_small_corrections() -> None:
    computer = Computer()
    for _ in range(50):
        computer.passes(40 * 86_400)
        computer.set(2)
        assert computer.clock.now() == computer.wall
        assert computer.clock.doubt == ""


@pytest.mark.parametrize("seconds", [86_400, -86_400, 3600, -11])
def test_a_jump_is_told_and_doubted_until_the_clock_is_back(seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    computer.passes(60)
    computer.set(seconds)
    assert computer.clock.doubt == f"the computer's clock jumped by {seconds} seconds"
    computer.passes(3600)
    assert computer.clock.doubt != ""
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    computer.set(-seconds)
    assert computer.clock.doubt == ""


def test_jumps_add_up() -> None:
    computer = Computer()
    for _ in range(2):
        computer.set(3600)
        computer.clock.now()
        computer.passes(10)
    computer.set(-3600)

    assert computer.clock.doubt == "the computer's clock jumped by 3600 seconds"


def test_a_time_server_vouches_for_the_new_time() -> None:
    computer = Computer()
    computer.set(86_400)
    assert computer.clock.doubt != ""
    computer.vouched = True
    computer.passes(31)  # the kernel is not asked at every picture
    assert computer.clock.doubt == ""
    computer.vouched = False
    computer.passes(31)
    assert computer.clock.doubt == ""


def test_a_start_before_the_newest_passage_is_doubted_until_the_time_is_reached() -> None:
    computer = Computer()
    computer.clock.require_after(NOON + timedelta(hours=2))
    assert computer.clock.doubt == "the computer's clock is before the newest entry in the log"
    computer.passes(2 * 3600)
    assert computer.clock.doubt == ""


def test_an_age_is_known_whatever_the_wall_clock_does() -> None:
    computer = Computer()
    mark, at = mark_of(computer.clock), computer.clock.now()
    computer.passes(90)
    computer.set(86_400)

    assert age_since(computer.clock, mark, at) == timedelta(seconds=90)
    assert age_since(computer.clock, "another-start 5", at) is None, "only the wall clock could tell"
    computer.set(-86_400)
    assert age_since(computer.clock, "another-start 5", at) == timedelta(seconds=90)
    for nonsense in ("", "x", "a b c", f"{mark}x"):
        assert age_since(computer.clock, nonsense, at) == timedelta(seconds=90)


def test_a_clock_that_cannot_doubt_itself_is_believed() -> None:
    clock = FakeClock()
    assert (doubt_about(clock), mark_of(clock)) == ("", "")
    clock.advance(5)
    assert age_since(clock, "", NOON) == timedelta(seconds=5)


def test_the_real_clocks_can_be_read() -> None:
    clock = SystemClock()
    assert abs(clock.now() - datetime.now(clock.now().tzinfo)) < timedelta(seconds=5)
    assert clock.doubt == ""
    assert since_start() > 0
    assert follows_a_time_server() in (True, False)
    age = clock.age_of(clock.mark())
    assert age is not None and abs(age) <= timedelta(seconds=2)


@pytest.mark.parametrize("seconds", [86_400, -86_400])
def test_an_operator_confirms_a_clock_until_it_jumps_again(seconds: float) -> None:
    computer = Computer()
    computer.confirm()
    computer.set(seconds)
    assert computer.clock.doubt != ""  # what was confirmed before is not what it says now
    computer.passes(31)
    assert computer.clock.doubt != ""
    computer.confirm()
    computer.passes(31)
    assert computer.clock.doubt == ""
    computer.set(seconds)
    computer.passes(31)
    assert computer.clock.doubt != ""


def test_a_jump_while_somebody_vouches_stays_in_doubt() -> None:
    computer, answers = Computer(), [True, False]

    def vouched() -> bool:
        computer.set(3600 if len(answers) == 2 else 0)
        computer.clock.now()
        return answers.pop(0)

    computer.clock = SystemClock(lambda: computer.wall, lambda: computer.since, vouched)
    computer.set(86_400)
    assert computer.clock.doubt == ""
    assert "3600" in computer.clock.doubt


def test_a_confirmation_from_before_the_computers_start_vouches_for_nothing() -> None:
    computer = Computer()
    computer.set(86_400)
    computer.said = Confirmation(computer.wall, "another-boot 1000", None)
    computer.passes(31)
    assert computer.clock.doubt != ""


def test_passages_of_a_clock_that_was_wrong_no_longer_keep_the_right_one_in_doubt(staffed: Site) -> None:
    """The kind that ends an installation: one passage «next year», and every later start is before it."""
    staffed.clock.advance(365 * 86_400)
    staffed.watch(staffed.check_in(), ANNA)
    with staffed.sessions() as session:
        assert not_before(session) == staffed.log()[0].passage.at
    with staffed.sessions.begin() as session:
        confirm(session, NOON, "")
    with staffed.sessions() as session:
        assert not_before(session) == NOON  # from here on the confirmation counts
    staffed.clock.advance(60)
    staffed.watch(staffed.check_in(), BERT)
    with staffed.sessions() as session:
        assert not_before(session) == staffed.log()[0].passage.at  # a later one is later than what was confirmed
