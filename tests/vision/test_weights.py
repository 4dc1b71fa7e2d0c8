"""Nothing loads without a card, and nothing that is not what its card says."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attendance.errors import UserError
from attendance.vision import weights
from attendance.vision.weights import Card, Preprocess, WeightsError, load_card, save_card, sha256_of, verify
from tests.vision.networks import RECOGNISER


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    card = Card(
        "net-1",
        "recogniser",
        "tiny",
        112,
        {"net-1.onnx": "ab" * 32},
        Preprocess("BGR", (1.0, 2.0, 3.0), 127.5),
        16,
        [{"name": "a set", "terms": "research"}],
        {"lfw": {"accuracy": 0.9, "pairs": 6000}},
        {"default_threshold": 0.42},
        "own use",
        "2024-05-06",
    )
    save_card(card, tmp_path)
    assert load_card(tmp_path, "net-1") == card
    assert [path.name for path in tmp_path.iterdir()] == ["net-1.json"]


def test_whole_files_are_verified(recogniser: Card, tmp_path: Path) -> None:
    verify(load_card(tmp_path, RECOGNISER), tmp_path)


def test_strangers_on_the_card_are_verified_and_others_may_not_stand_there(recogniser: Card, tmp_path: Path) -> None:
    """Thresholds are computed from them: a changed file would make a wrong one."""
    path = tmp_path / recogniser.strangers
    path.write_bytes(b"strangers")
    card = replace(recogniser, sha256={**recogniser.sha256, path.name: sha256_of(path)})
    verify(card, tmp_path)
    path.write_bytes(b"others")
    with pytest.raises(WeightsError, match="damaged"):
        verify(card, tmp_path)
    path.unlink()
    with pytest.raises(WeightsError, match="missing"):
        verify(card, tmp_path)
    with pytest.raises(ValueError, match="nothing else"):
        replace(recogniser, sha256={**recogniser.sha256, "other.npz": "ab" * 32})


def test_a_file_is_read_once_a_process_and_again_when_it_changed(
    recogniser: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(path: Path) -> str:
        read.append(path.suffix)
        return sha256_of(path)

    monkeypatch.setattr(weights, "sha256_of", counted)
    verify(recogniser, tmp_path)
    verify(recogniser, tmp_path)
    assert sorted(read) == [".onnx", ".safetensors"]
    os.utime(tmp_path / recogniser.graph, ns=(1, 1))
    verify(recogniser, tmp_path)
    assert sorted(read) == [".onnx", ".onnx", ".safetensors"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")


@pytest.mark.parametrize("end", ["onnx", "safetensors"])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "is missing; copy it again"),
        (lambda path: path.write_bytes(b""), "is damaged: it is empty"),
        (cut, "cut off"),
        (flip, "sha256 is not the one on its card"),
        (pointer, "Git LFS pointer"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(
    recogniser: Card, tmp_path: Path, end: str, damage: Callable[[Path], None], words: str
) -> None:
    damage(tmp_path / f"{RECOGNISER}.{end}")
    with pytest.raises(WeightsError) as caught:
        verify(recogniser, tmp_path)
    assert f"{RECOGNISER}.{end}" in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize("length", [3, 12])
def test_a_file_cut_off_in_its_header_is_called_cut_off(recogniser: Card, tmp_path: Path, length: int) -> None:
    path = tmp_path / recogniser.numbers
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsError, match="damaged"):
        verify(recogniser, tmp_path)


def test_a_folder_in_place_of_a_file_is_an_error_in_one_line(recogniser: Card, tmp_path: Path) -> None:
    (tmp_path / recogniser.graph).unlink()
    (tmp_path / recogniser.graph).mkdir()
    with pytest.raises(WeightsError, match="cannot read"):
        verify(recogniser, tmp_path)


def test_numbers_that_the_card_does_not_vouch_for_are_not_loaded(recogniser: Card, tmp_path: Path) -> None:
    card = replace(recogniser, sha256={recogniser.graph: recogniser.sha256[recogniser.graph]})
    with pytest.raises(WeightsError, match="not on the card"):
        verify(card, tmp_path)


def test_a_missing_card_says_what_is_there(recogniser: Card, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=f"no weights other in .*it holds {RECOGNISER}"):
        load_card(tmp_path, "other")
    with pytest.raises(WeightsError, match="no such folder"):
        load_card(tmp_path / "nowhere", "other")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="holds no cards"):
        load_card(tmp_path / "empty", "other")


def test_a_card_under_another_name_is_refused(recogniser: Card, tmp_path: Path) -> None:
    shutil.copy(tmp_path / f"{RECOGNISER}.json", tmp_path / "other.json")
    with pytest.raises(WeightsError, match=f"is the card of {RECOGNISER}"):
        load_card(tmp_path, "other")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "camera"}, "kind is"),
        ({"input_size": "112"}, "input_size"),
        ({"input_size": 112.5}, "input_size"),
        ({"sha256": {}}, "sha256 names"),
        ({"sha256": {f"{RECOGNISER}.onnx": "00"}}, "64 hex digits"),
        ({"sha256": {f"{RECOGNISER}.onnx": "0" * 64, "../else.onnx": "0" * 64}}, "nothing else"),
        ({"sha256": None}, "sha256 is not an object"),
        ({"preprocess": {"channel_order": "GBR"}}, "channel_order"),
        ({"preprocess": {"std": 0}}, "std"),
        ({"preprocess": {"mean": [1, 2]}}, "mean"),
        ({"preprocess": {"gamma": 2}}, "gamma"),
        ({"embedding_dim": None}, "embedding_dim"),
        ({"model_id": "../x"}, "model_id"),
        ({"colour": "blue"}, "unknown entry colour"),
        ({"training_data": {}}, "training_data is not a list"),
        ({"operating_points": []}, "operating_points is not an object"),
        ({"architecture": ...}, "architecture is missing"),
        ({"sha256": ...}, "sha256 is missing"),
    ],
)
def test_a_wrong_card_is_an_error_that_names_the_entry(
    recogniser: Card, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = tmp_path / f"{RECOGNISER}.json"
    values = json.loads(path.read_text()) | change
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not ...}))
    with pytest.raises(WeightsError, match=words) as caught:
        load_card(tmp_path, RECOGNISER)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_a_card_that_is_no_json_object_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.json").write_bytes(content)
    with pytest.raises(WeightsError, match=r"net\.json is no"):
        load_card(tmp_path, "net")
