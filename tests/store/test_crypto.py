"""Sealed templates open for the right key, person and model only."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from attendance.errors import UserError
from attendance.store.crypto import Damaged, Keys, WrongMasterKey, load_keys, new_master_key
from tests.factories import MODEL, make_template


def test_a_template_comes_back_exactly(keys: Keys) -> None:
    wrapped, key = keys.make_data_key(7)
    template = make_template(1)
    opened = keys.unwrap(wrapped, 7).open(key.seal(template), MODEL)
    assert np.array_equal(opened.vector, template.vector)
    assert opened.model_id == MODEL


def test_sealing_twice_gives_different_bytes(keys: Keys) -> None:
    _, key = keys.make_data_key(7)
    assert key.seal(make_template(1)) != key.seal(make_template(1))


def test_the_embedding_is_not_in_the_sealed_bytes(keys: Keys) -> None:
    _, key = keys.make_data_key(7)
    template = make_template(1)
    assert template.vector.tobytes()[:16] not in key.seal(template)


def test_a_template_moved_to_another_person_or_model_does_not_open(keys: Keys) -> None:
    wrapped, key = keys.make_data_key(7)
    sealed = key.seal(make_template(1))
    with pytest.raises(Damaged):
        key.open(sealed, "another-model")
    with pytest.raises(WrongMasterKey):
        keys.unwrap(wrapped, 8)


@pytest.mark.parametrize("position", [0, 1, 20, -1])
def test_a_changed_byte_is_noticed(keys: Keys, position: int) -> None:
    _, key = keys.make_data_key(7)
    sealed = bytearray(key.seal(make_template(1)))
    sealed[position] ^= 1
    with pytest.raises(Damaged):
        key.open(bytes(sealed), MODEL)


@pytest.mark.parametrize("length", [0, 1, 12, 20])
def test_cut_bytes_are_damage(keys: Keys, length: int) -> None:
    _, key = keys.make_data_key(7)
    with pytest.raises(Damaged):
        key.open(key.seal(make_template(1))[:length], MODEL)


def test_another_master_key_is_told(keys: Keys) -> None:
    wrapped, _ = keys.make_data_key(7)
    with pytest.raises(WrongMasterKey, match="does not fit this database"):
        Keys(bytes(32)).unwrap(wrapped, 7)


def test_a_new_key_file_is_for_its_owner_only_and_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "var" / "master.key"
    made = load_keys(file, {})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_keys(file, {}).fingerprint == made.fingerprint
    assert [one.name for one in file.parent.iterdir()] == ["master.key"]


def test_programs_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from attendance.store.crypto import load_keys; "
        "print(load_keys(pathlib.Path(sys.argv[1]), {}).fingerprint)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "master.key")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {process.communicate(timeout=60)[0] for process in running}
    assert len(found) == 1
    assert len(found.pop().strip()) == 32


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    text = new_master_key()
    named = tmp_path / "credential"
    named.write_text(text + "\n")
    by_text = load_keys(tmp_path / "unused.key", {"ATTENDANCE_MASTER_KEY": text})
    by_file = load_keys(tmp_path / "unused.key", {"ATTENDANCE_MASTER_KEY_FILE": str(named)})
    assert by_text.fingerprint == by_file.fingerprint
    assert not (tmp_path / "unused.key").exists()


@pytest.mark.parametrize("content", ["", "short", "not base64 at all!!", "ü" * 44])
def test_a_file_without_a_key_is_the_users_to_mend(tmp_path: Path, content: str) -> None:
    file = tmp_path / "master.key"
    file.write_text(content)
    with pytest.raises(UserError, match=r"master\.key"):
        load_keys(file, {})
    assert file.read_text() == content


def test_a_missing_key_is_not_replaced_when_data_depend_on_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="restore it from its backup"):
        load_keys(tmp_path / "master.key", {}, may_create=False)
    with pytest.raises(UserError, match="cannot read"):
        load_keys(tmp_path / "master.key", {"ATTENDANCE_MASTER_KEY_FILE": str(tmp_path / "nowhere")})
    assert list(tmp_path.iterdir()) == []


def test_a_key_does_not_print_itself(keys: Keys) -> None:
    assert bytes(range(32)).hex() not in repr(keys)
    assert repr(keys) == f"Keys({keys.fingerprint})"


def test_what_is_derived_from_a_key_differs_by_key_and_purpose(keys: Keys) -> None:
    other = Keys(bytes(32))
    assert len({keys.fingerprint, other.fingerprint}) == 2
    assert len({keys.cookie_secret, other.cookie_secret}) == 2
    assert not keys.cookie_secret.startswith(keys.fingerprint)
