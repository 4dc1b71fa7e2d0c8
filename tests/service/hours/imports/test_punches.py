"""Taking in the check-ins of other terminals: a report first, all or nothing, and each line known again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from attendance.domain.hours.day import Day
from attendance.domain.passage import Method
from attendance.errors import UserError
from attendance.service.audit.audit import Actor
from attendance.service.hours import corrections, days, periods
from attendance.service.hours.imports import punches
from attendance.service.hours.imports.punches import Report, Source
from attendance.store.access import events
from attendance.store.audit import entries
from attendance.store.hours import imports
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.service.hours.conftest import BERLIN, MONDAY, NOW, add_person, local, passage

ADA = Actor("operator", "ada")
PLAIN = b"user_id,timestamp,status\n7,2024-05-06 09:00:00,0\n7,2024-05-06 17:00:00,1\n08,06.05.2024 10:00,in\n"


def source(data: bytes = PLAIN, **changes: Any) -> Source:
    return replace(Source(data, "may.csv", "Gate", BERLIN), **changes)


@pytest.fixture
def anna(sessions: Sessions) -> int:
    with sessions.begin() as session:
        add_person(session, "Bo Dahl", staff_number="8")
        return add_person(session, staff_number="7")


def take_in(sessions: Sessions, wanted: Source, now: datetime = NOW) -> Report:
    return punches.take_in(sessions, wanted, now=now, actor=ADA)


def report(sessions: Sessions, wanted: Source) -> Report:
    with sessions() as session:
        return punches.check(session, wanted, NOW)


def day(sessions: Sessions, person_id: int) -> Day:
    with sessions() as session:
        return days.days_of(session, person_id, MONDAY, MONDAY, BERLIN, NOW)[0]


def test_a_file_is_reported_first_and_then_counts(sessions: Sessions, anna: int) -> None:
    found = report(sessions, source())
    assert (len(found.rows), found.people, found.known, found.twice, found.ready) == (3, 2, 0, 0, True)
    assert day(sessions, anna).worked == 0

    take_in(sessions, source())

    assert day(sessions, anna).worked == 8 * 3600
    with sessions() as session:
        (row,) = imports.list_imports(session)
        assert (row.punches, row.device, row.by, row.state) == (3, "Gate", "ada", "counted")
        assert entries.list_entries(session)[0].action == "import_punches"
        view = events.list_passages(session, person_id=anna)[0]
        assert (view.passage.method, view.has_door) == (Method.TERMINAL, False)
        assert events.open_passages(session, "Gate") == []


def test_the_same_lines_are_known_again_whatever_the_file_looks_like(sessions: Sessions, anna: int) -> None:
    take_in(sessions, source())
    again = b"user;date;time\n8;2024-05-06;10:00\n7;2024-05-06;09:00\n7;2024-05-07;09:00\n7;2024-05-07;09:00\n"

    found = take_in(sessions, source(again))

    assert (len(found.rows), found.known, found.twice) == (1, 2, 1)  # a spreadsheet drops the zero of 08
    assert take_in(sessions, source()).rows == ()


def test_another_terminal_s_check_in_at_the_same_time_is_another_one(sessions: Sessions, anna: int) -> None:
    take_in(sessions, source())

    assert len(report(sessions, source(device="Yard")).rows) == 3


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"7,soon,0\n", "lines that cannot be taken in: 1;"),
        (b"7,2024-05-21 09:00,0\n", "lines that cannot be taken in: 1;"),
        (b"9,2024-05-06 09:00,0\n", "users whose staff number nobody here has: 1;"),
    ],
)
def test_one_wrong_line_keeps_the_whole_file_out(sessions: Sessions, anna: int, line: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        take_in(sessions, source(PLAIN + line))

    assert day(sessions, anna).used == ()
    with sessions() as session:
        assert imports.list_imports(session) == []


def test_unknown_users_may_be_left_out(sessions: Sessions, anna: int) -> None:
    found = take_in(sessions, source(PLAIN + b"9,2024-05-06 09:00,0\n", skip_unknown=True))

    assert (len(found.rows), dict(found.unknown)) == (3, {"9": 1})


def test_lines_in_a_closed_period_or_older_than_what_is_kept_are_named(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        periods.close(session, MONDAY, MONDAY, grace=timedelta(0), now=NOW, zone=BERLIN, by="ada")

    found = report(sessions, source(PLAIN + b"7,2024-05-02 09:00,0\n", oldest=local("00:00", date(2024, 5, 3))))

    assert [(bad.line, bad.why.split(":")[0]) for bad in found.problems] == [
        (2, "in the closed period 2024-05-06 to 2024-05-06"), (3, "in the closed period 2024-05-06 to 2024-05-06"),
        (4, "in the closed period 2024-05-06 to 2024-05-06"), (5, "older than this site keeps check-ins"),
    ]  # fmt: skip
    assert (found.rows, found.people, found.known) == ((), 0, 0)  # each line is counted once
    assert not found.ready


def test_a_terminal_where_nobody_presses_a_key_is_noticed(sessions: Sessions, anna: int) -> None:
    always_in = PLAIN.replace(b",1\n", b",0\n")
    found = report(sessions, source(always_in))
    assert found.one_way is not None

    take_in(sessions, source(always_in, directions=False))

    assert day(sessions, anna).worked == 8 * 3600


def test_a_terminal_must_have_a_name_that_no_camera_here_has(sessions: Sessions, anna: int) -> None:
    assert "name the terminal" in report(sessions, source(device="")).hindrances[0]


def test_a_long_file_is_written_in_short_transactions_and_counts_in_one(sessions: Sessions, anna: int) -> None:
    lines = [f"7,2024-05-{1 + number // 400:02d} {number % 400 // 60:02d}:{number % 60:02d}" for number in range(900)]
    data = "\n".join(["user,timestamp", *lines]).encode()
    with sessions.begin() as session:
        made = imports.add_import(
            session, id="x", at=NOW, by="ada", file_name="a", device="Gate", form="csv", punches=2, first_at=NOW,
            last_at=NOW,
        )  # fmt: skip
        same = {"camera": "Gate", "person_id": anna}
        ways = ((local("09:00"), "in"), (local("17:00"), "out"))
        rows = [{"id": punches.punch_id("Gate", "7", at), "at": at, "direction": way, **same} for at, way in ways]
        imports.add_punches(session, made.id, rows)
    assert day(sessions, anna).used == ()  # half of a file never counts
    punches.sweep(sessions, NOW + timedelta(hours=2))
    with sessions() as session:
        assert events.list_passages(session) == []

    assert len(take_in(sessions, source(data)).rows) == 900
    with sessions() as session:
        assert len(events.list_passages(session, limit=1000)) == 900


def test_an_import_that_fails_half_way_leaves_nothing(
    sessions: Sessions, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"7,2024-05-06 {number // 60:02d}:{number % 60:02d}" for number in range(450)]
    real, calls = imports.add_punches, []

    def breaks(session: Session, import_id: str, rows: Any) -> int:
        calls.append(len(rows))
        if len(calls) == 3:
            raise OSError("the disk is full")
        return real(session, import_id, rows)

    monkeypatch.setattr(imports, "add_punches", breaks)
    with pytest.raises(OSError, match="full"):
        take_in(sessions, source("\n".join(["user,timestamp", *lines]).encode()))

    assert calls == [200, 200, 50]
    with sessions() as session:
        assert events.list_passages(session) == []


def test_an_import_is_taken_back_with_all_its_check_ins_and_no_others(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        own = passage(session, anna, local("08:00"))
    take_in(sessions, source())
    with sessions() as session:
        (row,) = imports.list_imports(session)

    punches.remove(sessions, row.id, zone=BERLIN, now=NOW, actor=ADA)

    with sessions() as session:
        assert [view.passage.id for view in events.list_passages(session)] == [own]
        assert imports.list_imports(session)[0].state == "removed"
    assert len(take_in(sessions, source()).rows) == 3


def test_a_check_in_that_was_taken_in_can_be_left_out(sessions: Sessions, anna: int) -> None:
    take_in(sessions, source())
    with sessions.begin() as session:
        wrong = events.list_passages(session, person_id=anna)[0].passage.id
        asked = corrections.request_correction(
            session, person_id=anna, action="void", passage_id=wrong, reason="Not me.", by="ada", now=NOW, zone=BERLIN
        )
        corrections.decide_correction(session, asked.id, approve=True, by="ada", now=NOW)

    assert [used.punch.at for used in day(sessions, anna).used] == [local("09:00")]


def test_an_erased_person_does_not_come_back_with_the_file(sessions: Sessions, anna: int) -> None:
    take_in(sessions, source())
    with sessions.begin() as session:
        session.delete(people.get_person(session, anna))
    with sessions.begin() as session:
        add_person(session, "Cleo Ny", staff_number="7")

    assert report(sessions, source()).known == 3


def test_an_id_sorts_by_time_and_is_made_of_terminal_user_and_time() -> None:
    first, second = (punches.punch_id("Gate", "7", local(clock)) for clock in ("09:00", "09:01"))

    assert first < second and UUID(first).version == 7
    assert punches.punch_id("Gate", "7", local("09:00")) == first
    assert (
        len({first, punches.punch_id("Gate", "8", local("09:00")), punches.punch_id("Yard", "7", local("09:00"))}) == 3
    )
