"""Whom to enrol from which photos: a folder with a folder for each person, or a CSV file.

In: a path.  Out: `Entry`s, each person once, whose photos exist.
Does not know: what is on a photo, who is enrolled already.
Main choice: everything that can be wrong with the list itself is found before the first photo is looked at.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from attendance.deprecation import warn_renamed
from attendance.domain.people.names import composed
from attendance.errors import UserError
from attendance.files.csv_files import CsvRow, read_table

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
COLUMNS = ("name", "photos", "staff_number", "department", "consent")
# Old header → new header; the old one is accepted with a warning.
RENAMED = {"external_id": "staff_number"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One person.  `where`: the folder or the line of the file, for messages."""

    name: str
    photos: tuple[Path, ...]
    where: str
    staff_number: str | None = None
    department: str = ""
    consent: str | None = None


def read_entries(source: Path, *, inside: bool = False) -> list[Entry]:
    """Return the entries by name, or in the file's order; UserError if the list is unreadable, empty or contradictory.

    `inside`: a CSV file may name only photos in its own folder, as when it comes from somebody else's computer.
    """
    try:
        entries = _from_folder(source) if source.is_dir() else _from_csv(source, inside)
    except OSError as error:
        raise UserError(
            "cannot read %(filename)s: %(strerror)s", filename=error.filename or source, strerror=error.strerror
        ) from error
    if not entries:
        raise UserError(
            "%(source)s names nobody: give a folder with a folder of photos for each person, or a CSV file",
            source=source,
        )
    return entries


def _from_folder(source: Path) -> list[Entry]:
    inside = sorted(path for path in source.iterdir() if not path.name.startswith("."))
    loose = [path for path in inside if path.is_file() and path.suffix.lower() in SUFFIXES]
    if loose:
        raise UserError(
            "%(photo)s is not in a person's folder: make a folder for each person, named as the person", photo=loose[0]
        )
    entries = []
    for folder in (path for path in inside if path.is_dir()):
        photos = tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()))
        name = " ".join(composed(folder.name).replace("_", " ").split())
        entries.append(Entry(name, photos, folder.name))
    _require_distinct(entries)
    return entries


def _from_csv(source: Path, inside: bool) -> list[Entry]:
    table = read_table(
        source.read_bytes(), str(source), needed=("name", "photos"), known=COLUMNS,
        rename=lambda column: _current_name(source, column),
    )  # fmt: skip
    people: dict[str, Entry] = {}
    for row in table.rows:
        entry = _entry(row, source, inside)
        key = f"id {entry.staff_number}" if entry.staff_number else f"name {entry.name.lower()}"
        people[key] = _joined(people[key], entry) if key in people else entry
    entries = list(people.values())
    _require_distinct(entry for entry in entries if entry.staff_number is None)
    return entries


def _current_name(source: Path, column: str) -> str:
    if column in RENAMED:
        warn_renamed(str(source), column, RENAMED[column])
    return RENAMED.get(column, column)


def _entry(row: CsvRow, source: Path, inside: bool) -> Entry:
    line, text = row.line, {name: " ".join(value.split()) for name, value in row.cells.items()}
    if not text["name"]:
        raise UserError("%(source)s line %(line)s: has no name", source=source, line=line)
    photos = tuple(_photo(source.parent, name.strip()) for name in text["photos"].split("|") if name.strip())
    for photo in photos:
        nameable = "\0" not in str(photo)
        if inside and nameable and not photo.resolve().is_relative_to(source.parent.resolve()):
            raise UserError(
                "%(source)s line %(line)s: %(photo)s does not lie in the folder of the list",
                source=source,
                line=line,
                photo=photo,
            )
        if not nameable or not photo.is_file():
            raise UserError(
                "%(source)s line %(line)s: there is no file %(photo)s", source=source, line=line, photo=photo
            )
    return Entry(
        text["name"],
        photos,
        f"line {line}",
        text.get("staff_number") or None,
        text.get("department", ""),
        text.get("consent") or None,
    )


def _photo(folder: Path, name: str) -> Path:
    """Return the path of a photo, also if the file's name has letters and marks apart, as a Mac writes them."""
    path = folder / name
    apart = folder / unicodedata.normalize("NFD", name)
    return apart if "\0" not in name and not path.is_file() and apart.is_file() else path


def _joined(entry: Entry, further: Entry) -> Entry:
    """Return one entry of two lines about a person; UserError if they contradict each other."""
    for column in ("name", "department", "consent"):
        one, other = getattr(entry, column), getattr(further, column)
        if one and other and one != other:
            raise UserError(
                "%(where)s: another %(column)s for %(name)s than on %(earlier)s",
                where=further.where,
                column=column,
                name=entry.name,
                earlier=entry.where,
            )
    return replace(
        entry,
        photos=entry.photos + tuple(photo for photo in further.photos if photo not in entry.photos),
        department=entry.department or further.department,
        consent=entry.consent or further.consent,
    )


def _require_distinct(entries: Iterable[Entry]) -> None:
    known: dict[str, Entry] = {}
    for entry in entries:
        earlier = known.setdefault(entry.name.lower(), entry)
        if earlier is not entry:
            raise UserError(
                "%(earlier)s and %(where)s both name %(name)s: join them, or give ids in a CSV",
                earlier=earlier.where,
                where=entry.where,
                name=entry.name,
            )
