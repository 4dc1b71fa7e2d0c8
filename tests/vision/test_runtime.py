"""Real graphs in the real runtime."""

from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.errors import UserError
from attendance.vision import runtime
from attendance.vision.runtime import open_session
from attendance.vision.weights import Card, WeightsError
from tests import needs
from tests.vision.networks import DIM, RECOGNISER, expected_embedding, write_recogniser

BATCH = np.random.default_rng(0).uniform(0, 255, (3, 3, 112, 112)).astype(np.float32)


def runtimes() -> list[str]:
    try:
        import openvino  # noqa: F401
    except ImportError:
        return ["onnxruntime"]
    return ["onnxruntime", "openvino"]


@pytest.mark.parametrize("runtime", runtimes())
def test_a_recogniser_reads_its_numbers_from_the_file_beside_it(recogniser: Card, tmp_path: Path, runtime: str) -> None:
    outputs = open_session(recogniser, tmp_path, runtime, threads=1).run(BATCH)
    assert list(outputs) == ["embedding"]
    assert outputs["embedding"].dtype == np.float32
    expected = [expected_embedding(image.mean(axis=(1, 2)).astype(np.float64)) for image in BATCH]
    assert outputs["embedding"] == pytest.approx(np.array(expected), abs=1e-2 if runtime == "openvino" else 1e-4)


def test_the_working_directory_does_not_matter(
    recogniser: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    session = open_session(recogniser, Path(tmp_path.name), threads=1)
    assert session.run(BATCH)["embedding"].shape == (3, DIM)


@pytest.mark.parametrize("runtime", runtimes())
def test_batched_equals_single(recogniser: Card, tmp_path: Path, runtime: str) -> None:
    session = open_session(recogniser, tmp_path, runtime, threads=1)
    singles = np.concatenate([session.run(image[None])["embedding"] for image in BATCH])
    assert session.run(BATCH)["embedding"] == pytest.approx(singles, abs=1e-5)


@pytest.mark.parametrize("runtime", runtimes())
def test_a_detector_takes_inputs_of_several_sizes(detector: Card, tmp_path: Path, runtime: str) -> None:
    session = open_session(detector, tmp_path, runtime, threads=1)
    for height, width in ((64, 64), (96, 128)):
        outputs = session.run(np.zeros((2, 3, height, width), np.float32))
        cells = sum((height // stride) * (width // stride) for stride in (8, 16, 32))
        shapes = {name: value.shape for name, value in outputs.items()}
        assert shapes == {"bbox": (2, cells, 4), "obj": (2, cells), "landmarks": (2, cells, 10)}


def test_a_dropped_in_recogniser_may_call_its_output_as_it_likes(tmp_path: Path) -> None:
    card = write_recogniser(tmp_path, "theirs", output="fc1")
    assert list(open_session(card, tmp_path).run(BATCH)) == ["embedding"]


def test_a_recogniser_in_the_detectors_place_is_refused(recogniser: Card, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is not a detector: its outputs are embedding"):
        open_session(replace(recogniser, kind="detector"), tmp_path)


@pytest.mark.parametrize("runtime", runtimes())
@pytest.mark.parametrize("content", [b"", b"this is no graph", b"\x08\x09"])
def test_a_graph_that_is_none_is_an_error_in_one_line(
    recogniser: Card, tmp_path: Path, runtime: str, content: bytes
) -> None:
    (tmp_path / recogniser.graph).write_bytes(content)
    with pytest.raises(WeightsError, match="cannot load") as caught:
        open_session(recogniser, tmp_path, runtime)
    assert "\n" not in str(caught.value)


def test_numbers_cut_off_are_an_error_even_without_a_sha256(recogniser: Card, tmp_path: Path) -> None:
    (tmp_path / recogniser.numbers).write_bytes((tmp_path / recogniser.numbers).read_bytes()[:-40])
    with pytest.raises(WeightsError, match="cannot load"):
        open_session(recogniser, tmp_path)


def test_a_runtime_that_does_not_exist_is_an_error(recogniser: Card, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="use auto, onnxruntime, openvino or torch"):
        open_session(recogniser, tmp_path, "tensorrt")


@pytest.mark.parametrize(("runtime", "module"), [("torch", "torch"), ("openvino", "openvino")])
def test_a_runtime_that_is_not_installed_says_what_to_install(
    recogniser: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, module: str
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name == module:
            raise ModuleNotFoundError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="pip install"):
        open_session(recogniser, tmp_path, runtime)


def test_pytorch_gives_the_outputs_by_the_same_names(tmp_path: Path) -> None:
    torch = needs.package("torch", extra="train")
    from attendance.models import DetectionModel, RecognitionModel

    image = torch.rand(2, 3, 64, 64) * 255
    for model, card in (
        (RecognitionModel(input_size=64).eval(), Card("net", "recogniser", "", 64, hashes("net"), embedding_dim=384)),
        (DetectionModel().eval(), Card("net", "detector", "", 64, hashes("net"))),
    ):
        model.save_weights(tmp_path / card.numbers)
        model.load_weights(tmp_path / card.numbers)  # fp16, as the session will read it
        outputs = open_session(card, tmp_path, "torch").run(image.numpy())
        with torch.inference_mode():
            expected = model(image)
        expected = expected if isinstance(expected, dict) else {"embedding": expected}
        assert set(outputs) <= set(expected)
        for name, value in outputs.items():
            assert value == pytest.approx(expected[name].numpy(), abs=1e-4)


def test_pytorch_does_not_serve_dropped_in_graphs(tmp_path: Path) -> None:
    needs.package("torch", extra="train")
    card = Card(RECOGNISER, "recogniser", "", 64, {f"{RECOGNISER}.onnx": "0" * 64}, embedding_dim=DIM)
    with pytest.raises(WeightsError, match="use the runtime onnxruntime"):
        open_session(card, tmp_path, "torch")


def hashes(model_id: str) -> dict[str, str]:
    return {f"{model_id}.{end}": "0" * 64 for end in ("onnx", "safetensors")}


class Answering:
    """A runtime that answers as it is told, and takes its time."""

    def __init__(self, factor: float, seconds: float) -> None:
        self.factor, self.seconds = factor, seconds

    def run(self, image: NDArray[np.float32]) -> runtime.Outputs:
        return {"embedding": self.factor * image.mean(axis=(2, 3)) + 1}


def chosen(
    recogniser: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Answering, other: Answering | Exception
) -> runtime.Session:
    """Which of two runtimes «auto» takes, by the time that they say they took."""

    def opened(*_: object) -> Answering:
        if isinstance(other, Exception):
            raise other
        return other

    monkeypatch.setattr(runtime, "OnnxSession", lambda *_: ours)
    monkeypatch.setattr(runtime, "OpenVinoSession", opened)
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(runtime, "_in_turns", lambda sessions, _image: [one.seconds for one in sessions])
    return open_session(recogniser, tmp_path, "auto")


def test_auto_takes_the_faster_one_if_it_answers_alike(
    recogniser: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours = Answering(1, 0.03)
    for other, taken in ((Answering(1.01, 0.01), True), (Answering(1.01, 0.05), False), (Answering(1.5, 0.01), False)):
        assert (chosen(recogniser, tmp_path, monkeypatch, ours, other) is other) is taken
    assert "answers otherwise" in caplog.text
    assert chosen(recogniser, tmp_path, monkeypatch, ours, Answering(float("nan"), 0.01)) is ours


def test_auto_works_without_a_runtime_that_cannot_be_loaded(
    recogniser: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours = Answering(1, 0.03)
    assert chosen(recogniser, tmp_path, monkeypatch, ours, RuntimeError("no such instruction")) is ours
    assert "no such instruction" in caplog.text


def test_auto_measures_the_real_runtimes(recogniser: Card, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    needs.package("openvino", "openvino")
    caplog.set_level("INFO")
    found = open_session(recogniser, tmp_path, "auto", threads=1).run(BATCH)["embedding"]
    expected = [expected_embedding(image.mean(axis=(1, 2)).astype(np.float64)) for image in BATCH]
    assert found == pytest.approx(np.array(expected), abs=1e-2)
    assert "ONNX Runtime takes" in caplog.text
