"""Files of attendance terminals → punches as they stand in the file: ZK's attlog.dat, and CSV.

In: bytes, the file's name, the terminal's zone.  Out: `FilePunch`es, and each line that cannot be read with the reason.
Does not know: the people of the site, the database.
Main choice: the way in which dates are written is settled by the whole file, never line by line, because
03/04/2025 alone says nothing.  A file in which no day is above 12 must be said to be day first or month first.
Trade-off: such a file needs one more click.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from pathlib import PurePath
from zoneinfo import ZoneInfo

from attendance.domain.passage import Direction
from attendance.errors import Phrase, UserError
from attendance.files.csv_files import read_rows, read_text

MOST_LINES = 500_000


class DateOrder(StrEnum):
    """How dates with slashes are written.  AUTO: as the file shows."""

    AUTO = "auto"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True, slots=True)
class FilePunch:
    """One line, from 1.  `user`: as the terminal calls the person.  `at`: aware UTC.  `device`: "" if it is unsaid."""

    line: int
    user: str
    at: datetime
    direction: Direction
    device: str = ""

    def device_or(self, default: str) -> str:
        """Return the terminal's name: `default`, with the machine's number where the line has one of its own."""
        return f"{default} {self.device}".strip()[:100] if self.device else default[:100]


@dataclass(frozen=True, slots=True)
class BadLine:
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class PunchFile:
    """What a file holds.  `form`: "attlog" or "csv".  `device`: the terminal as the file's name has it; "" if unknown.

    `ambiguous`: dates may be day first or month first.  `repeated_hour`: punches in the hour that the clock repeats.
    """

    form: str
    punches: tuple[FilePunch, ...]
    bad: tuple[BadLine, ...]
    device: str
    ambiguous: bool = False
    repeated_hour: int = 0


# 0 check-in, 1 check-out, 2 break out, 3 break in, 4 overtime in, 5 overtime out; 255: nobody pressed a key.
_STATUS = {"0": Direction.IN, "1": Direction.OUT, "2": Direction.OUT, "3": Direction.IN, "4": Direction.IN,
           "5": Direction.OUT, "255": Direction.UNKNOWN}  # fmt: skip
_WORDS = {
    **dict.fromkeys(("in", "i", "checkin", "cin", "entry", "entrance", "arrival", "kommen", "k", "ein", "eingang",
                     "breakin", "overtimein"), Direction.IN),
    **dict.fromkeys(("out", "o", "checkout", "cout", "exit", "departure", "gehen", "g", "aus", "ausgang", "breakout",
                     "overtimeout"), Direction.OUT),
    **dict.fromkeys(("", "-", "unknown"), Direction.UNKNOWN),
}  # fmt: skip
# Today's name of a column, and what terminals and programs call it; compared without signs and spaces.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "user": ("userid", "user", "staffnumber", "externalid", "employee", "employeeid", "employeecode", "empcode", "pin",
             "enrollnumber", "acno", "no", "personnelid", "personnelnumber", "badge", "personalnummer",
             "ausweisnummer", "mitarbeiter"),
    "timestamp": ("timestamp", "datetime", "dateandtime", "punchtime", "checktime", "zeitpunkt", "zeitstempel",
                  "datumuhrzeit", "attendancetime"),
    "date": ("date", "datum", "day", "punchdate"),
    "time": ("time", "uhrzeit", "zeit", "clock"),
    "direction": ("status", "state", "direction", "logtype", "inout", "type", "punch", "punchstate", "checktype",
                  "richtung", "buchungsart", "kommengehen", "inoutmode"),
    "device": ("device", "deviceid", "locationdeviceid", "terminal", "terminalid", "machine", "machineno", "sn",
               "devicename", "location", "geraet", "gerät"),
}  # fmt: skip
_COLUMN = {name: column for column, names in _NAMES.items() for name in names}
_LONG_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_SHORT_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp])?\.?[Mm]?\.?")
_OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})\Z")


def read_punches(
    data: bytes, name: str, zone: ZoneInfo, *, order: DateOrder = DateOrder.AUTO, directions: bool = True
) -> PunchFile:
    """Return the punches of a file; UserError if it is neither an attlog.dat nor a CSV with the columns needed.

    `zone`: of the terminal's clock.  `directions` False: what the file says about in and out is left out, because
    at many terminals nobody presses a key.
    """
    where = PurePath(name).name or Phrase("the file")
    text = read_text(data, where)
    first = next((line for line in text.splitlines() if line.strip()), "")
    rows = _attlog(text) if _is_attlog(first) else None
    form = "csv" if rows is None else "attlog"
    if rows is None:
        rows = _csv(data, where)
    if len(rows) > MOST_LINES:
        raise UserError(
            "%(where)s has %(count)s lines: split it into files of at most %(most)s",
            where=where,
            count=len(rows),
            most=MOST_LINES,
        )
    if not rows:
        raise UserError("%(where)s holds no check-ins", where=where)
    settled = order if order is not DateOrder.AUTO else _order_of([row.stamp for row in rows])
    reader = _Reader(zone, settled or DateOrder.DAY_FIRST, directions)
    for row in rows:
        reader.take(row)
    return PunchFile(form, tuple(reader.punches), tuple(reader.bad), _device_of(name), settled is None, reader.repeated)


@dataclass(frozen=True, slots=True)
class _Line:
    line: int
    user: str
    stamp: str
    direction: str
    device: str


class _Reader:
    """Lines become punches one after the other; a terminal's clock goes on between two of them."""

    def __init__(self, zone: ZoneInfo, order: DateOrder, directions: bool) -> None:
        self.zone, self.order, self.directions = zone, order, directions
        self.punches: list[FilePunch] = []
        self.bad: list[BadLine] = []
        self.before: dict[str, datetime] = {}
        self.repeated = 0

    def take(self, row: _Line) -> None:
        try:
            if not row.user:
                raise UserError("the user is missing")
            at = self._instant(row)
            direction = _direction(row.direction) if self.directions else Direction.UNKNOWN
        except UserError as error:
            self.bad.append(BadLine(row.line, error.words))
            return
        self.before[row.device] = at
        self.punches.append(FilePunch(row.line, row.user, at, direction, row.device))

    def _instant(self, row: _Line) -> datetime:
        found = _parse(row.stamp, self.order)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        first = found.replace(tzinfo=self.zone).astimezone(UTC)
        if first.astimezone(self.zone).replace(tzinfo=None) != found:
            raise UserError(
                "%(stamp)s never was: the clock went forward then; the terminal's clock did not", stamp=row.stamp
            )
        second = found.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        if second == first:
            return first
        self.repeated += 1
        # In the hour that the clock repeats: the second one, if this terminal was past the first one before.  A line
        # before this one that is later than both is of a file in another order, by person say, and tells nothing.
        before = self.before.get(row.device)
        return second if before is not None and first < before <= second else first


def _is_attlog(line: str) -> bool:
    cells = line.split("\t")
    return len(cells) >= 3 and bool(_LONG_DATE.match(cells[1].strip())) and not cells[0].strip().startswith('"')


def _attlog(text: str) -> list[_Line]:
    """Read user, time, machine, status, verify, work code; a file of other than six columns lacks the machine."""
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        with_machine = len(cells) == 6
        device, status = (cells[2], cells[3]) if with_machine else ("", cells[2] if len(cells) > 2 else "")
        rows.append(_Line(number, cells[0], cells[1] if len(cells) > 1 else "", status, device))
    return rows


def _csv(data: bytes, where: str) -> list[_Line]:
    rows = read_rows(data, where)
    head = [_COLUMN.get(re.sub(r"[^\w]|_", "", cell.casefold()), "") for cell in rows[0][1]] if rows else []
    if "user" not in head or not {"timestamp", "time"} & set(head):
        raise UserError(
            "%(where)s: the first line must name the columns: user_id (or staff_number), and timestamp (or date "
            "and time); status and device may follow",
            where=where,
        )
    place = {column: number for number, column in reversed(list(enumerate(head))) if column}
    found = []
    for line, cells in rows[1:]:
        value = {column: cells[number] if number < len(cells) else "" for column, number in place.items()}
        stamp = value.get("timestamp") or f"{value.get('date', '')} {value.get('time', '')}".strip()
        found.append(_Line(line, value["user"], stamp, value.get("direction", ""), value.get("device", "")))
    return found


def _order_of(stamps: Sequence[str]) -> DateOrder | None:
    """Return how dates with slashes or dashes are written; None if the file does not show it."""
    short = [found for stamp in stamps if (found := _SHORT_DATE.match(stamp.strip())) and found[2] != "."]
    if any(int(found[1]) > 12 for found in short) or not short:
        return DateOrder.DAY_FIRST
    return DateOrder.MONTH_FIRST if any(int(found[3]) > 12 for found in short) else None


def _parse(stamp: str, order: DateOrder) -> datetime:
    """Return the time of a stamp, naive unless it has an offset; UserError if it is not valid."""
    text = stamp.strip()
    if (found := _LONG_DATE.match(text)) is not None:
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    elif (found := _SHORT_DATE.match(text)) is not None:
        month_first = found[2] != "." and order is DateOrder.MONTH_FIRST
        day, month = (int(found[3]), int(found[1])) if month_first else (int(found[1]), int(found[3]))
        year = int(found[4])
    else:
        raise _unread(stamp)
    rest = text[found.end() :].lstrip(" T,;")
    offset = _OFFSET.search(rest)
    clock = _TIME.fullmatch(rest[: offset.start()].strip() if offset else rest)
    if clock is None:
        raise _unread(stamp)
    hour = int(clock[1])
    if clock[4]:
        if not 1 <= hour <= 12:
            raise _unread(stamp)
        hour = hour % 12 + (12 if clock[4].lower() == "p" else 0)
    try:
        naive = datetime.combine(datetime(year, month, day).date(), time(hour, int(clock[2]), int(clock[3] or 0)))  # noqa: DTZ001
        if not 1990 <= year < 2100:
            raise ValueError
        return datetime.fromisoformat(naive.isoformat() + offset[0]) if offset else naive
    except ValueError:
        raise _unread(stamp) from None


def _unread(stamp: str) -> UserError:
    return UserError(
        "%(stamp)s is not a valid time: write it as 2025-06-02 08:58:03 or 02.06.2025 08:58",
        stamp=stamp or Phrase("an empty cell"),
    )


def _direction(text: str) -> Direction:
    key = re.sub(r"[^\w]|_", "", text.casefold())
    found = _STATUS.get(key, _WORDS.get(key))
    if found is None:
        raise UserError("%(text)s is not a known direction: use in and out, or a terminal's 0 to 5", text=text)
    return found


def _device_of(name: str) -> str:
    """Return the terminal's number, as it names its file: 1_attlog.dat."""
    stem = PurePath(name).stem
    before, _sign, rest = stem.rpartition("_")
    return before if rest.lower() in ("attlog", "attlogs") else ""
