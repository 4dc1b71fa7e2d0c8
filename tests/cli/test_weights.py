"""The commands of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Here
from tests.vision import networks

Node = tuple[str, list[str], list[str], dict[str, Any]]


def test_weights_verify_says_which_file_is_wrong(here: Here) -> None:
    assert here.good("weights", "verify").count("good") == 2

    numbers = here.folder / "weights" / f"{networks.RECOGNISER}.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:-3])
    message = here.refused("weights", "verify")

    assert "tiny-recogniser.safetensors is damaged: it was cut off" in message
    assert "tiny-detector" not in message


def test_a_recogniser_that_somebody_brings_along_gets_a_card(here: Here) -> None:
    card = networks.write_recogniser(here.folder / "weights", "brought", output="fc1")
    graph = here.folder / "weights" / "brought.onnx"
    assert "--replace" in here.refused("weights", "card", str(graph), "--terms", "mine")

    said = here.good("weights", "card", str(graph), "--terms", "mine", "--bgr", "--threshold", "0.3", "--replace")

    assert f"input {card.input_size} px, embedding {networks.DIM}" in said
    assert '"channel_order": "BGR"' in here.good("weights", "show", "brought")
    here.good("--set", "models.recogniser=brought", "init")
    assert here.count("operating_points WHERE model_id = 'brought' AND threshold = 0.3") == 1
    junk = here.folder / "weights" / "junk.onnx"
    junk.write_text("no graph")
    assert "cannot be loaded" in here.refused("weights", "card", str(junk), "--terms", "mine")
    assert "is not a detector" in here.refused(
        "weights", "card", str(graph), "--kind", "detector", "--terms", "x", "--replace"
    )


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([("Identity", ["image"], ["answer"], {})], "answers one picture with [1, 3, 112, 112]"),
        ([("ReduceMean", ["image"], ["answer"], {"axes": [2, 3], "keepdims": 0})], "3 numbers a face"),
        (
            [
                ("Flatten", ["image"], ["flat"], {}),
                ("Sub", ["flat", "flat"], ["none"], {}),
                ("Div", ["none", "none"], ["answer"], {}),
            ],
            "not finite",
        ),
    ],
    ids=["a picture", "three numbers", "NaN"],
)
def test_an_answer_that_is_no_embedding_gets_no_card(here: Here, nodes: list[Node], words: str) -> None:
    graph = _write_graph(here.folder / "weights" / "odd.onnx", nodes)
    assert words in here.refused("weights", "card", str(graph), "--terms", "mine")
    assert not graph.with_suffix(".json").exists()


def test_a_card_needs_terms_in_words(here: Here) -> None:
    networks.write_recogniser(here.folder / "weights", "brought")
    graph = here.folder / "weights" / "brought.onnx"
    assert "say who made the network" in here.refused("weights", "card", str(graph), "--terms", " ", "--replace")


def _write_graph(path: Path, nodes: list[Node]) -> Path:
    import onnx
    from onnx import TensorProto, helper

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 112, 112])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)
    made = [helper.make_node(kind, before, after, **given) for kind, before, after, given in nodes]
    graph = helper.make_graph(made, "odd", [image], [answer])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path
