"""Rosters from a CSV file: all rows or none.

In: a session, the file's bytes.  Out: rosters; a UserError with the line that is wrong.
Does not know: how the file was sent, who is signed in (the caller passes a name).
Main choice: every line passes the checks of the roster page, so that a file can do no more than a person can.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from attendance.errors import Phrase, UserError
from attendance.files.csv_files import date_from, read_table
from attendance.service.hours import planning
from attendance.store.hours import rosters

ROSTER_COLUMNS = ("staff_number", "first", "last", "pattern")


def import_rosters(session: Session, data: bytes, *, now: datetime, by: str, where: str = "the file") -> int:
    """Import a CSV of staff_number, first, last (may be empty), pattern; return how many rosters.

    `pattern`: names of shifts with | between the days, - for a day off, for example Early|Early|Late|-.
    The caller commits, or rolls back after a UserError.
    """
    table = read_table(data, where, needed=ROSTER_COLUMNS, known=ROSTER_COLUMNS)
    staff = {person.staff_number: person.id for person in rosters.list_staff(session) if person.staff_number}
    names = {shift.name: shift.id for shift in rosters.list_shifts(session)}
    for row in table.rows:
        try:
            _import_row(session, row.cells, staff, names, now, by)
        except UserError as error:
            raise UserError(
                "%(where)s line %(line)s: %(error)s; nothing was imported", where=where, line=row.line, error=error
            ) from error
    return len(table.rows)


def _import_row(
    session: Session, cells: Mapping[str, str], staff: Mapping[str, int], names: Mapping[str, int], now: datetime,
    by: str,
) -> None:  # fmt: skip
    number = cells["staff_number"]
    if number not in staff:
        raise UserError("nobody active has the staff number %(number)s", number=number or Phrase("(empty)"))
    first = date_from(cells["first"])
    last = date_from(cells["last"]) if cells["last"] else None
    shift_ids: list[int | None] = []
    for name in map(str.strip, cells["pattern"].split("|")):
        if name != "-" and name not in names:
            raise UserError("there is no shift %(name)s", name=name or Phrase("(empty)"))
        shift_ids.append(None if name == "-" else names[name])
    planning.assign(session, [staff[number]], first, last, shift_ids, now=now, by=by)
