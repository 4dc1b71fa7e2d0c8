"""Tables as PDF, the monthly register with lines to sign on.

In: `Table`s, the zone.  Out: bytes.
Does not know: the web, the database.
Main choice: fpdf2 draws, with the system's DejaVu Sans if it is installed, and other fonts of the system for the
letters that it lacks; only those whose letters occur are read.  Text is shaped (HarfBuzz), so that Arabic, Hebrew,
Thai and Hindi read as they are written.  A letter that no font here has is shown as ▯, and a note says so.
Trade-off: without DejaVu, the built-in fonts know Western European letters only, and others become question marks.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.service.hours.day_words import LOCALE, Local, hours
from attendance.service.hours.reports.report_tables import Column, Form, Table
from attendance.texts import N_
from attendance.texts import gettext as _

FONTS = (
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf", "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf"),
    ("C:/Windows/Fonts/arial.ttf", "C:/Windows/Fonts/arialbd.ttf"),
    ("/Library/Fonts/Arial Unicode.ttf", "/Library/Fonts/Arial Unicode.ttf"),
)
# For the letters that these lack: files or patterns, in this order.
FALLBACKS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-*.ttc",
    "/usr/share/fonts/truetype/noto/NotoSans*-Regular.ttf",
    "/usr/share/fonts/google-noto*/NotoSans*-Regular.ttf",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/malgun.ttf",
    "C:/Windows/Fonts/leelawui.ttf",
    "C:/Windows/Fonts/Nirmala.ttf",
    "/System/Library/Fonts/*.ttc",
)
MISSING = "▯"
# Below U+0590 letters follow each other from left to right, one sign each.
_FIRST_SHAPED = "\u0590"
# Heights of a line in mm, the widest with which a table, its notes and its signatures fit on one page.
_LINES = (5.2, 4.8, 4.4, 4.0)
_NOTE, _SIGNATURES = 4.0, 20.0
# A long remark goes on below, in so many lines at most.
_MOST_LINES = 6
# A text that must give way keeps so much (mm) while others can.
_LEAST_TEXT = 18.0
# Texts that are wider than this many mm may go on below while others are whole.
_WRAPPED = 60.0
# Sizes of letters in points, the first that fits; a table of more columns than _MANY begins smaller.
_SIZES, _SIZES_OF_MANY, _MANY = (7.5, 7.0, 6.5), (6.5, 6.2, 5.9), 20
# So many notes stand above the table, on its first page, as a legend; more of them below it.
_LEGEND = 2
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
    local = Local(zone, locale)
    made = f"{site} · {local.date_time(at)} {local.zone_name(at)}"

    class Document(FPDF):
        missing: frozenset[str] = frozenset()
        line_height = _LINES[0]

        def cell(self, *args: Any, **kwargs: Any) -> Any:
            self._announce_font()
            return super().cell(*args, **kwargs)

        def multi_cell(self, *args: Any, **kwargs: Any) -> Any:
            self._announce_font()
            return super().multi_cell(*args, **kwargs)

        def _announce_font(self) -> None:
            """Write in the chosen font first: fpdf2 keeps another font for good if the first text after a change of
            font begins with a letter that the chosen one lacks."""
            if not self.current_font_is_set_on_page:
                self.text(self.x, self.y, " ")

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
    family = _font(pdf, {sign for text in (made, *_texts(tables)) for sign in text})
    for table in tables:
        pdf.add_page()
        _draw(pdf, family, table, Local(zone, locale), _SIGNATURES if signatures else 0)
        if signatures:
            _sign(pdf, family, signatures)
    return bytes(pdf.output())


def _texts(tables: Sequence[Table]) -> Iterable[str]:
    """Yield the texts of data.  Ours need no other font."""
    for table in tables:
        yield table.title
        yield from table.notes
        for row in (*table.rows, table.foot):
            yield from (cell for cell in row if isinstance(cell, str))


def _font(pdf: Any, signs: set[str]) -> str:
    """Load the fonts for these signs; return the family's name."""
    for plain, bold in FONTS:
        if Path(plain).exists() and Path(bold).exists():
            pdf.add_font("text", "", plain)
            pdf.add_font("text", "B", bold)
            break
    else:
        return "helvetica"
    # Marks that only steer the writing have no picture, and need none.
    wanted = {ord(sign) for sign in signs if unicodedata.category(sign) not in ("Cf", "Cc", "Zs")}
    wanted -= _letters(plain)
    families: list[str] = []
    for path in _fallbacks() if wanted else ():
        if wanted & _letters(path):
            families.append(f"other{len(families)}")
            pdf.add_font(families[-1], "", path)
            wanted -= _letters(path)
    if families:
        pdf.set_fallback_fonts(families, exact_match=False)
    if any(sign >= _FIRST_SHAPED for sign in signs):
        pdf.set_text_shaping(True)
    pdf.missing = frozenset(map(chr, wanted))
    return "text"


def _fallbacks() -> list[str]:
    found: list[str] = []
    for pattern in FALLBACKS:
        path = Path(pattern)
        found += [str(one) for one in sorted(path.parent.parent.glob(f"{path.parent.name}/{path.name}"))]
    return found


@lru_cache(maxsize=256)
def _letters(path: str) -> frozenset[int]:
    """Return the code points that a font has."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except (OSError, TTLibError):
        return frozenset()


def _known(pdf: Any, text: str) -> str:
    """Return the text with everything replaced that no font here can show."""
    if pdf.is_ttf_font:
        if not pdf.missing.isdisjoint(text):
            return "".join(MISSING if sign in pdf.missing else sign for sign in text)
        return text
    # The few signs in our texts that Latin-1 lacks.
    for sign, other in {"–": "-", "−": "-", "’": "'", "…": "...", "•": "*"}.items():
        text = text.replace(sign, other)
    return text.encode("latin-1", "replace").decode("latin-1")


def _draw(pdf: Any, family: str, table: Table, local: Local, after: float) -> None:
    """Draw a table.  `after`: how many mm of the page come below it, which do not stand on a page alone."""
    pdf.set_font(family, "B", 13)
    pdf.multi_cell(0, 8, _known(pdf, table.title), new_x="LMARGIN", new_y="NEXT", align="L")
    legend, below = (table.notes, ()) if len(table.notes) <= _LEGEND else ((), table.notes)
    if pdf.missing:
        legend = (*legend, _("%(sign)s: this computer has no font for a letter. Install Noto fonts.", sign=MISSING))
    _notes(pdf, family, legend)
    rows = [
        [text_of(cell, column, local) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows
    ]
    foot = (
        [text_of(cell, column, local) for cell, column in zip(table.foot, table.columns, strict=True)]
        if table.foot
        else None
    )
    size, widths = _widths(pdf, family, table.columns, [*rows, *([foot] if foot else [])])
    pdf.set_font(family, "", size)
    pdf.line_height = _line_height(pdf, rows, table.columns, widths, bool(foot), after + 2 + _NOTE * len(below))
    _head(pdf, family, size, table.columns, widths)
    foot_height = pdf.line_height if foot else 0
    for number, row in enumerate(rows):
        lines = _wrapped(pdf, row, table.columns, widths)
        height = pdf.line_height * max(map(len, lines), default=1)
        # The total does not stand on a page alone.
        if pdf.will_page_break(height + (foot_height if number == len(rows) - 1 else 0)):
            pdf.add_page()
            _head(pdf, family, size, table.columns, widths)
        pdf.set_fill_color(244, 246, 247)
        if number % 2 == 1:
            pdf.rect(pdf.l_margin, pdf.get_y(), sum(widths), height, style="F")
        top = pdf.get_y()
        for line in range(max(map(len, lines), default=1)):
            pdf.set_xy(pdf.l_margin, top + line * pdf.line_height)
            _row(pdf, [cell[line] if line < len(cell) else "" for cell in lines], table.columns, widths)
    if foot:
        pdf.set_font(family, "B", size)
        _row(pdf, foot, table.columns, widths, border="T")
    if not rows:
        pdf.cell(0, pdf.line_height, _known(pdf, table.empty or _("Nothing to list.")), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)
    _notes(pdf, family, below)


def _line_height(
    pdf: Any,
    rows: Sequence[Sequence[str]],
    columns: Sequence[Column],
    widths: Sequence[float],
    foot: bool,
    after: float,
) -> float:
    """Return the widest height of a line with which all of it fits on the page; the usual one if none does."""
    room = pdf.h - pdf.b_margin - pdf.get_y() - after
    if len(rows) * _LINES[-1] > room:
        return _LINES[0]
    count = 1 + foot + sum(max(map(len, _wrapped(pdf, row, columns, widths)), default=1) for row in rows)
    return next((height for height in _LINES if count * height <= room), _LINES[0])


def _notes(pdf: Any, family: str, notes: Sequence[str]) -> None:
    pdf.set_font(family, "", 7)
    for note in notes:
        pdf.multi_cell(0, 4, _known(pdf, note), new_x="LMARGIN", new_y="NEXT", align="L")
    if notes:
        pdf.ln(1)


def _head(pdf: Any, family: str, size: float, columns: Sequence[Column], widths: Sequence[float]) -> None:
    pdf.set_font(family, "B", size)
    _row(pdf, [_(column.title) for column in columns], columns, widths, border="B")
    pdf.set_font(family, "", size)


def _wrapped(pdf: Any, row: Sequence[str], columns: Sequence[Column], widths: Sequence[float]) -> list[Sequence[str]]:
    """Return each cell's lines: a text that is too long goes on below, up to _MOST_LINES; the last one is cut."""
    cells: list[Sequence[str]] = []
    for text, column, width in zip(row, columns, widths, strict=True):
        room = width - _margin(column) / 2
        if column.form is not Form.TEXT or len(text) < 8 or pdf.get_string_width(_known(pdf, text)) <= room:
            cells.append((text,))
            continue
        lines = [""]
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if not lines[-1] or len(lines) == _MOST_LINES or pdf.get_string_width(_known(pdf, longer)) <= room:
                lines[-1] = longer
            else:
                lines.append(word)
        cells.append(lines)
    return cells


def _row(
    pdf: Any, cells: Sequence[str], columns: Sequence[Column], widths: Sequence[float], *, border: Any = 0
) -> None:
    for cell, column, width in zip(cells, columns, widths, strict=True):
        if not cell and not border:  # most cells of a month are empty in some column
            pdf.set_x(pdf.get_x() + width)
            continue
        align = {Form.MARK: "C", Form.SPAN: "R", Form.COUNT: "R"}.get(column.form, "L")
        fitting = _fitting(pdf, _known(pdf, cell), width - _margin(column) / 2)
        pdf.cell(width, pdf.line_height, fitting, border=border, align=align)
    pdf.ln(pdf.line_height)


def _fitting(pdf: Any, text: str, width: float) -> str:
    if not text or pdf.get_string_width(text) <= width:
        return text
    while text and pdf.get_string_width(text + "...") > width:
        text = text[: max(0, int(len(text) * 0.9) - 1)]
    return text + "..."


def _widths(
    pdf: Any, family: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> tuple[float, list[float]]:
    """Return a size of letters (points) and widths (mm) that fit the headings and the longest texts.

    If the page is full even with the smallest letters, headings give way first and then long texts, the widest of
    them; a figure only at the very last, since half of one is wrong.
    """
    available = pdf.w - pdf.l_margin - pdf.r_margin
    for size in _SIZES if len(columns) <= _MANY else _SIZES_OF_MANY:
        texts, heads = _longest(pdf, family, size, columns, rows)
        widths = [max(pair) for pair in zip(texts, heads, strict=True)]
        if sum(widths) <= available:
            return size, widths
    least = [
        min(text, _LEAST_TEXT) if column.form is Form.TEXT else text
        for text, column in zip(texts, columns, strict=True)
    ]
    # Long texts go on below, so they give way before anything is cut.
    wrapped = [
        max(head, min(text, _WRAPPED)) if column.form is Form.TEXT else max(head, text)
        for text, head, column in zip(texts, heads, columns, strict=True)
    ]
    for floors in (wrapped, texts, least, [0.0] * len(columns)):
        _narrow(widths, floors, available)
    return size, widths


def _longest(
    pdf: Any, family: str, size: float, columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> tuple[list[float], list[float]]:
    """Return how wide the longest text of each column is, and its heading; in mm, with the space beside it."""
    texts, heads = [], []
    for number, column in enumerate(columns):
        # By the number of letters, as measuring each text would take long.
        longest = sorted({row[number] for row in rows}, key=len)[-8:]
        pdf.set_font(family, "", size)
        wide = [pdf.get_string_width(_known(pdf, text)) for text in longest]
        pdf.set_font(family, "B", size)
        wide += [pdf.get_string_width(_known(pdf, text)) for text in longest[-1:]]  # of a total, too
        texts.append(max(wide, default=0) + _margin(column))
        heads.append(pdf.get_string_width(_known(pdf, _(column.title))) + _margin(column))
    return texts, heads


def _narrow(widths: list[float], floors: Sequence[float], available: float) -> None:
    """Narrow the widest columns in place until all fit into `available`, none below its floor; all in mm."""
    while (over := sum(widths) - available) > 0.001:
        wider = [index for index in range(len(widths)) if widths[index] > floors[index]]
        if not wider:
            return
        widest = max(wider, key=lambda index: widths[index])
        widths[widest] -= min(2.0, over, widths[widest] - floors[widest])


def _margin(column: Column) -> float:
    """Return the space beside a column's texts in mm; the marks of a month stand close."""
    return 1.2 if column.form is Form.MARK else 3.0


def _sign(pdf: Any, family: str, labels: Sequence[str]) -> None:
    if pdf.will_page_break(_SIGNATURES):
        pdf.add_page()
    pdf.ln(_SIGNATURES - 10)
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
        return hours(cell)  # nothing is a figure, too; an empty cell is a day that is not over
    if isinstance(cell, int | float):
        return local.number(cell)
    return str(cell)
