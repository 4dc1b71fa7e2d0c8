"""What somebody uploads for a bulk enrolment → a folder that `bulk_sources` reads, and what was left out of it.

In: uploaded files in a folder: one ZIP with a folder for each person (or with a CSV file), or a CSV file and its
photos.  Out: an `Unpacked`.
Does not know: the web, what is on a photo.
Main choice: an archive is taken for hostile: nothing is believed that it says of itself (sizes are counted while they
unpack), no entry is written that leads elsewhere, and no more than the limits ever lands on the disk.  A file
that cannot be used is left out and reported; the whole archive is refused only if it is damaged or too large.
"""

from __future__ import annotations

import lzma
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from attendance.errors import UserError
from attendance.service.enrolment.bulk_sources import SUFFIXES
from attendance.service.enrolment.pictures import MAX_BYTES
from attendance.texts import N_
from attendance.texts import gettext as _

_STEP = 1 << 20
_JUNK = {"thumbs.db", "desktop.ini", "__macosx"}
# The record that ends every archive: signature, …, size of the table of contents at byte 12.
_END, _END_SIZE = b"PK\x05\x06", 22
_END_64 = b"PK\x06\x07"
_LINK = 0o120000
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """`upload` and `unpacked`: bytes in all; `files`: in the archive; `contents`: bytes of its table of contents."""

    upload: int = 500 << 20
    unpacked: int = 1 << 30
    files: int = 20_000
    contents: int = 16 << 20
    photo: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was not taken, and why."""

    file: str
    words: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """`source`: the folder or CSV file for `read_entries`; `root`: the folder that everything lies in."""

    source: Path
    root: Path
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class _Member:
    info: zipfile.ZipInfo
    parts: tuple[str, ...]

    @property
    def is_list(self) -> bool:
        return self.parts[-1].lower().endswith(".csv")


def unpack(files: Sequence[Path], target: Path, limits: Limits = Limits()) -> Unpacked:
    """Unpack the uploads into `target`; UserError if they are not such an upload, or too large."""
    archives = [file for file in files if file.suffix.lower() == ".zip"]
    lists = [file for file in files if file.suffix.lower() == ".csv"]
    if len(archives) == 1 and len(files) == 1:
        target.mkdir()
        return _from_archive(archives[0], target, limits)
    if len(lists) == 1 and not archives:
        return _from_list(lists[0], files, limits)
    raise UserError("send one ZIP file with a folder for each person, or one CSV file together with its photos")


def usable_name(text: str) -> str | None:
    """Return the last part of a file's name if it can be a file here, else None."""
    name = text.replace("\\", "/").rsplit("/", 1)[-1].strip()
    return name if _is_usable(name) else None


def _from_list(source: Path, files: Sequence[Path], limits: Limits) -> Unpacked:
    left_out = []
    for file in files:
        if file == source:
            continue
        words = _not_a_photo(file.name) or ("" if file.stat().st_size <= limits.photo else _too_large(limits))
        if words:
            file.unlink()
            left_out.append(LeftOut(file.name, words))
    return Unpacked(source, source.parent, tuple(left_out))


def _from_archive(archive: Path, target: Path, limits: Limits) -> Unpacked:
    _require_small_contents(archive, limits)
    try:
        with zipfile.ZipFile(archive) as packed:
            infos = packed.infolist()
            if len(infos) > limits.files:
                raise UserError(
                    "the archive holds more than %(files)s files: send it in several parts", files=f"{limits.files:,}"
                )
            members, left_out = _members(infos, limits)
            members, misplaced = _placed(members)
            left_out += misplaced
            room = limits.unpacked
            for member in members:
                words, size = _write(packed, member, target, room, limits)
                room -= size
                if words:
                    left_out.append(LeftOut("/".join(member.parts), words))
    except zipfile.BadZipFile as error:
        raise UserError("the file is not a ZIP archive, or a damaged one: pack it again") from error
    except (OSError, ValueError, EOFError, RuntimeError) as error:
        raise UserError("the archive cannot be read: pack it again, and see that the disk is not full") from error
    found = sorted(path for path in target.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    if len(found) > 1:
        raise UserError(
            "%(one)s and %(other)s both lie in the archive: leave one CSV file in it",
            one=found[0].name,
            other=found[1].name,
        )
    return Unpacked(found[0] if found else target, target, tuple(left_out))


def _require_small_contents(archive: Path, limits: Limits) -> None:
    """Raise UserError for a huge table of contents before the library reads it into memory."""
    with archive.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_SIZE - (1 << 16)))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        raise UserError("the file is not a ZIP archive, or a damaged one: pack it again")
    (contents,) = struct.unpack_from("<I", tail, at + 12)
    if contents > limits.contents or tail[max(0, at - 20) : at].startswith(_END_64):
        raise UserError(
            "the archive holds more than %(files)s files or is too large: send it in several parts",
            files=f"{limits.files:,}",
        )


def _members(infos: Sequence[zipfile.ZipInfo], limits: Limits) -> tuple[list[_Member], list[LeftOut]]:
    """Return what may be written, by its name alone; folders and files that systems leave behind are skipped."""
    members: list[_Member] = []
    left_out: list[LeftOut] = []
    seen: set[str] = set()
    for info in infos:
        name = _name(info)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        junk = any(part.lower() in _JUNK or (part.startswith(".") and part != "..") for part in parts)
        if info.is_dir() or not parts or junk:
            continue
        words = _refused(info, name, parts, limits)
        if not words and "/".join(parts).casefold() in seen:
            words = N_("is in the archive twice")
        seen.add("/".join(parts).casefold())
        if words:
            left_out.append(LeftOut(_shown(name), words))
        else:
            members.append(_Member(info, parts))
    return members, left_out


def _refused(info: zipfile.ZipInfo, name: str, parts: tuple[str, ...], limits: Limits) -> str:
    if name.startswith(("/", "\\")) or ".." in parts or parts[0].endswith(":"):
        return N_("leads out of the archive")
    if (info.external_attr >> 16) & 0o170000 == _LINK:
        return N_("is a link, not a file")
    if info.flag_bits & 1:
        return N_("is locked with a password")
    if not all(_is_usable(part) for part in parts) or len(parts) > _DEPTH:
        return N_("has a name that cannot be used")
    if info.file_size > limits.photo:
        return _too_large(limits)
    return "" if parts[-1].lower().endswith(".csv") else _not_a_photo(parts[-1])


def _placed(members: list[_Member]) -> tuple[list[_Member], list[LeftOut]]:
    """Return the members without the one folder around everything, and the files that are misplaced."""
    tops = {member.parts[0] for member in members}
    if len(tops) == 1 and all(
        len(member.parts) > 2 or (len(member.parts) == 2 and member.is_list) for member in members
    ):
        members = [_Member(member.info, member.parts[1:]) for member in members]
    if any(len(member.parts) == 1 and member.is_list for member in members):
        return members, []
    kept, left_out = [], []
    for member in members:
        words = ""
        if member.is_list:
            words = N_("is a list inside a folder: put it beside the folders")
        elif len(member.parts) < 2:
            words = N_("is not in a person’s folder: make a folder for each person, named as the person")
        elif len(member.parts) > 2:
            words = N_("is too deep: put the photos right into the person’s folder")
        if words:
            left_out.append(LeftOut("/".join(member.parts), words))
        else:
            kept.append(member)
    return kept, left_out


def _write(packed: zipfile.ZipFile, member: _Member, target: Path, room: int, limits: Limits) -> tuple[str, int]:
    """Write a member; return why it was left out ("" if it was not) and its bytes.  UserError if all is too large."""
    path = target.joinpath(*member.parts)
    size = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(member.info) as source, path.open("xb") as file:
            while block := _read(source):
                size += len(block)
                if size > room:
                    raise UserError(
                        "the archive unpacks to more than %(unpacked)s MB: send it in several parts",
                        unpacked=f"{limits.unpacked >> 20:,}",
                    )
                if size > limits.photo:
                    break
                file.write(block)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError):
        path.unlink(missing_ok=True)
        return N_("is damaged"), size
    except RuntimeError:  # locked by a password, or (NotImplementedError) by a method that zipfile does not know
        path.unlink(missing_ok=True)
        return N_("is packed in a way that cannot be read here"), size
    except (FileExistsError, NotADirectoryError):
        return N_("has the name of another file or folder"), size
    if size > limits.photo:  # more than the archive said
        path.unlink()
        return _too_large(limits), size
    return "", size


def _read(source: IO[bytes]) -> bytes:
    """Return the next block.  bz2 raises an OSError for damage, too; it has no number, unlike the system's."""
    try:
        return source.read(_STEP)
    except OSError as error:
        if error.errno is not None:
            raise
        raise zipfile.BadZipFile(str(error)) from error


def _name(info: zipfile.ZipInfo) -> str:
    """Return the member's name; some programs write UTF-8 without the flag, and the old code page would spoil it."""
    if not info.flag_bits & 0x800:
        try:
            return info.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return info.filename


def _is_usable(name: str) -> bool:
    bad = any(
        unicodedata.category(letter) in ("Cc", "Cs") or letter in '/\\:\u202a\u202b\u202c\u202d\u202e"'
        for letter in name
    )
    return bool(name) and name not in (".", "..") and not bad and len(name.encode("utf-8", "replace")) <= 200


def _not_a_photo(name: str) -> str:
    if PurePosixPath(name).suffix.lower() in SUFFIXES:
        return ""
    return N_("is not a readable photo: use JPEG, PNG, WebP or BMP")


def _too_large(limits: Limits) -> str:
    return _("is larger than %(size)s MB: use a smaller copy", size=limits.photo >> 20)


def _shown(name: str) -> str:
    text = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in name)
    return text if len(text) <= 120 else text[:80] + "…" + text[-30:]
