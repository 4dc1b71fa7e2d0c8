"""The packaged strangers: as they were written, or refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.errors import UserError
from attendance.service.calibration import impostors
from attendance.service.calibration.impostors import Reference, Source
from tests.factories import MODEL
from tests.service.calibration.conftest import reference


def test_a_reference_comes_back_as_it_was(tmp_path) -> None:
    made = reference(300)
    path = impostors.save(made, tmp_path)
    back = impostors.load(tmp_path, MODEL)
    assert back is not None
    assert path == tmp_path / f"{MODEL}.impostors.npz"
    assert np.allclose(back.vectors, made.vectors, atol=1e-3)
    assert np.allclose(np.linalg.norm(back.vectors, axis=1), 1, atol=1e-6)
    assert (back.sources, back.flip, back.words) == (made.sources, True, "300 invented faces")
    assert list(tmp_path.iterdir()) == [path]


def test_no_reference_is_no_fault(tmp_path) -> None:
    assert impostors.load(tmp_path, MODEL) is None


def test_another_models_reference_is_refused(tmp_path) -> None:
    impostors.save(reference(model_id="another"), tmp_path).rename(impostors.file_of(tmp_path, MODEL))
    with pytest.raises(UserError, match="reference of another, not of"):
        impostors.load(tmp_path, MODEL)


@pytest.mark.parametrize(
    "change",
    [
        {"vectors": np.full((3, 8), np.nan, np.float16)},
        {"vectors": np.ones((3, 8), np.float16)},
        {"vectors": np.zeros((3,), np.float16)},
        {"vectors": np.zeros((0, 8), np.float16)},
        {"vectors": np.array([["a"]])},
        {"vectors": np.array([object()], dtype=object)},
        {"counts": np.array([2])},
        {"counts": np.array([-3])},
        {"counts": np.array([1, 2])},
        {"vectors": np.zeros((30_000, 384), np.float16)},
        {"model_id": np.array("")},
    ],
)
def test_what_is_no_reference_is_refused_in_one_line(tmp_path, change: dict[str, NDArray[np.generic]]) -> None:
    eye = np.eye(3, 8, dtype=np.float16)
    good = {
        "model_id": np.array(MODEL),
        "vectors": eye,
        "flip": np.array(False),
        "names": np.array(["a"]),
        "words": np.array(["a"]),
        "counts": np.array([3]),
    }
    path = impostors.file_of(tmp_path, MODEL)
    np.savez_compressed(path, **good)
    assert impostors.load(tmp_path, MODEL) is not None
    np.savez_compressed(path, **good | change)
    with pytest.raises(UserError, match="is not a reference of strangers") as caught:
        impostors.load(tmp_path, MODEL)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"hello", bytes(2_000_001)])
def test_a_damaged_file_is_refused(tmp_path, data: bytes) -> None:
    impostors.file_of(tmp_path, MODEL).write_bytes(data)
    with pytest.raises(UserError, match="is not a reference of strangers"):
        impostors.load(tmp_path, MODEL)


def test_too_many_strangers_are_not_written(tmp_path) -> None:
    rows = np.zeros((2700, 384), np.float32)
    rows[:, 0] = 1
    with pytest.raises(UserError, match="take fewer"):
        impostors.save(Reference(MODEL, rows, (Source("x", "x", 2700),)), tmp_path)
    assert list(tmp_path.iterdir()) == []
