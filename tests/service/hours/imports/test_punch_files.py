"""Files of attendance terminals: what each line says, and which lines cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.hours.imports.punch_files import DateOrder, PunchFile, read_punches

BERLIN = ZoneInfo("Europe/Berlin")
IN, OUT, UNKNOWN = Direction.IN, Direction.OUT, Direction.UNKNOWN
MORNING = datetime(2025, 6, 2, 6, 58, 3, tzinfo=UTC)


def read(text: str | bytes, name: str = "punches.csv", **how: object) -> PunchFile:
    return read_punches(text.encode() if isinstance(text, str) else text, name, BERLIN, **how)  # type: ignore[arg-type]


def test_an_attlog_has_user_time_machine_status_verify_and_work_code() -> None:
    file = read(
        "        7\t2025-06-02 08:58:03\t1\t0\t15\t0\r\n        12\t2025-06-02 17:01:00\t1\t1\t1\t0\r\n", "1_attlog.dat"
    )

    assert (file.form, file.device, file.bad) == ("attlog", "1", ())
    assert [(one.line, one.user, one.direction, one.device) for one in file.punches] == [
        (1, "7", IN, "1"), (2, "12", OUT, "1"),
    ]  # fmt: skip
    assert file.punches[0].at == MORNING


def test_an_attlog_of_a_push_terminal_has_no_machine() -> None:
    file = read("7\t2025-06-02 08:58:03\t255\t1\t0\t0\t0\n", "attlog.dat")

    assert [(one.user, one.direction, one.device) for one in file.punches] == [("7", UNKNOWN, "")]


@pytest.mark.parametrize(
    "text",
    [
        "user_id,timestamp,status,verify,workcode\n7,2025-06-02 08:58:03,0,15,0\n",
        "Employee,Log Type,Time,Location / Device ID,Skip Auto Attendance\n7,IN,2025-06-02 08:58:03,,0\n",
        "Personalnummer;Datum;Uhrzeit;Richtung;;\r\n7;02.06.2025;08:58:03;Kommen;;\r\n",
        "sep=;\nAC-No.;Date/Time;State\n7;2.6.2025 08:58:03;C/In\n",
        "Emp Code\tPunch Time\tPunch State\n7\t2025-06-02T08:58:03+02:00\tCheck In\n",
        "staff_number,date,time,direction\n7,2025/06/02,8:58:03 AM,in\n",
        "staff_number,date_time,direction\n7,2025-06-02T06:58:03Z,in\n",
    ],
)
def test_what_terminals_and_programs_write_is_one_check_in(text: str) -> None:
    (one,) = read(text).punches

    assert (one.user, one.at, one.direction) == ("7", MORNING, IN)


def test_windows_letters_are_read() -> None:
    (one,) = read("Ausweisnummer;Zeitpunkt;Gerät\nBüro-7;02.06.2025 08:58:03;Tür Süd\n".encode("cp1252")).punches

    assert (one.user, one.device) == ("Büro-7", "Tür Süd")


HEAD = "user,timestamp\n"


def test_the_file_shows_how_its_dates_are_written() -> None:
    day_first = read(HEAD + "7,02/06/2025 08:58:03\n7,13/06/2025 08:00\n")
    month_first = read(HEAD + "7,06/02/2025 08:58:03\n7,06/13/2025 08:00\n")

    assert day_first.punches[0].at == month_first.punches[0].at == MORNING
    assert not day_first.ambiguous and not month_first.ambiguous


def test_a_file_that_does_not_show_it_must_be_told() -> None:
    text = HEAD + "7,02/06/2025 08:58:03\n"

    assert read(text).ambiguous
    told = read(text, order=DateOrder.MONTH_FIRST)
    assert not told.ambiguous
    assert told.punches[0].at == datetime(2025, 2, 6, 7, 58, 3, tzinfo=UTC)
    assert not read(HEAD + "7,02.06.2025 08:58:03\n").ambiguous


def test_a_time_that_never_was_is_named() -> None:
    file = read(HEAD + "7,2025-03-30 02:30:00\n7,2025-03-30 03:00:00\n")

    assert [(one.line, "never was" in one.why) for one in file.bad] == [(2, True)]
    assert [one.line for one in file.punches] == [3]


def test_the_hour_that_the_clock_repeats_goes_on_as_the_terminal_did() -> None:
    file = read(HEAD + "7,2025-10-26 02:10:00\n8,2025-10-26 02:50:00\n7,2025-10-26 02:20:00\n8,2025-10-26 03:00:00\n")

    assert [f"{one.at:%H:%M}" for one in file.punches] == ["00:10", "00:50", "01:20", "02:00"]
    assert file.repeated_hour == 3


def test_a_file_by_person_does_not_move_the_next_ones_punch_by_an_hour() -> None:
    file = read(HEAD + "7,2025-10-31 08:00:00\n8,2025-10-26 02:30:00\n8,2025-10-26 06:00:00\n")

    assert [f"{one.at:%H:%M}" for one in file.punches] == ["07:00", "00:30", "05:00"]


def test_directions_may_be_left_out() -> None:
    file = read("user,timestamp,status\n7,2025-06-02 08:58:03,0\n7,2025-06-02 17:00:00,0\n", directions=False)

    assert [one.direction for one in file.punches] == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (",2025-06-02 08:58", "the user is missing"),
        ("7,", "an empty cell is not a valid time"),
        ("7,soon", "soon is not a valid time"),
        ("7,2025-06-31 08:00", "is not a valid time"),
        ("7,2025-06-02 24:10", "is not a valid time"),
        ("7,2025-06-02 13:10 PM", "is not a valid time"),
        ("7,2025-06-02", "is not a valid time"),
        ("7,1970-01-01 00:00", "is not a valid time"),
        ("7,2025-06-02 08:58,sideways", "sideways is not a known direction"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_the_reason(line: str, why: str) -> None:
    file = read("user,timestamp,status\n\n" + line + "\n")

    assert file.punches == ()
    assert [(one.line, why in one.why) for one in file.bad] == [(3, True)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"name,shift\nAnna,Early\n", "the first line must name the columns"),
        (b"", "the first line must name the columns"),
        (b"user_id,timestamp\n", "holds no check-ins"),
        (b"\x00\x01\x02", "is not text"),
    ],
)
def test_a_file_of_another_kind_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read(data)
