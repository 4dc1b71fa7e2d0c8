"""Every CSV file that the program reads: the bytes of any spreadsheet → columns and rows with their line numbers.

In: bytes, the file's name for messages.  Out: `CsvTable`s, dates; a UserError that names file and line.
Does not know: what a column means, where the bytes came from.
Main choice: one reader takes what spreadsheets of all countries write (comma, semicolon or tab; UTF-8, UTF-16 or
Windows-1252; a line sep=; empty columns at the end), so that nobody has to convert a file.  Trade-off: text in
another 8-bit encoding is read as Windows-1252, and its letters beyond ASCII are wrong.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

from attendance.errors import Phrase, UserError

_DELIMITERS = ",;\t"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEP = re.compile(r'\A"?sep=(?P<delimiter>[^\r\n"])"?[ ;,\t]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_ISO_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row.  `line`: where it begins in the file, from 1.  `cells`: stripped, by column; "" where empty."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The columns as the first row names them, in lower case, and the rows that are not empty."""

    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...]


def read_text(data: bytes, where: str) -> str:
    """Return the text of a file in UTF-8, UTF-16 (with its mark) or Windows-1252; UserError if it is not text.

    `where`: the file's name, for the message.  A letter and its marks are one character (NFC), as names are stored.
    """
    encodings = ("utf-16",) if data.startswith(_UTF_16) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return unicodedata.normalize("NFC", text)
    raise UserError("%(where)s is not text: save it as CSV UTF-8", where=where)


def read_rows(data: bytes, where: str) -> list[tuple[int, list[str]]]:
    """Return (line, cells) of each row that is not empty, cells stripped; UserError if it is not a CSV file.

    Empty cells at the end of a row are left out.
    """
    text = read_text(data, where)
    skipped = 0
    if said := _SEP.match(text):
        delimiter, text, skipped = said["delimiter"], text[said.end() :], 1
    else:
        delimiter = _delimiter_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                rows.append((line + skipped, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            "%(where)s line %(line)s: the file cannot be read as CSV: %(error)s",
            where=where,
            line=line + skipped,
            error=error,
        ) from error
    return rows


def read_table(
    data: bytes, where: str, *, needed: Collection[str], known: Collection[str] | None = None,
    rename: Callable[[str], str] | None = None,
) -> CsvTable:  # fmt: skip
    """Return the table of a file whose first row names its columns.

    `needed`: columns that must be there.  `known`: all columns that may be there; None: others are kept.
    `rename`: makes today's name of an older or foreign one.  UserError for a column that is missing, unknown or
    there twice, and for a row with more cells than columns.
    """
    rows = read_rows(data, where)
    wanted = ", ".join(known if known is not None else needed)
    if not rows:
        raise UserError("%(where)s is empty; the first line must hold: %(wanted)s", where=where, wanted=wanted)
    columns = [cell.lower() for cell in rows[0][1]]
    columns = [rename(name) if rename else name for name in columns]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise UserError(
            "%(where)s: the column %(column)s is missing; the first line may hold: %(wanted)s",
            where=where,
            column=missing[0],
            wanted=wanted,
        )
    unknown = [name for name in columns if known is not None and name not in known]
    if unknown:
        raise UserError(
            "%(where)s: the column %(column)r is unknown; the first line may hold: %(wanted)s",
            where=where,
            column=unknown[0],
            wanted=wanted,
        )
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if twice:
        raise UserError("%(where)s: the column %(column)s is there twice: keep one", where=where, column=twice[0])
    found = []
    for line, cells in rows[1:]:
        if len(cells) > len(columns):
            raise UserError(
                "%(where)s line %(line)s: %(count)s cells, but the first line names %(columns)s columns",
                where=where,
                line=line,
                count=len(cells),
                columns=len(columns),
            )
        # Spreadsheets leave out empty cells at the end of a row.
        padded = cells + [""] * (len(columns) - len(cells))
        found.append(CsvRow(line, dict(zip(columns, padded, strict=True))))
    return CsvTable(tuple(columns), tuple(found))


def date_from(text: str) -> date:
    """Return the date written as 2025-06-02 or 02.06.2025; UserError for anything else, such as 02/06/2025."""
    text = text.strip()
    if _SLASHED_DATE.fullmatch(text):
        raise UserError("%(text)s may be read in two ways: write the date as 2025-06-02 or 02.06.2025", text=text)
    found = _ISO_DATE.fullmatch(text)
    parts = found.groups() if found else None
    if parts is None and (found := _DOTTED_DATE.fullmatch(text)):
        parts = found.groups()[::-1]
    try:
        if parts is None:
            raise ValueError
        return date(*map(int, parts))
    except ValueError:
        raise UserError(
            "%(text)s is not a valid date: write it as 2025-06-02 or 02.06.2025", text=text or Phrase("an empty cell")
        ) from None


def _delimiter_of(text: str) -> str:
    """Return what separates the cells of the first row that is not empty: the most frequent sign outside quotes."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = re.sub(r'"[^"]*"?', "", first)
    return max(_DELIMITERS, key=outside.count)
