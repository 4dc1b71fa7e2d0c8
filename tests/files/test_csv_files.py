"""Every CSV that the program reads: what spreadsheets of several countries write gives the same table."""

from __future__ import annotations

from datetime import date

import pytest

from attendance.errors import UserError
from attendance.files.csv_files import CsvTable, date_from, read_rows, read_table

PLAIN = "staff_number,name,day\n7,Jürgen Groß,2025-06-02\n8,Anna,2025-06-03\n"


def table(data: bytes) -> CsvTable:
    return read_table(data, "list.csv", needed=("staff_number", "name"))


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        ("\ufeff" + PLAIN).encode(),
        PLAIN.encode("cp1252"),
        PLAIN.encode("utf-16"),
        ("\ufeff" + PLAIN.replace(",", "\t")).encode("utf-16-be"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", ";").replace("\n", "\r\n").encode("cp1252"),
        ("sep=;\r\n" + PLAIN.replace(",", ";")).encode(),
        ('\ufeff"sep=|"\n' + PLAIN.replace(",", "|")).encode(),
        PLAIN.replace("\n", ",,,\n").encode(),
        PLAIN.replace(",", ";").replace("2025-06-02", "2025-06-02;;").encode(),
        PLAIN.replace("\n", "\r").encode(),
        ("\n ,\n" + PLAIN + "\n,,\n").encode(),
        PLAIN.replace(",", ", ").upper().replace("JÜRGEN GROSS", "Jürgen Groß").replace("ANNA", "Anna").encode(),
        PLAIN.replace("Anna", '"Anna"').replace("staff_number", '"staff_number"').encode(),
    ],
)
def test_what_spreadsheets_write_is_one_table(data: bytes) -> None:
    found = table(data)

    assert found.columns == ("staff_number", "name", "day")
    assert [dict(row.cells) for row in found.rows] == [
        {"staff_number": "7", "name": "Jürgen Groß", "day": "2025-06-02"},
        {"staff_number": "8", "name": "Anna", "day": "2025-06-03"},
    ]


def test_a_cell_may_hold_the_separator_quotes_and_a_new_line() -> None:
    data = b'staff_number;name\n7;"Berg; Anna ""Ann""\nof the shop"\n8;Bo\n'

    assert [(row.line, row.cells["name"]) for row in table(data).rows] == [
        (2, 'Berg; Anna "Ann"\nof the shop'),
        (4, "Bo"),
    ]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    assert [line for line, _cells in read_rows(b"sep=;\n\na;b\n\n1;2\n", "list.csv")] == [3, 5]


def test_cells_that_a_spreadsheet_left_out_at_the_end_are_empty() -> None:
    assert table(b"staff_number,name,note\n7,Anna\n").rows[0].cells["note"] == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "list.csv is empty; the first line must hold: staff_number, name"),
        (b"\n,,\n", "list.csv is empty"),
        (b"name\nAnna\n", "list.csv: the column staff_number is missing"),
        (b"staff_number,name,name\n", "list.csv: the column name is there twice"),
        (b"staff_number,name\n\n7,Anna,x\n", "list.csv line 3: 3 cells, but the first line names 2 columns"),
        (b"staff_number,name\n7,\0\n", "list.csv is not text"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "list.csv is not text"),
        (b"staff_number,name\n7," + b"x" * 140_000, "list.csv line 2: the file cannot be read as CSV"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(data: bytes, words: str) -> None:
    with pytest.raises(UserError) as caught:
        table(data)

    assert words in str(caught.value)


def test_a_column_that_nobody_knows_is_refused_where_columns_are_listed() -> None:
    with pytest.raises(UserError, match="the column 'wage' is unknown; the first line may hold: name, day"):
        read_table(b"name,wage\n", "list.csv", needed=("name",), known=("name", "day"))


@pytest.mark.parametrize("text", ["2025-06-02", "02.06.2025", "2.6.2025", " 2025/6/2 "])
def test_a_date_is_read_in_both_common_ways(text: str) -> None:
    assert date_from(text) == date(2025, 6, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("02/06/2025", "may be read in two ways"),
        ("31.02.2025", "31.02.2025 is not a valid date"),
        ("0000-01-01", "is not a valid date"),
        ("", "an empty cell is not a valid date"),
        ("2 June", "write it as 2025-06-02 or 02.06.2025"),
    ],
)
def test_a_date_that_could_be_two_days_or_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        date_from(text)
