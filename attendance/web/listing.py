"""Long tables: one way of sorting, searching, paging and choosing for all of them.

In: rows, their columns, the address.  Out: a `Listing` that `templates/tables.html` draws; the ids that were chosen.
Does not know: what a row is.
Main choice: rows are sorted and searched in memory, so that letters compare as people expect (`names.sort_key`)
in SQLite and PostgreSQL, and a computed column sorts like a stored one.  Trade-off: the caller reads all rows;
of 5,000 people that takes some hundredths of a second.  The log, which grows without end, pages by its ids.

The address holds everything: `q` the search, `sort` a column (`-` before it: from the highest), `page`, `size`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import request
from werkzeug.datastructures import MultiDict

from attendance.domain.people.names import matches, sort_key
from attendance.web.forms import clean_line, whole_number

Row = TypeVar("Row")
Id = TypeVar("Id", int, str)

SIZES = (25, 50, 100, 250)
MOST_TEXT = 200
_OURS = ("q", "sort", "page", "size")


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column that sorts.  `title`: marked for translation.  `value`: None stands last, whichever way it sorts."""

    key: str
    title: str
    value: Callable[[Row], Any]
    numeric: bool = False


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """One page of a table.

    `rows`: of this page.  `found`: all that the search found, in order.  `total`: how many there are without it.
    """

    rows: Sequence[Row]
    found: Sequence[Row]
    total: int
    columns: Sequence[Column[Row]]
    text: str
    sort: str
    descending: bool
    number: int
    pages: int
    size: int
    args: Sequence[tuple[str, str]] = field(default=())

    @property
    def first(self) -> int:
        """The number of this page's first row, from 1; 0 if nothing was found."""
        return (self.number - 1) * self.size + 1 if self.found else 0

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1 if self.found else 0

    @property
    def sorted_by(self) -> str:
        """The address's `sort`, such as -worked."""
        return f"-{self.sort}" if self.descending else self.sort

    @property
    def sizes(self) -> tuple[int, ...]:
        return SIZES

    def column(self, key: str) -> Column[Row]:
        return next(column for column in self.columns if column.key == key)

    def address(self, **changes: object) -> str:
        """Return this page's address with other parameters; without `page`, the first page."""
        mine = {"q": self.text, "sort": self.sorted_by, "size": self.size} | changes
        kept = [pair for pair in self.args if pair[0] not in mine]
        query = urlencode([*kept, *((name, str(value)) for name, value in mine.items() if value not in (None, ""))])
        return f"{request.script_root}{request.path}?{query}"

    def turned(self, key: str) -> str:
        """Return the address that sorts by this column: from the lowest, and the other way if it does already."""
        numeric = self.column(key).numeric
        down = not self.descending if key == self.sort else numeric  # of figures, the highest come first
        return self.address(sort=f"-{key}" if down else key)


def listing_of(
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    texts: Callable[[Row], Sequence[str]],
    *,
    sort: str = "",
    size: int = SIZES[0],
    args: MultiDict[str, str] | None = None,
) -> Listing[Row]:
    """Search, sort and page `rows` as the address says; what it says wrongly is left out.

    `texts`: what the search looks at in a row.  `sort`: the order without one in the address; "": as given.
    """
    args = request.args if args is None else args
    text = clean_line(args.get("q", ""))[:MOST_TEXT]
    wanted = args.get("sort", "") or sort
    key, down = wanted.removeprefix("-"), wanted.startswith("-")
    if key not in {column.key for column in columns}:
        key, down = sort.removeprefix("-"), sort.startswith("-")
    found = search(rows, text, texts)
    for column in columns:
        if column.key == key:
            found = _sorted(found, column.value, down)
    each = args.get("size", size, type=whole_number)
    each = each if each in SIZES else size
    pages = max(1, -(-len(found) // each))
    number = min(max(1, args.get("page", 1, type=whole_number)), pages)
    others = [(name, value) for name, value in args.items(multi=True) if name not in _OURS]
    return Listing(
        found[(number - 1) * each : number * each], found, len(rows), columns, text, key, down, number, pages, each,
        others,
    )  # fmt: skip


def listed_at() -> str:
    """Return the present page with its search, order and page, for a form to carry; empty if it has none of them."""
    kept = [pair for pair in request.args.items(multi=True) if pair[0] in _OURS]
    return f"{request.script_root}{request.path}?{urlencode(kept)}" if kept else ""


def listed(target: str) -> str:
    """Return the address with the search, order and page that the form's list had, if the form came from there."""
    parts, here = urlsplit(target), urlsplit(clean_line(request.form.get("listed", ""))[:1000])
    own = parse_qsl(parts.query)
    known = {name for name, _value in own}
    kept = [pair for pair in parse_qsl(here.query) if pair[0] in _OURS and pair[0] not in known]
    if here.path != parts.path or not kept:
        return target
    return parts._replace(query=urlencode([*own, *kept])).geturl()


def search(rows: Sequence[Row], text: str, texts: Callable[[Row], Sequence[str]]) -> Sequence[Row]:
    """Return the rows in which every word of `text` is found."""
    return [row for row in rows if matches(text, *texts(row))] if text.strip() else rows


def chosen_of(
    form: MultiDict[str, str], rows: Sequence[Row], texts: Callable[[Row], Sequence[str]],
    id_of: Callable[[Row], Id], name: str = "person",
) -> list[Id]:  # fmt: skip
    """Return the ids that a form's ticks chose: each one by itself, or all that its search found.

    An id that is not among `rows` is left out: it may have gone meanwhile, or not be this operator's to choose.
    """
    if form.get("every") == "yes":
        return [id_of(row) for row in search(rows, clean_line(form.get("q", ""))[:MOST_TEXT], texts)]
    ticked = set(form.getlist(name))
    return [id_of(row) for row in rows if str(id_of(row)) in ticked]


def _sorted(rows: Sequence[Row], value: Callable[[Row], Any], down: bool) -> list[Row]:
    pairs = [(value(row), row) for row in rows]
    known = [pair for pair in pairs if pair[0] is not None]
    known.sort(key=lambda pair: sort_key(pair[0]) if isinstance(pair[0], str) else pair[0], reverse=down)
    return [row for _value, row in known] + [row for found, row in pairs if found is None]


def by_name(rows: Mapping[int, Any], person_id: int) -> str:
    """Return the name to sort by of a person who may have been erased."""
    person = rows.get(person_id)
    return person.name if person is not None else ""
