"""The commands of the weights."""

from __future__ import annotations

from tests.cli.conftest import Here
from tests.vision import networks


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
