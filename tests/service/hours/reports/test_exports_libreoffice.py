"""A workbook opened by another program, which adds up its columns."""

from __future__ import annotations

import csv
import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from attendance.service.hours.reports import exports, report_tables
from tests import needs
from tests.service.hours.reports.reported import BERLIN, LOCAL, SHEET


def with_sums(book: bytes, lines: int) -> bytes:
    """The workbook with a row in which the program that opens it adds up each column of figures."""
    before, after = zipfile.ZipFile(io.BytesIO(book)), io.BytesIO()
    row = lines + 10
    cells = "".join(f'<c r="{letter}{row}"><f>SUM({letter}4:{letter}{3 + lines})</f></c>' for letter in "GHIJKLMNOP")
    with zipfile.ZipFile(after, "w") as out:
        for name in before.namelist():
            content = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", f'<row r="{row}">{cells}</row></sheetData>'.encode())
            out.writestr(name, content)
    return after.getvalue()


@pytest.mark.long
def test_libreoffice_adds_up_what_the_total_says(tmp_path: Path) -> None:
    office = needs.program("soffice", "libreoffice", install="apt install libreoffice-calc")
    table = report_tables.timesheet(SHEET[0], LOCAL)
    (tmp_path / "sheet.xlsx").write_bytes(with_sums(exports.to_xlsx([("One", table)], BERLIN, "Site"), len(table.rows)))
    command = [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    command += ["--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1", "--outdir", tmp_path]
    subprocess.run([*command, tmp_path / "sheet.xlsx"], check=True, capture_output=True, timeout=240)
    with (tmp_path / "sheet.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    head, body, foot, sums = rows[2], rows[3 : 3 + len(table.rows)], rows[3 + len(table.rows)], rows[-1]

    assert len(body) == 7
    for title in ("Breaks", "Worked", "Expected", "Balance", "Overtime"):
        hours, minutes = head.index(f"{title} (h)"), head.index(f"{title} (min)")
        assert int(sums[minutes]) == int(foot[minutes]) == sum(int(row[minutes] or 0) for row in body)
        assert float(sums[hours]) == float(foot[hours])
        assert float(foot[hours]) == pytest.approx(int(foot[minutes]) / 60, abs=0.005)
    assert int(foot[head.index("Balance (min)")]) == -930
    assert "#" not in (tmp_path / "sheet.csv").read_text()
