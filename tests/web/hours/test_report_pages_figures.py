"""A worked case has the same figures on every page and in every file that shows it."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.hours.shift import Half, Mode, Rounding, Shift, Span
from attendance.domain.passage import Direction
from attendance.service.hours import planning
from attendance.service.hours.leave import requests
from tests.factories import NOON
from tests.pdf_text import text_in
from tests.site_fixtures import Browser, Web

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY, TUESDAY = date(2024, 5, 13), date(2024, 5, 14)
WEEK = f"from={MONDAY}&to={TUESDAY}"
_QUARTERS = Rounding(15, Mode.IN_FAVOUR)
OFFICE = Shift("Office", (Span(540, 1020),))


@dataclass(frozen=True)
class Case:
    """Of a Monday.  Punches such as `21:55` or `+1 06:05 out`; the right figures in minutes."""

    what: str
    shift: Shift | None
    punches: str
    worked: int
    expected: int
    leave: Half | None = None
    absent: float = 0
    on_leave: float = 0


CASES = (
    Case("Night, no roster", None, "-1 21:55, 06:05, 21:55, +1 06:05", 490, 0),
    Case("Night, by roster", Shift("Night", (Span(1320, 1800),)), "-1 21:55, 06:05, 21:55, +1 06:05", 490, 480),
    Case("Half leave, other half worked", Shift("Limits", (Span(540, 1020),), half_below=360, absent_below=300),
         "13:00, 17:00", 240, 240, Half.FIRST, 0, 0.5),
    Case("Half leave, never came", OFFICE, "", 0, 240, Half.FIRST, 0.5, 0.5),
    Case("Whole leave, worked", OFFICE, "09:00, 17:00", 480, 0, Half.WHOLE, 0, 1),
    Case("Favour", Shift("Quarters", (Span(540, 1020),), rounding=_QUARTERS),
         "09:00, 10:02, 10:05, 12:01, 12:31, 14:46, 14:49, 17:00", 444, 480),
    Case("A minute short", OFFICE, "09:00:30, 17:00:00", 479, 480),
    Case("Split, first part missed", Shift("Split", (Span(480, 720), Span(960, 1200))), "15:58, 20:00", 242, 480),
    Case("Double", OFFICE, "08:58:00, 08:59:10, 17:01", 483, 480),
    Case("Only out", OFFICE, "17:00 out", 0, 480),
)  # fmt: skip


def instant(text: str) -> tuple[datetime, Direction]:
    words, day = text.split(), MONDAY
    if words[0][0] in "+-":
        day += timedelta(days=int(words.pop(0)))
    at = datetime.fromisoformat(f"{day}T{words.pop(0)}").replace(tzinfo=BERLIN).astimezone(UTC)
    return at, Direction(words[0] if words else "unknown")


@pytest.fixture
def people(web: Web) -> dict[str, int]:
    """Everybody of the table."""
    ids: dict[str, int] = {}
    for case in CASES:
        ids[case.what] = web.add(case.what, department="Lab")
        for text in filter(None, map(str.strip, case.punches.split(","))):
            at, way = instant(text)
            web.passage(at, ids[case.what], direction=way)
    web.clock.time = NOON + timedelta(days=30)
    shifts: dict[Shift, int] = {}
    with web.sessions.begin() as session:
        for case in CASES:
            if case.shift is not None:
                if case.shift not in shifts:
                    shifts[case.shift] = planning.save_shift(session, case.shift, now=NOON).id
                planning.assign(session, [ids[case.what]], MONDAY, MONDAY, [shifts[case.shift]], now=NOON, by="ada")
            if case.leave is not None:
                requests.add_leave(
                    session, person_id=ids[case.what], kind="vacation", first=MONDAY, last=MONDAY, half=case.leave,
                    now=NOON, by="ada", approved=True,
                )  # fmt: skip
    return ids


def hours(minutes: int) -> str:
    return f"{'−' if minutes < 0 else ''}{abs(minutes) // 60}:{abs(minutes) % 60:02d}"


def lines_of(browser: Browser, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(browser.text(f"/attendance/reports/{path}").removeprefix("\ufeff"))))


def rows_of(browser: Browser, path: str) -> dict[str, dict[str, str]]:
    """The lines of a CSV about the Monday, or about the whole time, by the person's name."""
    return {row["person"]: row for row in lines_of(browser, path) if row.get("date", str(MONDAY)) == str(MONDAY)}


def sheet_of(book: bytes, number: int) -> list[dict[str, str | float]]:
    """The lines of a sheet by the titles in its third row."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    rows: dict[int, dict[str, str | float]] = {}
    text = zipfile.ZipFile(io.BytesIO(book)).read(f"xl/worksheets/sheet{number}.xml")
    for cell in ElementTree.fromstring(text).iter(f"{space}c"):
        place = re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r") or "")
        assert place
        words = "".join(one.text or "" for one in cell.iter(f"{space}t"))
        value = words if cell.get("t") == "inlineStr" else float(cell.findtext(f"{space}v") or 0)
        rows.setdefault(int(place[2]), {})[place[1]] = value
    heads = rows[3]
    return [{str(heads[column]): value for column, value in row.items()} for line, row in rows.items() if line > 3]


def test_every_file_of_everybody_has_the_figures_of_the_table(web: Web, people: dict[str, int], admin: Browser) -> None:
    sheets, daily = rows_of(admin, f"timesheet.csv?{WEEK}"), rows_of(admin, f"daily.csv?from={MONDAY}&to={MONDAY}")
    register = rows_of(admin, f"register.csv?{WEEK}")
    absence = lines_of(admin, f"absence.csv?{WEEK}")
    *book, foot = sheet_of(admin.get(f"/attendance/reports/timesheet.xlsx?{WEEK}").data, 1)
    summary = {str(row["Person"]): row for row in book}

    for case in CASES:
        right = tuple(map(str, (case.worked, case.expected, case.worked - case.expected)))
        own = sheets[case.what]
        assert (own["worked_minutes"], own["expected_minutes"], own["balance_minutes"]) == right, case.what
        assert daily[case.what]["worked_minutes"] == register[case.what]["worked_minutes"] == right[0], case.what
        row, whole = summary[case.what], register[case.what]
        assert [str(round(float(row[f"{name} (min)"]))) for name in ("Worked", "Expected", "Balance")] == [*right]
        for name in ("Worked", "Expected", "Balance"):
            assert float(row[f"{name} (h)"]) == pytest.approx(float(row[f"{name} (min)"]) / 60)
        assert float(row["Days"]) == float(whole["worked_days"] or 0), case.what
        shares = float(whole["absent_days"] or 0), float(whole["leave_days"] or 0)
        assert shares == (case.absent, case.on_leave), case.what
        in_list = [line for line in absence if line["person"] == case.what]
        assert sum(float(line["days"]) for line in in_list) == case.absent + case.on_leave, case.what
    assert foot["Balance (min)"] == sum(case.worked - case.expected for case in CASES)
    assert float(foot["Balance (h)"]) == pytest.approx(float(foot["Balance (min)"]) / 60)


def test_the_absences_of_a_running_month_are_those_of_its_register_and_others_are_to_come(
    web: Web, admin: Browser
) -> None:
    person = web.add("Ines Frei")
    web.clock.time = instant("+2 10:00")[0]
    with web.sessions.begin() as session:
        shift = planning.save_shift(session, OFFICE, now=NOON).id
        planning.assign(session, [person], MONDAY, None, [shift], now=NOON, by="ada")
        requests.add_leave(
            session, person_id=person, kind="vacation", first=TUESDAY, last=TUESDAY + timedelta(days=4), now=NOON,
            by="ada", approved=True,
        )  # fmt: skip
    admin = web.browser("ada")
    span = f"from={MONDAY}&to={MONDAY + timedelta(days=6)}"

    lines = lines_of(admin, f"absence.csv?{span}")
    register = rows_of(admin, f"register.csv?{span}")["Ines Frei"]
    # Monday absent, Tuesday on leave; Wednesday is not over, Thursday to Saturday are to come.
    assert (register["absent_days"], register["leave_days"]) == ("1", "1")
    assert [(line["date"][-2:], line["days"], line["days_to_come"]) for line in reversed(lines)] == [
        ("13", "1", ""), ("14", "1", ""), ("15", "", "1"), ("16", "", "1"), ("17", "", "1"), ("18", "", "1"),
    ]  # fmt: skip


@pytest.mark.long
def test_every_page_and_sheet_of_a_person_has_the_figures_of_the_table(
    web: Web, people: dict[str, int], admin: Browser, tmp_path: Path
) -> None:
    for case in CASES:
        person = people[case.what]
        figures = [hours(each) for each in (case.worked, case.expected, case.worked - case.expected)]
        shown = [each for each in figures if each != "0:00"]

        day = admin.text(f"/attendance/person/{person}/{MONDAY}")
        assert f"<dt>Worked</dt><dd>{figures[0]} of {figures[1]}</dd>" in day, case.what
        page = admin.text(f"/attendance/reports/timesheet?{WEEK}&person={person}")
        row = re.search(r"<tr><td[^>]*>13 May.*?</tr>", page, re.S)
        assert row
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row[0], re.S)
        assert [each for each in cells[7:10] if each] == shown, case.what
        assert f">{figures[0]}<" in admin.text(f"/attendance/calendar?{WEEK}&person={person}"), case.what
        document = admin.get(f"/attendance/reports/timesheet.pdf?{WEEK}&person={person}").data
        [line] = [one for one in text_in(document, tmp_path, "-layout").splitlines() if "13 May 2024  " in one]
        durations = re.findall(r"(?<!\S)−?\d:\d\d(?!\S)", line)
        assert " ".join(shown) in " ".join(durations), case.what
