"""Tables as PDF, the monthly register with lines to sign on.

In: `Table`s, the zone.  Out: bytes.
Does not know: the web, the database.
Main choice: fpdf2 draws, with the system's DejaVu Sans if it is installed.  Trade-off: without it, the
built-in fonts know Western European letters only, and others become question marks.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.service.hours.day_words import LOCALE, Local, hours
from attendance.service.hours.report_tables import Column, Form, Table
from attendance.texts import N_
from attendance.texts import gettext as _

FONTS = (
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf", "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf"),
    ("C:/Windows/Fonts/arial.ttf", "C:/Windows/Fonts/arialbd.ttf"),
    ("/Library/Fonts/Arial Unicode.ttf", "/Library/Fonts/Arial Unicode.ttf"),
)
_LINE = 5.2
REGISTER_SIGNATURES = (N_("Date"), N_("Employee representative"), N_("Supervisor"))
TIMESHEET_SIGNATURES = (N_("Date"), N_("Employee"), N_("Supervisor"))


def to_pdf(
    tables: Sequence[Table], zone: ZoneInfo, site: str, at: datetime, signatures: Sequence[str] = (),
    locale: str = LOCALE,
) -> bytes:  # fmt: skip
    """Draw one table after the other, each on a new page, with the site, the time and page numbers."""
    from fpdf import FPDF

    # It logs at length which tables of a font it leaves out.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    made = f"{site} · {at.astimezone(zone):%Y-%m-%d %H:%M %Z}"

    class Document(FPDF):
        def footer(self) -> None:
            self.set_y(-10)
            self.set_font(family, size=7)
            self.cell(
                0,
                5,
                _known(self, _("%(made)s · page %(page)s of %(pages)s", made=made, page=self.page_no(), pages="{nb}")),
                align="R",
            )

    pdf = Document(orientation="landscape", format="A4")
    pdf.set_auto_page_break(True, margin=14)
    pdf.set_margins(10, 10)
    family = _font(pdf)
    for table in tables:
        pdf.add_page()
        _draw(pdf, family, table, Local(zone, locale))
        if signatures:
            _sign(pdf, family, signatures)
    return bytes(pdf.output())


def _font(pdf: Any) -> str:
    for plain, bold in FONTS:
        if Path(plain).exists() and Path(bold).exists():
            pdf.add_font("text", "", plain)
            pdf.add_font("text", "B", bold)
            return "text"
    return "helvetica"


def _known(pdf: Any, text: str) -> str:
    """Return the text with everything replaced that a built-in font cannot show."""
    if pdf.is_ttf_font:
        return text
    # The few signs in our texts that Latin-1 lacks.
    for sign, other in {"–": "-", "−": "-", "’": "'", "…": "...", "•": "*"}.items():
        text = text.replace(sign, other)
    return text.encode("latin-1", "replace").decode("latin-1")


def _draw(pdf: Any, family: str, table: Table, local: Local) -> None:
    pdf.set_font(family, "B", 13)
    pdf.cell(0, 8, _known(pdf, table.title), new_x="LMARGIN", new_y="NEXT")
    rows = [
        [text_of(cell, column, local) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows
    ]
    foot = (
        [text_of(cell, column, local) for cell, column in zip(table.foot, table.columns, strict=True)]
        if table.foot
        else None
    )
    size = 6.5 if len(table.columns) > 20 else 7.5
    pdf.set_font(family, "", size)
    widths = _widths(pdf, table.columns, [*rows, *([foot] if foot else [])])
    _head(pdf, family, size, table.columns, widths)
    for number, row in enumerate(rows):
        if pdf.will_page_break(_LINE):
            pdf.add_page()
            _head(pdf, family, size, table.columns, widths)
        pdf.set_fill_color(244, 246, 247)
        _row(pdf, row, table.columns, widths, fill=number % 2 == 1)
    if foot:
        pdf.set_font(family, "B", size)
        _row(pdf, foot, table.columns, widths, border="T")
    if not rows:
        pdf.cell(0, _LINE, _known(pdf, _("Nothing to list.")), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(family, "", 7)
    pdf.ln(2)
    for note in table.notes:
        pdf.multi_cell(0, 4, _known(pdf, note), new_x="LMARGIN", new_y="NEXT")


def _head(pdf: Any, family: str, size: float, columns: Sequence[Column], widths: Sequence[float]) -> None:
    pdf.set_font(family, "B", size)
    _row(pdf, [_(column.title) for column in columns], columns, widths, border="B")
    pdf.set_font(family, "", size)


def _row(
    pdf: Any, cells: Sequence[str], columns: Sequence[Column], widths: Sequence[float], *, border: Any = 0,
    fill: bool = False,
) -> None:  # fmt: skip
    for cell, column, width in zip(cells, columns, widths, strict=True):
        align = {Form.MARK: "C", Form.SPAN: "R", Form.COUNT: "R"}.get(column.form, "L")
        pdf.cell(width, _LINE, _fitting(pdf, _known(pdf, cell), width - 1.5), border=border, align=align, fill=fill)
    pdf.ln(_LINE)


def _fitting(pdf: Any, text: str, width: float) -> str:
    if not text or pdf.get_string_width(text) <= width:
        return text
    while text and pdf.get_string_width(text + "...") > width:
        text = text[: max(0, int(len(text) * 0.9) - 1)]
    return text + "..."


def _widths(pdf: Any, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[float]:
    """Return widths that fit the longest of the first rows; the widest columns give way if the page is full."""
    sample = rows[:60]
    widths = []
    for number, column in enumerate(columns):
        texts = [_(column.title), *(row[number] for row in sample)]
        widths.append(min(70.0, max(pdf.get_string_width(_known(pdf, text)) for text in texts) * 1.05 + 2.5))
    available = pdf.w - pdf.l_margin - pdf.r_margin
    while sum(widths) > available:
        widest = max(range(len(widths)), key=lambda index: widths[index])
        widths[widest] -= min(2.0, sum(widths) - available)
    return widths


def _sign(pdf: Any, family: str, labels: Sequence[str]) -> None:
    if pdf.will_page_break(24):
        pdf.add_page()
    pdf.ln(14)
    pdf.set_font(family, "", 8)
    width = (pdf.w - pdf.l_margin - pdf.r_margin) / len(labels)
    for label in labels:
        x, y = pdf.get_x(), pdf.get_y()
        pdf.line(x, y, x + width - 12, y)
        pdf.cell(width, 5, _known(pdf, _(label)))
    pdf.ln(5)


def text_of(cell: Any, column: Column, local: Local) -> str:
    """Return a cell as people read it; pages use it, too."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return local.clock(cell)
    if isinstance(cell, date):
        return local.weekday(cell) if column.form is Form.WEEKDAY else local.medium_date(cell)
    if column.form is Form.SPAN:
        return hours(cell) if cell else ""
    if isinstance(cell, int | float):
        return local.number(cell)
    return str(cell)
