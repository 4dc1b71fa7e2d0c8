"""The files of a door's program: whole or not at all, nobody else's, and torn records harm no other."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from attendance.store.access import edge_files
from attendance.store.access.edge_files import PLACE, PLACES, Forged, LogFull, RecordLog, RulesFile, edge_folder
from attendance.store.crypto import Keys

OTHER = Keys(bytes(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return edge_folder(tmp_path, "front door")


def kept(keys: Keys, folder: Path, *texts: str) -> RecordLog:
    log = RecordLog(keys, folder, "front door")
    for text in texts:
        log.append({"text": text})
    return log


def again(keys: Keys, log: RecordLog) -> RecordLog:
    """The log as the next program finds it."""
    log.close()
    return RecordLog(keys, log.path.parent, "front door")


def texts(log: RecordLog) -> list[str]:
    return [record["text"] for record in log.read().records]


def test_a_copy_of_the_rules_is_read_again_and_nobody_else_may_read_it(keys: Keys, folder: Path) -> None:
    rules = RulesFile(keys, folder, "front door")
    assert rules.read() is None
    rules.write({"secret": "ann"})
    rules.write({"secret": "ann", "more": [1, 2]})

    assert rules.read() == {"secret": "ann", "more": [1, 2]}
    assert b"ann" not in rules.path.read_bytes()
    assert (rules.path.stat().st_mode & 0o77, folder.stat().st_mode & 0o77) == (0, 0)
    assert [path.name for path in folder.iterdir()] == ["rules"]


@pytest.mark.parametrize("how", ["a byte", "cut", "another site's", "another camera's", "emptied"])
def test_a_copy_that_somebody_changed_is_forged(keys: Keys, folder: Path, how: str) -> None:
    rules = RulesFile(keys, folder, "front door")
    rules.write({"a": 1})
    content = bytearray(rules.path.read_bytes())
    if how == "a byte":
        content[20] ^= 1
        rules.path.write_bytes(content)
    elif how == "cut":
        rules.path.write_bytes(content[:-3])
    elif how == "another site's":
        RulesFile(OTHER, folder, "front door").write({"a": 1})
    elif how == "another camera's":
        RulesFile(keys, folder, "back door").write({"a": 1})
    else:
        rules.path.write_bytes(b"")

    with pytest.raises(Forged):
        rules.read()


def test_records_survive_the_program_in_their_order(keys: Keys, folder: Path) -> None:
    log = again(keys, kept(keys, folder, "a", "b"))
    log.append({"text": "ç" * 400})

    assert texts(again(keys, log)) == ["a", "b", "ç" * 400]
    assert b"text" not in log.path.read_bytes()


def test_a_log_that_was_brought_in_holds_nothing_any_more(keys: Keys, folder: Path) -> None:
    log = kept(keys, folder, "a", "b")
    log.clear()

    assert not any(log.path.read_bytes())
    log.append({"text": "c"})
    assert texts(again(keys, log)) == ["c"]


@pytest.mark.parametrize("sectors", [1, 2])
def test_a_torn_record_is_left_out_and_the_next_is_kept(keys: Keys, folder: Path, sectors: int) -> None:
    log = kept(keys, folder, "a", "b" * 1200)
    with log.path.open("r+b") as file:
        file.seek(PLACE + 512 * sectors)
        file.write(bytes(PLACE - 512 * sectors))

    found = again(keys, log)
    assert found.read() == edge_files.Found([{"text": "a"}], forged=0)
    found.append({"text": "c"})
    assert texts(again(keys, found)) == ["a", "c"]


def test_a_record_that_somebody_changed_moved_or_made_is_forged(keys: Keys, folder: Path) -> None:
    log = kept(keys, folder, "a", "b", "c")
    content = bytearray(log.path.read_bytes())
    content[30] ^= 1
    content[PLACE : 2 * PLACE] = content[2 * PLACE : 3 * PLACE]
    log.path.write_bytes(content)

    assert log.read() == edge_files.Found([{"text": "c"}], forged=2)


def test_one_program_at_a_time_has_the_log(keys: Keys, folder: Path) -> None:
    log = kept(keys, folder)
    with pytest.raises(BlockingIOError):
        RecordLog(keys, folder, "front door")
    log.close()
    RecordLog(keys, folder, "front door").close()


def test_the_log_has_its_full_length_from_the_start_and_takes_no_more(
    keys: Keys, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_files, "PLACES", 3)
    log = kept(keys, folder, "a", "b", "c")

    assert log.path.stat().st_blocks * 512 >= 3 * PLACE
    assert not log.room_for(1)
    with pytest.raises(LogFull):
        log.append({"text": "d"})
    assert PLACES * PLACE == 1_572_864


def test_a_record_too_long_for_its_place_is_refused(keys: Keys, folder: Path) -> None:
    log = kept(keys, folder)
    with pytest.raises(LogFull):
        log.append({"text": "x" * PLACE})
    assert log.used == 0


def test_what_could_not_be_flushed_is_not_found_later(
    keys: Keys, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = kept(keys, folder, "a")

    def fail(_file: int) -> None:
        raise OSError(errno.EIO, "the disk fails")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="the disk fails"):
            log.append({"text": "denied"})
    assert texts(again(keys, log)) == ["a"]


def test_two_names_never_share_a_folder(tmp_path: Path) -> None:
    assert edge_folder(tmp_path, "a/b") != edge_folder(tmp_path, "a?b")
    shutil.rmtree(tmp_path)
