"""Rosters from CSV files as spreadsheets of several countries write them: all or none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from attendance.domain.hours.day import Status
from attendance.errors import UserError
from attendance.service.hours.imports.rosters import import_rosters
from attendance.store.hours import rosters
from tests.service.hours.conftest import MONDAY, NOW, add_person, add_shift, day

HEAD = "staff_number,first,last,pattern\n"


@pytest.mark.parametrize(
    "data",
    [
        (HEAD + "7,2024-05-06,,Office|Office|-\r\n").encode(),
        (HEAD + "7,06.05.2024,,Office|Office|-\r\n").replace(",", ";").encode("cp1252"),
        ("sep=;\n" + (HEAD + "7,2024-05-06,,Office|Office|-,,\n").replace(",", ";")).encode(),
        b"pattern,staff_number,last,first\nOffice|Office|-,7,,2024-05-06\n",
    ],
)
def test_rosters_are_imported_whole(session: Session, data: bytes) -> None:
    anna = add_person(session, staff_number="7")
    add_shift(session)

    assert import_rosters(session, data, now=NOW, by="ada") == 1
    assert day(session, anna, MONDAY + timedelta(days=2)).status is Status.OFF
    assert day(session, anna, MONDAY + timedelta(days=3)).plan.shift is not None


def test_names_beyond_ascii_are_read_from_windows(session: Session) -> None:
    add_person(session, staff_number="Büro-7")
    add_shift(session)

    data = (HEAD + "Büro-7,2024-05-06,,Office\n").encode("cp1252")
    assert import_rosters(session, data, now=NOW, by="ada") == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("7,2024-05-06,,Office\n8,2024-05-06,,Office\n", "line 3: nobody active has the staff number 8"),
        ("7,05/06/2024,,Office\n", "line 2: 05/06/2024 may be read in two ways"),
        ("7,2024-05-06,,Offfice\n", "line 2: there is no shift Offfice"),
        ("7,2024-05-06,Office\n", "line 2: Office is not a valid date"),
        ("7,2024-05-06,,Office,x\n", "line 2: 5 cells"),
        ("7,2024-05-06,2024-05-01,Office\n", "line 2: the last day is before the first"),
    ],
)
def test_a_bad_line_is_named_by_its_number(session: Session, rows: str, words: str) -> None:
    add_person(session, staff_number="7")
    add_shift(session)

    with pytest.raises(UserError, match=words):
        import_rosters(session, (HEAD + rows).encode(), now=NOW, by="ada", where="plan.csv")
    session.rollback()
    assert rosters.rosters_of(session) == []


def test_a_file_with_other_columns_is_refused(session: Session) -> None:
    with pytest.raises(UserError, match=r"plan\.csv: the column staff_number is missing"):
        import_rosters(session, b"name,shift\nAnna,Office\n", now=NOW, by="ada", where="plan.csv")
