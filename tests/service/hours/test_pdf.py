"""Reports as PDF."""

from __future__ import annotations

import pytest

from attendance.service.hours import pdf, report_tables
from tests.service.hours.reported import BERLIN, NAMES, NOW, TABLES


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_every_report_is_a_pdf(table: report_tables.Table) -> None:
    assert pdf.to_pdf([table], BERLIN, "Site", NOW, pdf.REGISTER_SIGNATURES).startswith(b"%PDF")


def test_a_pdf_is_made_without_the_systems_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "FONTS", ())

    assert pdf.to_pdf([TABLES[1]], BERLIN, "Site", NOW).startswith(b"%PDF")
