"""Reports as PDF."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from attendance.service.hours.reports import pdf, report_tables
from attendance.service.hours.reports.report_tables import Form
from tests import needs
from tests.pdf_text import text_in
from tests.service.hours.reports.reported import BERLIN, LOCAL, MONDAY, NAMES, NOW, TABLES


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_every_report_is_a_pdf(table: report_tables.Table) -> None:
    assert pdf.to_pdf([table], BERLIN, "Site", NOW, pdf.REGISTER_SIGNATURES).startswith(b"%PDF")


def test_a_pdf_is_made_without_the_systems_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "FONTS", ())

    assert pdf.to_pdf([TABLES[1]], BERLIN, "Site", NOW).startswith(b"%PDF")


NAMES_OF_THE_WORLD = (
    "王小明",
    "田中さくら",
    "김민준",
    "สมชาย ใจดี",
    "प्रिया शर्मा",
    "محمد الأمين",
    "דוד כהן",
    "Łukasz Öz",
)


def named(names: Sequence[str], notes: tuple[str, ...] = ()) -> report_tables.Table:
    columns = (report_tables.Column("person", "Person"), report_tables.Column("worked", "Worked", Form.SPAN))
    rows = tuple((name, 28800) for name in names)
    return report_tables.Table("register", "Names", columns, rows, foot=("Total", 28800 * len(rows)), notes=notes)


def test_names_of_every_script_are_in_the_pdf(tmp_path: Path) -> None:
    if not pdf._fallbacks():
        needs.missing("no font for Chinese is here: apt install fonts-noto-cjk fonts-noto-core")

    document = pdf.to_pdf([named(NAMES_OF_THE_WORLD)], BERLIN, "Site", NOW)
    text = unicodedata.normalize("NFKC", text_in(document, tmp_path))

    assert pdf.MISSING not in text
    for name in ("王小明", "田中さくら", "김민준", "Öz", "דוד כהן", "محمد", "8:00"):
        assert name in text


def test_a_letter_without_a_font_is_marked_and_the_page_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pdf, "FALLBACKS", ())

    text = text_in(pdf.to_pdf([named(["王小明", "Anna"])], BERLIN, "Site", NOW), tmp_path)

    assert "▯▯▯" in text and "Anna" in text
    assert "no font for a letter" in text


def test_the_legend_is_on_the_first_page_and_the_total_is_never_alone(tmp_path: Path) -> None:
    for rows in range(28, 38):
        document = pdf.to_pdf([named([f"Person {n}" for n in range(rows)], ("P worked",))], BERLIN, "Site", NOW)
        pages = text_in(document, tmp_path).split("\f")

        assert "P worked" in pages[0]
        last = next(page for page in pages if "Total" in page)
        assert f"Person {rows - 1}" in last and "Worked" in last


@pytest.mark.parametrize("days", [28, 30, 31])
def test_a_month_of_one_person_is_on_one_page_with_its_signatures(tmp_path: Path, days: int) -> None:
    remark = "no check-out: closed at the end of the shift, 17:00"
    rows = tuple(
        (MONDAY + timedelta(days=n), MONDAY, "Office 09:00–17:00", "worked", None, None, *[28800] * 8,
         remark if n % 10 == 9 else "")
        for n in range(days)
    )  # fmt: skip
    columns = report_tables.TIMESHEET
    notes = ("Of the worked time: night 23:00–06:00.", *(f"{n} May: only 9:30 h of rest" for n in range(3)))
    table = report_tables.Table(
        "timesheet", "Timesheet of Ada", columns, rows, foot=report_tables.total(columns, rows), notes=notes
    )

    document = pdf.to_pdf([table], BERLIN, "Site", NOW, pdf.TIMESHEET_SIGNATURES)
    [page] = text_in(document, tmp_path).removesuffix("\f").split("\f")

    assert all(words in page for words in ("Timesheet of Ada", "Total", "2 May: only", "Supervisor", "page 1 of 1"))


def test_no_heading_is_cut_while_the_page_has_room(tmp_path: Path) -> None:
    for table in TABLES:
        if table.name != "register":
            text = text_in(pdf.to_pdf([table], BERLIN, "Site", NOW), tmp_path, "-layout")
            for column in table.columns:
                assert column.title in text, (table.name, column.title)


def test_a_month_of_31_days_shows_whole_names_and_figures(tmp_path: Path) -> None:
    people = ("Anna Wachol-Westrin", "Maximiliane Ahlbrook", "Bo Wu")
    columns = (
        *report_tables.WHO[:2],
        *(report_tables.Column(f"2024-05-{day:02}", f"{day}", Form.MARK) for day in range(1, 32)),
        *(report_tables.Column(key, key, Form.COUNT) for key in ("Days", "Absent", "Leave", "Late")),
        *(report_tables.Column(key, key, Form.SPAN) for key in ("Worked", "Overtime", "Night", "Sunday", "Holiday")),
    )
    figures = (23, 1, 2.5, 12, 617100, 41820, 272040, 123300, 28800)
    rows = tuple((name, "10052", *("P." for _day in range(31)), *figures) for name in people)
    table = report_tables.Table("register", "Register", columns, rows, foot=report_tables.total(columns, rows))

    text = text_in(pdf.to_pdf([table], BERLIN, "Site", NOW), tmp_path, "-layout")

    for words in (*people, "10052", "171:25", "11:37", "75:34", "34:15", "514:15", "Overtime", "Holiday"):
        assert words in text, words
    assert text.count("P.") == 3 * 31


def test_a_long_remark_goes_on_below_instead_of_being_cut(tmp_path: Path) -> None:
    remark = " ".join(f"word{number:02d}" for number in range(60))
    columns = (report_tables.Column("person", "Person"), report_tables.Column("remarks", "Remarks"))
    table = report_tables.Table("daily", "Day", columns, (("Ada", remark), ("Bob", "short")))

    text = text_in(pdf.to_pdf([table], BERLIN, "Site", NOW), tmp_path, "-layout")

    assert all(word in text for word in remark.split())
    assert "..." not in text
    assert text.index("word59") < text.index("Bob")


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (-60, "−0:01"), (None, "")])
def test_nothing_is_a_figure_and_an_empty_cell_is_a_day_that_is_not_over(seconds: int | None, words: str) -> None:
    assert pdf.text_of(seconds, report_tables.Column("overtime", "Overtime", Form.SPAN), LOCAL) == words
