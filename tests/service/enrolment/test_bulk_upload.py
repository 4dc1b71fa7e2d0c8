"""An uploaded archive is taken for hostile: nothing leads elsewhere or grows too large, and each file is told."""

from __future__ import annotations

import errno
import struct
import zipfile
from pathlib import Path

import pytest

from attendance.errors import UserError
from attendance.service.enrolment.bulk_sources import read_entries
from attendance.service.enrolment.bulk_upload import Limits, Unpacked, unpack, usable_name
from tests.factories import ANNA, BERT, make_photo

PHOTO = make_photo(ANNA)


def archive(root: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = root / "people.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return path


def unpacked(root: Path, *members: tuple[str | zipfile.ZipInfo, bytes], limits: Limits | None = None) -> Unpacked:
    return unpack([archive(root / "in", *members)], root / "out", limits or Limits())


def left_out(it: Unpacked) -> dict[str, str]:
    return {one.file: one.words for one in it.left_out}


def everything_in(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_folders_of_people_come_out_as_they_were_packed(tmp_path: Path) -> None:
    it = unpacked(tmp_path, ("Anna_Berg/1.png", PHOTO), ("Bert Lind/a.PNG", make_photo(BERT)))

    assert [(entry.name, len(entry.photos)) for entry in read_entries(it.source, inside=True)] == [
        ("Anna Berg", 1),
        ("Bert Lind", 1),
    ]
    assert it.left_out == ()


def test_one_folder_around_everything_is_looked_through(tmp_path: Path) -> None:
    it = unpacked(tmp_path, ("staff/Anna/1.png", PHOTO), ("staff/Bert/1.png", PHOTO), ("staff/.DS_Store", b"x"))

    assert [entry.name for entry in read_entries(it.source, inside=True)] == ["Anna", "Bert"]
    assert it.left_out == ()  # what systems leave behind is no news


def test_a_list_in_the_archive_names_its_photos(tmp_path: Path) -> None:
    rows = b"name,photos,staff_number\nAnna,photos/1.png|photos/2.png,E-1\n"
    it = unpacked(tmp_path, ("staff/list.csv", rows), ("staff/photos/1.png", PHOTO), ("staff/photos/2.png", PHOTO))
    (entry,) = read_entries(it.source, inside=True)

    assert (entry.name, entry.staff_number, len(entry.photos)) == ("Anna", "E-1", 2)


@pytest.mark.parametrize(
    "name",
    [
        "../Anna/1.png",
        "Anna/../../1.png",
        "/etc/1.png",
        "..\\..\\Anna\\1.png",
        "C:\\Anna\\1.png",
        "C:/Anna/1.png",
        "\\\\server\\share\\1.png",
    ],
)
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    it = unpacked(tmp_path, (name, PHOTO), ("Bert/1.png", PHOTO))

    assert everything_in(tmp_path) == {"in/people.zip", "out/Bert/1.png"}
    assert list(left_out(it).values()) == ["leads out of the archive"]


def test_a_link_is_no_photo_whatever_it_is_called(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("Anna/1.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    it = unpacked(tmp_path, (link, b"/etc/passwd"), ("Bert/1.png", PHOTO))

    assert left_out(it) == {"Anna/1.png": "is a link, not a file"}
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Anna/letter.pdf", "is not a readable photo"),
        ("Anna/photo.heic", "is not a readable photo"),
        ("Anna/more.zip", "is not a readable photo"),
        ("loose.png", "is not in a person’s folder"),
        ("Anna/2024/1.png", "is too deep"),
        ("Anna/list.csv", "is a list inside a folder"),
        ("Anna/a\x1bb.png", "has a name that cannot be used"),
        ("Anna/" + "x" * 300 + ".png", "has a name that cannot be used"),
        ("/".join("abcdefghi") + "/1.png", "has a name that cannot be used"),
        ("bert/1.png", "is in the archive twice"),
        ("Bert/1.png/2.png", "is too deep"),
    ],
)
def test_a_file_that_cannot_be_used_is_left_out_and_told(tmp_path: Path, name: str, words: str) -> None:
    it = unpacked(tmp_path, ("Bert/1.png", PHOTO), (name, PHOTO))

    assert [one.words.startswith(words) for one in it.left_out] == [True]
    assert [entry.name for entry in read_entries(it.source, inside=True)] == ["Bert"]


def test_a_locked_or_damaged_photo_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    path = archive(tmp_path / "in", ("Anna/1.png", PHOTO), ("Bert/1.png", PHOTO), ("Cleo/1.png", PHOTO))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as packed:
        _, damaged, _ = packed.infolist()
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1  # the table of contents says: with a password
    data[damaged.header_offset + 30 + len(damaged.filename) + 20] ^= 0xFF
    path.write_bytes(bytes(data))
    it = unpack([path], tmp_path / "out")

    assert left_out(it) == {"Anna/1.png": "is locked with a password", "Bert/1.png": "is damaged"}
    assert everything_in(tmp_path / "out") == {"Cleo/1.png"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_photo_is_left_out_however_it_was_packed(tmp_path: Path, method: int) -> None:
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w", method) as packed:
        for name in ("Anna/1.png", "Bert/1.png"):
            packed.writestr(name, PHOTO)
        at = packed.infolist()[0].header_offset + 30 + len("Anna/1.png")
    whole = path.read_bytes()
    for number, place in enumerate((4, 20, 40, 60)):
        data = bytearray(whole)
        data[at + place] ^= 0xFF
        path.write_bytes(bytes(data))
        it = unpack([path], tmp_path / f"out{number}")
        assert set(left_out(it)) == {"Anna/1.png"}, place
        assert everything_in(tmp_path / f"out{number}") == {"Bert/1.png"}


def test_a_disk_that_fails_stops_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    path = archive(tmp_path / "in", ("Anna/1.png", PHOTO))
    monkeypatch.setattr(zipfile.ZipExtFile, "read", full)
    with pytest.raises(UserError, match="disk is not full"):
        unpack([path], tmp_path / "out")


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    limits = Limits(unpacked=200_000, photo=150_000)
    with pytest.raises(UserError, match="unpacks to more than"):
        unpacked(tmp_path, *((f"Anna/{number}.png", bytes(100_000)) for number in range(50)), limits=limits)

    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*.png")) <= 200_000


def test_a_photo_that_grows_beyond_what_the_archive_says_is_cut_short(tmp_path: Path) -> None:
    path = archive(tmp_path / "in", ("Anna/1.png", bytes(3_000_000)), ("Bert/1.png", PHOTO))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)  # the size that the table of contents claims
    path.write_bytes(bytes(data))
    it = unpack([path], tmp_path / "out", Limits(photo=1 << 20))

    assert set(left_out(it)) == {"Anna/1.png"}
    assert everything_in(tmp_path / "out") == {"Bert/1.png"}


@pytest.mark.parametrize("limits", [Limits(files=10), Limits(contents=500)], ids=["files", "contents"])
def test_too_many_files_are_refused_before_any_is_unpacked(tmp_path: Path, limits: Limits) -> None:
    with pytest.raises(UserError, match="send it in several parts"):
        unpacked(tmp_path, *((f"Anna/{number}.png", b"x") for number in range(11)), limits=limits)
    assert everything_in(tmp_path / "out") == set()


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06", b"PK\x03\x04" + bytes(100), PHOTO])
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "people.zip"
    path.write_bytes(data)
    with pytest.raises(UserError, match="not a ZIP archive, or a damaged one"):
        unpack([path], tmp_path / "out")


def test_any_archive_cut_short_or_altered_is_refused_or_read_but_never_a_fault(tmp_path: Path) -> None:
    whole = archive(tmp_path / "in", ("Anna/1.png", PHOTO), ("Bert/1.png", PHOTO)).read_bytes()
    step = max(1, len(whole) // 60)
    variants = [whole[:at] for at in range(0, len(whole), step)]
    variants += [whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :] for at in range(0, len(whole), step)]
    for number, data in enumerate(variants):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(data)
        try:
            unpack([path], tmp_path / f"out{number}")
        except UserError:
            continue
    assert everything_in(tmp_path) >= {"in/people.zip"}


def test_names_that_are_utf8_without_saying_so_are_read_as_they_were_meant(tmp_path: Path) -> None:
    path = archive(tmp_path / "in", ("Jörg/1.png", PHOTO))
    data = path.read_bytes()
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        flags = struct.unpack_from("<H", data, at)[0] & ~0x800
        data = data[:at] + struct.pack("<H", flags) + data[at + 2 :]
    path.write_bytes(data)
    it = unpack([path], tmp_path / "out")

    assert [entry.name for entry in read_entries(it.source, inside=True)] == ["Jörg"]


def test_a_list_may_come_with_its_photos_beside_it(tmp_path: Path) -> None:
    for name, data in (("list.csv", b"name,photos\nAnna,1.png\n"), ("1.png", PHOTO), ("x.txt", b"x")):
        (tmp_path / name).write_bytes(data)
    it = unpack(sorted(tmp_path.iterdir()), tmp_path / "out")

    assert [entry.name for entry in read_entries(it.source, inside=True)] == ["Anna"]
    assert set(left_out(it)) == {"x.txt"}


@pytest.mark.parametrize("photo", ["/etc/passwd", "../secret.png", "photos/../../secret.png", "a\x00.png"])
def test_a_list_from_elsewhere_cannot_name_files_of_this_computer(tmp_path: Path, photo: str) -> None:
    (tmp_path / "secret.png").write_bytes(PHOTO)
    rows = f"name,photos\nAnna,{photo}\n".encode()
    it = unpacked(tmp_path / "up", ("list.csv", rows), ("photos/1.png", PHOTO))
    with pytest.raises(UserError, match=r"does not lie in the folder of the list|there is no file|is not text"):
        read_entries(it.source, inside=True)


@pytest.mark.parametrize(
    "names", [[], ["1.png"], ["a.zip", "b.zip"], ["a.csv", "b.csv"], ["a.zip", "a.csv"], ["a.txt"]]
)
def test_other_mixtures_are_refused_with_what_to_send_instead(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UserError, match="one ZIP file with a folder for each person"):
        unpack([tmp_path / name for name in names], tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.zip", "a.zip"),
        ("C:\\fakepath\\a.zip", "a.zip"),
        ("../../a.zip", "a.zip"),
        ("..", None),
        ("", None),
        ("a/", None),
        ("a\n.zip", None),
    ],
)
def test_the_name_of_an_upload_is_its_last_part(name: str, expected: str | None) -> None:
    assert usable_name(name) == expected
